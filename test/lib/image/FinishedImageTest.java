package lib.image;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import com.github.luben.zstd.ZstdOutputStream;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.OutputStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.Map;
import java.util.Random;
import java.util.stream.Stream;
import java.util.zip.GZIPOutputStream;
import lib.tool.Failure;
import org.junit.jupiter.api.Assumptions;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;
import org.tukaani.xz.LZMA2Options;
import org.tukaani.xz.X86Options;
import org.tukaani.xz.XZ;
import org.tukaani.xz.XZOutputStream;

class FinishedImageTest {
    private static final byte[] NOISE = new byte[300_000];
    private static final byte[] NOTHING = new byte[2_000_000];

    static {
        new Random(1).nextBytes(NOISE);
    }

    @TempDir
    Path folder;

    private static TestArchive tree() {
        return new TestArchive().folder("bin", 0755).file("bin/noise", 0755, NOISE).link("bin/sh", "/bin/noise").folder("etc", 0755)
                .file("etc/nothing", 0644, NOTHING).file("etc/text", 0644, "hello\n".repeat(1000)).file("etc/noise2", 0644, Arrays.copyOf(NOISE, 100_000));
    }

    /** A way to pack an archive. */
    private interface Packing {
        byte[] pack(byte[] archive) throws IOException;
    }

    static Stream<Map.Entry<String, Packing>> packings() {
        return Stream.of(Map.entry("plain", archive -> archive), Map.entry("gzip", FinishedImageTest::gzip), Map.entry("zstd", FinishedImageTest::zstd),
                Map.entry("xz", archive -> xz(archive, false)), Map.entry("xz in blocks", archive -> xz(archive, true)));
    }

    private static byte[] gzip(byte[] archive) throws IOException {
        ByteArrayOutputStream out = new ByteArrayOutputStream();
        try (OutputStream gzip = new GZIPOutputStream(out)) {
            gzip.write(archive);
        }
        return out.toByteArray();
    }

    private static byte[] zstd(byte[] archive) throws IOException {
        ByteArrayOutputStream out = new ByteArrayOutputStream();
        try (ZstdOutputStream zstd = new ZstdOutputStream(out, 3)) {
            zstd.setChecksum(true).write(archive);
        }
        return out.toByteArray();
    }

    private static byte[] xz(byte[] archive, boolean blocks) throws IOException {
        ByteArrayOutputStream out = new ByteArrayOutputStream();
        try (XZOutputStream xz = new XZOutputStream(out, new org.tukaani.xz.FilterOptions[] {new X86Options(), new LZMA2Options(3)}, XZ.CHECK_CRC32)) {
            for (int at = 0; at < archive.length; at += 500_000) {
                xz.write(archive, at, Math.min(500_000, archive.length - at));
                if (blocks) {
                    xz.endBlock();
                }
            }
        }
        return out.toByteArray();
    }

    @ParameterizedTest
    @MethodSource("packings")
    void every_packed_byte_is_charged_once_and_to_what_needs_it(Map.Entry<String, Packing> packing) throws IOException {
        byte[] file = packing.getValue().pack(tree().bytes());
        FinishedImage image = FinishedImage.parse("test", file);

        assertThat(image.shares().stream().mapToLong(Long::longValue).sum()).isEqualTo(file.length);
        assertThat(image.shares()).allMatch(share -> share >= 0);
        // zstd says nothing below its blocks of 128 KiB: at both ends of a file a part of one is shared with its neighbours.
        assertThat((double) share(image, "bin/noise")).isCloseTo(NOISE.length, within(0.45 * (1 << 17)));
        if (!packing.getKey().equals("plain")) {
            assertThat(share(image, "etc/nothing")).isLessThan(60_000);
        }
    }

    private static long share(FinishedImage image, String path) {
        return image.shares().get(image.entries().indexOf(image.at(path).orElseThrow()));
    }

    @ParameterizedTest
    @MethodSource("packings")
    void archives_behind_one_another_are_one_tree_and_a_kernel_around_them_is_looked_through(Map.Entry<String, Packing> packing) throws IOException {
        byte[] first = packing.getValue().pack(tree().bytes());
        byte[] second = packing.getValue().pack(new TestArchive().folder("more", 0700).file("more/file", 0600, "x").bytes());
        byte[] both = Arrays.copyOf(first, (first.length + 3 & ~3) + 512 + second.length);
        System.arraycopy(second, 0, both, both.length - second.length, second.length);

        FinishedImage image = FinishedImage.parse("test", TestArchive.kernel(both));

        assertThat(image.release()).contains("6.1.2-test");
        assertThat(image.archiveBytes()).isEqualTo(both.length);
        assertThat(image.shares().stream().mapToLong(Long::longValue).sum()).isEqualTo(both.length);
        assertThat(image.file("bin/sh").orElseThrow().bytes()).isEqualTo(NOISE);
        assertThat(image.file("/more/file").orElseThrow().text()).isEqualTo("x");
        assertThat(image.in("etc")).containsOnlyKeys("nothing", "noise2", "text");
    }

    @Test
    void hard_links_share_the_content_whichever_of_them_carries_it() {
        byte[] archive = new TestArchive().entry("a", 0100644, 0, 2, 7, new byte[0]).entry("b", 0100644, 0, 2, 7, "data".getBytes())
                .entry("c", 0100644, 0, 2, 8, "more".getBytes()).entry("d", 0100644, 0, 2, 8, new byte[0]).bytes();
        FinishedImage image = FinishedImage.parse("test", archive);

        assertThat(Stream.of("a", "b", "c", "d").map(name -> image.file(name).orElseThrow().text())).containsExactly("data", "data", "more", "more");
    }

    @Test
    void a_kernel_without_a_release_in_its_header_is_known_by_its_banner() {
        byte[] image = ("x".repeat(0x38) + "ARMd" + "y".repeat(60) + "Linux version %s\0Linux version 6.12.1-test (mos@builder)\n").getBytes(java.nio.charset.StandardCharsets.US_ASCII);

        assertThat(KernelImage.of("image", image).orElseThrow().release()).contains("6.12.1-test");
    }

    @Test
    void links_are_followed_inside_the_image_and_circles_end() {
        FinishedImage image = FinishedImage.parse("test", new TestArchive().link("a", "b").link("b", "../a").link("lib", "/usr/lib")
                .folder("usr", 0755).folder("usr/lib", 0755).file("usr/lib/x", 0644, "1").link("usr/lib/up", "../../../../usr/lib/x").bytes());

        assertThat(image.resolve("a", true)).isEmpty();
        assertThat(image.resolve("lib/up", true)).contains("usr/lib/x");
        assertThat(image.at("lib/up").orElseThrow().isLink()).isTrue();
    }

    @Test
    void says_what_is_wrong_with_a_file_that_cannot_be_read() throws IOException {
        byte[] packed = xz(tree().bytes(), false);
        byte[] cut = Arrays.copyOf(packed, packed.length / 2);
        byte[] flipped = packed.clone();
        flipped[packed.length / 2] ^= 4;

        assertThatThrownBy(() -> FinishedImage.parse("cut.xz", cut)).isInstanceOf(Failure.class).hasMessageContaining("cut.xz is damaged or truncated");
        assertThatThrownBy(() -> FinishedImage.parse("flipped.xz", flipped)).isInstanceOf(Failure.class).hasMessageContaining("flipped.xz is damaged");
        assertThatThrownBy(() -> FinishedImage.parse("text", "no image".getBytes())).hasMessageContaining("text is neither a kernel nor an initramfs");
        assertThatThrownBy(() -> FinishedImage.parse("bare", TestArchive.kernel(new byte[0]))).hasMessageContaining("bare is a kernel without an initramfs");
        assertThatThrownBy(() -> FinishedImage.parse("short", Arrays.copyOf(tree().bytes(), 1000))).hasMessageContaining("short holds no cpio archive at byte");
    }

    @Test
    void reads_what_the_programs_xz_and_cpio_made() throws IOException, InterruptedException {
        Assumptions.assumeTrue(Stream.of("xz", "cpio").allMatch(name -> lib.tool.Shell.which(name).isPresent()), "xz or cpio is not installed");
        Path tree = Files.createDirectories(folder.resolve("tree/etc")).getParent();
        Files.write(tree.resolve("etc/noise"), NOISE);
        Files.createLink(tree.resolve("etc/again"), tree.resolve("etc/noise"));
        String script = "cd \"$1\" && find . | cpio -o -H newc --quiet | xz -T2 --check=crc32 --block-size=100KiB > ../made.xz";
        assertThat(new ProcessBuilder("sh", "-c", script, "sh", tree.toString()).inheritIO().start().waitFor()).isZero();

        FinishedImage image = FinishedImage.open(folder.resolve("made.xz"));

        assertThat(image.file("etc/again").orElseThrow().bytes()).isEqualTo(NOISE);
        assertThat(image.shares().stream().mapToLong(Long::longValue).sum()).isEqualTo(Files.size(folder.resolve("made.xz")));
    }
}
