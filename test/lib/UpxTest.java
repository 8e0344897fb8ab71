package lib;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.function.Supplier;
import lib.tool.Digest;
import lib.tool.Failure;
import lib.tool.Shell;
import lib.tool.Tools;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class UpxTest {
    @TempDir
    Path folder;
    private final ByteArrayOutputStream printed = new ByteArrayOutputStream();
    private final AtomicInteger measured = new AtomicInteger();
    private Path root;
    private Path program;
    private Config.Compression compression = Config.Compression.XZ;

    @BeforeEach
    void tree() throws IOException {
        root = Files.createDirectories(folder.resolve("root"));
        Path tar = Shell.which("tar").orElseThrow().toRealPath();
        program = Files.copy(tar, root.resolve("tar"));
        Files.copy(tar, root.resolve("setuid"));
        Files.setAttribute(root.resolve("setuid"), "unix:mode", 04755);
        Files.copy(tar, root.resolve("libtar.so.1"));
        Files.copy(tar, root.resolve("data"));
        Files.setAttribute(root.resolve("data"), "unix:mode", 0644);
        Files.createSymbolicLink(root.resolve("link"), Path.of("tar"));
    }

    @Test
    void always_packs_programs_that_run_as_before_and_leaves_setuid_files_libraries_and_data_alone() throws IOException {
        installed(true);
        String before = Digest.sha256(program);

        assertThat(upx(Config.Upx.ALWAYS, this::larger).applyTo(root)).isTrue();

        assertThat(measured).hasValue(0);
        assertThat(new String(Files.readAllBytes(program), java.nio.charset.StandardCharsets.ISO_8859_1)).contains("UPX!");
        assertThat(tools().shell().output(program.toString(), "--version")).startsWith("tar (GNU tar)");
        assertThat(Arrays.asList("setuid", "libtar.so.1", "data")).allSatisfy(name -> assertThat(Digest.sha256(root.resolve(name))).isEqualTo(before));
        assertThat((Integer) Files.getAttribute(root.resolve("setuid"), "unix:mode") & 07777).isEqualTo(04755);
        assertThat(root.resolve("link")).isSymbolicLink();
    }

    @Test
    void auto_takes_the_smaller_image_says_both_sizes_and_measures_once() throws IOException {
        installed(true);
        String before = Digest.sha256(program);

        assertThat(upx(Config.Upx.AUTO, this::larger).applyTo(root)).isFalse();
        assertThat(upx(Config.Upx.AUTO, this::larger).applyTo(root)).isFalse();

        assertThat(measured).hasValue(1);
        assertThat(Digest.sha256(program)).isEqualTo(before);
        assertThat(printed.toString()).contains("UPX: image of 1.00 MiB without it, 2.00 MiB with it: not used");

        compression = Config.Compression.NONE;
        assertThat(upx(Config.Upx.AUTO, this::larger).applyTo(root)).isFalse();
        assertThat(measured).hasValue(2);
    }

    @Test
    void auto_packs_where_that_makes_the_image_smaller() {
        installed(true);
        long before = program.toFile().length();

        assertThat(upx(Config.Upx.AUTO, (tree, other) -> new PackedSizes(sizeOfTar(tree), sizeOfTar(other.get()))).applyTo(root)).isTrue();

        assertThat(program.toFile().length()).isLessThan(before);
        assertThat(printed.toString()).contains("with it: used");
    }

    @Test
    void never_does_nothing_at_all() throws IOException {
        String before = Digest.sha256(program);

        assertThat(upx(Config.Upx.NEVER, this::larger).applyTo(root)).isFalse();

        assertThat(measured).hasValue(0);
        assertThat(Digest.sha256(program)).isEqualTo(before);
    }

    @Test
    void without_the_program_upx_only_always_is_an_error() {
        installed(false);

        assertThat(upx(Config.Upx.AUTO, this::larger).applyTo(root)).isFalse();
        assertThatThrownBy(() -> upx(Config.Upx.ALWAYS, this::larger).applyTo(root)).isInstanceOfSatisfying(Failure.class,
                failure -> assertThat(failure.exitCode()).isEqualTo(Failure.MACHINE)).hasMessageContaining("upx is not installed");
    }

    /** As an image of compressed programs does: it grows when they are packed. */
    private PackedSizes larger(Path tree, Supplier<Path> other) {
        measured.incrementAndGet();
        assertThat(tree).isEqualTo(root);
        assertThat(other.get()).isNotEqualTo(root);
        return new PackedSizes(1 << 20, 2 << 20);
    }

    private static long sizeOfTar(Path tree) {
        return tree.resolve("tar").toFile().length();
    }

    private static void installed(boolean wanted) {
        assumeTrue(Shell.which("upx").isPresent() == wanted, wanted ? "upx is not installed" : "upx is installed");
    }

    private Tools tools() {
        return TestTools.in(folder, printed, true);
    }

    private Upx upx(Config.Upx mode, PackedSizes.Measure packing) {
        return new Upx(mode, compression, tools(), 2, packing);
    }
}
