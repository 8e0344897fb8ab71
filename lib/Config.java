package lib;

import java.io.IOException;
import java.net.URI;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.regex.Pattern;
import java.util.stream.Stream;
import lib.BuildConf.Key;
import lib.tool.Download;
import lib.tool.Failure;
import lib.tool.Trees;

/**
 * Everything that the user configured: config/* with the environment on top, read once and checked before any work starts.
 * Each phase gets its own part.
 *
 * @param folder the configuration folder
 * @param environment name of the file in config/env/ whose settings lie over build.conf's
 * @param store the S3 bucket of rfs.conf or the environment
 */
public record Config(Path folder, Optional<String> environment, Alpine alpine, List<Source> sources, Toolchain toolchain, Guest guest, Kernel kernel, Firmware firmware,
        Budget budget, Optional<Store> store) {
    private static final long LATEST = 0xffff_ffffL;

    /** A meaningful line of a configuration file: comments and blanks taken off. */
    public record Line(String file, int number, String text) {
        /** The file's name and the line's number, the same wherever the folder is: {@code packages.list:3}. */
        public String place() {
            return file.replaceFirst("^.*/", "") + ":" + number;
        }

        /** A Failure that names this line. */
        public Failure wrong(String what, String hint) {
            return Failure.at(file, number, text, what, hint);
        }
    }

    /**
     * Phase 2.
     *
     * @param version branch (3.22) or exact release (3.19.4)
     * @param mirrors folders that hold {@code v3.19/...}, tried in turn
     * @param packages lines of packages.list: atoms such as {@code eudev}, {@code jq=1.7.1-r0}, {@code !openrc}, {@code foo@edge}
     * @param repositories lines of the optional file config/repositories: further repositories, {@code [@tag ]URL}
     * @param keys folder with further public keys ({@code *.rsa.pub}); may be absent
     */
    public record Alpine(String version, String arch, List<URI> mirrors, List<Line> packages, List<Line> repositories, Path keys,
            long epoch) {
        /** Folder that relative paths of repositories start from: the one that holds config/. */
        Path base() {
            return keys.toAbsolutePath().normalize().getParent().getParent();
        }
    }

    /**
     * How Rust components are compiled.
     *
     * @param target Rust target triple
     * @param base folder that relative paths of sources.conf start from
     */
    public record Toolchain(String target, Path base, long epoch) { }

    /**
     * Phase 4: the system in the image.
     *
     * @param modules lines of modules.conf
     * @param myInit folder config/my_init with my_init.conf and services/
     * @param services what is in that folder, checked
     * @param runtime where nodes fetch programs from after they have booted
     */
    public record Guest(String hostname, Optional<String> rootPasswordHash, List<Line> modules, Path myInit, Services services,
            Optional<Runtime> runtime, long epoch) { }

    /** Where the service runtime-fetch finds the manifest {@code URL/CHANNEL.json} and its signature. */
    public record Runtime(String url, String channel) { }

    /**
     * The kernel.
     *
     * @param source tarball; when empty, {@code version} from kernel.org
     * @param config config/kernel.config: a full configuration or only what differs from the defaults
     */
    public record Kernel(String version, Optional<URI> source, String localVersion, Path config, String arch, long epoch) {
        /** kernel-patches/*.patch beside kernel.config, in name order. */
        List<Path> patches() {
            return files(config.resolveSibling("kernel-patches"), ".patch");
        }
    }

    /**
     * Firmware of the image's drivers.
     *
     * @param source FIRMWARE_SOURCE: folder, tarball or git repository of linux-firmware
     * @param tag FIRMWARE_TAG: branch, tag or commit of the repository
     * @param lines of the optional file firmware.conf
     * @param base folder that relative paths start from
     */
    public record Firmware(Optional<String> source, Optional<String> tag, List<Line> lines, Path base) { }

    /**
     * How the initramfs is packed, and the sizes in bytes that may not be exceeded.
     *
     * @param linkIdentical whether files that are the same are kept once
     * @param maxKernel of vmlinuz.efi, initramfs included
     * @param maxGroups of the groups of the size ledger by their names, where a key such as MAX_PACKAGES_SIZE sets one
     */
    public record Budget(Upx upx, boolean linkIdentical, Compression compression, Optional<Long> maxInitramfs, Optional<Long> maxKernel,
            Map<String, Long> maxGroups, long epoch) {
        /** The same for another way to pack. */
        Budget with(Upx otherUpx, Compression otherCompression) {
            return new Budget(otherUpx, linkIdentical, otherCompression, maxInitramfs, maxKernel, maxGroups, epoch);
        }
    }

    /** When programs are packed with UPX. */
    public enum Upx { AUTO, ALWAYS, NEVER }

    /** Compression of the initramfs. */
    public enum Compression {
        XZ(".xz"), ZSTD(".zst"), GZIP(".gz"), NONE("");

        private final String ending;

        Compression(String ending) {
            this.ending = ending;
        }

        /** Name of an initramfs that is packed so: {@code initramfs.cpio.xz}. */
        String fileName() {
            return "initramfs.cpio" + ending;
        }
    }

    /** Reads and checks the folder; relative paths in it start from its parent (the workspace). */
    public static Config read(Path folder, Map<String, String> environment) {
        if (!Files.isDirectory(folder)) {
            throw Failure.usage("there is no configuration folder " + folder, "give the workspace with -C DIR or the folder with --config DIR");
        }
        BuildConf conf = BuildConf.read(folder.resolve("build.conf"), environment);
        Path base = folder.toAbsolutePath().normalize().getParent();
        long epoch = epoch(conf);
        String arch = conf.get(Key.ALPINE_ARCH, Pattern.compile("x86_64|aarch64"), "x86_64 or aarch64");
        return new Config(folder, conf.environment(),
                new Alpine(conf.get(Key.ALPINE_VERSION, Pattern.compile("\\d+\\.\\d+(\\.\\d+)?"), "a version such as 3.22 or 3.19.4"), arch,
                        Arrays.stream(conf.get(Key.ALPINE_MIRROR).strip().split("\\s+")).map(text -> uri(conf, Key.ALPINE_MIRROR, text, base)).toList(),
                        lines(folder.resolve("packages.list")), optionalLines(folder.resolve("repositories")), folder.resolve("keys"), epoch),
                Source.all(lines(folder.resolve("sources.conf")), arch),
                new Toolchain(rustTarget(conf).orElse(arch + "-unknown-linux-musl"), base, epoch),
                new Guest(conf.get(Key.HOSTNAME, Pattern.compile("[A-Za-z0-9][A-Za-z0-9-]{0,62}"), "a host name"), passwordHash(conf),
                        optionalLines(folder.resolve("modules.conf")), existing(folder.resolve("my_init/my_init.conf")).getParent(),
                        Services.read(folder.resolve("my_init")), runtime(conf), epoch),
                new Kernel(conf.get(Key.KERNEL_VERSION, Pattern.compile("\\d+\\.\\d+(\\.\\d+)?(-rc\\d+)?"), "a release such as 6.12.44"),
                        conf.find(Key.KERNEL_SOURCE).map(text -> readable(conf, uri(conf, Key.KERNEL_SOURCE, text, base))),
                        conf.get(Key.KERNEL_LOCALVERSION, Pattern.compile("[A-Za-z0-9._+-]{0,40}"), "letters, digits and . _ + -"),
                        existing(folder.resolve("kernel.config")), arch, epoch),
                new Firmware(firmwareSource(conf, base), conf.find(Key.FIRMWARE_TAG), optionalLines(folder.resolve("firmware.conf")), base),
                new Budget(conf.get(Key.UPX, Upx.class), conf.yes(Key.LINK_IDENTICAL), conf.get(Key.COMPRESSION, Compression.class),
                        conf.size(Key.MAX_INITRAMFS_SIZE), conf.size(Key.MAX_KERNEL_SIZE), groups(conf), epoch),
                Store.read(folder.resolve("rfs.conf"), environment));
    }

    /** The headers of cpio have eight hexadecimal digits for it (Documentation/driver-api/early-userspace/buffer-format.rst). */
    private static long epoch(BuildConf conf) {
        long epoch = Long.parseLong(conf.get(Key.SOURCE_DATE_EPOCH, Pattern.compile("\\d{1,10}"), "a time in seconds since 1970"));
        if (epoch > LATEST) {
            throw conf.wrong(Key.SOURCE_DATE_EPOCH, "a time that an initramfs can hold: at most " + LATEST);
        }
        return epoch;
    }

    private static Optional<String> rustTarget(BuildConf conf) {
        return conf.find(Key.RUST_TARGET)
                .map(any -> conf.get(Key.RUST_TARGET, Pattern.compile("[A-Za-z0-9_.]+(-[A-Za-z0-9_.]+)+"), "a target triple such as x86_64-unknown-linux-musl"));
    }

    private static Optional<Runtime> runtime(BuildConf conf) {
        String channel = conf.find(Key.RUNTIME_CHANNEL).or(conf::environment).orElse("production");
        if (!channel.matches("[A-Za-z0-9][A-Za-z0-9._-]*")) {
            throw conf.wrong(Key.RUNTIME_CHANNEL, "a channel's name");
        }
        return conf.find(Key.RUNTIME_URL).map(url -> new Runtime(
                conf.get(Key.RUNTIME_URL, Pattern.compile("https?://[^\\s\"'$`\\\\]+"), "a URL that begins with http:// or https://").replaceFirst("/+$", ""), channel));
    }

    private static Map<String, Long> groups(BuildConf conf) {
        Map<String, Long> groups = new LinkedHashMap<>();
        Map.of("packages", Key.MAX_PACKAGES_SIZE, "components", Key.MAX_COMPONENTS_SIZE, "modules", Key.MAX_MODULES_SIZE, "firmware", Key.MAX_FIRMWARE_SIZE,
                "configuration", Key.MAX_CONFIGURATION_SIZE, "kernel", Key.MAX_LINUX_SIZE)
                .forEach((group, key) -> conf.size(key).ifPresent(bytes -> groups.put(group, bytes)));
        return Map.copyOf(groups);
    }

    /** The value stays out of messages: it may be a password. */
    private static Optional<String> passwordHash(BuildConf conf) {
        Optional<String> hash = conf.find(Key.ROOT_PASSWORD_HASH);
        hash.filter(text -> !text.matches("\\$[0-9a-z]{1,4}\\$[A-Za-z0-9./$=,_-]{8,}")).ifPresent(text -> {
            throw Failure.usage(conf.where(Key.ROOT_PASSWORD_HASH) + ": ROOT_PASSWORD_HASH is not a crypt(5) hash", "make one with: openssl passwd -6");
        });
        return hash;
    }

    private static URI uri(BuildConf conf, Key key, String text, Path base) {
        try {
            return Download.uri(text, base);
        } catch (Failure e) {
            throw e.at(conf.where(key) + ": " + key);
        }
    }

    /** A file of this machine has to be there: known now, not after the minutes that other phases take. */
    private static URI readable(BuildConf conf, URI source) {
        if ("file".equals(source.getScheme()) && !Files.isRegularFile(Path.of(source))) {
            throw conf.wrong(Key.KERNEL_SOURCE, "a tarball: there is no file " + Path.of(source));
        }
        return source;
    }

    private static Optional<String> firmwareSource(BuildConf conf, Path base) {
        Optional<String> source = conf.find(Key.FIRMWARE_SOURCE);
        source.filter(text -> !text.matches("(https?|git|ssh)://.*|[\\w.-]+@[\\w.-]+:.*")).map(text -> base.resolve(text.replaceFirst("^file:(//(?=/))?", "")).normalize())
                .filter(path -> !Files.exists(path)).ifPresent(path -> {
                    throw conf.wrong(Key.FIRMWARE_SOURCE, "a folder, tarball or git repository: there is no " + path);
                });
        return source;
    }

    private static Path existing(Path file) {
        if (!Files.isRegularFile(file)) {
            throw Failure.usage("there is no file " + file, "every workspace needs one; the project's own config/ has an example");
        }
        return file;
    }

    /** Files of a folder (which may be absent) with this suffix, in name order. */
    static List<Path> files(Path folder, String suffix) {
        if (!Files.isDirectory(folder)) {
            return List.of();
        }
        try (Stream<Path> files = Files.list(folder)) {
            return files.filter(file -> file.toString().endsWith(suffix)).sorted().toList();
        } catch (IOException e) {
            throw Failure.io("cannot list " + folder, e);
        }
    }

    /** Lines of a file that must exist; {@code #} begins a comment at the start of a line or after a blank. */
    static List<Line> lines(Path file) {
        existing(file);
        return optionalLines(file);
    }

    static List<Line> optionalLines(Path file) {
        List<Line> lines = new ArrayList<>();
        if (!Files.exists(file)) {
            return lines;
        }
        int number = 0;
        for (String raw : Trees.read(file).split("\\R", -1)) {
            number++;
            String text = raw.replaceFirst("(^|\\s)#.*$", "").strip();
            if (!text.isEmpty()) {
                lines.add(new Line(file.toString(), number, text));
            }
        }
        return List.copyOf(lines);
    }
}
