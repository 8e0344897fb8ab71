package lib;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatCode;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import lib.tool.Failure;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class BuildLockTest {
    @TempDir
    Path folder;

    private BuildLock.Use update(String name) {
        return new BuildLock.Use(folder.resolve("build.lock"), BuildLock.Mode.UPDATE, Optional.of(name));
    }

    @Test
    void sections_have_one_order_and_lists_an_entry_a_line() {
        Path file = folder.resolve("build.lock");
        BuildLock.read(file).with("kernel", Map.of("sha256", "aa")).with("packages", List.of(Map.of("name", "jq"), Map.of("name", "zstd"))).write();
        BuildLock.read(file).with("firmware", Map.of("commit", "bb")).with("alpine", Map.of()).write();

        assertThat(file).hasContent("""
                {
                  "alpine": {},
                  "packages": [
                    {"name":"jq"},
                    {"name":"zstd"}
                  ],
                  "kernel": {"sha256":"aa"},
                  "firmware": {"commit":"bb"}
                }
                """);
    }

    @Test
    void what_is_no_lock_is_refused() throws IOException {
        Path file = Files.writeString(folder.resolve("build.lock"), "[]");

        assertThatThrownBy(() -> BuildLock.read(file)).isInstanceOf(Failure.class).hasMessage(file + " is not a lock file");
    }

    @ParameterizedTest
    @ValueSource(strings = {"jq", "my_init", "kernel", "firmware"})
    void packages_components_and_sections_can_be_renewed_by_their_name(String name) {
        BuildLock.read(folder.resolve("build.lock")).with("packages", List.of(Map.of("name", "jq"))).write();

        assertThatCode(() -> update(name).requireName(List.of("my_init"))).doesNotThrowAnyException();
        assertThat(update(name).renews(name)).isTrue();
        assertThat(update(name).renews("zstd")).isFalse();
    }

    @Test
    void another_name_is_refused_with_the_nearest_one() {
        assertThatThrownBy(() -> update("my_int").requireName(List.of("my_init"))).isInstanceOfSatisfying(Failure.class, failure -> {
            assertThat(failure.what()).contains("--update-lock=my_int: no such package in").contains("no such component in sources.conf");
            assertThat(failure.hint()).isEqualTo("did you mean my_init?");
            assertThat(failure.exitCode()).isEqualTo(Failure.USAGE);
        });
    }
}
