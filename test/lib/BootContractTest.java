package lib;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Optional;
import lib.tool.Failure;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class BootContractTest {
    @TempDir
    Path folder;

    @Test
    void reads_rules_deadlines_and_comments() {
        BootContract contract = BootContract.parse("boot.expect", """
                # what a node says
                within 90
                must  my_init: ready in [0-9.]+ s
                must-not  error: (?!harmless)
                may regulatory\\.db
                within 2.5 Linux version
                """);

        assertThat(contract.seconds()).isEqualTo(90);
        assertThat(contract.must()).extracting(Object::toString)
                .containsExactly("my_init: ready in [0-9.]+ s (boot.expect:3)", "Linux version (boot.expect:6) within 2.5 s");
        assertThat(contract.mustNot().get(0).matches("x error: disk")).isTrue();
        assertThat(contract.mustNot().get(0).matches("x error: harmless")).isFalse();
        assertThat(contract.may()).hasSize(1);
    }

    @Test
    void mistakes_name_file_line_and_text() {
        assertThatThrownBy(() -> BootContract.parse("boot.expect", "must a\nmust_not b")).hasMessage("boot.expect:2: unknown rule must_not: must_not b")
                .satisfies(e -> assertThat(((Failure) e).hint()).contains("must-not"));
        assertThatThrownBy(() -> BootContract.parse("boot.expect", "must (")).hasMessageStartingWith("boot.expect:1: not a regular expression (");
        assertThatThrownBy(() -> BootContract.parse("boot.expect", "within soon")).hasMessage("boot.expect:1: not a number of seconds: within soon");
        assertThatThrownBy(() -> BootContract.parse("boot.expect", "within 0")).hasMessage("boot.expect:1: not a number of seconds: within 0");
        assertThatThrownBy(() -> BootContract.parse("boot.expect", "must")).hasMessage("boot.expect:1: must needs a value: must");
    }

    @Test
    void a_contract_that_every_boot_would_meet_is_refused() {
        assertThatThrownBy(() -> BootContract.parse("boot.expect", "must-not panic")).hasMessage("boot.expect has no must rule")
                .satisfies(e -> assertThat(((Failure) e).exitCode()).isEqualTo(Failure.USAGE));
    }

    @Test
    void the_contract_is_that_of_the_configuration_which_the_image_was_built_from() throws IOException {
        Workspace workspace = new Workspace(folder, Files.createDirectories(folder.resolve("config")));
        assertThat(BootContract.find(Optional.empty(), workspace)).isSameAs(BootContract.MINIMUM);

        Files.writeString(workspace.config().resolve("boot.expect"), "must node\n");
        assertThat(BootContract.find(Optional.empty(), workspace).must()).extracting(rule -> rule.pattern().toString()).containsExactly("node");

        Files.writeString(Files.createDirectories(folder.resolve(".demo/config")).resolve("boot.expect"), "must demo\n");
        Files.writeString(Files.createDirectories(workspace.dist()).resolve("build.json"), "{\"config\": \".demo/config\"}");
        assertThat(BootContract.find(Optional.empty(), workspace).must()).extracting(rule -> rule.pattern().toString()).containsExactly("demo");

        Path own = Files.writeString(folder.resolve("own"), "must own\n");
        assertThat(BootContract.find(Optional.of(own), workspace).must()).extracting(rule -> rule.pattern().toString()).containsExactly("own");
        assertThatThrownBy(() -> BootContract.find(Optional.of(folder.resolve("none")), workspace)).hasMessageStartingWith("there is no file ");
    }
}
