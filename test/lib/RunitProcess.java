package lib;

import static org.assertj.core.api.Assertions.assertThat;

import demo.TestGuest;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.concurrent.TimeUnit;
import java.util.function.BooleanSupplier;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.io.TempDir;

/** Runs runit.java as a user does, in a process of its own and a workspace of its own, with a real guest. */
public abstract class RunitProcess {
    @TempDir
    protected static Path shared;
    protected static Path kernel;
    protected static Path initrd;

    @TempDir
    protected Path workspace;

    /** What a run printed, and its exit code. */
    protected record Ran(int code, String out, String err) { }

    @BeforeAll
    protected static void makeGuest() throws IOException {
        kernel = TestGuest.kernel();
        initrd = shared.resolve("initrd.cpio");
        TestGuest.writeInitrd(initrd, Files.createDirectory(shared.resolve("tree")));
    }

    @BeforeEach
    protected void makeWorkspace() throws IOException {
        Files.createDirectories(workspace.resolve("config"));
        Files.writeString(workspace.resolve("config/build.conf"), "");
        expect("must guest: ready", "within 60");
    }

    protected void expect(String... rules) throws IOException {
        Files.write(workspace.resolve("config/boot.expect"), List.of(rules));
    }

    protected List<String> command(String... arguments) {
        List<String> argv = new ArrayList<>(List.of(ProcessHandle.current().info().command().orElseThrow(), "-XX:TieredStopAtLevel=1", "-cp",
                System.getProperty("java.class.path"), "Runit", "-C", workspace.toString()));
        argv.addAll(List.of(arguments));
        return argv;
    }

    protected List<String> guest(String words, String... arguments) {
        List<String> argv = command("--kernel", kernel.toString(), "--initrd", initrd.toString(), "--memory", "256", "--cpus", "1",
                "--cmdline", "console=ttyS0 " + words);
        argv.addAll(List.of(arguments));
        return argv;
    }

    protected Ran run(List<String> argv) throws IOException, InterruptedException {
        Path out = workspace.resolve("out");
        Path err = workspace.resolve("err");
        Process process = new ProcessBuilder(argv).redirectInput(Path.of("/dev/null").toFile()).redirectOutput(out.toFile()).redirectError(err.toFile()).start();
        int code = process.waitFor();
        return new Ran(code, Files.readString(out), Files.readString(err));
    }

    protected boolean hypervisorRuns() {
        return ProcessHandle.allProcesses().anyMatch(process -> process.info().arguments().map(Arrays::asList).orElse(List.of()).stream()
                .anyMatch(word -> word.contains(workspace.resolve("vm").toString())) && process.info().command().orElse("").contains("qemu"));
    }

    protected static void until(BooleanSupplier condition) throws InterruptedException {
        long end = System.nanoTime() + TimeUnit.SECONDS.toNanos(120);
        while (!condition.getAsBoolean()) {
            assertThat(System.nanoTime()).as("within two minutes").isLessThan(end);
            Thread.sleep(50);
        }
    }
}
