package lib.tool;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.tuple;

import java.io.ByteArrayOutputStream;
import java.io.PrintStream;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.Assumptions;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class ConsoleTest {
    private final ByteArrayOutputStream screen = new ByteArrayOutputStream();
    private final Console console = Console.plain(new PrintStream(screen, true, UTF_8));

    @TempDir
    Path folder;

    @Test
    void without_a_terminal_each_step_is_one_plain_line_with_its_seconds() {
        int value = console.phase(2, 6, "Alpine Base", () -> console.step("installing", () -> 20, count -> count + " packages installed"), count -> 4096);

        assertThat(value).isEqualTo(20);
        assertThat(screen.toString(UTF_8)).matches("2/6 Alpine Base\\R {2}20 packages installed +0\\.\\d s\\R");
        assertThat(console.spans()).extracting(Console.Span::phase, Console.Span::step, Console.Span::bytes)
                .containsExactly(tuple("Alpine Base", "20 packages installed", 0L), tuple("Alpine Base", "", 4096L));
    }

    @Test
    void a_step_that_fails_prints_no_closing_line() {
        assertThatThrownBy(() -> console.step("linking", () -> {
            throw new Failure("no space", "");
        })).hasMessage("no space");

        assertThat(screen.toString(UTF_8)).doesNotContain("linking");
    }

    @Test
    void what_children_print_goes_to_the_log_only() {
        Path log = folder.resolve("dist/build.log");
        console.logTo(log);

        console.output("CC init/main.o");
        console.say("seen");
        console.close();

        assertThat(screen.toString(UTF_8)).isEqualTo("seen" + System.lineSeparator());
        assertThat(log).content().contains("CC init/main.o", "seen");
    }

    @Test
    void a_failure_is_what_and_hint_without_a_stack_trace() {
        console.failure(Failure.usage("config/build.conf:3: unknown key X", "did you mean Y?"));

        assertThat(screen.toString(UTF_8).lines()).containsExactly("error: config/build.conf:3: unknown key X", "hint: did you mean Y?");
    }

    @Test
    void a_defect_says_that_it_is_one() {
        console.failure(new IllegalStateException("boom"));

        assertThat(screen.toString(UTF_8)).contains("defect of the program", "boom", "--debug");
    }

    @Test
    void a_real_terminal_gets_colour_and_NO_COLOR_takes_it_away() {
        Assumptions.assumeTrue(Shell.which("script").isPresent(), "script (util-linux) is not installed");

        assertThat(onTerminal(List.of("TERM=xterm"), Fails.class)).contains("\033[31merror:");
        assertThat(onTerminal(List.of("TERM=xterm", "NO_COLOR=1"), Fails.class)).contains("error:").doesNotContain("\033[31m");
        assertThat(onTerminal(List.of("TERM=dumb"), Fails.class)).contains("error:").doesNotContain("\033[31m");
    }

    /** What a program prints whose streams are a terminal. */
    static String onTerminal(List<String> variables, Class<?> program, String... arguments) {
        List<String> argv = new ArrayList<>(List.of("env"));
        argv.addAll(variables);
        argv.addAll(List.of(Path.of(System.getProperty("java.home"), "bin/java").toString(), "-cp", System.getProperty("java.class.path"),
                program.getName()));
        argv.addAll(List.of(arguments));
        Shell shell = new Shell(Console.plain(new PrintStream(new ByteArrayOutputStream(), true, UTF_8)));
        return shell.output("script", "-qec", Shell.Command.of(argv).pasteable(), "/dev/null");
    }

    /** Prints a failure on this process's own console. */
    static final class Fails {
        public static void main(String... args) {
            Console.stderr(false).failure(new Failure("red", ""));
        }
    }
}
