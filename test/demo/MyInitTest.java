package demo;

import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import java.io.IOException;
import java.io.OutputStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.TimeUnit;
import java.util.stream.Stream;
import lib.image.Cpio;
import lib.tool.Shell;
import lib.tool.Shell.Command;
import lib.tool.Tools;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** The demo's PID 1 on a real kernel: the distribution's, with an initramfs of busybox and the services of each test. */
@Tag("slow")
class MyInitTest {
    private static final String TARGET = "x86_64-unknown-linux-gnu";
    private static final int SECONDS = 150;

    @TempDir
    static Path shared;
    private static final Tools TOOLS = DemoTest.tools();
    private static Path program;

    @TempDir
    Path scratch;

    private final Map<String, String> services = new LinkedHashMap<>();

    @BeforeAll
    static void compile() {
        assumeTrue(Shell.which("cargo").isPresent(), "my_init is compiled by cargo, which is not installed");
        TOOLS.shell().run(cargo("build", "--release", "--target", TARGET).with("RUSTFLAGS", "-C target-feature=+crt-static"));
        program = shared.resolve("target").resolve(TARGET).resolve("release/my_init");
    }

    private static Command cargo(String... words) {
        List<String> argv = Stream.concat(Stream.of("cargo"), Stream.of(words)).toList();
        return Command.of(argv).in(RealApk.project().resolve("demo/my_init")).with("CARGO_TARGET_DIR", shared.resolve("target").toString());
    }

    /** The distribution's package of a kernel for virtual machines, unpacked. */
    private static Path kernelPackage() {
        assumeTrue(Shell.which("qemu-system-x86_64").isPresent(), "qemu-system-x86_64 is not installed");
        assumeTrue(Shell.which("apt-cache").isPresent(), "the kernel comes from Debian's packages");
        Optional<String> name = TOOLS.shell().attempt(Command.of("apt-cache", "depends", "linux-image-cloud-amd64").with("LC_ALL", "C")).text().lines()
                .map(String::strip).filter(line -> line.startsWith("Depends: linux-image-")).map(line -> line.substring("Depends: ".length())).findFirst();
        assumeTrue(name.isPresent(), "this distribution has no package linux-image-cloud-amd64");
        return Debs.fetch(List.of(name.get()), TOOLS).folder().resolve(name.get());
    }

    private static Path named(Path folder, String pattern) throws IOException {
        try (Stream<Path> all = Files.walk(folder)) {
            return all.filter(file -> Files.isRegularFile(file) && file.getFileName().toString().matches(pattern)).findFirst()
                    .orElseThrow(() -> new IOException("no " + pattern + " in " + folder));
        }
    }

    private void service(String name, String... lines) {
        services.put(name, String.join("\n", lines) + "\n");
    }

    private List<String> boot(String command, boolean consoleNode) throws IOException, InterruptedException {
        return boot(tree(), "my_init.run=\"" + command + "\"", consoleNode, "");
    }

    /**
     * Boots the tree and returns the console's lines once the machine is off.
     *
     * @param monitor command for QEMU's monitor, given when my_init is ready
     */
    private List<String> boot(Path tree, String cmdline, boolean consoleNode, String monitor) throws IOException, InterruptedException {
        Path cpio = scratch.resolve("initramfs.cpio");
        try (OutputStream out = Files.newOutputStream(cpio)) {
            Cpio.Device none = new Cpio.Device("dev/null", 0666, 1, 3);
            Cpio.write(tree, consoleNode ? List.of(new Cpio.Device("dev/console", 0600, 5, 1), none) : List.of(none), 0, out);
        }
        Path console = Files.createFile(scratch.resolve("console"));
        Process qemu = new ProcessBuilder("qemu-system-x86_64", "-accel", "tcg", "-cpu", "max", "-m", "256", "-display", "none", "-no-reboot", "-nic", "none",
                "-serial", "file:" + console, "-monitor", "stdio", "-kernel", named(kernelPackage(), "vmlinuz-.*").toString(), "-initrd", cpio.toString(),
                "-append", "console=ttyS0 panic=-1 " + cmdline).redirectErrorStream(true).redirectOutput(scratch.resolve("qemu").toFile()).start();
        try {
            boolean ended = false;
            String said = "";
            for (int tenths = 0; tenths < 10 * SECONDS && !ended; tenths++) {
                ended = qemu.waitFor(100, TimeUnit.MILLISECONDS);
                String now = Files.readString(console, StandardCharsets.ISO_8859_1);
                if (now.contains("my_init: ready") && !said.contains("my_init: ready") && !monitor.isEmpty()) {
                    qemu.getOutputStream().write((monitor + "\n").getBytes(StandardCharsets.US_ASCII));
                    qemu.getOutputStream().flush();
                }
                said = now;
            }
            assertThat(ended).as("the machine is off within %d s; it said:%n%s", SECONDS, said).isTrue();
            return said.lines().filter(line -> line.contains("my_init: ") || line.matches("(\\[[+-]] |said: |\\[ *\\d).*"))
                    .map(line -> line.replaceFirst("^.*?(?=my_init: )", "").strip()).toList();
        } finally {
            qemu.destroyForcibly();
        }
    }

    private Path tree() throws IOException {
        Path tree = scratch.resolve("tree");
        for (String folder : List.of("bin", "sbin", "dev", "etc/my_init/services", "proc", "sys", "run", "tmp")) {
            Files.createDirectories(tree.resolve(folder));
        }
        Path busybox = new Mirror(RealApk.project().resolve("demo"), TOOLS).debs().file("busybox-static", "busybox");
        Files.copy(busybox, tree.resolve("bin/busybox"));
        for (String applet : TOOLS.shell().output(busybox.toString(), "--list").split("\n")) {
            if (!applet.equals("busybox")) {
                Files.createSymbolicLink(tree.resolve("bin").resolve(applet), Path.of("/bin/busybox"));
            }
        }
        Files.copy(program, tree.resolve("sbin/my_init"));
        Files.createSymbolicLink(tree.resolve("init"), Path.of("sbin/my_init"));
        Files.writeString(tree.resolve("etc/hostname"), "tested\n");
        Files.writeString(tree.resolve("etc/my_init/my_init.conf"), "log_level: debug\ninit: [networking, services]\n");
        for (Map.Entry<String, String> service : services.entrySet()) {
            Files.writeString(tree.resolve("etc/my_init/services").resolve(service.getKey() + ".yaml"), service.getValue());
        }
        return tree;
    }

    @Test
    void its_own_unit_tests_pass() {
        assertThat(TOOLS.shell().run(cargo("test", "--quiet")).text()).contains("test result: ok").doesNotContain(" 0 passed");
    }

    @Test
    void tells_its_version_and_ends_when_it_is_not_process_1() {
        assertThat(TOOLS.shell().output(program.toString(), "--version")).matches("my_init \\d+\\.\\d+\\.\\d+");
        Shell.Result status = TOOLS.shell().attempt(Command.of(program.toString(), "status"));
        assertThat(status.exitCode()).isEqualTo(1);
        assertThat(String.join("\n", status.tail())).contains("cannot reach process 1");
    }

    @Test
    void starts_in_order_and_stops_in_reverse_order() throws Exception {
        service("base", "exec: sleep 1000");
        service("prepare", "exec: sh -c 'sleep 1; touch /run/prepared'", "oneshot: true", "after: [base]");
        service("worker", "exec: sh -c 'test -f /run/prepared && echo \"$GREETING from $PWD\"; exec sleep 1000'", "after: [prepare]",
                "env:", "  GREETING: hello", "dir: /tmp", "test: test -f /run/allowed");
        service("gate", "exec: sh -c 'sleep 1; touch /run/allowed'", "oneshot: true");
        List<String> lines = boot("echo said: $(hostname) $(mount | grep -c cgroup2); poweroff; sleep 60", true);
        assertThat(lines).contains("my_init: started (pid 1)", "my_init: network lo is up", "[+] worker: hello from /tmp", "said: tested 1");
        assertThat(lines).containsSubsequence("my_init: service base running", "my_init: service prepare done", "my_init: service worker running");
        assertThat(lines).containsSubsequence("my_init: service gate done", "my_init: service worker running");
        assertThat(lines).anyMatch(line -> line.matches("my_init: ready in \\d+\\.\\d\\d s \\(\\d+\\.\\d\\d s after the kernel\\)"));
        assertThat(lines).containsSubsequence("my_init: going down: PowerOff", "my_init: service worker stopped", "my_init: service base stopped",
                "my_init: power off now");
        assertThat(lines).noneMatch(line -> line.contains("my_init: error"));
    }

    @Test
    void starts_again_what_ends_and_names_what_cannot_start() throws Exception {
        service("flappy", "exec: sh -c 'exit 3'");
        service("failing", "exec: \"false\"", "oneshot: true");
        service("behind", "exec: sleep 1000", "after: [failing]");
        service("one", "exec: sleep 1000", "after: [other]");
        service("other", "exec: sleep 1000", "after: [one]");
        service("lonely", "exec: sleep 1000", "after: [nobody]");
        service("missing", "exec: /no/such/program");
        service("wrong", "exec: sleep 1000", "onshot: true");
        service("stubborn", "exec: sh -c 'trap \"\" TERM; while :; do sleep 1; done'", "shutdown_timeout: 1");
        List<String> lines = boot("(setsid sh -c 'sleep 1; exit' &); sleep 4; "
                + "echo said: zombies $(grep -l Z.\\(zombie /proc/[0-9]*/status | wc -l); my_init poweroff; sleep 60", true);
        assertThat(lines).contains("my_init: error: /etc/my_init/services/wrong.yaml: line 2: unknown key `onshot`: the keys are exec oneshot after test "
                + "signal env dir log shutdown_timeout: service left out");
        assertThat(lines).contains("my_init: error: service lonely failed: it comes after `nobody`, which does not exist",
                "my_init: error: service one failed: it waits for itself: one after other after one", "my_init: error: service failing failed: exit code 1",
                "my_init: error: service missing failed: cannot run /no/such/program: No such file or directory (os error 2)");
        assertThat(lines).containsSubsequence("my_init: error: service flappy ended (exit code 3), again in 1 s",
                "my_init: error: service flappy ended (exit code 3), again in 2 s", "my_init: error: service flappy ended (exit code 3), again in 4 s");
        assertThat(lines).anyMatch(line -> line.matches("my_init: error: not ready after .*: behind, failing, lonely, missing, one, other did not come up"));
        assertThat(lines).contains("said: zombies 0");
        assertThat(lines).containsSubsequence("my_init: error: service stubborn did not stop within 1 s: killed", "my_init: power off now");
    }

    @Test
    void loads_modules_and_powers_off_when_the_power_button_is_pressed() throws Exception {
        service("base", "exec: sleep 1000");
        Path tree = tree();
        Files.writeString(tree.resolve("etc/my_init/my_init.conf"), "init: [load-modules, services]\n");
        Path kernel = kernelPackage();
        Path modules = Files.createDirectories(tree.resolve("lib/modules").resolve(named(kernel, "vmlinuz-.*").getFileName().toString().replace("vmlinuz-", "")));
        for (String name : List.of("button", "evdev")) {
            Files.copy(named(kernel, name + "\\.ko"), modules.resolve(name + ".ko"));
        }
        Files.writeString(modules.resolve("modules.dep"), "button.ko:\nevdev.ko:\n");
        Files.createDirectories(tree.resolve("etc/modules-load.d"));
        Files.writeString(tree.resolve("etc/modules-load.d/button.conf"), "# the button\nbutton\n");
        Files.writeString(tree.resolve("etc/modules-load.d/keys.conf"), "evdev\nbutton\n");
        List<String> lines = boot(tree, "", true, "system_powerdown");
        assertThat(lines).containsSubsequence("my_init: modules loaded: button evdev", "my_init: service base running", "my_init: going down: PowerOff",
                "my_init: service base stopped", "my_init: power off now");
    }

    @Test
    void speaks_without_a_console_node_and_obeys_busybox_reboot() throws Exception {
        service("base", "exec: sleep 1000");
        List<String> lines = boot("busybox reboot; sleep 60", false);
        assertThat(lines).containsSubsequence("my_init: started (pid 1)", "my_init: service base running", "my_init: going down: Reboot",
                "my_init: service base stopped", "my_init: reboot now");
    }
}
