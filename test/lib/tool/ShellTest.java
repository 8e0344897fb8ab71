package lib.tool;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.PrintStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.TimeUnit;
import lib.TestProject;
import lib.tool.Shell.Command;
import org.junit.jupiter.api.Assumptions;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

class ShellTest {
    private final Shell shell = new Shell(Console.plain(new PrintStream(new ByteArrayOutputStream(), true, UTF_8)));

    @TempDir
    Path folder;

    @Test
    void a_result_has_the_exit_code_standard_output_alone_and_the_last_lines_of_both_streams() {
        Shell.Result result = shell.attempt(Command.of("sh", "-c", "echo out; echo err >&2; exit 7"));

        assertThat(result.exitCode()).isEqualTo(7);
        assertThat(result.text()).isEqualTo("out");
        assertThat(result.tail()).containsExactlyInAnyOrder("out", "err");
    }

    @Test
    void a_failure_shows_the_pasteable_command_its_exit_code_and_its_last_twenty_lines() {
        assertThatThrownBy(() -> shell.run(Command.of("sh", "-c", "seq 1 30; exit 3"), "try again"))
                .hasMessageStartingWith("sh ended with exit code 3\n  command: sh -c 'seq 1 30; exit 3'\n    11\n    12")
                .hasMessageEndingWith("\n    30")
                .satisfies(e -> assertThat(((Failure) e).hint()).isEqualTo("try again"))
                .satisfies(e -> assertThat(((Failure) e).exitCode()).isEqualTo(Failure.BUILD));
    }

    @Test
    void a_program_that_is_not_installed_is_the_machines_lack() {
        assertThatThrownBy(() -> shell.run("no-such-program-anywhere")).hasMessage("the program no-such-program-anywhere is not installed")
                .satisfies(e -> assertThat(((Failure) e).exitCode()).isEqualTo(Failure.MACHINE));
    }

    @Test
    void no_shell_reads_the_words_of_a_command() {
        assertThat(shell.output("printf", "%s\\n", "$HOME `id` \"quoted\" *", "it's")).isEqualTo("$HOME `id` \"quoted\" *\nit's");
    }

    @Test
    void a_pasted_command_has_the_same_words() {
        List<String> words = List.of("printf", "<%s>", "a b", "it's", "$HOME", "", "*", "new\nline", "\\", "plain-1.0");

        String pasted = shell.output("sh", "-c", Command.of(words).pasteable());

        assertThat(pasted).isEqualTo("<a b><it's><$HOME><><*><new\nline><\\><plain-1.0>");
    }

    @Test
    void runs_in_a_folder_with_variables_and_input() {
        Command command = Command.of("sh", "-c", "pwd; echo $MOS_TEST; cat").in(folder).with("MOS_TEST", "x y").input("from stdin".getBytes(UTF_8));

        assertThat(shell.run(command).text()).isEqualTo(folder + "\nx y\nfrom stdin");
    }

    @Test
    void a_closed_environment_hands_nothing_on() {
        assertThat(shell.run(Command.of("env").withOnly(Map.of("ONLY", "this"))).text()).isEqualTo("ONLY=this");
    }

    @Test
    void each_line_is_handed_on_as_it_comes() {
        List<String> lines = new CopyOnWriteArrayList<>();

        shell.run(Command.of("sh", "-c", "echo one; echo two").onLine(lines::add));

        assertThat(lines).containsExactly("one", "two");
    }

    @Test
    void what_a_listener_takes_for_itself_is_in_no_failure() {
        Command command = Command.of("sh", "-c", "printf 'at 1%%\\rat 2%%\\rgone\\n' >&2; exit 1").taking(line -> line.endsWith("%"));

        assertThat(shell.attempt(command).tail()).containsExactly("gone");
    }

    @Test
    @Timeout(30)
    void a_command_that_takes_too_long_is_ended_with_its_children_and_nothing_else() throws IOException, InterruptedException {
        Process other = shell.start(Command.of("sleep", "300"));
        List<String> lines = new CopyOnWriteArrayList<>();
        Command slow = Command.of("sh", "-c", "sleep 300 & echo $!; wait").onLine(lines::add).timeout(1);

        assertThatThrownBy(() -> shell.attempt(slow)).hasMessageStartingWith("sh did not end within 1 s");

        assertThat(gone(Long.parseLong(lines.get(0)))).isTrue();
        assertThat(other.isAlive()).isTrue();
        Shell.end(other);
        assertThat(other.isAlive()).isFalse();
    }

    @Test
    @Timeout(30)
    void a_process_that_ignores_the_polite_request_is_killed() throws IOException, InterruptedException {
        Process stubborn = shell.start(Command.of("sh", "-c", "trap '' TERM; echo ready; while :; do sleep 0.1; done"));
        assertThat(stubborn.inputReader().readLine()).isEqualTo("ready");

        Shell.end(stubborn);

        assertThat(stubborn.waitFor(10, TimeUnit.SECONDS)).isTrue();
    }

    @Test
    @Timeout(60)
    void orphans_are_ended_and_the_same_words_in_another_root_are_left_alone() throws IOException, InterruptedException {
        Assumptions.assumeTrue(User.isRoot(), "chroot takes root");
        Path archive = TestProject.shared("alpine-mirror/v3.19/releases/x86_64/alpine-minirootfs-3.19.4-x86_64.tar.gz");
        shell.run("tar", "-xzf", archive.toString(), "-C", folder.toString());
        Process orphan = shell.start(Command.of("sleep", "300").with("MOS_TEST_WORK", "/root/work"));
        Process other = shell.start(Command.of("chroot", folder.toString(), "/bin/sleep", "300").with("MOS_TEST_WORK", "/root/work"));
        while (!Files.isSameFile(Path.of("/proc", Long.toString(other.pid()), "root"), folder)) {
            Thread.sleep(20);
        }

        Shell.endOrphans("MOS_TEST_WORK", "/root/work");

        assertThat(orphan.waitFor(10, TimeUnit.SECONDS)).isTrue();
        assertThat(other.isAlive()).isTrue();
        Shell.end(other);
    }

    @Test
    void finds_programs_on_the_path_and_by_their_own_path() {
        assertThat(Shell.which("sh")).isPresent();
        assertThat(Shell.which(Shell.which("sh").orElseThrow().toString())).isPresent();
        assertThat(Shell.which("no-such-program-anywhere")).isEmpty();
        assertThat(Shell.which("/etc")).isEmpty();
    }

    /** Gone, or a zombie that nobody collects: in a container the first process may not do so. */
    private static boolean gone(long pid) throws IOException, InterruptedException {
        Path state = Path.of("/proc", Long.toString(pid), "stat");
        for (int i = 0; i < 100; i++) {
            if (!Files.exists(state) || Files.readString(state).contains(") Z ")) {
                return true;
            }
            Thread.sleep(100);
        }
        return false;
    }
}
