package lib;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.FileVisitResult;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.SimpleFileVisitor;
import java.nio.file.attribute.BasicFileAttributes;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import lib.tool.Failure;
import lib.tool.Suggest;

/**
 * The options that a kernel source offers, read from its Kconfig files only as far as good error messages need it: names, whether a
 * person can set them, and what they depend on. Source of the format: Documentation/kbuild/kconfig-language.rst.
 *
 * @param symbols by name, without CONFIG_
 */
record Kconfig(Map<String, Symbol> symbols) {
    private static final Pattern ENTRY = Pattern.compile("\\s*(?:menu)?config\\s+(\\w+)\\s*(?:#.*)?");
    private static final Pattern PROMPT = Pattern.compile("\\s+(?:bool|tristate|string|hex|int|prompt)\\s+[\"'].*");
    private static final Pattern DEPENDS = Pattern.compile("\\s+depends on\\s+(.*)");
    private static final Pattern OTHER_ENTRY = Pattern.compile("\\s*(?:menu|endmenu|choice|endchoice|comment|if|endif|source|mainmenu)\\b.*");
    private static final Set<String> ELSEWHERE = Set.of("Documentation", "tools", "samples", ".git");

    /** An option: whether it has a prompt, so that a person can set it, and the conditions of its definition. */
    record Symbol(boolean prompt, List<String> depends) {
        private Symbol and(Symbol other) {
            return new Symbol(prompt || other.prompt, depends.isEmpty() ? other.depends : depends);
        }
    }

    /** @param sourceArch the architecture's folder below arch/, such as x86 */
    static Kconfig read(Path source, String sourceArch) {
        Map<String, Symbol> symbols = new HashMap<>();
        try {
            Files.walkFileTree(source, new SimpleFileVisitor<>() {
                @Override
                public FileVisitResult preVisitDirectory(Path folder, BasicFileAttributes attributes) {
                    Path below = source.relativize(folder);
                    boolean otherArch = below.getNameCount() == 2 && below.startsWith("arch") && !below.endsWith(sourceArch);
                    return otherArch || below.getNameCount() == 1 && ELSEWHERE.contains(below.toString()) ? FileVisitResult.SKIP_SUBTREE : FileVisitResult.CONTINUE;
                }

                @Override
                public FileVisitResult visitFile(Path file, BasicFileAttributes attributes) throws IOException {
                    if (file.getFileName().toString().startsWith("Kconfig")) {
                        parse(Files.readString(file, StandardCharsets.ISO_8859_1), symbols);
                    }
                    return FileVisitResult.CONTINUE;
                }
            });
        } catch (IOException e) {
            throw Failure.io("cannot read the Kconfig files of " + source, e);
        }
        return new Kconfig(Map.copyOf(symbols));
    }

    static void parse(String text, Map<String, Symbol> symbols) {
        String name = null;
        for (String line : text.replace("\\\n", " ").split("\n")) {
            Matcher entry = ENTRY.matcher(line);
            Matcher depends = DEPENDS.matcher(line);
            if (entry.matches()) {
                name = entry.group(1);
                symbols.merge(name, new Symbol(false, List.of()), Symbol::and);
            } else if (OTHER_ENTRY.matcher(line).matches()) {
                name = null;
            } else if (name != null && PROMPT.matcher(line).matches()) {
                symbols.computeIfPresent(name, (any, old) -> new Symbol(true, old.depends()));
            } else if (name != null && depends.matches()) {
                String condition = depends.group(1).strip().replaceAll("\\s+", " ");
                symbols.computeIfPresent(name, (any, old) -> new Symbol(old.prompt(),
                        java.util.stream.Stream.concat(old.depends().stream(), java.util.stream.Stream.of(condition)).toList()));
            }
        }
    }

    boolean has(String symbol) {
        return symbols.containsKey(bare(symbol));
    }

    /** Whether a line in a configuration can set it; others are computed or selected. */
    boolean canBeSet(String symbol) {
        return Optional.ofNullable(symbols.get(bare(symbol))).map(Symbol::prompt).orElse(true);
    }

    /** The option with the nearest name, with CONFIG_. */
    Optional<String> near(String symbol) {
        return Suggest.closest(bare(symbol), symbols.keySet()).map(name -> "CONFIG_" + name);
    }

    /** What stands in the way of an option, as a clause that ends a sentence; empty when the source does not say. */
    String why(String symbol) {
        Symbol found = symbols.getOrDefault(bare(symbol), new Symbol(true, List.of()));
        String depends = found.depends().isEmpty() ? "" : " (it depends on " + String.join(" && ", found.depends()) + ")";
        return (found.prompt() ? "" : ": it cannot be set, other options select it") + depends;
    }

    private static String bare(String symbol) {
        return symbol.replaceFirst("^CONFIG_", "");
    }
}
