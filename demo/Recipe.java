package demo;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.stream.Stream;
import lib.tool.Failure;
import lib.tool.Trees;

/**
 * A folder below demo/packages: how one package of the demo's mirror is made. Its files are the package's files (mode 0644) except
 * {@code .pre-install}, {@code .post-install} and {@code .trigger}, which are its scripts, and {@code PACKAGE}:
 *
 * <pre>
 * KEY = VALUE               a line of .PKGINFO; {DEB} is the version of a Debian package, {version} this package's own
 * deb DEB FILE PATH MODE    the file named FILE of a Debian package, at PATH
 * folder PATH [MODE [USER:GROUP]]
 * link PATH TARGET
 * mode PATH MODE [USER:GROUP]     of a file that is in this folder
 * in miniroot               belongs to the base system; "in community": to the second repository
 * </pre>
 *
 * @param lines of PACKAGE, with their numbers, without comments
 */
record Recipe(Path folder, List<Line> lines) {
    private static final String ARCH = "x86_64";
    /** Numeric ids in archives; the names beside them count. Other names get {@link #BUILDER}, as on a machine that does not know them. */
    private static final Map<String, Integer> IDS = Map.of("root", 0, "shadow", 42);
    private static final int BUILDER = 1000;

    /** A line of PACKAGE: its number and words. */
    record Line(int number, List<String> words) {
        String word(int index) {
            return words.get(index);
        }

        boolean is(String verb) {
            return word(0).equals(verb) && !isInfo();
        }

        boolean isInfo() {
            return words.size() > 2 && word(1).equals("=");
        }

        String value() {
            return String.join(" ", words.subList(2, words.size()));
        }
    }

    static Recipe read(Path folder) {
        List<Line> lines = new ArrayList<>();
        int number = 0;
        for (String text : Trees.read(folder.resolve("PACKAGE")).split("\\R", -1)) {
            number++;
            if (!text.isBlank() && !text.startsWith("#")) {
                lines.add(new Line(number, List.of(text.strip().split("\\s+"))));
            }
        }
        return new Recipe(folder, lines);
    }

    String name() {
        return folder.getFileName().toString();
    }

    boolean isIn(String place) {
        return lines.stream().anyMatch(line -> line.is("in") && line.word(1).equals(place));
    }

    /** Names of the Debian packages that it takes files or versions from. */
    Set<String> debs() {
        Set<String> names = new LinkedHashSet<>();
        for (Line line : lines) {
            if (line.is("deb")) {
                names.add(line.word(1));
            } else if (line.isInfo() && line.word(0).equals("pkgver") && line.value().startsWith("{")) {
                names.add(line.value().substring(1, line.value().length() - 1));
            }
        }
        return names;
    }

    /** The package with all but files that are only known at run time. */
    ApkPackage build(Debs debs, long time) {
        String version = lines.stream().filter(line -> line.isInfo() && line.word(0).equals("pkgver")).map(Line::value).findFirst()
                .map(text -> text.startsWith("{") ? debs.version(text.substring(1, text.length() - 1)) : text)
                .orElseThrow(() -> new Failure(folder.resolve("PACKAGE") + " has no pkgver", ""));
        ApkPackage result = ApkPackage.of(name(), version, ARCH, time);
        Map<String, TarEntry> entries = tree();
        for (Line line : lines) {
            if (line.isInfo()) {
                result = line.word(0).equals("pkgver") ? result : result.with(line.word(0), line.value().replace("{version}", version));
            } else {
                apply(line, entries, debs);
            }
        }
        for (String script : List.of("pre-install", "post-install", "trigger")) {
            Path file = folder.resolve("." + script);
            result = Files.exists(file) ? result.withScript(script, Trees.read(file)) : result;
        }
        return result.withEntries(List.copyOf(entries.values())).tidy();
    }

    private void apply(Line line, Map<String, TarEntry> entries, Debs debs) {
        List<String> words = line.words();
        switch (words.get(0) + " " + words.size()) {
            case "deb 5" -> entries.put(words.get(3), TarEntry.file(words.get(3), mode(words), bytes(debs.file(words.get(1), words.get(2)))));
            case "folder 2", "folder 3", "folder 4" -> entries.put(words.get(1), TarEntry.folder(words.get(1), words.size() > 2
                    ? Integer.parseInt(words.get(2), 8) : 0755).ownedBy(words.size() > 3 ? owner(words.get(3)) : TarEntry.Owner.ROOT));
            case "link 3" -> entries.put(words.get(1), TarEntry.symlink(words.get(1), words.get(2)));
            case "mode 3", "mode 4" -> {
                TarEntry file = entries.get(words.get(1));
                if (file == null) {
                    throw wrong(line, "there is no such file");
                }
                entries.put(file.name(), TarEntry.file(file.name(), Integer.parseInt(words.get(2), 8), file.content())
                        .ownedBy(words.size() > 3 ? owner(words.get(3)) : TarEntry.Owner.ROOT));
            }
            case "in 2" -> { }
            default -> throw wrong(line, "not a line of a PACKAGE file");
        }
    }

    private static int mode(List<String> words) {
        return Integer.parseInt(words.get(words.size() - 1), 8);
    }

    private static TarEntry.Owner owner(String text) {
        String[] names = text.split(":");
        return new TarEntry.Owner(IDS.getOrDefault(names[0], BUILDER), names[0], IDS.getOrDefault(names[1], BUILDER), names[1]);
    }

    private Failure wrong(Line line, String what) {
        return Failure.at(folder.resolve("PACKAGE").toString(), line.number(), String.join(" ", line.words()), what, "");
    }

    private Map<String, TarEntry> tree() {
        Map<String, TarEntry> entries = new LinkedHashMap<>();
        try (Stream<Path> all = Files.walk(folder)) {
            for (Path file : all.filter(Files::isRegularFile).sorted().toList()) {
                String path = folder.relativize(file).toString();
                if (!path.startsWith(".") && !path.equals("PACKAGE")) {
                    entries.put(path, TarEntry.file(path, 0644, bytes(file)));
                }
            }
        } catch (IOException e) {
            throw Failure.io("cannot read " + folder, e);
        }
        return entries;
    }

    private static byte[] bytes(Path file) {
        try {
            return Files.readAllBytes(file);
        } catch (IOException e) {
            throw Failure.io("cannot read " + file, e);
        }
    }
}
