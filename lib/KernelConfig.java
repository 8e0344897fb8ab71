package lib;

import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import lib.tool.Failure;
import lib.tool.Trees;

/**
 * What config/kernel.config and config/kernel.d/*.config ask of the kernel, and whether a final configuration grants it.
 *
 * <p>Rule for the base, in kernel.config only: a line {@code # base: TARGET}, or {@code # base ARCH: TARGET} for one processor, names a make target (allnoconfig, tinyconfig, defconfig,
 * x86_64_defconfig ...) and the file says what differs from it; without such a line a file that begins as the kernel writes them
 * ("Automatically generated file" or "Kernel Configuration") is a full configuration, and any other one differs from defconfig.
 *
 * <p>A line is {@code CONFIG_X=value} or {@code # CONFIG_X is not set}; with {@code # optional} behind it the kernel may do without, with
 * {@code # only x86_64} or {@code # only aarch64} (and {@code , optional}) it is for that processor. The last line about a symbol counts.
 *
 * @param base make target; empty for a full configuration
 * @param requests in file order, at most one a symbol
 */
record KernelConfig(Optional<String> base, List<Request> requests) {
    private static final Set<String> ARCHITECTURES = Set.of("x86_64", "aarch64");
    private static final Pattern SET = Pattern.compile("(CONFIG_\\w+)=(\"(?:[^\"\\\\]|\\\\.)*\"|[^\\s#\"]+)\\s*(#.*)?");
    private static final Pattern UNSET = Pattern.compile("#\\s*(CONFIG_\\w+) is not set\\s*(#.*)?");
    private static final Pattern BASE = Pattern.compile("#\\s*base(?: (x86_64|aarch64))?:\\s*(\\S+)\\s*");
    private static final Pattern TARGET = Pattern.compile("[a-z0-9_]*config");
    private static final Pattern WRITTEN_BY_THE_KERNEL = Pattern.compile("# (Automatically generated file; DO NOT EDIT\\.|Linux/\\S+ \\S+ Kernel Configuration)");
    private static final Pattern ONLY = Pattern.compile("#\\s*only (\\w+)\\b,?\\s*(.*)");
    private static final Pattern OPTIONAL = Pattern.compile("#?\\s*optional\\b.*");

    /**
     * One line's wish.
     *
     * @param symbol with CONFIG_
     * @param value y, m, n, a number or a string in double quotes
     * @param where {@code file:line}, or who asks for it
     */
    record Request(String symbol, String value, boolean optional, String where) {
        /** As the kernel writes it. */
        String line() {
            return value.equals("n") ? "# " + symbol + " is not set" : symbol + "=" + value;
        }
    }

    /** Reads kernel.config and the files of kernel.d beside it, in name order: what they say for one of Alpine's architectures. */
    static KernelConfig read(Path file, String arch) {
        String text = Trees.read(file);
        Optional<String> base = base(file, text, arch);
        Map<String, Request> requests = new LinkedHashMap<>();
        parse(file.toString(), text, arch, requests);
        for (Path more : Config.files(file.resolveSibling("kernel.d"), ".config")) {
            parse(more.toString(), Trees.read(more), arch, requests);
        }
        return new KernelConfig(base, List.copyOf(requests.values()));
    }

    /** The base for this architecture by its name, else the one for all. */
    private static Optional<String> base(Path file, String text, String arch) {
        boolean full = false;
        int number = 0;
        Optional<String> common = Optional.empty();
        for (String line : text.split("\\R", -1)) {
            number++;
            Matcher m = BASE.matcher(line);
            if (m.matches()) {
                if (!TARGET.matcher(m.group(2)).matches()) {
                    throw Failure.at(file.toString(), number, line, "not a base", "write a make target such as allnoconfig or x86_64_defconfig");
                }
                if (arch.equals(m.group(1))) {
                    return Optional.of(m.group(2));
                }
                common = m.group(1) == null ? common.or(() -> Optional.of(m.group(2))) : common;
            }
            full |= WRITTEN_BY_THE_KERNEL.matcher(line.strip()).matches();
        }
        return common.isPresent() || full ? common : Optional.of("defconfig");
    }

    private static void parse(String file, String text, String arch, Map<String, Request> requests) {
        int number = 0;
        for (String raw : text.split("\\R", -1)) {
            number++;
            String line = raw.strip();
            Matcher set = SET.matcher(line);
            Matcher unset = UNSET.matcher(line);
            if (!set.matches() && !unset.matches()) {
                if (!line.isEmpty() && !line.startsWith("#")) {
                    throw Failure.at(file, number, raw, "not a kernel option", "write CONFIG_X=y, CONFIG_X=m, CONFIG_X=\"text\" or # CONFIG_X is not set");
                }
                continue;
            }
            Optional<String> comment = Optional.ofNullable(set.matches() ? set.group(3) : unset.group(2));
            Optional<String> only = comment.flatMap(KernelConfig::only);
            if (only.isPresent() && !ARCHITECTURES.contains(only.get())) {
                throw Failure.at(file, number, raw, "there are no images for " + only.get(), "write # only x86_64 or # only aarch64");
            }
            if (only.isEmpty() || only.get().equals(arch)) {
                boolean optional = comment.filter(words -> OPTIONAL.matcher(ONLY.matcher(words).replaceFirst("$2")).matches()).isPresent();
                String symbol = set.matches() ? set.group(1) : unset.group(1);
                requests.remove(symbol);
                requests.put(symbol, new Request(symbol, set.matches() ? set.group(2) : "n", optional, file + ":" + number));
            }
        }
    }

    /** The processor that a line is for, by the comment behind it. */
    private static Optional<String> only(String comment) {
        Matcher m = ONLY.matcher(comment);
        return m.matches() ? Optional.of(m.group(1)) : Optional.empty();
    }

    /** Whether a line of a configuration file counts for this architecture. */
    static boolean isFor(String line, String arch) {
        return comment(line).flatMap(KernelConfig::only).stream().allMatch(arch::equals);
    }

    /** The comment behind an option: {@code # only x86_64, optional}. */
    static Optional<String> comment(String line) {
        return Stream.of(SET, UNSET).map(pattern -> pattern.matcher(line.strip())).filter(Matcher::matches).flatMap(m -> Optional.ofNullable(m.group(m.groupCount())).stream()).findFirst();
    }

    /** The same with these wishes where the files say nothing. */
    KernelConfig withDefaults(Map<String, String> wishes, String who) {
        Map<String, Request> all = new LinkedHashMap<>();
        wishes.forEach((symbol, value) -> all.put(symbol, new Request(symbol, value, false, who)));
        requests.forEach(request -> all.put(request.symbol(), request));
        return new KernelConfig(base, List.copyOf(all.values()));
    }

    /** The same with these wishes; a line of the files that contradicts one is a Failure (exit code 2), unless it or the wish is optional. */
    KernelConfig with(List<Request> wishes) {
        Map<String, Request> all = new LinkedHashMap<>();
        requests.forEach(request -> all.put(request.symbol(), request));
        for (Request wish : wishes) {
            Request said = all.getOrDefault(wish.symbol(), wish);
            if (!said.value().equals(wish.value()) && !said.optional() && !wish.optional()) {
                throw Failure.usage(said.where() + ": " + said.line() + ": " + wish.where() + " needs " + wish.line(), "take one of the two lines out");
            }
            all.put(wish.symbol(), wish.optional() ? said : wish);
        }
        return new KernelConfig(base, List.copyOf(all.values()));
    }

    /**
     * The same with these wishes. A line that says otherwise is a Failure (exit code 2), but for optional ones and those of a full
     * configuration, which lists every option.
     */
    KernelConfig withFixed(Map<String, String> wishes, String who) {
        requests.stream().filter(request -> base.isPresent() && !request.optional() && !request.value().equals("\"\"")
                && !wishes.getOrDefault(request.symbol(), request.value()).equals(request.value())).findFirst().ifPresent(request -> {
                    throw Failure.usage(request.where() + ": " + request.line() + ": " + who + " sets " + request.symbol() + "=" + wishes.get(request.symbol()),
                            "take the line out; KERNEL_LOCALVERSION and COMPRESSION of build.conf decide this");
                });
        List<Request> all = new ArrayList<>(requests.stream().filter(request -> !wishes.containsKey(request.symbol())).toList());
        wishes.forEach((symbol, value) -> all.add(new Request(symbol, value, false, who)));
        return new KernelConfig(base, List.copyOf(all));
    }

    /** The requests as the kernel's own tools read them. */
    String text() {
        return requests.stream().map(request -> request.line() + "\n").collect(Collectors.joining());
    }

    /** Values by symbol of a configuration that the kernel wrote; what is not set has the value n. */
    static Map<String, String> values(Path config) {
        Map<String, Request> all = new LinkedHashMap<>();
        parse(config.toString(), Trees.read(config), "", all);
        Map<String, String> values = new LinkedHashMap<>();
        all.forEach((symbol, request) -> values.put(symbol, request.value()));
        return values;
    }

    /** Requests that the final configuration does not grant, optional ones left out. */
    List<Request> ungranted(Map<String, String> values) {
        return requests.stream().filter(request -> !request.optional() && !request.value().equals(values.getOrDefault(request.symbol(), "n"))
                && !(request.value().equals("\"\"") && !values.containsKey(request.symbol()))).toList();
    }

    /**
     * Fails (exit code 2) when a request is not granted, and names each with its file and line.
     *
     * @param source the kernel's source, whose Kconfig files tell why
     */
    void requireIn(Map<String, String> values, Path source, String sourceArch) {
        boolean full = base.isEmpty();
        List<Request> open = ungranted(values);
        Kconfig kconfig = open.isEmpty() && full ? new Kconfig(Map.of()) : Kconfig.read(source, sourceArch);
        List<String> lines = new ArrayList<>();
        for (Request request : open) {
            // A full configuration also records what the kernel computes, such as the compiler's version.
            if (!full || kconfig.canBeSet(request.symbol())) {
                lines.add(describe(request, values, kconfig));
            }
        }
        if (!full) {
            requests.stream().filter(request -> request.value().equals("n") && !request.optional() && !kconfig.has(request.symbol()))
                    .forEach(request -> lines.add(describe(request, values, kconfig)));
        }
        if (!lines.isEmpty()) {
            throw Failure.usage("the kernel configuration does not grant what was asked for:\n  " + String.join("\n  ", lines),
                    "correct the lines, add what they need, or write \"# optional\" behind those that may be missing");
        }
    }

    private static String describe(Request request, Map<String, String> values, Kconfig kconfig) {
        String asked = request.where() + ": " + request.line();
        if (!kconfig.has(request.symbol())) {
            return asked + ": this kernel has no such option" + kconfig.near(request.symbol()).map(near -> "; did you mean " + near + "?").orElse("");
        }
        return asked + ": it became " + Optional.ofNullable(values.get(request.symbol())).orElse("n") + kconfig.why(request.symbol());
    }
}
