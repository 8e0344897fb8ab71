package lib;

import com.fasterxml.jackson.databind.JsonNode;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.TreeMap;
import java.util.function.Supplier;
import java.util.stream.Collectors;
import lib.SizeOwners.Owner;
import lib.SizeReport.FileShare;
import lib.SizeReport.Group;
import lib.SizeReport.Item;
import lib.image.CpioEntry;
import lib.image.FinishedImage;
import lib.tool.Cache;
import lib.tool.Digest;
import lib.tool.Failure;
import lib.tool.Json;
import lib.tool.Tools;

/**
 * Charges every byte of a finished image to a package, component, set of modules, firmware, the configuration or the kernel, and holds the
 * budgets. The sum is the file's length exactly: an entry is charged with what the decoder read to get from its start to its end (see
 * {@link lib.image.PackedArchive}); what is not initramfs is the kernel's.
 *
 * @param before the ledger of the build before, to say what has grown
 */
public record SizeLedger(Config.Budget budget, Optional<SizeReport> before, Tools tools) {
    private static final int GROWTHS = 5;

    /**
     * The ledger of a build's image, kept by its content.
     *
     * @param opened reads {@code image}; asked only when the ledger is not in the cache
     * @param contents what build.json says of components, modules and config/rootfs
     */
    public SizeReport of(Path image, Supplier<FinishedImage> opened, Map<String, Object> contents) {
        String build = Json.line(contents);
        Cache.Key key = Cache.Key.of("sizes", image.getFileName().toString()).with("recipe", 2).with("image", Digest.sha256(image)).with("contents", Digest.sha256(build));
        return SizeReport.read(tools.cache().get(key, target -> {
            Files.createDirectory(target);
            Files.writeString(target.resolve(SizeReport.FILE), charge(opened.get(), "vmlinuz.efi", Json.parse(build, "the build")).json());
        }).resolve(SizeReport.FILE));
    }

    /** Charges a finished file; {@code name} is what people call it, {@code build} what build.json says. */
    public static SizeReport charge(FinishedImage image, String name, JsonNode build) {
        SizeOwners owners = SizeOwners.of(image, build);
        Map<Owner, List<FileShare>> charged = new LinkedHashMap<>();
        Map<Owner, TreeMap<String, String>> contents = new LinkedHashMap<>();
        for (int i = 0; i < image.entries().size(); i++) {
            CpioEntry entry = image.entries().get(i);
            Owner owner = owners.of(entry);
            charged.computeIfAbsent(owner, any -> new ArrayList<>())
                    .add(new FileShare(FinishedImage.plain(entry.path()), image.shares().get(i), entry.isFile() ? entry.size() : 0));
            contents.computeIfAbsent(owner, any -> new TreeMap<>()).put(entry.path(), entry.modeText() + Digest.sha256(entry.bytes()));
        }
        List<Item> items = new ArrayList<>();
        charged.forEach((owner, files) -> items.add(new Item(owner.group().title(), owner.name(), owner.version(), sum(files),
                files.stream().mapToLong(FileShare::unpacked).sum(), Digest.sha256(contents.get(owner).toString()).substring(0, 16), files)));
        image.release().ifPresent(release -> items.add(new Item(Group.KERNEL.title(), "linux", release, image.bytes() - image.archiveBytes(), 0, "", List.of())));
        items.sort(SizeReport.BY_SIZE);
        return new SizeReport(name, image.bytes(), image.archiveBytes(), image.unpackedBytes(), List.copyOf(items));
    }

    private static long sum(List<FileShare> files) {
        return files.stream().mapToLong(FileShare::bytes).sum();
    }

    /** Fails (exit code 4) when a budget is exceeded, and names what has grown most since the build before. */
    public void require(SizeReport now) {
        List<String> over = new ArrayList<>();
        boolean whole = now.items().stream().anyMatch(item -> item.group().equals(Group.KERNEL.title()));
        budget.maxInitramfs().filter(limit -> now.initramfs() > limit)
                .ifPresent(limit -> over.add("the initramfs has " + now.initramfs() + " bytes, MAX_INITRAMFS_SIZE allows " + limit + growths(now, "initramfs")));
        budget.maxKernel().filter(limit -> whole && now.bytes() > limit)
                .ifPresent(limit -> over.add("vmlinuz.efi has " + now.bytes() + " bytes, MAX_KERNEL_SIZE allows " + limit + growths(now, "")));
        new TreeMap<>(budget.maxGroups()).forEach((group, limit) -> {
            if (now.of(group) > limit) {
                String key = group.equals(Group.KERNEL.title()) ? "MAX_LINUX_SIZE" : "MAX_" + group.toUpperCase(Locale.ROOT) + "_SIZE";
                over.add(group + " take " + now.of(group) + " bytes of the image, " + key + " allows " + limit + growths(now, group));
            }
        });
        if (!over.isEmpty()) {
            throw Failure.contract(String.join("\n  ", over), "take out what is not needed, or raise the budget in build.conf; image.java size shows every package");
        }
    }

    /** Fails like {@link #require} when an initramfs alone is too large; it is looked into only then. */
    public void requireInitramfs(Path file, Supplier<Map<String, Object>> contents) {
        if (budget.maxInitramfs().filter(limit -> file.toFile().length() > limit).isPresent()) {
            require(charge(FinishedImage.open(file), file.getFileName().toString(), Json.parse(Json.line(contents.get()), "the build")));
        }
    }

    private String growths(SizeReport now, String group) {
        List<SizeComparison.Row> grown = before.map(earlier -> rows(earlier, now, group)).orElse(List.of());
        boolean none = grown.isEmpty();
        String title = before.isEmpty() ? "the largest are:" : none ? "nothing has grown since the build before; the largest are:"
                : "since the build before these have grown most:";
        List<SizeComparison.Row> shown = none ? rows(new SizeReport(now.image(), 0, 0, 0, List.of()), now, group) : grown;
        return "\n    " + title + shown.stream().limit(GROWTHS).map(row -> "\n      " + (none ? row.after() : SizeReport.signed(row.change())) + "  "
                + row.title().replace(none ? " (new)" : "\0", "")).collect(Collectors.joining());
    }

    /** What has grown in a group, in the initramfs, or (empty) in all. */
    private static List<SizeComparison.Row> rows(SizeReport earlier, SizeReport now, String group) {
        return SizeComparison.of(earlier, now).rows().stream().filter(row -> row.change() > 0 && (group.isEmpty() || row.group().equals(group)
                || group.equals("initramfs") && !row.group().equals(Group.KERNEL.title()))).toList();
    }
}
