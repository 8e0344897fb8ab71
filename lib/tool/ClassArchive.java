package lib.tool;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Comparator;
import java.util.List;
import java.util.Optional;
import java.util.stream.Stream;
import lib.tool.Shell.Command;

/**
 * The classes that a script loads, as the JVM holds them in memory, in a file beside the script's jar: the next JVM maps it and starts
 * some 0.4 seconds sooner. The launcher names the file, and while there is none has the JVM list what it loads. A JVM passes over an
 * archive of another JDK or of other jars. Source of the rule: JEP 310 and 350 (class data sharing).
 */
public final class ClassArchive {
    /** System property that names the archive; the launcher sets it. */
    private static final String PROPERTY = "mos.class-archive";
    private static final String ENDING = ".jsa";
    /** Of the file in which the JVM lists what it loads, as the launcher tells it. */
    private static final String LIST = ".list";
    /** Each change of a source makes another jar, in a folder beside, whose archive takes 20 to 40 MiB: those of so many stay. */
    private static final int KEPT = 4;

    private ClassArchive() { }

    /** The options with which another JVM of the same class path uses the archive of this one; none while there is none. */
    public static List<String> options() {
        return file().filter(Files::exists).map(file -> List.of("-Xlog:cds=off", "-Xlog:cds+dynamic=off", "-XX:SharedArchiveFile=" + file)).orElse(List.of());
    }

    /**
     * Leaves the classes of this JVM to the next one, where none are left yet. A JVM of its own does that, in about three seconds; when it
     * fails (a full disk, a folder that is not ours), all works as before.
     */
    public static void keep(Console console) {
        Path file = file().orElse(null);
        if (file == null || Files.exists(file)) {
            return;
        }
        try {
            make(file, console);
        } catch (IOException | UncheckedIOException | Failure e) {
            console.log("the classes are not kept: " + e);
        }
    }

    private static void make(Path file, Console console) throws IOException {
        Path lines = beside(file, ".lines");
        Path part = beside(file, ".part");
        try {
            // This JVM goes on writing to its list: what is there may end in the middle of a line.
            String list = Files.readString(beside(file, LIST));
            Files.writeString(lines, list.substring(0, list.lastIndexOf('\n') + 1));
            Shell.Result made = new Shell(console).attempt(Command.of(Path.of(System.getProperty("java.home"), "bin", "java").toString(), "-Xshare:dump",
                    "-XX:SharedClassListFile=" + lines, "-XX:SharedArchiveFile=" + part, "-cp", System.getProperty("java.class.path")));
            if (made.exitCode() == 0) {
                Files.move(part, file);
                olderThan(file).forEach(Trees::delete);
            }
        } finally {
            Stream.of(lines, part).forEach(Trees::delete);
        }
    }

    /** Deletes what the JVM has listed; the last thing that a run does. */
    static void end() {
        file().ifPresent(file -> beside(file, LIST).toFile().delete());
    }

    /** A file of this JVM, which writes "pid" before its id where an option has %p. */
    private static Path beside(Path file, String ending) {
        return Path.of(file + ".pid" + ProcessHandle.current().pid() + ending);
    }

    private static Optional<Path> file() {
        return Optional.ofNullable(System.getProperty(PROPERTY)).map(Path::of);
    }

    /** The archives of the script's earlier jars, all but the newest ones, and the lists of runs that were killed. */
    private static List<Path> olderThan(Path newest) throws IOException {
        Path folder = newest.getParent();
        String script = folder.getFileName().toString().replaceFirst("[^.]*$", "");
        try (Stream<Path> archives = Files.find(folder.getParent(), 2, (path, attributes) -> path.toString().endsWith(ENDING)
                && path.getParent().getFileName().toString().startsWith(script)); Stream<Path> lists = Files.list(folder)) {
            return Stream.concat(archives.sorted(Comparator.comparing((Path archive) -> archive.toFile().lastModified()).reversed()).skip(KEPT),
                    lists.filter(path -> path.toString().endsWith(LIST))).toList();
        }
    }
}
