package lib.image;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Comparator;
import java.util.Deque;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.TreeMap;
import java.util.function.Function;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Collectors;
import java.util.stream.IntStream;
import java.util.stream.Stream;
import lib.tool.Failure;

/**
 * The files modules.* of a folder lib/modules/RELEASE, as depmod makes them: text for BusyBox and people, .bin for kmod. Computed from
 * the modules themselves, modules.order, modules.builtin and modules.builtin.modinfo. Byte for byte what depmod writes, except for the
 * order of lines in modules.symbols (there sorted; depmod's is that of its hash table) and modules.weakdep, which only newer ones write.
 * Source: kmod, tools/depmod.c; modules.dep(5).
 */
public final class ModuleIndex {
    private static final Pattern NODE = Pattern.compile("(char|block)-major-(\\d+)-(\\d+).*", Pattern.DOTALL);
    private static final Pattern BUILT_IN_ALIAS = Pattern.compile("([^.]+)\\.alias=(.*)", Pattern.DOTALL);
    private static final int LOOP = Integer.MAX_VALUE;

    private final Path folder;
    private final List<ModuleFile> modules;
    private final Map<String, Integer> owners = new TreeMap<>();
    private final List<List<Integer>> uses = new ArrayList<>();
    private final int[] rank;

    private ModuleIndex(Path folder, List<ModuleFile> modules) {
        this.folder = folder;
        this.modules = modules;
        for (int i = 0; i < modules.size(); i++) {
            for (String symbol : modules.get(i).exports()) {
                owners.put(symbol, i);
            }
        }
        for (int i = 0; i < modules.size(); i++) {
            Set<Integer> used = new LinkedHashSet<>();
            for (String symbol : modules.get(i).imports()) {
                Optional.ofNullable(owners.get(symbol)).ifPresent(used::add);
            }
            used.remove(i);
            uses.add(new ArrayList<>(used));
        }
        rank = ranks();
        requireNoCircle();
        uses.forEach(used -> used.sort(Comparator.comparingInt(module -> rank[module])));
    }

    /** Reads the modules below {@code folder} (lib/modules/RELEASE) and writes its modules.* files. A damaged module is a Failure. */
    public static void write(Path folder) {
        new ModuleIndex(folder, ordered(folder)).write();
    }

    /** All modules: those of modules.order as it lists them, then others by path. */
    private static List<ModuleFile> ordered(Path folder) {
        Map<String, Integer> order = new HashMap<>();
        for (String line : lines(folder.resolve("modules.order"))) {
            order.putIfAbsent(line, order.size());
        }
        try (Stream<Path> files = Files.walk(folder)) {
            return files.map(file -> folder.relativize(file).toString()).filter(ModuleFile::isModule)
                    .sorted(Comparator.comparing((String path) -> order.getOrDefault(ModuleFile.unpackedPath(path), Integer.MAX_VALUE)).thenComparing(path -> path))
                    .map(path -> ModuleFile.read(folder, path)).toList();
        } catch (IOException e) {
            throw Failure.io("cannot read the modules in " + folder, e);
        }
    }

    /** Lines of a text file; none when it is absent. */
    static List<String> lines(Path file) {
        try {
            return Files.exists(file) ? Files.readAllLines(file, StandardCharsets.ISO_8859_1) : List.of();
        } catch (IOException e) {
            throw Failure.io("cannot read " + file, e);
        }
    }

    /** Each module's place in an order in which users come before what they use; {@link #LOOP} for modules in a cycle. */
    private int[] ranks() {
        int[] users = new int[modules.size()];
        uses.forEach(used -> used.forEach(module -> users[module]++));
        Deque<Integer> ready = new ArrayDeque<>();
        for (int i = 0; i < users.length; i++) {
            if (users[i] == 0) {
                ready.push(i);
            }
        }
        int[] ranks = new int[modules.size()];
        Arrays.fill(ranks, LOOP);
        for (int next = 0; !ready.isEmpty(); next++) {
            int module = ready.pop();
            ranks[module] = next;
            for (int used : uses.get(module)) {
                if (--users[used] == 0) {
                    ready.push(used);
                }
            }
        }
        return ranks;
    }

    /** Modules that need symbols of each other cannot be loaded by any program; depmod refuses them too. */
    private void requireNoCircle() {
        // A module without a rank has a user without one: from user to user the way ends in a circle.
        Deque<Integer> way = new ArrayDeque<>();
        int at = IntStream.range(0, rank.length).filter(module -> rank[module] == LOOP).findFirst().orElse(-1);
        while (at >= 0 && !way.contains(at)) {
            way.push(at);
            int used = at;
            at = IntStream.range(0, rank.length).filter(module -> rank[module] == LOOP && uses.get(module).contains(used)).findFirst().orElseThrow();
        }
        if (at >= 0) {
            StringBuilder circle = new StringBuilder(modules.get(at).name());
            for (int module = way.pop(); module != at; module = way.pop()) {
                circle.append(" -> ").append(modules.get(module).name());
            }
            throw new Failure("modules in " + folder + " need symbols of each other: " + circle + " -> " + modules.get(at).name(),
                    "none of them can be loaded: make one of them a part of the kernel (=y), or switch it off");
        }
    }

    /** All that a module needs, nearest first. */
    private List<Integer> closure(int module) {
        Set<Integer> all = new LinkedHashSet<>();
        collect(module, all);
        return all.stream().sorted(Comparator.comparingInt(one -> rank[one])).toList();
    }

    private void collect(int module, Set<Integer> all) {
        for (int used : uses.get(module)) {
            if (all.add(used)) {
                collect(used, all);
            }
        }
    }

    private void write() {
        Map<String, String> dependencies = new LinkedHashMap<>();
        IndexTrie byName = new IndexTrie();
        for (int i = 0; i < modules.size(); i++) {
            String line = modules.get(i).path() + ":" + closure(i).stream().map(one -> " " + modules.get(one).path()).collect(Collectors.joining());
            dependencies.put(modules.get(i).path(), line);
            byName.add(modules.get(i).name(), line, i);
        }
        text("modules.dep", dependencies.values());
        binary("modules.dep.bin", byName);
        writeAliases();
        text("modules.softdep", all("softdep", "# Soft dependencies extracted from modules themselves."));
        List<String> weak = all("weakdep", "# Weak dependencies extracted from modules themselves.");
        if (weak.size() > 1) {
            text("modules.weakdep", weak);
        }
        writeSymbols();
        writeBuiltIn();
        text("modules.devname", Stream.concat(Stream.of("# Device nodes to trigger on-demand module loading."),
                modules.stream().flatMap(module -> node(module).stream())).toList());
    }

    /** A heading, then {@code key module value} for every such entry. */
    private List<String> all(String key, String heading) {
        return each(heading, module -> module.values(key).stream().map(value -> key + " " + module.name() + " " + value));
    }

    private List<String> each(String heading, Function<ModuleFile, Stream<String>> lines) {
        return Stream.concat(Stream.of(heading), modules.stream().flatMap(lines)).toList();
    }

    private void writeAliases() {
        text("modules.alias", each("# Aliases extracted from modules themselves.",
                module -> module.values("alias").stream().map(value -> "alias " + value + " " + module.name())));
        IndexTrie aliases = new IndexTrie();
        for (int i = 0; i < modules.size(); i++) {
            for (String alias : modules.get(i).values("alias")) {
                int priority = i;
                String name = modules.get(i).name();
                underscores(alias).ifPresent(key -> aliases.add(key, name, priority));
            }
        }
        binary("modules.alias.bin", aliases);
    }

    private void writeSymbols() {
        List<String> lines = new ArrayList<>(List.of("# Aliases for symbols, used by symbol_request()."));
        IndexTrie symbols = new IndexTrie();
        owners.forEach((symbol, owner) -> {
            lines.add("alias symbol:" + symbol + " " + modules.get(owner).name());
            symbols.add("symbol:" + symbol, modules.get(owner).name(), owner);
        });
        text("modules.symbols", lines);
        binary("modules.symbols.bin", symbols);
    }

    private void writeBuiltIn() {
        IndexTrie names = new IndexTrie();
        lines(folder.resolve("modules.builtin")).forEach(line -> names.add(ModuleFile.nameOf(line), "", 0));
        binary("modules.builtin.bin", names);
        IndexTrie aliases = new IndexTrie();
        for (String entry : builtInInformation(folder)) {
            Matcher m = BUILT_IN_ALIAS.matcher(entry);
            if (m.matches()) {
                underscores(m.group(2)).ifPresent(key -> aliases.add(key, m.group(1), 0));
            }
        }
        binary("modules.builtin.alias.bin", aliases);
    }

    /** Entries {@code module.key=value} of what is built in. */
    static List<String> builtInInformation(Path folder) {
        Path file = folder.resolve("modules.builtin.modinfo");
        try {
            return Files.exists(file) ? Arrays.stream(Files.readString(file, StandardCharsets.ISO_8859_1).split("\0")).filter(entry -> !entry.isEmpty()).toList()
                    : List.of();
        } catch (IOException e) {
            throw Failure.io("cannot read " + file, e);
        }
    }

    /** The device node whose use loads the module, as {@code module name type major:minor}. */
    private static Optional<String> node(ModuleFile module) {
        String name = null;
        String number = null;
        for (String alias : module.values("alias")) {
            Matcher m = NODE.matcher(alias);
            if (alias.startsWith("devname:")) {
                name = alias.substring("devname:".length());
            } else if (m.matches()) {
                number = m.group(1).charAt(0) + m.group(2) + ":" + m.group(3);
            }
            if (name != null && number != null) {
                return Optional.of(module.name() + " " + name + " " + number);
            }
        }
        return Optional.empty();
    }

    /** The alias with _ for - outside of brackets; empty when its brackets do not match. */
    static Optional<String> underscores(String alias) {
        StringBuilder out = new StringBuilder();
        for (int i = 0; i < alias.length(); i++) {
            char c = alias.charAt(i);
            if (c == ']') {
                return Optional.empty();
            }
            if (c == '[') {
                int end = alias.indexOf(']', i);
                if (end < 0) {
                    return Optional.empty();
                }
                out.append(alias, i, end + 1);
                i = end;
            } else {
                out.append(c == '-' ? '_' : c);
            }
        }
        return Optional.of(out.toString());
    }

    private void text(String name, Iterable<String> lines) {
        StringBuilder text = new StringBuilder();
        lines.forEach(line -> text.append(line).append('\n'));
        put(name, text.toString().getBytes(StandardCharsets.ISO_8859_1));
    }

    private void binary(String name, IndexTrie trie) {
        put(name, trie.bytes());
    }

    private void put(String name, byte[] bytes) {
        try {
            // Never through an old link: what it points at belongs to somebody else.
            Files.deleteIfExists(folder.resolve(name));
            // Whatever the umask of who builds is: these files go into images.
            Files.setPosixFilePermissions(Files.write(folder.resolve(name), bytes), PosixFilePermissions.fromString("rw-r--r--"));
        } catch (IOException e) {
            throw Failure.io("cannot write " + folder.resolve(name), e);
        }
    }
}
