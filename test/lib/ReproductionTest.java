package lib;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.TimeUnit;
import java.util.stream.Stream;
import lib.image.Cpio;
import lib.image.Xz;
import lib.tool.Failure;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.MethodSource;

/** What build.java --verify says of two builds; that it builds twice is for BuildTest. */
class ReproductionTest {
    @TempDir
    Path folder;
    private Workspace first;
    private Workspace second;

    @BeforeEach
    void workspaces() throws IOException {
        first = workspace("first");
        second = workspace("second");
    }

    private Workspace workspace(String name) throws IOException {
        Path tree = Files.createDirectories(folder.resolve(name + "-tree"));
        Files.createDirectories(tree.resolve("etc"));
        Files.writeString(tree.resolve("etc/motd"), "one\ntwo\nthree\n");
        Files.writeString(tree.resolve("etc/shadow"), "root:*:20000:0:::::\n");
        Files.writeString(tree.resolve("init"), "#!/bin/sh\n");
        Files.setAttribute(tree.resolve("init"), "unix:mode", 0755);
        return new Workspace(folder.resolve(name), folder);
    }

    private interface Change {
        void make(Path tree) throws IOException;
    }

    static Stream<Arguments> changes() {
        return Stream.of(
                change("etc/motd: content differs at byte 4 \\(line 2\\)", "", tree -> Files.writeString(tree.resolve("etc/motd"), "one\nTWO\nthree\n")),
                change("etc/shadow: content differs at byte 11", "date or a time", tree -> Files.writeString(tree.resolve("etc/shadow"), "root:*:20007:0:::::\n")),
                change("etc/motd: content differs", "path of a folder", tree -> Files.writeString(tree.resolve("etc/motd"), "one\n/tmp/verify-123/x\n")),
                change("init: type and mode -rwxr-xr-x and -rwx------ \\(cpio header at byte \\d+ of the archive\\)", "umask",
                        tree -> Files.setAttribute(tree.resolve("init"), "unix:mode", 0700)),
                change("etc/more is in the second image only", "did not do so before", tree -> Files.writeString(tree.resolve("etc/more"), "")),
                change("etc/motd is in the first image only", "did not do so again", tree -> Files.delete(tree.resolve("etc/motd"))));
    }

    private static Arguments change(String what, String cause, Change change) {
        return Arguments.of(what, cause, change);
    }

    @ParameterizedTest(name = "{0}")
    @MethodSource("changes")
    void the_first_difference_is_named_down_to_file_and_field(String what, String cause, Change change) throws IOException {
        change.make(folder.resolve("second-tree"));
        pack(0);

        assertThatThrownBy(() -> Reproduction.compare(first, second)).isInstanceOfSatisfying(Failure.class, failure -> {
            assertThat(failure.getMessage()).contains("initramfs.cpio.xz").containsPattern("first difference: " + what);
            assertThat(failure.getMessage()).contains(cause);
            assertThat(failure.exitCode()).isEqualTo(Failure.CONTRACT);
        });
    }

    @Test
    void a_time_stamp_in_a_header_is_a_difference() throws IOException {
        pack(1);

        assertThatThrownBy(() -> Reproduction.compare(first, second)).hasMessageContaining("time stamp 1000 and 1001");
    }

    @Test
    void the_same_trees_are_no_difference() throws IOException {
        pack(0);

        Reproduction.compare(first, second);
        assertThat(first.dist().resolve("initramfs.cpio.xz")).hasSameBinaryContentAs(second.dist().resolve("initramfs.cpio.xz"));
    }

    @Test
    void another_compression_of_the_same_files_is_told_apart_from_other_files() throws IOException {
        pack(0);
        Files.write(second.dist().resolve("initramfs.cpio.xz"), Xz.pack(archive("second", 0), false, 1));

        assertThatThrownBy(() -> Reproduction.compare(first, second)).hasMessageContaining("all files inside are the same");
    }

    @Test
    void the_second_build_gets_other_circumstances() {
        BuildOptions options = new BuildOptions();
        options.jobs = 4;

        List<String> argv = new Reproduction(first, options, TestTools.in(folder)).command(second);

        assertThat(argv).startsWith("sh", "-c", "umask 077; exec \"$@\"").containsSubsequence("-Duser.language=tr", "-XX:ActiveProcessorCount=1", "-classpath").containsSequence("-C", second.folder().toString()).containsSequence("--jobs", "1")
                .containsSequence("--config", folder.toString());
    }

    @Test
    void the_second_build_has_nothing_and_nowhere_to_upload() throws IOException {
        Path settings = Files.writeString(folder.resolve("rfs.conf"), "S3_ENDPOINT=\"https://s3.example.org\"\nS3_BUCKET=\"images\"\n");

        Map<String, String> environment = new Reproduction(first, new BuildOptions(), TestTools.in(folder)).environment(folder.resolve("apart"), Optional.empty());

        assertThat(environment).containsEntry("UPLOAD_KERNEL", "").containsEntry("UPLOAD_MANIFESTS", "").containsEntry("REMOTE_CACHE", "");
        assertThat(Store.read(settings, environment).orElseThrow().endpoint()).hasToString("http://nowhere.invalid");
    }

    @Test
    void what_the_second_build_started_ends_and_its_folders_go_when_this_process_is_killed() throws Exception {
        Files.createDirectories(first.folder());
        Path scratch = Files.createDirectories(folder.resolve("verify-1/another folder")).getParent();
        ProcessBuilder sleep = new ProcessBuilder("sleep", "60");
        sleep.environment().put(Reproduction.MARK, folder.resolve("verify-12") + "/");
        Process other = sleep.start();
        sleep.environment().put(Reproduction.MARK, scratch + "/");
        Process started = sleep.start();

        Reproduction.guard(TestTools.in(folder).shell(), scratch, first.folder()).close(); // as when the pipe ends

        assertThat(started.waitFor(5, TimeUnit.SECONDS)).isTrue();
        assertThat(other.isAlive()).isTrue();
        assertThat(scratch).doesNotExist();
        assertThat(first.folder()).doesNotExist();
        other.destroyForcibly().waitFor();
    }

    private void pack(int later) throws IOException {
        for (Workspace one : List.of(first, second)) {
            Files.createDirectories(one.dist());
            String name = one.folder().getFileName().toString();
            Files.write(one.dist().resolve("initramfs.cpio.xz"), Xz.pack(archive(name, one == second ? later : 0), true, 1));
        }
    }

    private byte[] archive(String name, int later) throws IOException {
        ByteArrayOutputStream out = new ByteArrayOutputStream();
        Cpio.write(folder.resolve(name + "-tree"), List.of(), 1000 + later, out);
        return out.toByteArray();
    }
}
