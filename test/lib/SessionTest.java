package lib;

import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.net.ServerSocket;
import java.net.Socket;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import lib.tool.Json;
import lib.tool.Shell;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/** Machines in the background and on a terminal. */
@Tag("slow")
@Timeout(180)
class SessionTest extends RunitProcess {
    @Test
    void a_machine_in_the_background_is_reached_by_its_port_and_its_console_and_stops() throws Exception {
        int port;
        try (ServerSocket free = new ServerSocket(0)) {
            port = free.getLocalPort();
        }
        Ran detached = run(guest("test=serve", "--detach", "--port", port + ":80"));
        assertThat(detached.code()).as(detached.err()).isZero();
        until(() -> log().contains("guest login:"));

        assertThat(answer(port)).isEqualTo("guest: hello\n");
        assertThat(Json.parse(run(command("--status", "--json")).out(), "status").path("guest").asText()).isEqualTo("running");
        assertThat(run(guest("", "--check")).err()).contains("the machine default is run in the background");
        assertThat(attachTyping("hello\n", "guest: heard hello", "\001d")).contains("left; the machine runs on");
        assertThat(attachTyping("off\n", "guest: heard off", "")).contains("the machine has ended");

        assertThat(run(command("--status")).code()).isEqualTo(1);
        assertThat(hypervisorRuns()).isFalse();
    }

    private String log() {
        try {
            return Files.readString(workspace.resolve("vm/default/boot.log"), StandardCharsets.ISO_8859_1);
        } catch (IOException e) {
            return "";
        }
    }

    /** QEMU takes a connection before anybody listens in the guest, and then ends it without a word: asked again for ten seconds. */
    private static String answer(int port) throws Exception {
        String said = "";
        for (int attempt = 0; said.isEmpty() && attempt < 100; attempt++) {
            Thread.sleep(attempt == 0 ? 0 : 100);
            try (Socket socket = new Socket("127.0.0.1", port)) {
                socket.setSoTimeout(20_000);
                said = new String(socket.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
            }
        }
        return said;
    }

    /** Attaches, types, waits for an answer on the console, types the rest; returns what was said on stderr. */
    private String attachTyping(String keys, String answer, String rest) throws Exception {
        Path err = workspace.resolve("attach.err");
        Process process = new ProcessBuilder(command("--attach")).redirectError(err.toFile()).start();
        try (OutputStream typed = process.getOutputStream()) {
            typed.write(keys.getBytes(StandardCharsets.UTF_8));
            typed.flush();
            read(process.getInputStream(), answer);
            typed.write(rest.getBytes(StandardCharsets.UTF_8));
            typed.flush();
            process.waitFor();
        }
        return Files.readString(err);
    }

    /** Reads until the text has come. */
    private static String read(InputStream in, String text) throws IOException {
        StringBuilder all = new StringBuilder();
        for (int b = in.read(); b >= 0 && all.indexOf(text) < 0; b = in.read()) {
            all.append((char) b);
        }
        assertThat(all.toString()).contains(text);
        return all.toString();
    }

    @Test
    void a_guest_that_does_not_listen_to_its_power_button_is_stopped_all_the_same() throws Exception {
        assertThat(run(guest("test=hang", "--detach")).code()).isZero();

        Ran stopped = run(command("--stop", "--timeout", "1"));

        assertThat(stopped.code()).as(stopped.err()).isZero();
        assertThat(stopped.err()).contains("the hypervisor ends the machine");
        assertThat(hypervisorRuns()).isFalse();
    }

    @Test
    void the_terminal_is_as_before_after_quitting_and_after_kill_9_and_no_hypervisor_stays() throws Exception {
        assertThat(onTerminal(guest(""), "guest login:", process -> {
            type(process, "\001c");
            type(process, "info status\n");
            read(process.getInputStream(), "VM status: running");
            type(process, "\001c\001x");
        })).isEqualTo(0);
        assertThat(onTerminal(guest(""), "guest login:", process -> runit(process).forEach(ProcessHandle::destroyForcibly))).isEqualTo(137);
        assertThat(onTerminal(guest(""), "guest: started", process -> runit(process).forEach(ProcessHandle::destroy))).isEqualTo(130);
    }

    @Test
    void ctrl_c_ends_a_test_and_a_question_about_disks_that_hold_data_is_taken_seriously() throws Exception {
        assertThat(onTerminal(guest("test=hang", "--check", "--disk-size", "1M"), "guest: started", process -> type(process, "\003"))).isEqualTo(130);
        Path disk = workspace.resolve("vm/default/disk0.raw");
        Files.writeString(disk, "data" + "\0".repeat((1 << 20) - 4));

        assertThat(onTerminal(guest("", "--reset"), "Make the disks anew? [y/N]", process -> type(process, "n\n"))).isEqualTo(1);

        assertThat(Files.readString(disk)).startsWith("data");
    }

    @Test
    void killed_at_any_point_a_run_leaves_nothing_that_the_next_one_trips_over() throws Exception {
        assumeTrue(Shell.which("unshare").isPresent() && Shell.which("ip").isPresent(), "unshare or ip is not installed");
        assumeTrue(new ProcessBuilder("unshare", "-rn", "true").start().waitFor() == 0, "no network namespace can be made here");
        expect("must guest: the host answers", "within 60");
        String line = quoted(guest("test=ping", "--bridge", "testbr"));
        Files.writeString(workspace.resolve("killed.sh"), """
                for point in 0.4:KILL 0.6:KILL 0.8:TERM 1.0:KILL 2.0:KILL 2.5:TERM; do
                  %1$s --check & pid=$!; sleep ${point%%:*}; kill -${point#*:} $pid; wait $pid
                done
                for point in 0.5 0.7 0.9 1.1; do
                  %1$s --detach & pid=$!; sleep $point; kill -KILL $pid; wait $pid
                  %2$s --stop --timeout 0.1
                done
                %1$s --check; code=$?
                ip -o link
                exit $code
                """.formatted(line, quoted(command())));

        Ran ran = run(List.of("unshare", "-rn", "sh", workspace.resolve("killed.sh").toString()));

        assertThat(ran.code()).as(ran.err()).isZero();
        assertThat(ran.out().lines().filter(one -> one.matches("\\d+: .*"))).singleElement().asString().contains("lo:");
        assertThat(hypervisorRuns()).isFalse();
        assertThat(workspace.resolve("vm/default/state.json")).doesNotExist();
    }

    private interface Ending {
        void end(Process terminal) throws IOException;
    }

    private static void type(Process terminal, String keys) throws IOException {
        terminal.getOutputStream().write(keys.getBytes(StandardCharsets.UTF_8));
        terminal.getOutputStream().flush();
    }

    private static List<ProcessHandle> runit(Process terminal) {
        return terminal.descendants().filter(process -> process.info().command().orElse("").endsWith("java")).toList();
    }

    /** Runs a command in a pseudo-terminal until it says a text, ends it, and compares the terminal's settings; returns the exit code. */
    private int onTerminal(List<String> argv, String text, Ending ending) throws Exception {
        assumeTrue(Shell.which("script").isPresent(), "script (of util-linux or bsdutils) is not installed");
        Path line = workspace.resolve("run.sh");
        Files.writeString(line, "trap : INT\nstty -g > before\n" + quoted(argv) + "\necho $? > code\n"
                + "for try in $(seq 80); do [ \"$(stty -g)\" != \"$(cat before)\" ] || break; sleep 0.1; done; sleep 1\nstty -g > after\n");
        Process terminal = new ProcessBuilder("script", "-qec", "sh " + line, "/dev/null").directory(workspace.toFile()).redirectErrorStream(true).start();
        String before = read(terminal.getInputStream(), text);
        if (!argv.contains("--check") && !argv.contains("--reset")) {
            assertThat(before).as("the title says what runs and how to quit").containsPattern("\033\\[22;0t\033\\]0;machine default: QEMU [^\007]*Ctrl-a x");
        }
        ending.end(terminal);
        String after = new String(terminal.getInputStream().readAllBytes(), StandardCharsets.ISO_8859_1);
        assertThat(after).as("colours, wrapping, the cursor and the title are reset").matches(screen -> screen.contains("\033[0m\033[?7h\033[?25h\033[23;0t") || text.contains("?"));
        terminal.waitFor();
        assertThat(Files.readString(workspace.resolve("after"))).isEqualTo(Files.readString(workspace.resolve("before")));
        assertThat(hypervisorRuns()).isFalse();
        return Integer.parseInt(Files.readString(workspace.resolve("code")).strip());
    }

    private static String quoted(List<String> argv) {
        return String.join(" ", argv.stream().map(word -> "'" + word + "'").toList());
    }
}
