package lib;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import com.github.luben.zstd.ZstdOutputStream;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.OutputStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.LinkOption;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Optional;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import lib.image.Whence;
import lib.tool.Failure;
import lib.tool.Shell;
import lib.tool.Tools;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.tukaani.xz.LZMA2Options;
import org.tukaani.xz.XZ;
import org.tukaani.xz.XZOutputStream;

class FirmwareTest {
    private static final String RELEASE = "6.12.1-test";
    private static final String WHENCE = """
            Driver: r8169 - RealTek ethernet driver.

            File: rtl_nic/a-1.fw
            Version: 1
            File: rtl_nic/a-2.fw
            Link: rtl_nic/old.fw -> a-1.fw
            Link: rtl_nic/older.fw -> old.fw

            Licence: Redistributable. See LICENCE.rtl for details.

            --------------------------------------------------------------------------

            Driver: ath - wireless

            File: ath/v2/board.bin
            Link: ath/v1 -> v2
            File: "ath/name with blanks.txt"

            Licence: Redistributable. See LICENSE.ath for details.

            --------------------------------------------------------------------------

            Driver: microcode_amd - AMD CPU Microcode Update Driver for Linux

            RawFile: amd-ucode/microcode_amd_fam17h.bin

            License: Redistributable. See LICENSE.amd-ucode for details
            """;

    @TempDir
    Path temp;

    private final ByteArrayOutputStream printed = new ByteArrayOutputStream();
    private Tools tools;
    private RootTree root;
    private Path modules;
    private Path source;
    private Path kernelConfig;

    @BeforeEach
    void source() throws IOException {
        tools = TestTools.in(temp, printed, false);
        root = new RootTree(Files.createDirectories(temp.resolve("root")));
        modules = temp.resolve("modules");
        Files.createDirectories(modules.resolve("lib/modules").resolve(RELEASE));
        source = Files.createDirectories(temp.resolve("linux-firmware"));
        kernelConfig = Files.writeString(temp.resolve("dot-config"), "CONFIG_FW_LOADER=y\n");
        Files.writeString(source.resolve("WHENCE"), WHENCE);
        for (String licence : List.of("LICENCE.rtl", "LICENSE.ath", "LICENSE.amd-ucode")) {
            Files.writeString(source.resolve(licence), "Text of " + licence + "\n");
        }
        for (Whence.Entry entry : Whence.parse("WHENCE", WHENCE).files()) {
            put(source.resolve(entry.path()), "content of " + entry.path());
        }
    }

    private static void put(Path file, String text) throws IOException {
        Files.createDirectories(file.getParent());
        Files.writeString(file, text);
    }

    /** A module as the compiler makes it, with these .modinfo entries. */
    private Path module(String name, String... entries) throws IOException {
        assumeTrue(Shell.which("gcc").isPresent(), "gcc is not installed");
        Path file = root.resolve("lib/modules/" + RELEASE + "/kernel/" + name + ".ko");
        Files.createDirectories(file.getParent());
        String text = Stream.concat(Stream.of("license=GPL"), Stream.of(entries)).collect(Collectors.joining("\\0"));
        Path code = Files.writeString(temp.resolve(name + ".c"),
                "static const char info[] __attribute__((section(\".modinfo\"), used)) = \"" + text + "\";\n");
        tools.shell().run("gcc", "-c", "-o", file.toString(), code.toString());
        return file;
    }

    private Firmware.Installed install(String... lines) {
        return firmware(lines).installInto(root, RELEASE, modules, kernelConfig);
    }

    private Firmware firmware(String... lines) {
        return new Firmware(new Config.Firmware(Optional.of(source.toString()), Optional.empty(), lines(lines), temp), tools, false);
    }

    private static List<Config.Line> lines(String... lines) {
        List<Config.Line> all = new ArrayList<>();
        for (String line : lines) {
            all.add(new Config.Line("config/firmware.conf", all.size() + 1, line));
        }
        return all;
    }

    private List<String> installed() throws IOException {
        Path folder = root.resolve("lib/firmware");
        if (!Files.exists(folder)) {
            return List.of();
        }
        try (Stream<Path> files = Files.walk(folder)) {
            return files.filter(file -> !Files.isDirectory(file, LinkOption.NOFOLLOW_LINKS)).map(file -> folder.relativize(file).toString())
                    .filter(name -> !name.equals("NOTICES.txt")).sorted().toList();
        }
    }

    @Test
    void what_a_module_names_is_installed_with_links_their_targets_and_licences() throws Exception {
        module("r8169", "firmware=rtl_nic/older.fw", "firmware=rtl_nic/never-published.fw");

        Firmware.Installed done = install();

        assertThat(installed()).containsExactly("rtl_nic/a-1.fw", "rtl_nic/old.fw", "rtl_nic/older.fw");
        assertThat(Files.readSymbolicLink(root.resolve("lib/firmware/rtl_nic/older.fw"))).hasToString("old.fw");
        assertThat(Files.readString(root.folder().resolve("lib/firmware/rtl_nic/older.fw"))).isEqualTo("content of rtl_nic/a-1.fw");
        assertThat(done.at("/lib/firmware/rtl_nic/older.fw").orElseThrow().askedBy()).containsExactly("module r8169");
        assertThat(done.at("rtl_nic/a-1.fw").orElseThrow().askedBy()).containsExactly("target of the link rtl_nic/old.fw");
        assertThat(done.at("rtl_nic/a-1.fw").orElseThrow().licence()).isEqualTo("Redistributable. See LICENCE.rtl for details.");
        assertThat(root.read("lib/firmware/NOTICES.txt")).contains("rtl_nic/a-1.fw", "Text of LICENCE.rtl").doesNotContain("Text of LICENSE.ath");
        assertThat(printed.toString(StandardCharsets.UTF_8)).containsOnlyOnce("module r8169 names firmware that was not published: rtl_nic/never-published.fw");
    }

    @Test
    void globs_links_to_folders_and_names_with_blanks_work() throws Exception {
        module("r8169", "firmware=rtl_nic/a-*.fw");
        module("ath", "firmware=ath/v1/board.bin", "firmware=ath/name with blanks.txt");

        install();

        assertThat(installed()).containsExactly("ath/name with blanks.txt", "ath/v1", "ath/v2/board.bin", "rtl_nic/a-1.fw", "rtl_nic/a-2.fw");
        assertThat(root.folder().resolve("lib/firmware/ath/v1/board.bin")).hasContent("content of ath/v2/board.bin");
    }

    @Test
    void drivers_inside_the_kernel_count() throws Exception {
        Files.writeString(modules.resolve("lib/modules/" + RELEASE + "/modules.builtin.modinfo"), "r8169.license=GPL\0r8169.firmware=rtl_nic/a-2.fw\0");

        assertThat(install().at("rtl_nic/a-2.fw").orElseThrow().askedBy()).containsExactly("built-in driver r8169");
    }

    @Test
    void firmware_conf_adds_and_excludes() throws Exception {
        module("r8169", "firmware=rtl_nic/a-*.fw", "firmware=rtl_nic/older.fw");

        Firmware.Installed done = install("exclude rtl_nic/old*", "exclude **/a-2.fw", "driver ath", "require rtl_nic/a-1.fw");

        assertThat(installed()).containsExactly("ath/name with blanks.txt", "ath/v1", "ath/v2/board.bin", "rtl_nic/a-1.fw");
        assertThat(done.at("rtl_nic/a-1.fw").orElseThrow().askedBy()).containsExactlyInAnyOrder("module r8169", "firmware.conf:4 require rtl_nic/a-1.fw");
    }

    @Test
    void a_link_is_not_left_dangling_by_an_excluded_target() throws Exception {
        module("r8169", "firmware=rtl_nic/older.fw");

        install("exclude rtl_nic/a-1.fw");

        assertThat(installed()).isEmpty();
    }

    @Test
    void a_source_that_lacks_what_its_whence_lists_is_not_taken_for_never_published() throws Exception {
        module("r8169", "firmware=rtl_nic/older.fw");
        Files.delete(source.resolve("rtl_nic/a-1.fw"));
        assertThatThrownBy(this::install).isInstanceOf(Failure.class)
                .hasMessage(source + " is not complete: WHENCE lists rtl_nic/a-1.fw, which module r8169 asks for, and the file is not there");
        assertThat(install("exclude rtl_nic/a-1.fw").items()).isEmpty();
    }

    @Test
    void lines_that_cannot_be_fulfilled_are_errors_that_name_the_line() {
        assertWrong("config/firmware.conf:1: the required firmware is not in " + source + ": require rtl_nic/a-l.fw", "did you mean rtl_nic/a-1.fw?",
                "require rtl_nic/a-l.fw");
        assertWrong("config/firmware.conf:2: rtl_nic/a-1.fw is required here and excluded", "", "exclude rtl_nic/*", "require rtl_nic/a-1.fw");
        assertWrong("config/firmware.conf:1: WHENCE has no files of a driver r8196", "did you mean r8169?", "driver r8196");
        assertWrong("config/firmware.conf:1: unknown word requires", "did you mean require?", "requires x");
        assertWrong("config/firmware.conf:1: not a path below lib/firmware", "", "include ../../etc/shadow");
        assertWrong("config/firmware.conf:1: there is no folder intel-ucode", "", "microcode intel");
    }

    private void assertWrong(String message, String hint, String... lines) {
        assertThatThrownBy(() -> install(lines)).isInstanceOfSatisfying(Failure.class, failure -> {
            assertThat(failure.what()).startsWith(message);
            assertThat(failure.hint()).contains(hint);
            assertThat(failure.exitCode()).isEqualTo(Failure.USAGE);
        });
    }

    @Test
    void without_a_source_nothing_is_installed_and_one_line_says_so() throws Exception {
        module("r8169", "firmware=rtl_nic/a-1.fw", "firmware=rtl_nic/a-2.fw");
        Firmware none = new Firmware(new Config.Firmware(Optional.empty(), Optional.empty(), List.of(), temp), tools, false);

        assertThat(none.installInto(root, RELEASE, modules, kernelConfig).items()).isEmpty();

        assertThat(installed()).isEmpty();
        assertThat(printed.toString(StandardCharsets.UTF_8).lines()).containsExactly("  no firmware: FIRMWARE_SOURCE is not set; drivers of this image name 2 files");
        assertThatThrownBy(() -> new Firmware(new Config.Firmware(Optional.empty(), Optional.empty(), lines("require x"), temp), tools, false)
                .installInto(root, RELEASE, modules, kernelConfig)).hasMessageStartingWith("config/firmware.conf:1: FIRMWARE_SOURCE is not set: require x");
    }

    @Test
    void packed_files_stay_packed_only_when_the_kernel_can_load_them() throws Exception {
        module("r8169", "firmware=rtl_nic/older.fw", "firmware=rtl_nic/a-2.fw");
        packXz("rtl_nic/a-1.fw", XZ.CHECK_CRC32);
        packXz("rtl_nic/a-2.fw", XZ.CHECK_CRC64);

        install();
        assertThat(installed()).containsExactly("rtl_nic/a-1.fw", "rtl_nic/a-2.fw", "rtl_nic/old.fw", "rtl_nic/older.fw");
        assertThat(root.read("lib/firmware/rtl_nic/a-1.fw")).isEqualTo("content of rtl_nic/a-1.fw");

        installAgainFor("CONFIG_FW_LOADER_COMPRESS_XZ=y");
        assertThat(installed()).containsExactly("rtl_nic/a-1.fw.xz", "rtl_nic/a-2.fw", "rtl_nic/old.fw.xz", "rtl_nic/older.fw.xz");
        assertThat(root.folder().resolve("lib/firmware/rtl_nic/older.fw.xz").toRealPath()).isEqualTo(root.folder().toRealPath().resolve("lib/firmware/rtl_nic/a-1.fw.xz"));
    }

    @Test
    void files_packed_with_zstd_stay_so_for_a_kernel_that_has_its_decoder() throws Exception {
        module("r8169", "firmware=rtl_nic/older.fw", "firmware=rtl_nic/a-2.fw");
        pack("rtl_nic/a-1.fw", ".zst", ZstdOutputStream::new);

        Files.writeString(kernelConfig, "CONFIG_FW_LOADER_COMPRESS_XZ=y\n");
        install();
        assertThat(installed()).containsExactly("rtl_nic/a-1.fw", "rtl_nic/a-2.fw", "rtl_nic/old.fw", "rtl_nic/older.fw");
        assertThat(root.read("lib/firmware/rtl_nic/a-1.fw")).isEqualTo("content of rtl_nic/a-1.fw");

        installAgainFor("CONFIG_FW_LOADER_COMPRESS_ZSTD=y");
        assertThat(installed()).containsExactly("rtl_nic/a-1.fw.zst", "rtl_nic/a-2.fw", "rtl_nic/old.fw.zst", "rtl_nic/older.fw.zst");
        assertThat(root.resolve("lib/firmware/rtl_nic/a-1.fw.zst")).hasSameBinaryContentAs(source.resolve("rtl_nic/a-1.fw.zst"));
    }

    private void installAgainFor(String option) throws IOException {
        lib.tool.Trees.delete(root.resolve("lib/firmware"));
        Files.writeString(kernelConfig, option + "\n");
        install();
    }

    private interface Packer {
        OutputStream onto(OutputStream out) throws IOException;
    }

    private void packXz(String name, int check) throws IOException {
        pack(name, ".xz", out -> new XZOutputStream(out, new LZMA2Options(), check));
    }

    private void pack(String name, String ending, Packer packer) throws IOException {
        Path file = source.resolve(name);
        try (OutputStream out = packer.onto(Files.newOutputStream(source.resolve(name + ending)))) {
            Files.copy(file, out);
        }
        Files.delete(file);
    }

    @Test
    void microcode_must_be_linked_into_the_kernel() throws Exception {
        LinkedFirmware linked = firmware("microcode amd").linked().orElseThrow();

        assertThat(linked.names()).containsExactly("amd-ucode/microcode_amd_fam17h.bin");
        assertThat(linked.folder().resolve("amd-ucode/microcode_amd_fam17h.bin")).hasContent("content of amd-ucode/microcode_amd_fam17h.bin");
        assertWrong("config/firmware.conf:1: the kernel does not have amd-ucode/microcode_amd_fam17h.bin linked in", "", "microcode amd");
        Files.writeString(kernelConfig, "CONFIG_MICROCODE=y\nCONFIG_EXTRA_FIRMWARE=\"other.bin amd-ucode/microcode_amd_fam17h.bin\"\n");
        install("microcode amd");
        assertThat(root.read("lib/firmware/NOTICES.txt")).contains("Text of LICENSE.amd-ucode");
        assertThat(installed()).isEmpty();
    }

    @Test
    void a_tarball_and_a_git_tag_give_the_same_as_the_folder() throws Exception {
        assumeTrue(Shell.which("git").isPresent() && Shell.which("tar").isPresent(), "git or tar is not installed");
        module("r8169", "firmware=rtl_nic/older.fw");
        tools.shell().run("tar", "-czf", temp.resolve("fw.tar.gz").toString(), "-C", temp.toString(), "linux-firmware");
        for (List<String> words : List.of(List.of("init", "--quiet"), List.of("add", "."),
                List.of("-c", "user.name=t", "-c", "user.email=t@example.org", "commit", "--quiet", "-m", "x"), List.of("tag", "20250808"))) {
            tools.shell().run(Shell.Command.of(Stream.concat(Stream.of("git"), words.stream()).toList()).in(source));
        }
        List<Firmware.Item> expected = install().items();
        Files.writeString(source.resolve("rtl_nic/a-1.fw"), "changed");

        assertThat(of(temp.resolve("fw.tar.gz").toString(), Optional.empty()).items()).isEqualTo(expected);
        assertThat(of(source.toString(), Optional.of("20250808")).items()).isEqualTo(expected);
        assertThat(root.read("lib/firmware/rtl_nic/a-1.fw")).isEqualTo("content of rtl_nic/a-1.fw");
        assertThatThrownBy(() -> of(temp.resolve("fw.tar.gz").toString(), Optional.of("20250808"))).hasMessageContaining("goes with a git repository");
    }

    private Firmware.Installed of(String text, Optional<String> tag) {
        lib.tool.Trees.delete(root.resolve("lib/firmware"));
        return new Firmware(new Config.Firmware(Optional.of(text), tag, List.of(), temp), tools, false).installInto(root, RELEASE, modules, kernelConfig);
    }

    @Test
    void a_truncated_module_is_one_clear_error() throws Exception {
        Path file = module("r8169", "firmware=rtl_nic/a-1.fw");
        byte[] bytes = Files.readAllBytes(file);
        Files.write(file, Arrays.copyOf(bytes, bytes.length / 2));

        assertThatThrownBy(this::install).isInstanceOf(Failure.class).hasMessage(file + " is a damaged or truncated ELF file");
    }

    @Test
    void the_complete_tree_has_every_file_and_link() throws Exception {
        Path complete = firmware().complete(kernelConfig).orElseThrow();

        assertThat(complete.resolve("rtl_nic/older.fw").toRealPath()).isEqualTo(complete.toRealPath().resolve("rtl_nic/a-1.fw"));
        assertThat(complete.resolve("ath/v1/board.bin")).hasContent("content of ath/v2/board.bin");
        assertThat(complete.resolve("NOTICES.txt")).content().contains("LICENSE.ath");
    }
}
