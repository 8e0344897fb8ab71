package lib;

import java.nio.file.Files;
import java.nio.file.Path;
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
}
