package lib;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import lib.BootCheck.Verdict;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/** A shell script plays the hypervisor: what it prints is the guest's console, what it reads are keys. */
@Timeout(60)
class BootTest {
    @TempDir
    Path folder;

    private final List<String> heard = new ArrayList<>();

    private Boot.Outcome watch(String script, double answerSeconds, String... rules) throws IOException, InterruptedException {
        Process process = new ProcessBuilder("sh", "-c", script).start();
        try {
            return new Boot(BootContract.parse("rules", String.join("\n", rules)), heard::add, answerSeconds).watch(process, process.getInputStream(), folder.resolve("log"));
        } finally {
            process.destroyForcibly().waitFor();
        }
    }

    @Test
    void a_guest_that_shows_a_prompt_when_enter_is_pressed_does_not_hang() throws Exception {
        Boot.Outcome outcome = watch("echo ready; read -r key; echo; printf '/ # '; sleep 60", 30, "must ready", "within 30");

        assertThat(outcome.verdict()).isEqualTo(Verdict.MET);
    }

    @Test
    void a_guest_that_is_ready_and_deaf_has_not_met_its_contract() throws Exception {
        Boot.Outcome outcome = watch("echo ready; printf '/ # '; sleep 60", 3, "must ready", "within 30");

        assertThat(outcome.verdict()).isEqualTo(Verdict.TIMEOUT);
        assertThat(outcome.why()).contains("shows no prompt when Enter is pressed");
        assertThat(watch("echo ready; sleep 2", 30, "must ready").verdict()).isEqualTo(Verdict.TIMEOUT);
    }

    @Test
    void a_panic_that_comes_while_the_answer_is_waited_for_is_a_panic() throws Exception {
        Boot.Outcome outcome = watch("echo ready; read -r key; echo 'Kernel panic - not syncing: later'; sleep 60", 30, "must ready");

        assertThat(outcome.verdict()).isEqualTo(Verdict.PANIC);
        assertThat(heard).contains("Kernel panic - not syncing: later");
    }
}
