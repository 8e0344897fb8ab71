package lib.image;

import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collections;
import java.util.HashMap;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeSet;
import java.util.regex.Pattern;
import java.util.stream.Stream;
import lib.tool.Failure;

/**
 * The text files modules.* of a folder lib/modules/RELEASE, and what modprobe would do by them. Names are the kernel's own, with _;
 * where names are taken from people, - is the same. Source: modprobe(8), modules.dep(5), kmod's libkmod/libkmod-module.c.
 */
public final class ModuleTables {
    private final Map<String, String> paths = new HashMap<>();
    private final Map<String, List<String>> dependencies = new HashMap<>();
    private final Map<String, Soft> soft = new HashMap<>();
    private final Map<String, List<String>> weak = new HashMap<>();
    private final List<Alias> aliases = new ArrayList<>();
    private final Map<String, String> symbols = new HashMap<>();
    private final List<Alias> builtInAliases = new ArrayList<>();
    private final Set<String> builtIn = new HashSet<>();

    /** Names or aliases to be loaded before and after a module, where they exist. */
    private record Soft(List<String> before, List<String> after) { }

    /** A pattern of fnmatch(3) and the module that it stands for. */
    private record Alias(String pattern, String module) {
        private boolean matches(String text) {
            int plain = 0;
            while (plain < pattern.length() && "*?[\\".indexOf(pattern.charAt(plain)) < 0) {
                plain++;
            }
            return text.startsWith(pattern.substring(0, plain)) && (plain == pattern.length() ? text.length() == plain : Globs.pattern(pattern).matcher(text).matches());
        }
    }

    private ModuleTables() { }

    /** @param folder lib/modules/RELEASE with the files that depmod or {@link ModuleIndex} writes */
    public static ModuleTables read(Path folder) {
        if (!Files.exists(folder.resolve("modules.dep"))) {
            throw new Failure("there is no modules.dep in " + folder, "depmod makes it");
        }
        ModuleTables tables = new ModuleTables();
        ModuleIndex.lines(folder.resolve("modules.dep")).forEach(tables::dependency);
        for (String line : ModuleIndex.lines(folder.resolve("modules.alias"))) {
            String[] words = line.split(" ");
            if (words.length == 3 && words[0].equals("alias")) {
                ModuleIndex.underscores(words[1]).ifPresent(pattern -> tables.aliases.add(new Alias(pattern, words[2])));
            }
        }
        for (String line : ModuleIndex.lines(folder.resolve("modules.symbols"))) {
            String[] words = line.split(" ");
            if (words.length == 3 && words[0].equals("alias")) {
                tables.symbols.put(words[1], words[2]);
            }
        }
        ModuleIndex.lines(folder.resolve("modules.softdep")).forEach(tables::softDependency);
        for (String line : ModuleIndex.lines(folder.resolve("modules.weakdep"))) {
            List<String> words = List.of(line.split("\\s+"));
            if (words.size() > 2 && words.get(0).equals("weakdep")) {
                tables.weak.computeIfAbsent(words.get(1), name -> new ArrayList<>()).addAll(words.subList(2, words.size()));
            }
        }
        ModuleIndex.lines(folder.resolve("modules.builtin")).forEach(line -> tables.builtIn.add(ModuleFile.nameOf(line)));
        for (String entry : ModuleIndex.builtInInformation(folder)) {
            int at = entry.indexOf(".alias=");
            if (at > 0) {
                ModuleIndex.underscores(entry.substring(at + 7)).ifPresent(pattern -> tables.builtInAliases.add(new Alias(pattern, entry.substring(0, at))));
            }
        }
        return tables;
    }

    private void dependency(String line) {
        int colon = line.indexOf(':');
        if (colon < 0) {
            return;
        }
        String name = ModuleFile.nameOf(line.substring(0, colon));
        paths.put(name, line.substring(0, colon));
        List<String> names = new ArrayList<>(Stream.of(line.substring(colon + 1).strip().split("\\s+")).filter(path -> !path.isEmpty())
                .map(ModuleFile::nameOf).toList());
        Collections.reverse(names);
        dependencies.put(name, List.copyOf(names));
    }

    private void softDependency(String line) {
        List<String> words = Arrays.asList(line.split("\\s+"));
        if (words.size() < 3 || !words.get(0).equals("softdep")) {
            return;
        }
        List<String> before = new ArrayList<>();
        List<String> after = new ArrayList<>();
        List<String> current = null;
        for (String word : words.subList(2, words.size())) {
            if (word.equals("pre:")) {
                current = before;
            } else if (word.equals("post:")) {
                current = after;
            } else if (current != null) {
                current.add(word);
            }
        }
        // Of several lines about a module modprobe follows only the first (kmod_module_get_softdeps).
        soft.putIfAbsent(words.get(1).replace('-', '_'), new Soft(List.copyOf(before), List.copyOf(after)));
    }

    /** Names of all modules that are files. */
    public Set<String> names() {
        return new TreeSet<>(paths.keySet());
    }

    public Set<String> builtIn() {
        return Collections.unmodifiableSet(builtIn);
    }

    /** Path of a module's file relative to lib/modules/RELEASE. */
    public String path(String module) {
        return paths.get(module);
    }

    /** Whether the name or alias stands for something built into the kernel. */
    public boolean isBuiltIn(String nameOrAlias) {
        String key = normalized(nameOrAlias);
        return builtIn.contains(key) || builtInAliases.stream().anyMatch(alias -> alias.matches(key));
    }

    /** The modules that a name or an alias (such as a device's modalias) stands for; none when it is unknown or built in. */
    public List<String> find(String nameOrAlias) {
        String key = normalized(nameOrAlias);
        if (paths.containsKey(key)) {
            return List.of(key);
        }
        if (symbols.containsKey(nameOrAlias)) {
            return List.of(symbols.get(nameOrAlias));
        }
        return aliases.stream().filter(alias -> alias.matches(key)).map(Alias::module).filter(paths::containsKey).distinct().toList();
    }

    private static String normalized(String nameOrAlias) {
        return ModuleIndex.underscores(nameOrAlias).orElse(nameOrAlias);
    }

    /** The modules that the named one cannot do without, in the order in which they are loaded. */
    public List<String> dependencies(String module) {
        return dependencies.getOrDefault(module, List.of());
    }

    /** Modules that may be asked for by the named one at run time (weakdep). */
    public List<String> weak(String module) {
        return weak.getOrDefault(module, List.of()).stream().flatMap(name -> find(name).stream()).distinct().toList();
    }

    /**
     * What a module itself asks for, with how: {@code depends}, {@code softdep} or {@code weakdep}. Of what it depends on, what another of
     * these depends on is left to that one.
     */
    public Map<String, String> asksFor(String module) {
        Map<String, String> asked = new LinkedHashMap<>();
        List<String> all = dependencies(module);
        all.stream().filter(one -> all.stream().noneMatch(other -> !other.equals(one) && dependencies(other).contains(one) && !dependencies(one).contains(other)))
                .forEach(one -> asked.put(one, "depends"));
        Soft around = soft.getOrDefault(module, new Soft(List.of(), List.of()));
        Stream.concat(around.before().stream(), around.after().stream()).flatMap(name -> find(name).stream()).forEach(one -> asked.putIfAbsent(one, "softdep"));
        weak(module).forEach(one -> asked.putIfAbsent(one, "weakdep"));
        return asked;
    }

    /** All that {@code modprobe MODULE} loads, soft dependencies included, in the order in which it does. */
    public List<String> loadOrder(String module) {
        Set<String> order = new LinkedHashSet<>();
        probe(module, new HashSet<>(), order);
        return List.copyOf(order);
    }

    private void probe(String module, Set<String> visited, Set<String> order) {
        if (visited.add(module)) {
            dependencies(module).forEach(one -> withSoft(one, visited, order));
            withSoft(module, visited, order);
        }
    }

    private void withSoft(String module, Set<String> visited, Set<String> order) {
        Soft around = soft.getOrDefault(module, new Soft(List.of(), List.of()));
        around.before().forEach(name -> find(name).forEach(one -> probe(one, visited, order)));
        order.add(module);
        around.after().forEach(name -> find(name).forEach(one -> probe(one, visited, order)));
    }

    /** fnmatch(3) patterns as regular expressions. */
    private static final class Globs {
        private static Pattern pattern(String glob) {
            StringBuilder regex = new StringBuilder();
            for (int i = 0; i < glob.length(); i++) {
                char c = glob.charAt(i);
                int end = c == '[' ? glob.indexOf(']', i + 2) : -1;
                if (end > 0) {
                    String set = glob.substring(i + 1, end).replace("\\", "\\\\").replace("[", "\\[").replace("&&", "&\\&");
                    regex.append('[').append(set.startsWith("!") ? "^" + set.substring(1) : set).append(']');
                    i = end;
                } else {
                    regex.append(c == '*' ? ".*" : c == '?' ? "." : Pattern.quote(String.valueOf(c)));
                }
            }
            return Pattern.compile(regex.toString(), Pattern.DOTALL);
        }
    }
}
