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
@Timeout(120)
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

    private static String answer(int port) throws Exception {
        try (Socket socket = new Socket("127.0.0.1", port)) {
            socket.setSoTimeout(20_000);
            return new String(socket.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
        }
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
    private static void read(InputStream in, String text) throws IOException {
        StringBuilder all = new StringBuilder();
        for (int b = in.read(); b >= 0 && all.indexOf(text) < 0; b = in.read()) {
            all.append((char) b);
        }
        assertThat(all.toString()).contains(text);
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
        assertThat(onTerminal(process -> type(process, "\001x"))).isEqualTo(0);
        assertThat(onTerminal(process -> runit(process).forEach(ProcessHandle::destroyForcibly))).isEqualTo(137);
        assertThat(onTerminal(process -> runit(process).forEach(ProcessHandle::destroy))).isEqualTo(130);
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

    /** Runs a guest in a pseudo-terminal until its prompt, ends it, and compares the terminal's settings; returns the exit code. */
    private int onTerminal(Ending ending) throws Exception {
        assumeTrue(Shell.which("script").isPresent(), "script (of util-linux or bsdutils) is not installed");
        Path line = workspace.resolve("run.sh");
        Files.writeString(line, "stty -g > before\n" + quoted(guest("")) + "\necho $? > code\nsleep 3\nstty -g > after\n");
        Process terminal = new ProcessBuilder("script", "-qec", "sh " + line, "/dev/null").directory(workspace.toFile()).redirectErrorStream(true).start();
        read(terminal.getInputStream(), "guest login:");
        ending.end(terminal);
        terminal.getInputStream().readAllBytes();
        terminal.waitFor();
        assertThat(Files.readString(workspace.resolve("after"))).isEqualTo(Files.readString(workspace.resolve("before")));
        assertThat(hypervisorRuns()).isFalse();
        return Integer.parseInt(Files.readString(workspace.resolve("code")).strip());
    }

    private static String quoted(List<String> argv) {
        return String.join(" ", argv.stream().map(word -> "'" + word + "'").toList());
    }
}
