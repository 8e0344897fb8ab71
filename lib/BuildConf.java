package lib;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Stream;
import lib.tool.ByteSize;
import lib.tool.Failure;
import lib.tool.Suggest;
import lib.tool.Trees;

/**
 * Settings of the form {@code KEY="value"}: config/build.conf with config/env/NAME.conf and the environment on top. Parsed, never run by a shell: no
 * expansion, no substitution. Comments begin with {@code #} at the start of a line or after the value.
 */
public final class BuildConf {
    /** Every key with its default; an empty default means "not set". The same names work as environment variables. */
    public enum Key {
        ALPINE_VERSION("3.22", "Alpine release: a branch (3.22: its newest release) or an exact release (3.19.4)"),
        ALPINE_MIRROR("https://dl-cdn.alpinelinux.org/alpine", "Alpine mirrors, separated by blanks: URLs or paths; tried in turn"),
        ALPINE_ARCH("x86_64", "architecture of the image: x86_64 or aarch64"),
        RUST_TARGET("", "target triple of Rust components; default {ALPINE_ARCH}-unknown-linux-musl"),
        KERNEL_VERSION("6.12.44", "Linux release to build when KERNEL_SOURCE is not set"),
        KERNEL_SOURCE("", "URL or path of a Linux source tarball; default: KERNEL_VERSION from kernel.org"),
        KERNEL_LOCALVERSION("-MyceliumOS", "appended to the kernel's version"),
        FIRMWARE_SOURCE("", "linux-firmware: folder, tarball or git repository, as URL or path; not set: no firmware"),
        FIRMWARE_TAG("", "branch, tag or commit of FIRMWARE_SOURCE when that is a git repository"),
        HOSTNAME("mycelium", "host name of the image"),
        ROOT_PASSWORD_HASH("", "crypt(5) hash of root's password; not set: the password is locked"),
        RUNTIME_URL("", "where nodes fetch programs from after they have booted: URL of the folder that holds {channel}.json; not set: they fetch nothing"),
        RUNTIME_CHANNEL("", "channel of runtime programs; default: the name given with --env, else production"),
        UPX("auto", "pack programs with UPX: auto (where it makes the image smaller), always, never"),
        LINK_IDENTICAL("no", "keep files that are the same as hard links of each other, but for those that a running system changes: yes or no"),
        COMPRESSION("xz", "compression of the initramfs: xz, zstd, gzip or none"),
        MAX_INITRAMFS_SIZE("", "largest initramfs allowed, for example 12M"),
        MAX_KERNEL_SIZE("", "largest vmlinuz.efi allowed, for example 24M"),
        MAX_PACKAGES_SIZE("", "most bytes of the packed initramfs that all packages may take, for example 6M"),
        MAX_COMPONENTS_SIZE("", "the same for the components of sources.conf"),
        MAX_MODULES_SIZE("", "the same for kernel modules"),
        MAX_FIRMWARE_SIZE("", "the same for firmware"),
        MAX_CONFIGURATION_SIZE("", "the same for configuration and device nodes"),
        MAX_LINUX_SIZE("", "most bytes of vmlinuz.efi that the kernel may take without its initramfs"),
        SOURCE_DATE_EPOCH("1735689600", "time stamp of everything in the image, seconds since 1970");

        final String fallback;
        final String help;

        Key(String fallback, String help) {
            this.fallback = fallback;
            this.help = help;
        }

        public String help() {
            return help;
        }

        public String fallback() {
            return fallback;
        }
    }

    private static final Pattern LINE = Pattern.compile("(?:export\\s+)?([A-Za-z_][A-Za-z0-9_]*)=(?:\"([^\"]*)\"|'([^']*)'|([^\\s\"'#]*))\\s*(?:#.*)?");

    /** A value and where it was said ({@code config/build.conf:7}, {@code environment variable X}). */
    record Setting(String value, String where) { }

    /** The variable behind --env: name of a file in config/env/, without its .conf. */
    public static final String ENVIRONMENT = "MOS_ENV";

    private final Map<String, Setting> settings;
    private final Optional<String> environment;

    private BuildConf(Map<String, Setting> settings, Optional<String> environment) {
        this.settings = settings;
        this.environment = environment;
    }

    /**
     * Reads {@code file} (missing: all defaults), then env/NAME.conf beside it when MOS_ENV names one, then the environment's variables
     * of the same names as the keys; the last one wins.
     */
    static BuildConf read(Path file, Map<String, String> environment) {
        List<String> keys = Arrays.stream(Key.values()).map(Enum::name).toList();
        Map<String, Setting> settings = new LinkedHashMap<>();
        if (Files.exists(file)) {
            settings.putAll(parse(file, keys));
        }
        Optional<String> name = Optional.ofNullable(environment.get(ENVIRONMENT)).filter(text -> !text.isEmpty());
        name.ifPresent(text -> settings.putAll(parse(overrides(file.resolveSibling("env"), text), keys)));
        for (Key key : Key.values()) {
            // HOSTNAME is set by shells and means the building machine.
            Optional.ofNullable(environment.get(key.name())).filter(value -> !value.isEmpty() && key != Key.HOSTNAME)
                    .ifPresent(value -> settings.put(key.name(), new Setting(value, "environment variable " + key)));
        }
        return new BuildConf(settings, name);
    }

    private static Path overrides(Path folder, String name) {
        Path file = folder.resolve(name + ".conf");
        if (!name.matches("[A-Za-z0-9][A-Za-z0-9_-]*") || !Files.isRegularFile(file)) {
            List<String> known = environments(folder);
            throw Failure.usage("there is no environment " + name + ": no file " + file,
                    Suggest.hint(name, known, known.isEmpty() ? "an environment is a file config/env/NAME.conf" : "the environments are " + String.join(" ", known)));
        }
        return file;
    }

    /** Names of the environments in config/env/. */
    static List<String> environments(Path folder) {
        try (Stream<Path> files = Files.isDirectory(folder) ? Files.list(folder) : Stream.empty()) {
            return files.map(file -> file.getFileName().toString()).filter(file -> file.endsWith(".conf")).map(file -> file.replaceFirst("\\.conf$", "")).sorted().toList();
        } catch (IOException e) {
            throw Failure.io("cannot read " + folder, e);
        }
    }

    /** Name of the environment whose settings lie over build.conf's. */
    Optional<String> environment() {
        return environment;
    }

    /** The settings of a file of {@code KEY="value"} lines; an unknown or repeated key or another line is a Failure. */
    static Map<String, Setting> parse(Path file, List<String> known) {
        Map<String, Setting> settings = new LinkedHashMap<>();
        int number = 0;
        for (String raw : Trees.read(file).split("\\R", -1)) {
            number++;
            String line = raw.strip();
            if (line.isEmpty() || line.startsWith("#")) {
                continue;
            }
            // What stands behind a key may be a password, so errors show no more than the key of such a line.
            String shown = line.matches("(?i).*(secret|access|password|key).*") ? line.replaceFirst("=.*", "=***") : line;
            Matcher m = LINE.matcher(line);
            if (!m.matches()) {
                throw Failure.at(file.toString(), number, shown, "not a setting", "write KEY=\"value\"");
            }
            String key = m.group(1);
            if (!known.contains(key)) {
                throw Failure.at(file.toString(), number, shown, "unknown key " + key,
                        Suggest.hint(key, known, "the keys are " + String.join(" ", known)));
            }
            String value = m.group(2) != null ? m.group(2) : m.group(3) != null ? m.group(3) : m.group(4);
            Setting earlier = settings.put(key, new Setting(value, file + ":" + number));
            if (earlier != null) {
                throw Failure.at(file.toString(), number, shown, key + " is set twice", "it is also set at " + earlier.where());
            }
        }
        return settings;
    }

    /** The value, or the default. */
    String get(Key key) {
        return Optional.ofNullable(settings.get(key.name())).map(Setting::value).orElse(key.fallback);
    }

    /** The value when there is one that is not empty. */
    Optional<String> find(Key key) {
        return Optional.of(get(key)).filter(value -> !value.isBlank());
    }

    /** The value, which must match {@code pattern}. */
    String get(Key key, Pattern pattern, String expected) {
        String value = get(key);
        if (!pattern.matcher(value).matches()) {
            throw wrong(key, expected);
        }
        return value;
    }

    /** One of an enum's constants, in any letter case. */
    <E extends Enum<E>> E get(Key key, Class<E> type) {
        List<E> constants = List.of(type.getEnumConstants());
        return constants.stream().filter(one -> one.name().equalsIgnoreCase(get(key))).findFirst()
                .orElseThrow(() -> wrong(key, "one of " + constants.stream().map(one -> one.name().toLowerCase(Locale.ROOT)).toList()));
    }

    /** Whether the value is yes; another one than yes or no, in any letter case, is a Failure. */
    boolean yes(Key key) {
        return get(key, Pattern.compile("yes|no", Pattern.CASE_INSENSITIVE), "yes or no").equalsIgnoreCase("yes");
    }

    /** Bytes written as 12M, 900K, 1G or a plain number (powers of 1024). */
    Optional<Long> size(Key key) {
        return find(key).map(text -> ByteSize.parse(text).orElseThrow(() -> wrong(key, "a size such as 12M or 900K")));
    }

    /** Where the value was said. */
    String where(Key key) {
        return Optional.ofNullable(settings.get(key.name())).map(Setting::where).orElse("default");
    }

    Failure wrong(Key key, String expected) {
        return Failure.usage(where(key) + ": " + key + "=\"" + get(key) + "\" is not " + expected, key.help);
    }
}
