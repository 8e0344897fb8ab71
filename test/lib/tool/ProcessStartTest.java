package lib.tool;

import static org.assertj.core.api.Assertions.assertThat;

import org.junit.jupiter.api.Test;

class ProcessStartTest {
    @Test
    void a_program_whose_name_looks_like_fields_is_read_past_and_a_dead_one_has_none() {
        String fields = "1 7 7 0 -1 4194560 1 2 3 4 5 6 7 8 20 0 1 0 4711 99 1";

        assertThat(ProcessStart.ticks("12 (a) Z 1 (b) S " + fields + "\n")).contains("4711");
        assertThat(ProcessStart.ticks("12 (sleep) Z " + fields + "\n")).isEmpty();
    }

    @Test
    void a_process_has_one_start_until_it_ends() throws Exception {
        Process process = new ProcessBuilder("sleep", "60").start();
        String start = ProcessStart.of(process.pid()).orElseThrow();

        assertThat(ProcessStart.isOf(process.pid(), start)).isTrue();
        assertThat(ProcessStart.isOf(ProcessHandle.current().pid(), start)).isFalse();
        process.destroyForcibly().waitFor();
        assertThat(ProcessStart.isOf(process.pid(), start)).isFalse();
    }
}
