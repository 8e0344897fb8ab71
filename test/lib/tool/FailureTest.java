package lib.tool;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import org.junit.jupiter.api.Assumptions;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class FailureTest {
    @TempDir
    Path folder;

    @Test
    void each_kind_has_its_exit_code() {
        assertThat(new Failure("x", "").exitCode()).isEqualTo(1);
        assertThat(Failure.usage("x", "").exitCode()).isEqualTo(2);
        assertThat(Failure.machine("x", "").exitCode()).isEqualTo(3);
        assertThat(Failure.contract("x", "").exitCode()).isEqualTo(4);
        assertThat(Failure.contract("x", "y").exit(6)).satisfies(f -> assertThat(f.exitCode()).isEqualTo(6))
                .satisfies(f -> assertThat(f.hint()).isEqualTo("y"));
    }

    @Test
    void a_line_of_a_file_is_named_with_its_text() {
        assertThat(Failure.at("config/sources.conf", 7, "  gti:x ", "unknown type gti", "").what()).isEqualTo("config/sources.conf:7: unknown type gti: gti:x");
    }

    @Test
    void a_full_disk_gets_a_hint_of_its_own() {
        Path full = Path.of("/dev/full");
        Assumptions.assumeTrue(Files.exists(full), "there is no /dev/full");

        IOException e = org.junit.jupiter.api.Assertions.assertThrows(IOException.class, () -> Files.writeString(full, "x"));
        Failure failure = Failure.io("cannot write " + full, e);

        assertThat(failure.what()).isEqualTo("cannot write /dev/full: No space left on device");
        assertThat(failure.hint()).contains("clean.java");
    }

    @Test
    void a_file_system_that_cannot_be_written_gets_a_hint_of_its_own() {
        assertThat(Failure.io("cannot lock", new IOException("/cache/lock/x (Read-only file system)")).hint()).contains("MOS_CACHE_DIR");
    }

    @Test
    void an_error_without_a_reason_names_its_kind_and_file() {
        Path missing = folder.resolve("missing");

        IOException e = org.junit.jupiter.api.Assertions.assertThrows(IOException.class, () -> Files.readString(missing));

        assertThat(Failure.io("cannot read it", e).what()).isEqualTo("cannot read it: NoSuchFile " + missing);
    }
}
