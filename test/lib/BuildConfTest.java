package lib;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Map;
import java.util.regex.Pattern;
import lib.BuildConf.Key;
import lib.tool.Failure;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class BuildConfTest {
    @TempDir
    Path folder;

    @Test
    void the_environment_wins_over_the_file_and_the_file_over_the_default() throws IOException {
        Path file = write("ALPINE_VERSION=\"3.19.4\"\nALPINE_ARCH=aarch64 # why\n");

        assertThat(BuildConf.read(file, Map.of()).get(Key.ALPINE_VERSION)).isEqualTo("3.19.4");
        assertThat(BuildConf.read(file, Map.of()).get(Key.ALPINE_ARCH)).isEqualTo("aarch64");
        assertThat(BuildConf.read(file, Map.of("ALPINE_VERSION", "3.20")).get(Key.ALPINE_VERSION)).isEqualTo("3.20");
        assertThat(BuildConf.read(folder.resolve("none"), Map.of()).get(Key.ALPINE_VERSION)).isEqualTo("3.22");
    }

    @Test
    void values_are_never_expanded() throws IOException {
        assertThat(BuildConf.read(write("ALPINE_MIRROR=\"$(touch /tmp/x)$HOME\"\n"), Map.of()).get(Key.ALPINE_MIRROR)).isEqualTo("$(touch /tmp/x)$HOME");
    }

    @Test
    void an_unknown_key_is_an_error_with_a_suggestion() throws IOException {
        Path file = write("# comment\n\nALPINE_VERSOIN=\"3.19\"\n");

        assertThatThrownBy(() -> BuildConf.read(file, Map.of())).hasMessage(file + ":3: unknown key ALPINE_VERSOIN: ALPINE_VERSOIN=\"3.19\"")
                .extracting(e -> ((Failure) e).hint()).isEqualTo("did you mean ALPINE_VERSION?");
    }

    @Test
    void a_key_set_twice_and_a_line_that_is_no_setting_are_errors() throws IOException {
        Path twice = write("UPX=auto\nUPX=never\n");
        assertThatThrownBy(() -> BuildConf.read(twice, Map.of())).hasMessageContaining(":2: UPX is set twice");
        Path noSetting = write("UPX never\n");
        assertThatThrownBy(() -> BuildConf.read(noSetting, Map.of())).hasMessageContaining(":1: not a setting: UPX never");
    }

    @Test
    void a_wrong_value_names_its_place() throws IOException {
        Path file = write("MAX_INITRAMFS_SIZE=lots\nUPX=perhaps\nLINK_IDENTICAL=maybe\n");

        assertThatThrownBy(() -> BuildConf.read(file, Map.of()).size(Key.MAX_INITRAMFS_SIZE)).hasMessageStartingWith(file + ":1: MAX_INITRAMFS_SIZE=\"lots\" is not a size");
        assertThatThrownBy(() -> BuildConf.read(file, Map.of()).get(Key.UPX, Config.Upx.class)).hasMessageContaining("one of [auto, always, never]");
        assertThatThrownBy(() -> BuildConf.read(file, Map.of()).yes(Key.LINK_IDENTICAL)).hasMessageContaining(":3: LINK_IDENTICAL=\"maybe\" is not yes or no");
        assertThatThrownBy(() -> BuildConf.read(file, Map.of("ALPINE_ARCH", "m68k")).get(Key.ALPINE_ARCH, Pattern.compile("x86_64"), "x86_64"))
                .hasMessageStartingWith("environment variable ALPINE_ARCH");
    }

    @Test
    void sizes_are_powers_of_1024() throws IOException {
        assertThat(BuildConf.read(write("MAX_INITRAMFS_SIZE=12M\nMAX_KERNEL_SIZE=900KiB\n"), Map.of()).size(Key.MAX_INITRAMFS_SIZE)).contains(12L << 20);
        assertThat(BuildConf.read(write("MAX_KERNEL_SIZE=900KiB\n"), Map.of()).size(Key.MAX_KERNEL_SIZE)).contains(900L << 10);
        assertThat(BuildConf.read(write(""), Map.of()).size(Key.MAX_KERNEL_SIZE)).isEmpty();
    }

    @ParameterizedTest
    @ValueSource(strings = {"99999999999999999999", "99999999999G"})
    void a_size_that_no_number_holds_is_refused(String size) {
        assertThatThrownBy(() -> BuildConf.read(folder.resolve("none"), Map.of("MAX_KERNEL_SIZE", size)).size(Key.MAX_KERNEL_SIZE))
                .hasMessage("environment variable MAX_KERNEL_SIZE: MAX_KERNEL_SIZE=\"" + size + "\" is not a size such as 12M or 900K");
    }

    private Path write(String text) throws IOException {
        return Files.writeString(folder.resolve("build.conf"), text);
    }
}
