package lib;

import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Stream;
import lib.tool.Trees;

/** The crates that a Rust program was made of, as its Cargo.lock lists them. Format: the tables [[package]] of cargo's lock file. */
public final class CargoLock {
    private static final Pattern SETTING = Pattern.compile("(name|version|source|checksum) = \"([^\"]*)\"");

    private CargoLock() { }

    /**
     * A crate from a registry or git.
     *
     * @param source as Cargo.lock has it
     * @param checksum SHA-256 of its archive; empty for one from git
     */
    public record Crate(String name, String version, String source, String checksum) { }

    /** The Cargo.lock of the project that {@code folder} belongs to: there or above, up to {@code top}. */
    static Optional<Path> find(Path folder, Path top) {
        return Stream.iterate(folder, at -> at != null && at.startsWith(top), Path::getParent).map(at -> at.resolve("Cargo.lock")).filter(Files::isRegularFile).findFirst();
    }

    /** Crates from elsewhere, by name and version; those of the project itself have no source and are left out. */
    static List<Crate> read(Path file) {
        List<Crate> crates = new ArrayList<>();
        for (String table : (Trees.read(file) + "\n").split("(?m)^\\[\\[package]]\\s*$")) {
            Map<String, String> settings = new HashMap<>();
            table.lines().map(SETTING::matcher).filter(Matcher::matches).forEach(m -> settings.putIfAbsent(m.group(1), m.group(2)));
            if (settings.containsKey("name") && settings.containsKey("source")) {
                crates.add(new Crate(settings.get("name"), settings.getOrDefault("version", ""), settings.get("source"), settings.getOrDefault("checksum", "")));
            }
        }
        crates.sort(Comparator.comparing(Crate::name).thenComparing(Crate::version).thenComparing(Crate::source));
        return List.copyOf(crates);
    }
}
