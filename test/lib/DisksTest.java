package lib;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import lib.tool.Shell;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class DisksTest {
    @TempDir
    Path folder;
    @TempDir
    Path scratch;

    private Disks disks(int count, long size, boolean explicit, Disks.Format... format) {
        return new Disks(folder, count, size, explicit, java.util.Arrays.stream(format).findFirst(), false, TestTools.in(scratch).shell());
    }

    private Disks anew(int count, Disks.Format... format) {
        return new Disks(folder, count, 1L << 30, true, java.util.Arrays.stream(format).findFirst(), true, TestTools.in(scratch).shell());
    }

    private static List<Path> made(Disks disks) {
        disks.require().prepare();
        return disks.files();
    }

    @Test
    void sizes_are_read_with_their_units() {
        assertThat(Disks.parseSize("20G")).isEqualTo(20L << 30);
        assertThat(Disks.parseSize("512m")).isEqualTo(512L << 20);
        assertThat(Disks.parseSize("2TiB")).isEqualTo(2L << 40);
        assertThat(Disks.parseSize("1024")).isEqualTo(1024);
        assertThatThrownBy(() -> Disks.parseSize("big")).hasMessage("not a size: big");
        assertThatThrownBy(() -> Disks.parseSize("1000")).hasMessage("a disk cannot have 1000 bytes");
        assertThatThrownBy(() -> Disks.parseSize("999999999999T")).hasMessage("not a size: 999999999999T");
    }

    @Test
    void new_disks_take_no_room_and_only_written_ones_hold_data() throws IOException {
        Disks disks = disks(2, 1L << 30, true);
        List<Path> files = made(disks);

        assertThat(files).containsExactly(folder.resolve("disk0.raw"), folder.resolve("disk1.raw")).allMatch(file -> file.toFile().length() == 1L << 30);
        assertThat(disks.holdingData()).isEmpty();
        try (var disk = new java.io.RandomAccessFile(files.get(1).toFile(), "rw")) {
            disk.seek(4096);
            disk.write(1);
        }
        assertThat(disks.holdingData()).containsExactly(files.get(1));
    }

    @Test
    void disks_stay_until_they_are_deleted_whatever_size_is_the_default() throws IOException {
        made(disks(3, 1L << 20, true));

        assertThat(made(disks(1, 1L << 30, false)).get(0)).hasSize(1L << 20);
        assertThatThrownBy(() -> disks(1, 1L << 30, true).require()).hasMessageContaining("disk0.raw has 1048576 bytes, not 1073741824");
        assertThat(made(anew(1)).get(0)).hasSize(1L << 30);
        assertThat(folder.toFile().list()).containsExactly("disk0.raw");
    }

    @Test
    void a_disk_that_goes_is_asked_about_although_the_machine_gets_fewer_than_it_had() throws IOException {
        Files.writeString(made(disks(2, 1L << 20, true)).get(1), "data");

        assertThat(anew(1).require().holdingData()).containsExactly(folder.resolve("disk1.raw"));
    }

    @Test
    void disks_in_qemus_format_keep_it_and_are_empty_until_they_are_written_to() {
        assumeTrue(Shell.which("qemu-img").isPresent() && Shell.which("qemu-io").isPresent(), "qemu-img or qemu-io is not installed");
        Path file = made(disks(1, 1L << 30, true, Disks.Format.QCOW2)).get(0);

        assertThat(file).isEqualTo(folder.resolve("disk0.qcow2")).matches(one -> one.toFile().length() < 1 << 20);
        assertThat(made(disks(1, 1L << 30, true))).containsExactly(file);
        assertThat(disks(1, 1, false).holdingData()).isEmpty();
        assertThatThrownBy(() -> disks(1, 1L << 20, true).require()).hasMessageContaining("disk0.qcow2 has 1073741824 bytes, not 1048576");
        assertThatThrownBy(() -> disks(1, 1L << 30, true, Disks.Format.RAW).require()).hasMessageContaining("disk0.qcow2 is not in the format raw");
        TestTools.in(scratch).shell().run("qemu-io", "-c", "write 512M 4k", file.toString());
        assertThat(disks(1, 1, false).holdingData()).containsExactly(file);
        assertThat(made(anew(1))).containsExactly(folder.resolve("disk0.raw"));
        assertThat(file).doesNotExist();
    }
}
