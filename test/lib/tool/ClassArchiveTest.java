package lib.tool;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;

import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.PrintStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.FileTime;
import java.util.ArrayList;
import java.util.List;
import java.util.stream.Stream;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

@Timeout(120)
class ClassArchiveTest {
    @TempDir
    Path jars;

    private Path folder;
    private Path archive;

    @BeforeEach
    void folder() throws IOException {
        folder = Files.createDirectories(jars.resolve("build.java.0a1b"));
        archive = folder.resolve("build-17.jsa");
    }

    @Test
    void the_next_jvm_takes_its_classes_from_what_the_first_one_has_left() throws Exception {
        Path killed = Files.writeString(Path.of(archive + ".pid77.list"), "java/lang/Object\n");
        Files.createFile(folder.resolve("build.jar"));

        assertThat(run("-XX:DumpLoadedClassList=" + archive + ".%p.list")).isEqualTo("[]\n");

        assertThat(archive).isRegularFile();
        assertThat(killed).doesNotExist();
        try (Stream<Path> files = Files.list(folder)) {
            assertThat(files.map(file -> file.getFileName().toString())).containsExactlyInAnyOrder("build.jar", "build-17.jsa");
        }
        assertThat(run("-XX:SharedArchiveFile=" + archive, "-Xlog:class+load")).contains("lib.tool.Suggest source: shared objects file",
                "[-Xlog:cds=off, -Xlog:cds+dynamic=off, -XX:SharedArchiveFile=" + archive + "]");
    }

    @Test
    void where_none_can_be_made_nothing_is_left_and_nothing_fails() throws Exception {
        assertThat(run()).as("no list").isEqualTo("[]\n");
        assertThat(run("-Dblocked=true", "-XX:DumpLoadedClassList=" + archive + ".%p.list")).as("its file cannot be written").isEqualTo("[]\n");

        assertThat(folder).isEmptyDirectory();
    }

    @Test
    void archives_of_the_four_newest_jars_stay() throws Exception {
        List<Path> earlier = new ArrayList<>();
        for (String name : List.of("build.java.1", "build.java.2", "build.java.3", "build.java.4", "build.java.5", "image.java.1")) {
            Path file = Files.createFile(Files.createDirectory(jars.resolve(name)).resolve("x-17.jsa"));
            Files.setLastModifiedTime(file, FileTime.fromMillis(1_700_000_000_000L + earlier.size()));
            earlier.add(file);
        }

        run("-XX:DumpLoadedClassList=" + archive + ".%p.list");

        assertThat(earlier.stream().filter(Files::exists)).containsExactlyElementsOf(earlier.subList(2, 6));
        assertThat(archive).exists();
    }

    private String run(String... options) throws Exception {
        List<String> argv = new ArrayList<>(List.of(Path.of(System.getProperty("java.home"), "bin/java").toString(), "-Dmos.class-archive=" + archive));
        argv.addAll(List.of(options));
        argv.addAll(List.of("-cp", System.getProperty("java.class.path"), Sample.class.getName()));
        Process process = new ProcessBuilder(argv).redirectErrorStream(true).start();
        String text = new String(process.getInputStream().readAllBytes(), UTF_8);
        assertThat(process.waitFor()).as(text).isZero();
        return text;
    }

    /** Loads a class, leaves its own and says with which options others would use them. */
    static final class Sample {
        public static void main(String... args) throws IOException {
            System.out.println(ClassArchive.options());
            Suggest.closest("a", List.of("b"));
            if (Boolean.getBoolean("blocked")) {
                Files.createDirectories(Path.of(System.getProperty("mos.class-archive") + ".pid" + ProcessHandle.current().pid() + ".part", "x"));
            }
            ClassArchive.keep(Console.plain(new PrintStream(new ByteArrayOutputStream())));
            ClassArchive.end();
        }
    }
}
