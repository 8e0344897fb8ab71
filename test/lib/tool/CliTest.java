package lib.tool;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.TimeUnit;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import picocli.CommandLine.Command;
import picocli.CommandLine.Option;

class CliTest {
    @ParameterizedTest
    @CsvSource({"build,1", "usage,2", "machine,3", "contract,4", "defect,1", "fine,0"})
    @Timeout(60)
    void the_exit_code_tells_the_kind_of_failure(String kind, int code) throws Exception {
        assertThat(sample("--fail", kind).waitFor()).isEqualTo(code);
    }

    @Test
    @Timeout(60)
    void a_mistyped_option_is_a_usage_error_with_a_suggestion() throws Exception {
        Process process = sample("--fial", "build");

        assertThat(process.waitFor()).isEqualTo(Failure.USAGE);
        assertThat(new String(process.getErrorStream().readAllBytes(), UTF_8)).contains("hint: did you mean --fail?");
        assertThat(process.getInputStream().readAllBytes()).isEmpty();
    }

    @Test
    @Timeout(60)
    void a_stack_trace_is_shown_with_debug_only() throws Exception {
        Process plain = sample("--fail", "build");
        Process debug = sample("--fail", "build", "--debug");

        assertThat(new String(plain.getErrorStream().readAllBytes(), UTF_8)).isEqualTo("error: it failed\nhint: try again\n");
        assertThat(new String(debug.getErrorStream().readAllBytes(), UTF_8)).contains("error: it failed", "at lib.tool.CliTest");
    }

    @ParameterizedTest
    @CsvSource({"INT", "TERM"})
    @Timeout(60)
    void an_interrupted_script_ends_its_children_and_exits_with_130(String signal) throws Exception {
        Process script = sample("--fail", "never");
        long child = Long.parseLong(script.inputReader().readLine());
        assertThat(ProcessHandle.of(child)).get().matches(ProcessHandle::isAlive);

        new ProcessBuilder("sh", "-c", "kill -" + signal + " " + script.pid()).start().waitFor();

        assertThat(script.waitFor(20, TimeUnit.SECONDS)).isTrue();
        assertThat(script.exitValue()).isEqualTo(Cli.INTERRUPTED);
        assertThat(new String(script.getErrorStream().readAllBytes(), UTF_8)).contains("interrupted");
        assertThat(ProcessHandle.of(child).filter(ProcessHandle::isAlive)).isEmpty();
    }

    private static Process sample(String... args) throws IOException {
        List<String> argv = new ArrayList<>(List.of(Path.of(System.getProperty("java.home"), "bin/java").toString(), "-cp",
                System.getProperty("java.class.path"), Sample.class.getName()));
        argv.addAll(List.of(args));
        return new ProcessBuilder(argv).start();
    }

    /** A script that fails in the way it is told. */
    @Command(name = "sample")
    static final class Sample implements Cli.Script {
        @Option(names = "--fail")
        private String kind = "fine";

        @Option(names = "--debug")
        private boolean debug;

        public static void main(String... args) {
            Cli.main(new Sample(), args);
        }

        @Override
        public boolean debug() {
            return debug;
        }

        @Override
        public Integer call() {
            switch (kind) {
                case "build" -> throw new Failure("it failed", "try again");
                case "usage" -> throw Failure.usage("it failed", "");
                case "machine" -> throw Failure.machine("it failed", "");
                case "contract" -> throw Failure.contract("it failed", "");
                case "defect" -> throw new IllegalStateException("it failed");
                case "never" -> Stream.of("300").forEach(CliTest::sleep);
                default -> { }
            }
            return 0;
        }
    }

    private static void sleep(String seconds) {
        Shell shell = new Shell(Console.stderr(false));
        shell.run(Shell.Command.of("sh", "-c", "echo $$; exec sleep " + seconds).onLine(pid -> {
            System.out.println(pid);
            System.out.flush();
        }));
    }
}
