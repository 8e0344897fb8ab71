package lib;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import lib.Claim.Running;
import lib.tool.Shell;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class ClaimTest {
    @TempDir
    Path scratch;
    @TempDir
    Path folder;

    private Claim claim() {
        return Claim.of("node", folder, shell());
    }

    private Shell shell() {
        return TestTools.in(scratch).shell();
    }

    private static Running running(Process process, boolean detached, List<List<String>> cleanup) {
        return Running.of("qemu", process.toHandle(), detached, cleanup, "a machine");
    }

    @Test
    void a_machine_is_run_once_at_a_time() {
        Claim first = claim();
        assertThatThrownBy(this::claim).hasMessage("the machine node is run by another runit.java");
        first.close();
        claim().close();
    }

    @Test
    void a_machine_in_the_background_is_not_started_again_until_it_has_ended() throws Exception {
        Process sleep = new ProcessBuilder("sleep", "60").start();
        try (Claim claim = claim()) {
            claim.record(running(sleep, true, List.of()));
        }
        assertThat(Claim.running(folder)).map(Running::summary).contains("a machine");
        assertThatThrownBy(this::claim).hasMessage("the machine node is run in the background (process " + sleep.pid() + ")");

        sleep.destroyForcibly().waitFor();
        assertThat(Claim.running(folder)).isEmpty();
        claim().close();
    }

    @Test
    void a_machine_is_known_by_what_does_not_move_when_the_clock_is_set() throws Exception {
        Process sleep = new ProcessBuilder("sleep", "60").start();
        String[] stat = Files.readString(Path.of("/proc/" + sleep.pid() + "/stat")).split(" ");

        assertThat(running(sleep, true, List.of()).started()).isEqualTo(stat[21] + " " + Files.readString(Path.of("/proc/sys/kernel/random/boot_id")).strip());
        sleep.destroyForcibly().waitFor();
    }

    @Test
    void what_a_killed_run_left_behind_is_ended_and_cleaned_up() throws Exception {
        Process left = new ProcessBuilder("sleep", "60").start();
        Path device = Files.writeString(scratch.resolve("a device"), "");
        Claim killed = claim();
        killed.record(running(left, false, List.of(List.of("rm", device.toString()))));
        byte[] state = Files.readAllBytes(folder.resolve("state.json"));
        killed.close();
        Files.write(folder.resolve("state.json"), state);

        claim().close();

        assertThat(left.isAlive()).isFalse();
        assertThat(device).doesNotExist();
        assertThat(folder.resolve("state.json")).doesNotExist();
    }

    @Test
    void stopping_a_machine_that_has_ended_by_itself_removes_what_it_left_behind() throws Exception {
        Process ended = new ProcessBuilder("sleep", "60").start();
        Path device = Files.writeString(scratch.resolve("a device"), "");
        try (Claim claim = claim()) {
            claim.record(running(ended, true, List.of(List.of("rm", device.toString()))));
        }
        ended.destroyForcibly().waitFor();
        Background machine = new Background("node", folder, shell(), TestTools.in(scratch).console());

        machine.stop(Duration.ZERO);

        assertThat(device).doesNotExist();
        assertThatThrownBy(() -> machine.stop(Duration.ZERO)).hasMessage("machine node does not run");
    }

    @Test
    void another_process_that_got_the_same_number_is_left_alone() throws IOException, InterruptedException {
        Process other = new ProcessBuilder("sleep", "60").start();
        try (Claim claim = claim()) {
            claim.record(new Running("qemu", other.pid(), "12345", true, List.of(), "gone"));
        }
        assertThat(Claim.running(folder)).isEmpty();
        claim().close();
        assertThat(other.isAlive()).isTrue();
        other.destroyForcibly().waitFor();
    }
}
