import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import com.fasterxml.jackson.databind.JsonNode;
import demo.TestGuest;
import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.net.ServerSocket;
import java.net.Socket;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.concurrent.TimeUnit;
import java.util.function.BooleanSupplier;
import lib.TestProject;
import lib.tool.Json;
import lib.tool.Shell;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/** runit.java as a user runs it, in a process of its own, with real guests under QEMU. */
@Tag("slow")
@Timeout(120)
class RunitTest {
    @TempDir
    static Path shared;
    private static Path kernel;
    private static Path initrd;

    @TempDir
    Path workspace;

    /** What a run printed, and its exit code. */
    private record Ran(int code, String out, String err) { }

    @BeforeAll
    static void makeGuest() throws IOException {
        kernel = TestGuest.kernel();
        initrd = shared.resolve("initrd.cpio");
        TestGuest.writeInitrd(initrd, Files.createDirectory(shared.resolve("tree")));
    }

    @BeforeEach
    void makeWorkspace() throws IOException {
        Files.createDirectories(workspace.resolve("config"));
        Files.writeString(workspace.resolve("config/build.conf"), "");
        expect("must guest: ready", "within 60");
    }

    private void expect(String... rules) throws IOException {
        Files.write(workspace.resolve("config/boot.expect"), List.of(rules));
    }

    private List<String> command(String... arguments) {
        List<String> argv = new ArrayList<>(List.of(ProcessHandle.current().info().command().orElseThrow(), "-XX:TieredStopAtLevel=1", "-cp",
                System.getProperty("java.class.path"), "Runit", "-C", workspace.toString()));
        argv.addAll(List.of(arguments));
        return argv;
    }

    private List<String> guest(String words, String... arguments) {
        List<String> argv = command("--kernel", kernel.toString(), "--initrd", initrd.toString(), "--memory", "256", "--cpus", "1",
                "--cmdline", "console=ttyS0 " + words);
        argv.addAll(List.of(arguments));
        return argv;
    }

    private Ran run(List<String> argv) throws IOException, InterruptedException {
        Path out = workspace.resolve("out");
        Path err = workspace.resolve("err");
        Process process = new ProcessBuilder(argv).redirectInput(Path.of("/dev/null").toFile()).redirectOutput(out.toFile()).redirectError(err.toFile()).start();
        int code = process.waitFor();
        return new Ran(code, Files.readString(out), Files.readString(err));
    }

    private boolean hypervisorRuns() {
        return ProcessHandle.allProcesses().anyMatch(process -> process.info().arguments().map(Arrays::asList).orElse(List.of()).stream()
                .anyMatch(word -> word.contains(workspace.resolve("vm").toString())) && process.info().command().orElse("").contains("qemu"));
    }

    private static void until(BooleanSupplier condition) throws InterruptedException {
        long end = System.nanoTime() + TimeUnit.SECONDS.toNanos(30);
        while (!condition.getAsBoolean()) {
            assertThat(System.nanoTime()).as("within 30 s").isLessThan(end);
            Thread.sleep(50);
        }
    }

    @Test
    void a_boot_that_meets_its_contract_ends_with_0_and_its_times_on_stdout() throws Exception {
        expect("must guest: disk vda 2097152 disk0", "must guest: disk vdb", "must guest login:", "must-not FATAL", "within 60");

        Ran ran = run(guest("", "--check", "--disks", "2", "--disk-size", "1G", "--junit", workspace.resolve("boot.xml").toString()));

        assertThat(ran.err()).contains("guest: ready").doesNotContain("\033");
        assertThat(ran.code()).isZero();
        assertThat(ran.out()).startsWith("boot contract met in ").contains("  kernel ", "must guest login:");
        assertThat(Files.readString(workspace.resolve("vm/default/boot.log"))).contains("guest login: ");
        assertThat(Files.readString(workspace.resolve("boot.xml"))).contains("tests=\"4\" failures=\"0\"");
        assertThat(hypervisorRuns()).isFalse();
    }

    @Test
    void a_panic_ends_with_5_in_seconds() throws Exception {
        Ran ran = run(guest("test=panic", "--check"));

        assertThat(ran.code()).as(ran.err()).isEqualTo(5);
        assertThat(ran.err()).contains("error: the kernel gave up: ", "Kernel panic - not syncing: Attempted to kill init!");
        assertThat(ran.out()).isEmpty();
    }

    @Test
    void an_initramfs_that_the_kernel_cannot_unpack_ends_with_5() throws Exception {
        Path broken = Files.writeString(workspace.resolve("broken.cpio"), "this is no archive\n".repeat(20));

        Ran ran = run(command("--kernel", kernel.toString(), "--initrd", broken.toString(), "--memory", "256", "--check"));

        assertThat(ran.code()).as(ran.err()).isEqualTo(5);
        assertThat(ran.err()).contains("Initramfs unpacking failed");
    }

    @Test
    void a_guest_that_hangs_ends_with_6_and_says_what_is_missing_and_what_came_last() throws Exception {
        Ran ran = run(guest("test=hang", "--check", "--timeout", "8", "--json"));

        assertThat(ran.code()).as(ran.err()).isEqualTo(6);
        assertThat(ran.err()).contains("missing: guest: ready (" + workspace.resolve("config/boot.expect") + ":1)", "    guest: started");
        assertThat(Json.parse(ran.out(), "report").path("result").asText()).isEqualTo("timeout");
        assertThat(hypervisorRuns()).isFalse();
    }

    @Test
    void a_guest_that_powers_off_too_early_ends_with_4_although_the_hypervisor_is_content() throws Exception {
        Ran ran = run(guest("test=poweroff", "--check"));

        assertThat(ran.code()).as(ran.err()).isEqualTo(4);
        assertThat(ran.err()).contains("the guest ended the machine before all lines had appeared", "missing: guest: ready");
    }

    @Test
    void a_forbidden_line_ends_with_4_even_right_behind_the_last_good_one() throws Exception {
        expect("must guest: ready", "must-not data on disk");

        Ran ran = run(guest("", "--check"));

        assertThat(ran.code()).as(ran.err()).isEqualTo(4);
        assertThat(ran.err()).contains("a line that must not appear: guest: data on disk", "rule: data on disk (");
    }

    @Test
    void a_hypervisor_that_cannot_start_ends_with_7_and_its_own_words() throws Exception {
        try (ServerSocket taken = new ServerSocket(0, 1, java.net.InetAddress.getLoopbackAddress())) {
            Ran ran = run(guest("", "--check", "--port", taken.getLocalPort() + ":80"));

            assertThat(ran.code()).as(ran.err()).isEqualTo(7);
            assertThat(ran.err()).contains("the hypervisor ended with exit code 1", "Could not set up host forwarding rule");
        }
    }

    @Test
    void firmware_boots_the_image_and_leaves_the_disks_their_names() throws Exception {
        assumeTrue(Files.exists(Path.of("/usr/share/OVMF")), "there is no UEFI firmware (package ovmf)");
        expect("must guest: disk vda", "must guest: booted by EFI", "within 90");

        Ran ran = run(guest("", "--check", "--efi"));

        assertThat(ran.code()).as(ran.err()).isZero();
    }

    @Test
    void disks_keep_their_data_until_reset_and_other_sizes_are_refused() throws Exception {
        assertThat(run(guest("test=write", "--check")).code()).isZero();
        expect("must data on disk: data");
        assertThat(run(guest("", "--check")).err()).contains("guest: data on disk: data");

        assertThat(run(guest("", "--check", "--disk-size", "1G")).err()).contains("disk0.raw has 21474836480 bytes, not 1073741824");
        expect("must data on disk: $", "must-not data on disk: data");
        assertThat(run(guest("", "--check", "--reset")).code()).isZero();
    }

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
    void a_guest_in_a_bridge_reaches_the_host_and_nothing_of_the_network_stays() throws Exception {
        assumeTrue(Shell.which("unshare").isPresent() && Shell.which("ip").isPresent(), "unshare or ip is not installed");
        assumeTrue(new ProcessBuilder("unshare", "-rn", "true").start().waitFor() == 0, "no network namespace can be made here");
        expect("must guest: the host answers", "within 60");
        List<String> argv = new ArrayList<>(List.of("unshare", "-rn", "sh", "-c", "\"$@\"; code=$?; ip -o link; exit $code", "sh"));
        argv.addAll(guest("test=ping", "--check", "--bridge", "testbr"));

        Ran ran = run(argv);

        assertThat(ran.code()).as(ran.err()).isZero();
        assertThat(ran.err()).contains(" in bridge testbr (52:54:00:");
        assertThat(ran.out().lines().filter(line -> line.matches("\\d+: .*"))).singleElement().asString().contains("lo:");
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

    @Test
    void boots_are_repeated_and_held_against_a_baseline_by_the_guests_own_clock() throws Exception {
        Path baseline = Files.writeString(workspace.resolve("baseline.json"), "{\"measure\": \"guest\", \"median\": 0.5}");

        Ran slower = run(guest("", "--check", "--icount", "--repeat", "2", "--json", "--baseline", baseline.toString()));

        assertThat(slower.code()).as(slower.err()).isEqualTo(4);
        assertThat(slower.err()).contains("boots have become slower: ", "before 0.50 s, allowed 0.55 s");
        JsonNode report = Json.parse(slower.out(), "report");
        assertThat(report.path("runs")).hasSize(2);
        assertThat(report.path("spread").asDouble()).isLessThan(report.path("median").asDouble() / 10);
    }

    @Test
    void the_projects_own_image_meets_its_contract_through_firmware_too() throws Exception {
        Path project = TestProject.folder();
        assumeTrue(Files.exists(project.resolve("dist/vmlinuz.efi")), "dist/vmlinuz.efi is not built (build.java --demo)");
        assumeTrue(Files.exists(Path.of("/usr/share/OVMF")), "there is no UEFI firmware (package ovmf)");

        for (List<String> way : List.of(List.<String>of(), List.of("--efi"))) {
            List<String> argv = command("--check", "--memory", "512");
            argv.set(argv.indexOf("-C") + 1, project.toString());
            argv.addAll(List.of("--name", "test"));
            argv.addAll(way);
            Ran ran = run(argv);
            assertThat(ran.code()).as(way + ran.err()).isZero();
        }
    }

    @Test
    void what_cannot_be_booted_is_said_before_anything_starts() throws Exception {
        assertThat(run(command("--check"))).satisfies(ran -> {
            assertThat(ran.code()).isEqualTo(2);
            assertThat(ran.err()).contains("there is no image " + workspace.resolve("dist/vmlinuz.efi"), "./jbang build.java");
        });
        assertThat(run(command("--kernel", initrd.toString())).err()).contains("initrd.cpio is not a Linux kernel");
        expect("must ready", "mustnot FATAL");
        assertThat(run(guest("", "--check")).err()).contains("boot.expect:2: unknown rule mustnot: mustnot FATAL", "did you mean must-not");
    }
}
