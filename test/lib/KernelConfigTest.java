package lib;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.catchThrowableOfType;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import lib.tool.Cache;
import lib.tool.Failure;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class KernelConfigTest {
    @TempDir
    Path temp;

    private Path source;

    @BeforeEach
    void a_small_kernel_source() throws IOException {
        source = Files.createDirectories(temp.resolve("source/drivers/net"));
        Files.writeString(source.resolve("Kconfig"), """
                menuconfig NETDEVICES
                \tbool "Network device support"
                config VIRTIO_NET
                \ttristate "Virtio network driver"
                \tdepends on VIRTIO && \\
                \t\tNETDEVICES
                config HIDDEN
                \tbool
                config CC_TEXT
                \tstring
                """);
        source = temp.resolve("source");
    }

    private KernelConfig config(String text) throws IOException {
        return KernelConfig.read(Files.writeString(temp.resolve("kernel.config"), text), "x86_64");
    }

    private Failure refusal(String text, Map<String, String> granted) throws IOException {
        KernelConfig config = config(text);
        return catchThrowableOfType(Failure.class, () -> config.requireIn(granted, source, "x86"));
    }

    @Test
    void a_fragment_names_its_base_or_starts_from_defconfig() throws IOException {
        assertThat(config("# base: allnoconfig\nCONFIG_A=y\n").base()).contains("allnoconfig");
        assertThat(config("CONFIG_A=y\n").base()).contains("defconfig");
        assertThat(config("#\n# Automatically generated file; DO NOT EDIT.\n# Linux/x86 6.1.1 Kernel Configuration\n#\nCONFIG_A=y\n").base()).isEmpty();
        assertThatThrownBy(() -> config("CONFIG_B=y\n# base: ../clean\n")).isInstanceOf(Failure.class).hasMessageContaining("kernel.config:2: not a base");
    }

    @Test
    void later_files_of_kernel_d_win_in_name_order() throws IOException {
        Path folder = Files.createDirectories(temp.resolve("kernel.d"));
        Files.writeString(folder.resolve("20-b.config"), "CONFIG_X=m\n");
        Files.writeString(folder.resolve("10-a.config"), "# CONFIG_X is not set\nCONFIG_Y=\"a # b\" # optional\n");
        KernelConfig config = config("CONFIG_X=y\n");
        assertThat(config.text()).isEqualTo("CONFIG_Y=\"a # b\"\nCONFIG_X=m\n");
        assertThat(config.requests()).anyMatch(request -> request.symbol().equals("CONFIG_X") && request.where().endsWith("20-b.config:1"));
    }

    @Test
    void lines_for_one_processor_count_there_only() throws IOException {
        Path file = Files.writeString(temp.resolve("kernel.config"), """
                # base: x86_64_defconfig
                # base aarch64: defconfig
                CONFIG_CMDLINE="console=ttyS0" # only x86_64
                CONFIG_CMDLINE="console=ttyAMA0" # only aarch64
                CONFIG_CRC=m # only x86_64, optional: newer releases have none
                # CONFIG_PVH is not set # only aarch64
                """);

        KernelConfig arm = KernelConfig.read(file, "aarch64");
        KernelConfig pc = KernelConfig.read(file, "x86_64");

        assertThat(arm.base()).contains("defconfig");
        assertThat(arm.text()).isEqualTo("CONFIG_CMDLINE=\"console=ttyAMA0\"\n# CONFIG_PVH is not set\n");
        assertThat(pc.base()).contains("x86_64_defconfig");
        assertThat(pc.text()).isEqualTo("CONFIG_CMDLINE=\"console=ttyS0\"\nCONFIG_CRC=m\n");
        assertThat(pc.requests().get(1).optional()).isTrue();
        assertThat(pc.requests().get(0).optional()).isFalse();
        assertThatThrownBy(() -> config("CONFIG_A=y # only arm\n")).isInstanceOf(Failure.class).hasMessageContaining("kernel.config:1: there are no images for arm");
        assertThat(KernelMenu.edited("CONFIG_A=y # only x86_64\nCONFIG_A=m # only aarch64\n", "x86_64", Map.of("CONFIG_A", "n")))
                .isEqualTo("# CONFIG_A is not set # only x86_64\nCONFIG_A=m # only aarch64\n");
        assertThat(KernelMenu.edited("CONFIG_A=y # only x86_64, optional\nCONFIG_B=\"a # b\" # why\n", "x86_64", Map.of("CONFIG_A", "m", "CONFIG_B", "\"c\"")))
                .isEqualTo("CONFIG_A=m # only x86_64, optional\nCONFIG_B=\"c\" # why\n");
    }

    @Test
    void a_line_that_is_no_option_is_an_error_with_its_place() {
        assertThatThrownBy(() -> config("CONFIG_A=y\nCONFIG_B y\n")).isInstanceOf(Failure.class).hasMessageContaining("kernel.config:2")
                .hasMessageContaining("CONFIG_B y");
    }

    @Test
    void a_request_that_vanished_is_named_with_what_it_depends_on() throws IOException {
        Failure failure = refusal("# base: allnoconfig\nCONFIG_NETDEVICES=y\nCONFIG_VIRTIO_NET=m\n", Map.of("CONFIG_NETDEVICES", "y"));
        assertThat(failure.exitCode()).isEqualTo(Failure.USAGE);
        assertThat(failure.what()).contains("kernel.config:3: CONFIG_VIRTIO_NET=m: it became n").contains("VIRTIO && NETDEVICES").doesNotContain("CONFIG_NETDEVICES=y");
    }

    @Test
    void an_option_that_does_not_exist_gets_a_suggestion_whether_asked_for_or_forbidden() throws IOException {
        assertThat(refusal("CONFIG_VIRTIO_NTE=m\n", Map.of()).what()).contains("kernel.config:1").contains("did you mean CONFIG_VIRTIO_NET?");
        assertThat(refusal("# CONFIG_NETDEVICSE is not set\n", Map.of()).what()).contains("did you mean CONFIG_NETDEVICES?");
    }

    @Test
    void an_option_that_only_others_select_says_so() throws IOException {
        assertThat(refusal("CONFIG_HIDDEN=y\n", Map.of()).what()).contains("other options select it");
    }

    @Test
    void optional_lines_may_be_refused() throws IOException {
        assertThat(refusal("CONFIG_VIRTIO_NET=m # optional\nCONFIG_UNHEARD_OF=y  # optional: newer kernels only\n", Map.of())).isNull();
    }

    @Test
    void a_full_configuration_may_differ_in_what_the_kernel_computes() throws IOException {
        String full = "# Linux/x86 6.1.1 Kernel Configuration\nCONFIG_CC_TEXT=\"gcc 12\"\nCONFIG_VIRTIO_NET=m\n";
        assertThat(refusal(full, Map.of("CONFIG_CC_TEXT", "\"gcc 13\"", "CONFIG_VIRTIO_NET", "m"))).isNull();
        assertThat(refusal(full, Map.of("CONFIG_CC_TEXT", "\"gcc 13\"")).what()).contains("CONFIG_VIRTIO_NET=m").doesNotContain("CC_TEXT");
    }

    @Test
    void what_every_image_needs_is_added_and_cannot_be_switched_off() throws IOException {
        Map<String, String> needs = KernelNeeds.of("x86_64", Config.Compression.XZ);
        assertThat(config("CONFIG_A=y\n").withDefaults(needs, "every image").text()).contains("CONFIG_RD_XZ=y\n").contains("CONFIG_PVH=y\n");

        KernelConfig without = config("# CONFIG_DEVTMPFS is not set\n").withDefaults(needs, "every image");
        Map<String, String> granted = new java.util.HashMap<>(needs);
        granted.put("CONFIG_DEVTMPFS", "n");
        assertThatThrownBy(() -> KernelNeeds.require(needs, granted, without)).isInstanceOf(Failure.class)
                .hasMessageContaining("kernel.config:1: every image needs CONFIG_DEVTMPFS=y");
    }

    @Test
    void modules_signed_with_a_key_of_the_moment_are_refused() throws IOException {
        Map<String, String> values = Map.of("CONFIG_MODULE_SIG", "y", "CONFIG_MODULE_SIG_KEY", "\"certs/signing_key.pem\"");
        KernelConfig config = config("CONFIG_MODULE_SIG=y\n");
        assertThatThrownBy(() -> KernelNeeds.require(Map.of(), values, config)).isInstanceOf(Failure.class).hasMessageContaining("CONFIG_MODULE_SIG_KEY");
    }

    @Test
    void the_last_word_on_the_version_is_the_builds() throws IOException {
        Map<String, String> fixed = KernelNeeds.fixed("-MyceliumOS", Config.Compression.XZ);
        String whole = "# Linux/x86 6.1.1 Kernel Configuration\n";
        KernelConfig config = config(whole + "CONFIG_LOCALVERSION=\"-mine\"\n").withFixed(fixed, "the build");
        assertThat(config.text()).contains("CONFIG_LOCALVERSION=\"-MyceliumOS\"").doesNotContain("-mine");
        assertThat(List.of(config.text().split("\n"))).contains("CONFIG_INITRAMFS_SOURCE=\"embedded/initramfs.cpio.packed\"");

        KernelConfig asked = config("CONFIG_A=y\nCONFIG_LOCALVERSION=\"-mine\"\n");
        assertThatThrownBy(() -> asked.withFixed(fixed, "the build")).isInstanceOf(Failure.class)
                .hasMessageContaining("kernel.config:2: CONFIG_LOCALVERSION=\"-mine\": the build sets CONFIG_LOCALVERSION=\"-MyceliumOS\"");
    }

    @Test
    void the_menu_changes_the_line_that_counts() throws IOException {
        Path file = Files.writeString(temp.resolve("kernel.config"), "# Base\nCONFIG_X=y\nCONFIG_Y=m\n");
        Path later = Files.writeString(Files.createDirectories(temp.resolve("kernel.d")).resolve("10.config"), "# More\nCONFIG_X=m\n");
        KernelMenu.write(file, "x86_64", Map.of("CONFIG_X", "n", "CONFIG_Y", "y", "CONFIG_Z", "8"));
        assertThat(later).hasContent("# More\n# CONFIG_X is not set\n");
        assertThat(file).hasContent("# Base\nCONFIG_X=y\nCONFIG_Y=y\nCONFIG_Z=8\n");
    }

    @Test
    void files_that_options_name_are_inputs_and_must_be_there() throws IOException {
        Path key = Files.writeString(temp.resolve("key.pem"), "one");
        Files.writeString(Files.createDirectories(temp.resolve("fw/net")).resolve("a.fw"), "one");
        Map<String, String> values = Map.of("CONFIG_MODULE_SIG", "y", "CONFIG_MODULE_SIG_KEY", "\"" + key + "\"", "CONFIG_SYSTEM_TRUSTED_KEYS", "\"\"",
                "CONFIG_EXTRA_FIRMWARE", "\"net/a.fw\"", "CONFIG_EXTRA_FIRMWARE_DIR", "\"../fw\"");
        Cache.Key empty = Cache.Key.of("kernel-objects", "linux");
        String before = KernelInputs.of(values, source, false).in(empty).digest();
        assertThat(KernelInputs.of(values, source, false).files()).containsOnlyKeys("CONFIG_EXTRA_FIRMWARE net/a.fw", "CONFIG_MODULE_SIG_KEY " + key);
        Files.writeString(key, "two");
        assertThat(KernelInputs.of(values, source, false).in(empty).digest()).isNotEqualTo(before);
        assertThat(KernelInputs.of(Map.of("CONFIG_MODULE_SIG_KEY", "\"nowhere.pem\""), source, false).in(empty)).isEqualTo(empty);

        Path regulators = Files.writeString(Files.createDirectory(temp.resolve("regdb")).resolve("own.x509"), "one");
        assertThat(KernelInputs.of(Map.of("CONFIG_SYSTEM_BLACKLIST_HASH_LIST", "\"" + key + "\"", "CONFIG_CFG80211_EXTRA_REGDB_KEYDIR", "\"" + regulators.getParent() + "\""), source, false).files())
                .containsOnlyKeys("CONFIG_SYSTEM_BLACKLIST_HASH_LIST " + key, "CONFIG_CFG80211_EXTRA_REGDB_KEYDIR own.x509");

        assertThatThrownBy(() -> KernelInputs.of(Map.of("CONFIG_MODULE_SIG", "y", "CONFIG_MODULE_SIG_KEY", "\"nowhere.pem\""), source, false))
                .isInstanceOf(Failure.class).hasMessage("CONFIG_MODULE_SIG_KEY names the file nowhere.pem, which is not there");
        assertThatThrownBy(() -> KernelInputs.of(Map.of("CONFIG_EXTRA_FIRMWARE", "\"b.fw\"", "CONFIG_EXTRA_FIRMWARE_DIR", "\"../fw\""), source, false))
                .isInstanceOf(Failure.class).hasMessageContaining("CONFIG_EXTRA_FIRMWARE names the file b.fw");
    }
}
