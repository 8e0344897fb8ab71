package lib;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.stream.Stream;
import lib.image.Compressed;
import lib.image.Elf;
import lib.image.ModuleFile;
import lib.tool.Failure;
import lib.tool.Trees;

/** A folder lib/modules/RELEASE: which drivers are there as modules or inside the kernel, which devices and firmware they name. */
record ModuleFolder(Path folder) {
    /**
     * A driver.
     *
     * @param name with {@code _} for {@code -}
     * @param firmware names or globs below lib/firmware, as its {@code firmware=} entries have them
     * @param aliases patterns of the devices that it serves; kernels before 6.18 keep none for those inside the kernel
     */
    record Driver(String name, boolean builtIn, List<String> firmware, List<String> aliases) {
        /** As people read it: {@code module r8169}, {@code built-in driver e100}. */
        String title() {
            return (builtIn ? "built-in driver " : "module ") + name;
        }
    }

    /** Those that are files, in path order; a module that is cut or damaged is a Failure that names it. */
    List<Driver> modules() {
        return files().stream().map(ModuleFolder::module).toList();
    }

    /** Names of those that are files. */
    List<String> names() {
        return files().stream().map(file -> ModuleFile.nameOf(file.toString())).toList();
    }

    private List<Path> files() {
        if (!Files.isDirectory(folder)) {
            return List.of();
        }
        try (Stream<Path> files = Files.walk(folder)) {
            return files.filter(file -> ModuleFile.unpackedPath(file.toString()).endsWith(".ko") && Files.isRegularFile(file)).sorted().toList();
        } catch (IOException e) {
            throw Failure.io("cannot read " + folder, e);
        }
    }

    private static Driver module(Path file) {
        List<String> info = Elf.parse(file.toString(), Compressed.read(file)).strings(".modinfo");
        if (info.isEmpty()) {
            throw new Failure(file + " is not a kernel module: it has no .modinfo", "build the kernel's modules again");
        }
        return new Driver(ModuleFile.nameOf(file.toString()), false, values(info, "firmware="), values(info, "alias="));
    }

    /** Those inside the kernel: modules.builtin names them, modules.builtin.modinfo holds their entries ({@code name.key=value}). */
    List<Driver> builtIn() {
        Map<String, List<String>> entries = new LinkedHashMap<>();
        lines("modules.builtin", "\n").forEach(line -> entries.put(ModuleFile.nameOf(line), new ArrayList<>()));
        lines("modules.builtin.modinfo", "\0").filter(entry -> entry.matches("(?s)[^.=]+\\.[^.=]+=.*")).forEach(entry -> {
            int dot = entry.indexOf('.');
            entries.computeIfAbsent(ModuleFile.nameOf(entry.substring(0, dot)), any -> new ArrayList<>()).add(entry.substring(dot + 1));
        });
        return entries.entrySet().stream()
                .map(one -> new Driver(one.getKey(), true, values(one.getValue(), "firmware="), values(one.getValue(), "alias="))).toList();
    }

    /** Alias patterns with the modules that they lead to, in file order: modules.alias, or the modules' own entries where there is none. */
    Map<String, List<String>> aliases() {
        Map<String, List<String>> aliases = new LinkedHashMap<>();
        if (Files.isRegularFile(folder.resolve("modules.alias"))) {
            lines("modules.alias", "\n").map(line -> line.split("\\s+")).filter(words -> words.length == 3 && words[0].equals("alias"))
                    .forEach(words -> aliases.computeIfAbsent(words[1], any -> new ArrayList<>()).add(words[2].replace('-', '_')));
        } else {
            modules().forEach(driver -> driver.aliases().forEach(alias -> aliases.computeIfAbsent(alias, any -> new ArrayList<>()).add(driver.name())));
        }
        return aliases;
    }

    private Stream<String> lines(String file, String separator) {
        Path path = folder.resolve(file);
        return Files.isRegularFile(path) ? Arrays.stream(Trees.read(path).split(separator)).map(String::strip).filter(line -> !line.isEmpty()) : Stream.empty();
    }

    private static List<String> values(List<String> info, String key) {
        return info.stream().filter(entry -> entry.startsWith(key)).map(entry -> entry.substring(key.length()).strip()).distinct().toList();
    }

    /** The one folder of {@code lib/modules}; empty when there is none. */
    static Optional<ModuleFolder> only(Path libModules) {
        if (!Files.isDirectory(libModules)) {
            return Optional.empty();
        }
        try (Stream<Path> releases = Files.list(libModules)) {
            List<Path> all = releases.filter(Files::isDirectory).sorted().toList();
            if (all.size() > 1) {
                throw new Failure(libModules + " holds modules of several kernels: " + all.stream().map(Path::getFileName).toList(), "keep one of them");
            }
            return all.stream().findFirst().map(ModuleFolder::new);
        } catch (IOException e) {
            throw Failure.io("cannot read " + libModules, e);
        }
    }
}
