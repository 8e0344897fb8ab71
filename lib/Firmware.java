package lib;

import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.TreeMap;
import java.util.TreeSet;
import lib.FirmwareRules.Verb;
import lib.FirmwareTree.Reached;
import lib.tool.Cache;
import lib.tool.Console;
import lib.tool.Digest;
import lib.tool.Tools;
import lib.tool.Trees;

/**
 * Phase 4: the firmware that the image's drivers ask for.
 *
 * <p>Every module of the image and every driver inside the kernel names its files ({@code firmware=}, with globs). They are looked up in
 * FIRMWARE_SOURCE, where WHENCE says which links there are and under which licence a file is; a link comes with its target. Names that
 * were never published are common and are listed once a driver; config/firmware.conf says what must be there.
 *
 * @param lock pins the source
 */
public record Firmware(Config.Firmware config, Optional<BuildLock.Use> lock, Tools tools, boolean offline) {
    static final String FOLDER = "lib/firmware/";

    /** With a source that nothing pins. */
    public Firmware(Config.Firmware config, Tools tools, boolean offline) {
        this(config, Optional.empty(), tools, offline);
    }

    /**
     * A file or link of the image.
     *
     * @param path in the image, without leading slash
     * @param bytes 0 for links
     * @param target of a link, as it is written there
     * @param askedBy why it is there: {@code module r8169}, {@code firmware.conf:3 include x}
     * @param licence first line of what WHENCE states; empty for links
     */
    public record Item(String path, long bytes, Optional<String> target, Set<String> askedBy, String licence) {
        public Item {
            // One order, whatever the set's own is: it goes into the SBOM and why.json.
            askedBy = Collections.unmodifiableSet(new TreeSet<>(askedBy));
        }
    }

    /**
     * What was done.
     *
     * @param items in path order
     * @param misses who asked for what FIRMWARE_SOURCE does not have
     * @param origin URL or path of the source, and what stands for its content (commit, SHA-256); both empty without a source
     */
    public record Installed(List<Item> items, Map<String, List<String>> misses, String origin, String version) {
        /** The item at a path of the image; with or without {@code lib/firmware/} in front. */
        public Optional<Item> at(String path) {
            String inner = path.replaceFirst("^/?(usr/)?(lib/firmware/)?", "");
            return items.stream().filter(item -> item.path().equals(FOLDER + inner)).findFirst();
        }

        public long bytes() {
            return items.stream().mapToLong(Item::bytes).sum();
        }
    }

    /**
     * @param root with the modules in lib/modules/RELEASE
     * @param modules folder that holds {@code lib/modules/RELEASE} with all that the kernel's build made
     * @param kernelConfig the kernel's final .config
     */
    public Installed installInto(RootTree root, String release, Path modules, Path kernelConfig) {
        List<ModuleFolder.Driver> drivers = new ArrayList<>(new ModuleFolder(root.resolve("lib/modules/" + release)).modules());
        drivers.addAll(new ModuleFolder(modules.resolve("lib/modules/" + release)).builtIn());
        FirmwareRules rules = FirmwareRules.parse(config.lines());
        Optional<FirmwareSource.Tree> source = new FirmwareSource(config, lock, tools, offline).obtain();
        if (source.isEmpty()) {
            return nothing(rules, drivers);
        }
        FirmwareTree tree = FirmwareTree.of(source.get().folder());
        FirmwareChoice choice = FirmwareChoice.of(tree, rules, drivers);
        List<String> kernel = Trees.read(kernelConfig).lines().toList();
        Microcode microcode = Microcode.of(tree, rules);
        microcode.requireLinkedIn(kernel);
        List<Item> items = tools.console().step("firmware", () -> new FirmwareCopy(tree, kernel).into(root, choice.wanted(), microcode.names()),
                done -> "firmware: " + done.size() + " files and links, " + Console.mib(done.stream().mapToLong(Item::bytes).sum()));
        choice.misses().forEach((by, names) -> tools.console().detail(missed(by, names)));
        return new Installed(items, choice.misses(), source.get().origin(), source.get().version());
    }

    private Installed nothing(FirmwareRules rules, List<ModuleFolder.Driver> drivers) {
        rules.rules().stream().filter(rule -> rule.verb() != Verb.EXCLUDE).findFirst().ifPresent(rule -> {
            throw rule.wrong("FIRMWARE_SOURCE is not set", "set it in build.conf to a folder, tarball or git repository of linux-firmware");
        });
        long names = drivers.stream().flatMap(driver -> driver.firmware().stream()).distinct().count();
        tools.console().detail(names == 0 ? "no driver of this image asks for firmware"
                : "no firmware: FIRMWARE_SOURCE is not set; drivers of this image name " + names + " files");
        return new Installed(List.of(), Map.of(), "", "");
    }

    private static String missed(String by, List<String> names) {
        String shown = String.join(" ", names.subList(0, Math.min(names.size(), 6)));
        return by + " names firmware that was not published: " + shown + (names.size() > 6 ? " and " + (names.size() - 6) + " more" : "");
    }

    /**
     * CPU microcode that {@code microcode} lines of firmware.conf ask for. The kernel looks for it before it unpacks an embedded
     * initramfs (it searches only an initrd that the boot loader passes, and files linked into it), so that for one-file images it has to
     * go into the kernel: arch/x86/kernel/cpu/microcode. Empty when there is no such line.
     */
    public Optional<LinkedFirmware> linked() {
        FirmwareRules rules = FirmwareRules.parse(config.lines());
        if (rules.of(Verb.MICROCODE).isEmpty()) {
            return Optional.empty();
        }
        FirmwareTree tree = FirmwareTree.of(new FirmwareSource(config, lock, tools, offline).obtain()
                .orElseThrow(() -> rules.of(Verb.MICROCODE).get(0).wrong("FIRMWARE_SOURCE is not set", "set it in build.conf")).folder());
        Microcode microcode = Microcode.of(tree, rules);
        return Optional.of(new LinkedFirmware(microcode.unpackedInto(tools.cache()), microcode.names(), rules.of(Verb.MICROCODE).get(0).title()));
    }

    /**
     * The whole of FIRMWARE_SOURCE as nodes see it, with WHENCE's links made: a folder in the cache that must not be changed, for the
     * flists. Empty without a source. Its size is that of the source, about 1 GiB for linux-firmware.
     *
     * @param kernelConfig the kernel's final .config, which says whether it reads packed files
     */
    public Optional<Path> complete(Path kernelConfig) {
        List<String> kernel = Trees.read(kernelConfig).lines().filter(line -> line.startsWith("CONFIG_FW_LOADER_COMPRESS")).toList();
        return new FirmwareSource(config, lock, tools, offline).obtain().map(source -> {
            FirmwareTree tree = FirmwareTree.of(source.folder());
            StringBuilder content = new StringBuilder();
            tree.names().forEach(name -> content.append(name).append('\n').append(describe(tree.find(name).orElseThrow())).append('\n'));
            Cache.Key key = Cache.Key.of("firmware-tree", "complete").with("content", Digest.sha256(content.toString())).with("kernel", kernel);
            return tools.cache().get(key, target -> tools.console().step("complete firmware tree", () -> {
                RootTree whole = new RootTree(target);
                Map<String, Set<String>> all = new TreeMap<>();
                tree.names().forEach(name -> all.put(name, Set.of("all")));
                whole.makeFolder(FOLDER);
                new FirmwareCopy(tree, kernel).into(whole, all, List.of());
            })).resolve(FOLDER);
        });
    }

    /** Changes whenever the file does: its links, length and time of change. */
    private static String describe(Reached reached) {
        return reached.links() + " " + reached.file() + " " + reached.file().toFile().length() + " " + reached.file().toFile().lastModified();
    }
}
