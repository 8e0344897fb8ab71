package lib;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatCode;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import lib.tool.Failure;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;
import picocli.CommandLine;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;

class RunRefusalsTest {
    @Command
    static final class Options {
        @Mixin
        RunOptions run = new RunOptions();
    }

    private static void require(String... arguments) {
        Options options = new Options();
        new CommandLine(options).setDefaultValueProvider(new RunOptions.Variables()).setCaseInsensitiveEnumValuesAllowed(true).parseArgs(arguments);
        options.run.require();
    }

    private static void refused(String line, String what) {
        assertThatThrownBy(() -> require(line.split(" "))).isInstanceOfSatisfying(Failure.class, failure -> {
            assertThat(failure.what()).isEqualTo(what);
            assertThat(failure.exitCode()).isEqualTo(Failure.USAGE);
        });
    }

    @ParameterizedTest
    @ValueSource(strings = {"..", ".", "/x", "a/b", "-x", "", "a b"})
    void a_name_that_is_no_folder_of_vm_is_refused(String name) {
        assertThatThrownBy(() -> require("--name=" + name)).hasMessage("not a name for a machine: " + name);
        assertThatCode(() -> require("--name=node-1.a_b")).doesNotThrowAnyException();
    }
}
