package lib.apk;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import demo.TarEntry;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import lib.TestProject;
import lib.tool.Console;
import lib.tool.Failure;
import lib.tool.Shell;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Package scripts of another processor, in the real minirootfs for it. */
class EmulationTest {
    private static final String MINIROOT = "alpine-mirror/v3.19/releases/aarch64/alpine-minirootfs-3.19.4-aarch64.tar.gz";

    @TempDir
    Path scratch;
    private final Shell shell = new Shell(Console.plain(System.err));

    @Test
    void scripts_for_aarch64_run_with_all_that_they_start_and_the_machine_stays_as_it_is() throws IOException {
        assumeTrue(System.getProperty("os.arch").equals("amd64"), "aarch64 is foreign to x86_64");
        assumeTrue(Oracle.isRoot(), "only root can unpack the miniroot with its owners");
        assumeTrue(Emulation.installed("aarch64").isPresent(), "qemu-aarch64-static is not installed");
        Path root = miniroot();
        Repo repo = new Repo(scratch.resolve("repo"), "aarch64");
        repo.with(repo.make("hello", "1.0-r0").with(TarEntry.file("usr/share/hello/f", 0644, "x")).with("triggers", "/usr/share/hello")
                .withScript("post-install", "#!/bin/sh\nadduser -S -D -H hello && touch /made && chown hello /made && uname -m > /machine && ls /dev > /devices\n")
                .withScript("trigger", "#!/bin/sh\necho \"$(uname -m) $1\" > /triggered\n").tidy());
        List<String> before = registered();

        repo.install(root, shell, "hello");

        assertThat(root.resolve("machine")).hasContent("aarch64");
        assertThat(root.resolve("triggered")).hasContent("aarch64 /usr/share/hello");
        String uid = Files.readAllLines(root.resolve("etc/passwd")).stream().filter(line -> line.startsWith("hello:")).findFirst().orElseThrow().split(":")[2];
        assertThat(Files.getAttribute(root.resolve("made"), "unix:uid")).hasToString(uid);
        assertThat(Files.readAllLines(root.resolve("devices"))).containsExactlyInAnyOrder("full", "null", "random", "urandom", "zero");
        assertThat(registered()).isEqualTo(before);
        assertThat(root.resolve("dev")).isEmptyDirectory();
    }

    @Test
    void a_script_that_fails_there_is_named_with_its_own_words() throws IOException {
        assumeTrue(Oracle.isRoot() && Emulation.installed("aarch64").isPresent(), "needs root and qemu-aarch64-static");
        Path root = miniroot();
        Repo repo = new Repo(scratch.resolve("repo"), "aarch64");
        repo.with(repo.make("bad", "1.0-r0").withScript("post-install", "#!/bin/sh\necho no such thing\nexit 3\n").with(TarEntry.file("f", 0644, "x")));

        assertThatThrownBy(() -> repo.install(root, shell, "bad")).hasMessageContaining("post-install of package bad-1.0-r0 ended with exit code 3")
                .hasMessageContaining("no such thing");
    }

    @Test
    void only_another_processor_is_foreign() throws IOException {
        Path arch = Files.createDirectories(scratch.resolve("etc/apk")).resolve("arch");
        String own = System.getProperty("os.arch").replace("amd64", "x86_64");

        assertThat(Emulation.foreign(scratch)).isEmpty();
        Files.writeString(arch, own + "\n");
        assertThat(Emulation.foreign(scratch)).isEmpty();
        Files.writeString(arch, (own.equals("aarch64") ? "x86_64" : "aarch64") + "\n");
        assertThat(Emulation.foreign(scratch)).isPresent();
    }

    @Test
    void the_registration_knows_programs_of_that_processor_and_no_others() {
        String[] fields = Emulation.of("aarch64", Path.of("/usr/bin/qemu-aarch64-static")).registration().split(":");

        assertThat(fields).containsSequence("", "mos-aarch64", "M", "").endsWith("/usr/bin/qemu-aarch64-static", "F");
        assertThat(fields[4]).hasSize(4 * 20 - 9).startsWith("\\x7fELF\\x02\\x01").endsWith("\\x02\\x00\\xb7\\x00");
        assertThat(fields[5]).hasSize(4 * 20).endsWith("\\xff\\xff\\xfe\\xff\\xff\\xff");
    }

    @Test
    void what_is_missing_is_said_with_the_line_that_installs_it() {
        Failure failure = Emulation.impossible("aarch64", List.of("sh: Exec format error"));

        assertThat(failure.exitCode()).isEqualTo(Failure.MACHINE);
        assertThat(failure.what()).contains("package scripts for aarch64 cannot run").contains("Exec format error");
        assertThat(failure.hint()).contains("qemu-user-static");
    }

    private Path miniroot() throws IOException {
        Path root = Files.createDirectories(scratch.resolve("root"));
        shell.run("tar", "xzf", TestProject.shared(MINIROOT).toString(), "-C", root.toString());
        return root;
    }

    /** The machine's own registrations; empty where there is no binfmt_misc. */
    private static List<String> registered() {
        String[] names = Path.of("/proc/sys/fs/binfmt_misc").toFile().list();
        return names == null ? List.of() : List.of(names);
    }
}
