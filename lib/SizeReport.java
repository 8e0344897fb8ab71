package lib;

import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.stream.Collectors;
import lib.tool.Columns;
import lib.tool.Failure;
import lib.tool.Json;

/**
 * Who takes which part of an image; dist/size.json.
 *
 * @param image what was measured: vmlinuz.efi, or an initramfs alone
 * @param bytes length of that file; the sum over all items
 * @param initramfs length of the packed initramfs; the sum over all items but the kernel
 * @param unpacked bytes that the initramfs unpacks to
 * @param items the largest first
 */
public record SizeReport(String image, long bytes, long initramfs, long unpacked, List<Item> items) {
    /** Its name in dist/. */
    public static final String FILE = "size.json";
    private static final int NAMED = 3;

    /** What bytes are charged to, in the order in which people are shown them. */
    public enum Group {
        KERNEL, PACKAGES, COMPONENTS, MODULES, FIRMWARE, CONFIGURATION;

        /** As files and people have it. */
        public String title() {
            return name().toLowerCase(Locale.ROOT);
        }
    }

    /**
     * A package, component, set of modules, firmware or part of the configuration.
     *
     * @param group a {@link Group}'s title
     * @param version empty where there is none
     * @param bytes its share of the packed image
     * @param unpacked bytes of its files
     * @param content stands for names, modes and contents of its files: the same means that they are the same
     */
    public record Item(String group, String name, String version, long bytes, long unpacked, String content, List<FileShare> files) {
        String title() {
            return version.isEmpty() ? name : name + " " + version;
        }
    }

    /** A file's share of the packed image, and its size. */
    public record FileShare(String path, long bytes, long unpacked) { }

    /** The report of a finished build: its dist folder, the workspace around it, or the file itself; empty when there is none. */
    public static Optional<SizeReport> find(Path place) {
        for (Path file : List.of(place.resolve(FILE), place.resolve("dist").resolve(FILE), place)) {
            if (Files.isRegularFile(file) && file.toString().endsWith(".json")) {
                return Optional.of(read(file));
            }
        }
        return Optional.empty();
    }

    /** Reads a size.json; one that does not add up is a Failure. */
    public static SizeReport read(Path file) {
        SizeReport report = Json.read(file, SizeReport.class);
        if (report.image() == null || report.items() == null || report.items().stream().mapToLong(Item::bytes).sum() != report.bytes()) {
            throw Failure.usage(file + " is not a size ledger", "size.json of a finished build is one");
        }
        return report;
    }

    /** The text of size.json: an item a line. */
    public String json() {
        String head = Json.line(new SizeReport(image, bytes, initramfs, unpacked, List.of()));
        return head.substring(0, head.lastIndexOf('[') + 1) + items.stream().map(item -> "\n" + Json.line(item)).collect(Collectors.joining(","))
                + (items.isEmpty() ? "" : "\n") + "]}\n";
    }

    /** The text of size.html: one page with a treemap, which loads nothing. */
    public String html() {
        return SizePage.of(this);
    }

    /** Bytes of a group. */
    public long of(String group) {
        return items.stream().filter(item -> item.group().equals(group)).mapToLong(Item::bytes).sum();
    }

    /** The groups that have something, with what people read about each. */
    public String table(Optional<SizeReport> before) {
        List<List<String>> rows = new ArrayList<>();
        rows.add(row("SIZE", "BYTES", "SHARE", before.map(any -> "CHANGE").orElse(""), "LARGEST"));
        for (Group group : Group.values()) {
            List<Item> inside = items.stream().filter(item -> item.group().equals(group.title())).toList();
            if (!inside.isEmpty()) {
                long sum = of(group.title());
                rows.add(row(group.title(), Long.toString(sum), percent(sum), before.map(old -> signed(sum - old.of(group.title()))).orElse(""), largest(inside)));
            }
        }
        rows.add(row(image, Long.toString(bytes), percent(bytes), before.map(old -> signed(bytes - old.bytes())).orElse(""),
                "initramfs " + Columns.size(initramfs) + ", unpacked " + Columns.size(unpacked)));
        return Columns.aligned(rows);
    }

    private static List<String> row(String... cells) {
        return List.of(cells);
    }

    private String percent(long part) {
        return String.format(Locale.ROOT, "%5.1f %%", 100.0 * part / Math.max(1, bytes));
    }

    static String signed(long change) {
        return (change > 0 ? "+" : "") + change;
    }

    private static String largest(List<Item> inside) {
        List<String> names = inside.stream().sorted(BY_SIZE).limit(NAMED).map(item -> item.name() + " " + Columns.size(item.bytes())).toList();
        int more = inside.size() - names.size();
        return String.join(", ", names) + (more > 0 ? " and " + more + " more" : "");
    }

    /** The largest first; equal ones by name. */
    static final Comparator<Item> BY_SIZE = Comparator.comparing(Item::bytes).reversed().thenComparing(Item::group).thenComparing(Item::name);

    /** Items by group and name. */
    Map<String, Item> byName() {
        Map<String, Item> named = new LinkedHashMap<>();
        items.forEach(item -> named.put(item.group() + " " + item.name(), item));
        return named;
    }
}
