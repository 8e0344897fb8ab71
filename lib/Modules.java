package lib;

import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Deque;
import java.util.LinkedHashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeSet;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import lib.image.ModuleFile;
import lib.image.ModuleIndex;
import lib.image.ModuleTables;
import lib.tool.Failure;
import lib.tool.Suggest;
import lib.tool.Tools;
import lib.tool.Trees;

/**
 * Phase 4: the kernel modules that modules.conf names, with all that they need. A line is {@code name}, {@code name?} for one that
 * may be missing, or {@code name parameter=value ...}; a name can be an alias such as a device's modalias.
 */
public record Modules(List<Config.Line> wanted, Tools tools) {
    /**
     * One module in the image.
     *
     * @param path relative to lib/modules/RELEASE
     * @param by the module that brought it in; itself when a line of modules.conf did
     * @param why {@code depends}, {@code softdep} or {@code weakdep}, or the line: {@code modules.conf:2 r8169}
     */
    public record Module(String name, String path, String by, String why) { }

    /**
     * What was done.
     *
     * @param modules by name, in the order in which lines and dependencies brought them in
     * @param loaded names that are loaded at boot, in order
     * @param builtIn wanted names that the kernel has built in
     * @param missing wanted names with {@code ?} that this kernel does not have
     */
    public record Installed(String release, List<Module> modules, List<String> loaded, List<String> builtIn, List<String> missing) { }

    /** One line of modules.conf, taken apart. */
    private record Wish(Config.Line line, String name, boolean optional, List<String> parameters) {
        private static Wish of(Config.Line line) {
            List<String> words = Arrays.asList(line.text().split("\\s+"));
            boolean optional = words.get(0).endsWith("?");
            words.stream().skip(1).filter(word -> !word.matches("[A-Za-z0-9_.-]+(=.*)?")).findFirst().ifPresent(word -> {
                throw line.wrong("not a parameter: " + word, "write one module a line, behind it parameter=value");
            });
            return new Wish(line, words.get(0).replaceFirst("\\?$", ""), optional, List.copyOf(words.subList(1, words.size())));
        }

        private String title() {
            return line.place() + " " + line.text();
        }
    }

    /** What becomes of the wishes, collected while they are resolved. */
    private record Plan(Map<String, Module> modules, Set<String> loaded, List<String> builtIn, List<String> missing, Map<String, Wish> parameters) { }

    /**
     * Copies the modules into the image, writes their indexes, etc/modules-load.d/mos.conf and etc/modprobe.d/mos.conf.
     *
     * @param root the image's tree
     * @param kernel folder that holds lib/modules/RELEASE
     */
    public Installed installInto(Path root, String release, Path kernel) {
        Path source = kernel.resolve("lib/modules").resolve(release);
        RootTree tree = new RootTree(root);
        Plan plan = resolve(ModuleTables.read(source));
        String target = "lib/modules/" + release + "/";
        for (Module module : plan.modules().values()) {
            copy(source, tree, target, module, release, plan.parameters().get(module.name()));
        }
        Stream.of("modules.builtin", "modules.builtin.modinfo").filter(name -> Files.exists(source.resolve(name)))
                .forEach(name -> tree.install(source.resolve(name), target + name, 0644));
        tree.write(target + "modules.order", order(source, plan), 0644);
        ModuleIndex.write(tree.resolve("lib/modules/" + release));
        writeConfiguration(tree, plan);
        return new Installed(release, List.copyOf(plan.modules().values()), List.copyOf(plan.loaded()), plan.builtIn(), plan.missing());
    }

    private Plan resolve(ModuleTables tables) {
        Plan plan = new Plan(new LinkedHashMap<>(), new LinkedHashSet<>(), new ArrayList<>(), new ArrayList<>(), new LinkedHashMap<>());
        for (Wish wish : wanted.stream().map(Wish::of).toList()) {
            List<String> found = tables.find(wish.name());
            if (!found.isEmpty()) {
                found.forEach(name -> add(name, wish, tables, plan));
            } else if (tables.isBuiltIn(wish.name())) {
                requireNoParameters(wish);
                plan.builtIn().add(wish.name());
            } else if (wish.optional()) {
                plan.missing().add(wish.name());
            } else {
                Set<String> names = new TreeSet<>(tables.names());
                names.addAll(tables.builtIn());
                throw wish.line().wrong("this kernel has no module " + wish.name(), Suggest.hint(wish.name().replace('-', '_'), names,
                        "write " + wish.name() + "? if the image can do without, or switch the driver on in kernel.config"));
            }
        }
        return plan;
    }

    private static void add(String name, Wish wish, ModuleTables tables, Plan plan) {
        plan.modules().put(name, new Module(name, tables.path(name), name, wish.title()));
        Deque<String> open = new ArrayDeque<>(List.of(name));
        while (!open.isEmpty()) {
            String by = open.poll();
            // Weak ones are not loaded now, but asked for later by what is.
            tables.asksFor(by).forEach((one, how) -> {
                if (plan.modules().putIfAbsent(one, new Module(one, tables.path(one), by, how)) == null) {
                    open.add(one);
                }
            });
        }
        plan.loaded().add(name);
        if (!wish.parameters().isEmpty()) {
            plan.parameters().put(name, wish);
        }
    }

    private static void requireNoParameters(Wish wish) {
        if (!wish.parameters().isEmpty()) {
            throw wish.line().wrong(wish.name() + " is built into this kernel, where modules.conf cannot set parameters",
                    "put " + wish.parameters().stream().map(parameter -> wish.name() + "." + parameter).collect(Collectors.joining(" "))
                            + " into CONFIG_CMDLINE, or make it a module");
        }
    }

    private static void copy(Path source, RootTree tree, String target, Module module, String release, Wish parameters) {
        Path file = source.resolve(module.path());
        byte[] bytes = ModuleFile.unpacked(file);
        ModuleFile parsed = ModuleFile.parse(module.path(), file.toString(), bytes);
        parsed.values("vermagic").stream().filter(magic -> !magic.startsWith(release + " ")).findFirst().ifPresent(magic -> {
            throw new Failure(file + " was made for the kernel " + magic.split(" ")[0] + ", not for " + release, "build modules and kernel together");
        });
        if (parameters != null) {
            requireKnown(parsed, parameters);
        }
        tree.write(target + ModuleFile.unpackedPath(module.path()), bytes, 0644);
    }

    private static void requireKnown(ModuleFile module, Wish wish) {
        Set<String> known = Stream.concat(module.values("parm").stream(), module.values("parmtype").stream())
                .map(text -> text.replaceFirst(":(?s).*", "")).collect(Collectors.toCollection(TreeSet::new));
        for (String parameter : wish.parameters()) {
            String key = parameter.replaceFirst("=.*", "");
            if (!known.contains(key)) {
                throw wish.line().wrong(module.name() + " has no parameter " + key,
                        Suggest.hint(key, known, known.isEmpty() ? "it has none at all" : "its parameters are " + String.join(" ", known)));
            }
        }
    }

    /** The lines of modules.order about modules of the image. */
    private static String order(Path source, Plan plan) {
        Set<String> paths = plan.modules().values().stream().map(module -> ModuleFile.unpackedPath(module.path())).collect(Collectors.toSet());
        Path all = source.resolve("modules.order");
        return (Files.exists(all) ? Trees.read(all) : "").lines().filter(paths::contains).map(line -> line + "\n").collect(Collectors.joining());
    }

    private static void writeConfiguration(RootTree tree, Plan plan) {
        tree.write("etc/modules-load.d/mos.conf", plan.loaded().stream().map(name -> name + "\n").collect(Collectors.joining()), 0644);
        if (!plan.parameters().isEmpty()) {
            tree.write("etc/modprobe.d/mos.conf", plan.parameters().entrySet().stream()
                    .map(entry -> "options " + entry.getKey() + " " + String.join(" ", entry.getValue().parameters()) + "\n").collect(Collectors.joining()), 0644);
        }
    }
}
