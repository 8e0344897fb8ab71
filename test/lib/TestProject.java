package lib;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.stream.Stream;
import org.junit.jupiter.api.Assumptions;

/** Where the project's own files are, and the folder beside it that only development machines have. */
public final class TestProject {
    private TestProject() { }

    /** The nearest folder upwards from the current one that holds the launcher. */
    public static Path folder() {
        return Stream.iterate(Path.of("").toAbsolutePath(), folder -> folder != null, Path::getParent)
                .filter(folder -> Files.exists(folder.resolve("jbang")) && Files.exists(folder.resolve("test.java"))).findFirst()
                .orElseThrow(() -> new IllegalStateException("run the tests in the project's folder"));
    }

    /** A file or folder of ../shared; the test is skipped where there is none. */
    public static Path shared(String path) {
        Path shared = folder().resolveSibling("shared").resolve(path);
        Assumptions.assumeTrue(Files.exists(shared), "there is no " + shared);
        return shared;
    }

    /** A file's path below the project's folder. */
    public static String name(Path file) {
        return folder().relativize(file).toString();
    }

    /** The Java files in one folder of the project, or also in those below it. */
    public static List<Path> javaFiles(String folder, boolean below) {
        Path top = folder().resolve(folder);
        try (Stream<Path> files = Files.isDirectory(top) ? Files.walk(top, below ? Integer.MAX_VALUE : 1) : Stream.empty()) {
            return files.filter(file -> file.toString().endsWith(".java")).sorted().toList();
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    /** Every Java file of the project: scripts, library, demo and tests. */
    public static List<Path> javaFiles() {
        return Stream.concat(javaFiles("", false).stream(), Stream.of("lib", "demo", "test").flatMap(folder -> javaFiles(folder, true).stream())).toList();
    }

    /** All that people wrote: no outputs and no binary files. */
    public static List<Path> textFiles() {
        return Stream.of("", "lib", "demo", "test", "config", "docs", ".ci", ".github")
                .flatMap(folder -> files(folder, folder.isEmpty() ? 1 : Integer.MAX_VALUE).stream()).filter(TestProject::isText).toList();
    }

    private static List<Path> files(String folder, int depth) {
        Path top = folder().resolve(folder);
        try (Stream<Path> files = Files.isDirectory(top) ? Files.walk(top, depth) : Stream.empty()) {
            return files.filter(Files::isRegularFile).filter(file -> !file.endsWith(".git") && !file.toString().contains("/target/")).sorted().toList();
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    private static boolean isText(Path file) {
        try {
            String text = new String(Files.readAllBytes(file), StandardCharsets.UTF_8);
            return text.indexOf('\0') < 0 && text.indexOf('\uFFFD') < 0;
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    /** How many times longer work may take because other programs are at work here too: running programs for each processor, at least 1. */
    public static double load() {
        var machine = java.lang.management.ManagementFactory.getOperatingSystemMXBean();
        return Math.max(1, machine.getSystemLoadAverage() / machine.getAvailableProcessors());
    }
}
