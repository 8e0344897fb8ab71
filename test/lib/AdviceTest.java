package lib;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import lib.image.FinishedImage;
import lib.image.TestArchive;
import lib.tool.Json;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

class AdviceTest {
    @TempDir
    Path folder;

    private static Advice advice(double mbit) {
        BootMeasure.Measured slow = new BootMeasure.Measured(2.5, 200 << 20, 1, 10);
        BootMeasure.Measured fast = new BootMeasure.Measured(0.5, 150 << 20, 1, 8);
        return Advice.of(mbit, "KVM", List.of(Advice.Choice.of(Advice.Packing.XZ, false, 2_000_000, 6_000_000, slow, mbit),
                Advice.Choice.of(Advice.Packing.GZIP, true, 2_000_000, 10_000_000, fast, mbit)));
    }

    @Test
    void what_is_best_depends_on_the_speed_of_the_download() {
        assertThat(advice(1000).ranked()).extracting(Advice.Choice::packing).containsExactly("gzip -9", "xz");
        assertThat(advice(5).ranked()).extracting(Advice.Choice::packing).containsExactly("xz", "gzip -9");
        assertThat(advice(5).ranked().get(0).totalSeconds()).isEqualTo(8_000_000 * 8 / 5e6 + 10);
    }

    @Test
    void the_table_ranks_and_says_what_was_assumed() {
        assertThat(advice(5).table()).containsPattern("RANK +INITRAMFS +UPX +IMAGE +DOWNLOAD +UNPACK +PEAK +START-UP +BOOT +TOTAL\n1 +xz +off +7.63 MiB +12.80 s +2.50 s"
                + " +200 MiB +1.00 s +10.00 s +22.80 s\n2 +gzip -9 +on ").endsWith("download at 5 Mbit/s; boots on QEMU, KVM\n");
        assertThat(Json.parse(Json.pretty(advice(5)), "test").path("ranked").path(1).path("upx").asBoolean()).isTrue();
    }

    @ParameterizedTest
    @EnumSource(Advice.Packing.class)
    void every_packing_is_one_that_can_be_read_again_and_is_kept(Advice.Packing packing) throws IOException {
        Path cpio = Files.write(folder.resolve("a.cpio"), new TestArchive().file("text", 0644, "hello ".repeat(10_000)).bytes());
        Path packed = packing.pack(cpio, TestTools.in(folder));

        assertThat(packed).isEqualTo(packing.pack(cpio, TestTools.in(folder)));
        assertThat(Files.size(packed)).isLessThan(2_000);
        assertThat(FinishedImage.open(packed).file("text").orElseThrow().text()).hasSize(60_000);
    }
}
