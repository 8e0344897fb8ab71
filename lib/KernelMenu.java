package lib;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.LinkedHashSet;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import lib.tool.Failure;
import lib.tool.Shell.Command;
import lib.tool.Tools;
import lib.tool.Trees;

/** Lets a person choose kernel options in the kernel's own menu, and carries only what was chosen over into kernel.config. */
record KernelMenu(Kbuild kbuild, Tools tools) {
    private static final Pattern ABOUT = Pattern.compile("(?:#\\s*)?(CONFIG_\\w+)(?:=| is not set).*");

    /** Changes the configuration in an object folder: the menu, or a test. */
    @FunctionalInterface
    interface Editor {
        void edit(Path objects) throws IOException;
    }

    /** The menu on this process's own terminal. */
    Editor menu(Path source) {
        return objects -> {
            Command command = kbuild.make(source, objects, "menuconfig");
            if (tools.shell().interactive(command) != 0) {
                throw Failure.machine("the kernel's menu could not be shown: " + command.pasteable(),
                        "it needs a terminal and the headers of ncurses (libncurses-dev, ncurses-dev, ncurses)");
            }
        };
    }

    /**
     * What came out of the editor.
     *
     * @param changes options that were changed, with their new values. Those that only follow from others are left out: what counts is
     *         the difference between the two configurations as the kernel's savedefconfig shortens them.
     * @param values of all options
     */
    record Edited(Map<String, String> changes, Map<String, String> values) {
        Edited without(Set<String> symbols) {
            Map<String, String> fewer = new TreeMap<>(changes);
            Map<String, String> others = new TreeMap<>(values);
            fewer.keySet().removeAll(symbols);
            others.keySet().removeAll(symbols);
            return new Edited(fewer, others);
        }

        /** Options that a person can set and that another configuration has otherwise, with the values that the editor left. */
        Map<String, String> missingIn(Map<String, String> other, Kconfig kconfig) {
            Map<String, String> missing = new TreeMap<>();
            values.forEach((symbol, value) -> {
                if (!value.equals(other.getOrDefault(symbol, "n")) && kconfig.has(symbol) && kconfig.canBeSet(symbol)) {
                    missing.put(symbol, value);
                }
            });
            return missing;
        }
    }

    /** Edits a copy of a configuration. */
    Edited edited(Path source, Path configuration, Editor editor) {
        Path work = tools.cache().temporary("kernel-menu");
        try {
            Files.createDirectories(work);
            Files.copy(configuration, work.resolve(".config"));
            Map<String, String> before = shortened(source, work);
            editor.edit(work);
            Map<String, String> after = shortened(source, work);
            Map<String, String> values = KernelConfig.values(work.resolve(".config"));
            Set<String> symbols = new LinkedHashSet<>(before.keySet());
            symbols.addAll(after.keySet());
            Map<String, String> changes = new TreeMap<>();
            for (String symbol : symbols) {
                if (!before.getOrDefault(symbol, "").equals(after.getOrDefault(symbol, ""))) {
                    changes.put(symbol, values.getOrDefault(symbol, "n"));
                }
            }
            return new Edited(changes, values);
        } catch (IOException e) {
            throw Failure.io("cannot edit the kernel configuration", e);
        } finally {
            Trees.delete(work);
        }
    }

    private Map<String, String> shortened(Path source, Path work) {
        tools.shell().run(kbuild.make(source, work, "savedefconfig"));
        return KernelConfig.values(work.resolve("defconfig"));
    }

    /** Writes values where the last line about each option stands, be it in kernel.d; others go to the end of kernel.config. */
    static void write(Path config, String arch, Map<String, String> changes) {
        Map<String, Path> places = new LinkedHashMap<>();
        KernelConfig.read(config, arch).requests().forEach(request -> places.put(request.symbol(), Path.of(request.where().replaceFirst(":\\d+$", ""))));
        Map<Path, Map<String, String>> files = new LinkedHashMap<>();
        changes.forEach((symbol, value) -> files.computeIfAbsent(places.getOrDefault(symbol, config), any -> new TreeMap<>()).put(symbol, value));
        files.forEach((file, those) -> Trees.replace(file, edited(Trees.read(file), arch, those)));
    }

    /** A file's text with these values: lines about the options are replaced where they stand, others are put at the end. Those for another processor stay. */
    static String edited(String text, String arch, Map<String, String> changes) {
        Map<String, String> left = new LinkedHashMap<>(changes);
        StringBuilder out = new StringBuilder();
        for (String line : text.stripTrailing().split("\\R", -1)) {
            Matcher m = ABOUT.matcher(line.strip());
            if (!m.matches() || !changes.containsKey(m.group(1)) || !KernelConfig.isFor(line, arch)) {
                out.append(line).append('\n');
            } else if (left.containsKey(m.group(1))) {
                out.append(line(m.group(1), left.remove(m.group(1)))).append(KernelConfig.comment(line).map(comment -> " " + comment).orElse("")).append('\n');
            }
        }
        left.forEach((symbol, value) -> out.append(line(symbol, value)).append('\n'));
        return out.toString();
    }

    private static String line(String symbol, String value) {
        return new KernelConfig.Request(symbol, value, false, "").line();
    }
}
