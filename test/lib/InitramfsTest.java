package lib;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Random;
import lib.image.FinishedImage;
import lib.tool.Failure;
import lib.tool.Shell;
import lib.tool.Tools;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class InitramfsTest {
    private static final int EPOCH = 1_735_689_600;

    @TempDir
    Path folder;
    private Path tree;

    @BeforeEach
    void tree() throws IOException {
        tree = Files.createDirectories(folder.resolve("tree"));
        Files.createDirectories(tree.resolve("etc"));
        Files.writeString(tree.resolve("etc/motd"), "welcome\n".repeat(1000));
        Files.writeString(tree.resolve("init"), "#!/bin/sh\n");
        Files.createSymbolicLink(tree.resolve("etc/issue"), Path.of("motd"));
    }

    @ParameterizedTest(name = "{0}")
    @CsvSource({"XZ, initramfs.cpio.xz, xz", "ZSTD, initramfs.cpio.zst, zstd", "GZIP, initramfs.cpio.gz, gzip", "NONE, initramfs.cpio, cpio"})
    void each_compression_has_its_name_holds_the_same_files_and_is_read_by_its_program(Config.Compression compression, String name, String program) throws IOException {
        Tools tools = TestTools.in(folder);
        Initramfs.Packed packed = initramfs(compression, tools).pack(tree);

        assertThat(packed.file()).hasFileName(name);
        assertThat(packed.bytes()).isEqualTo(Files.size(packed.file()));
        FinishedImage image = FinishedImage.open(packed.file());
        assertThat(image.file("etc/motd").orElseThrow().text()).isEqualTo("welcome\n".repeat(1000));
        assertThat(image.byPath().get("etc/issue").target()).isEqualTo("motd");
        assertThat(image.byPath().get("dev/console").isSpecial()).isTrue();
        assumeTrue(Shell.which(program).isPresent(), program + " is not installed");
        List<String> test = program.equals("cpio") ? List.of("cpio", "--list", "--quiet", "--file=" + packed.file()) : List.of(program, "-t", packed.file().toString());
        tools.shell().run(Shell.Command.of(test));
    }

    @Test
    void the_same_tree_gives_the_same_bytes_in_another_folder_from_an_empty_cache_with_other_jobs() throws IOException {
        Path other = Files.createDirectories(folder.resolve("other"));
        tools().shell().run("cp", "--archive", tree.toString(), other.resolve("tree").toString());
        for (Config.Compression compression : Config.Compression.values()) {
            Initramfs.Packed one = initramfs(compression, tools()).pack(tree);
            Tools apart = TestTools.in(other);
            Initramfs.Packed again = new Initramfs(budget(compression), Architecture.X86_64, apart, 1).pack(other.resolve("tree"));

            assertThat(again.file()).isNotEqualTo(one.file()).hasSameBinaryContentAs(one.file());
            assertThat(again.sha256()).isEqualTo(one.sha256());
        }
    }

    @Test
    void a_changed_mode_is_another_archive_and_an_unchanged_tree_is_not_packed_again() throws IOException {
        Initramfs initramfs = initramfs(Config.Compression.XZ, tools());
        Initramfs.Packed first = initramfs.pack(tree);

        assertThat(initramfs.packedSizes(tree, () -> tree)).isEqualTo(new PackedSizes(first.bytes(), first.bytes()));
        assertThat(initramfs.pack(tree)).isEqualTo(first);
        Files.setAttribute(tree.resolve("init"), "unix:mode", 0700);
        assertThat(initramfs.pack(tree).sha256()).isNotEqualTo(first.sha256());
    }

    @Test
    void a_packer_that_fails_is_an_error_in_its_own_words_and_leaves_nothing() {
        Path none = folder.resolve("none.cpio");

        try (PackingProcess process = new PackingProcess(tools(), 2)) {
            for (int time = 1; time <= 2; time++) {
                assertThatThrownBy(() -> process.xz(none, true, folder.resolve("none.xz"))).isInstanceOf(Failure.class)
                        .hasMessageStartingWith("packing ended with exit code 1\n").hasMessageContaining("NoSuchFileException: " + none);
            }
        }
        assertThat(folder.resolve("none.xz")).doesNotExist();
    }

    @Test
    void trees_that_are_packed_side_by_side_become_what_they_are_when_packed_alone() throws IOException {
        Random random = new Random(3);
        byte[] common = new byte[13 << 19];
        random.nextBytes(common);
        Files.write(tree.resolve("a"), common);
        Path other = folder.resolve("other tree");
        tools().shell().run("cp", "--archive", tree.toString(), other.toString());
        byte[] last = new byte[3 << 20];
        random.nextBytes(last);
        Files.write(other.resolve("z"), last);

        PackedSizes sizes = initramfs(Config.Compression.XZ, tools()).packedSizes(tree, () -> other);

        Initramfs apart = initramfs(Config.Compression.XZ, TestTools.in(Files.createDirectory(folder.resolve("apart"))));
        assertThat(sizes).isEqualTo(new PackedSizes(apart.pack(tree).bytes(), apart.pack(other).bytes()));
        assertThat(initramfs(Config.Compression.XZ, tools()).pack(other).file()).hasSameBinaryContentAs(apart.pack(other).file());
        assertThatThrownBy(() -> initramfs(Config.Compression.XZ, tools()).packedSizes(other, () -> {
            throw new Failure("UPX is broken", "");
        })).hasMessage("UPX is broken");
    }

    private Tools tools() {
        return TestTools.in(folder);
    }

    private static Initramfs initramfs(Config.Compression compression, Tools tools) {
        return new Initramfs(budget(compression), Architecture.X86_64, tools, 2);
    }

    private static Config.Budget budget(Config.Compression compression) {
        return new Config.Budget(Config.Upx.NEVER, false, compression, Optional.empty(), Optional.empty(), Map.of(), EPOCH);
    }
}
