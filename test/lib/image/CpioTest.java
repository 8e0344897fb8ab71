package lib.image;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.ByteArrayInputStream;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.FileTime;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.apache.commons.compress.archivers.cpio.CpioArchiveEntry;
import org.apache.commons.compress.archivers.cpio.CpioArchiveInputStream;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class CpioTest {
    private static final List<Cpio.Device> CONSOLE = List.of(new Cpio.Device("dev/console", 0600, 5, 1));

    @TempDir
    Path root;

    @BeforeEach
    void tree() throws IOException {
        Files.createDirectories(root.resolve("b/deep"));
        Files.writeString(root.resolve("b/deep/file"), "content");
        Files.setAttribute(root.resolve("b/deep/file"), "unix:mode", 04755);
        Files.writeString(root.resolve("a"), "first");
        Files.createLink(root.resolve("b/hard"), root.resolve("a"));
        Files.createSymbolicLink(root.resolve("link"), Path.of("/absolute/target"));
        Files.createDirectory(root.resolve("b-folder"));
        Files.writeString(root.resolve("grüße"), "");
    }

    @Test
    void an_independent_reader_finds_every_entry_with_its_type_mode_and_content() throws IOException {
        Map<String, CpioArchiveEntry> entries = entries(archive());

        assertThat(entries.keySet()).containsExactly("b", "b-folder", "b/deep", "dev", "dev/console", "link", "a", "b/deep/file", "grüße", "b/hard");
        assertThat(entries.get("b/deep/file").getMode() & 07777).isEqualTo(04755);
        assertThat(entries.get("b/deep").isDirectory()).isTrue();
        assertThat(entries.get("link").isSymbolicLink()).isTrue();
        assertThat(entries.get("dev/console").isCharacterDevice()).isTrue();
        assertThat(entries.get("dev/console").getRemoteDeviceMaj()).isEqualTo(5);
        assertThat(entries.values()).allMatch(entry -> entry.getTime() == 1_700_000_000L);
    }

    /** The kernel makes no folders of its own accord; files that are alike lie side by side. */
    @Test
    void folders_come_first_then_data_by_extension_then_machine_code_by_name() throws IOException {
        for (String path : List.of("z.conf", "b/y.txt", "b/deep/a.txt")) {
            Files.writeString(root.resolve(path), "text");
        }
        for (String path : List.of("b/ssh", "sshd", "b/deep/apk")) {
            Files.write(root.resolve(path), new byte[] {0x7f, 'E', 'L', 'F', 0});
        }

        assertThat(entries(archive()).keySet()).containsSubsequence("b", "b/deep", "link", "z.conf", "b/deep/a.txt", "b/y.txt", "b/deep/file", "b/deep/apk", "b/ssh", "sshd");
    }

    @Test
    void hard_links_share_an_inode_and_carry_their_bytes_once() throws IOException {
        Map<String, CpioArchiveEntry> entries = entries(archive());

        assertThat(entries.get("a").getInode()).isEqualTo(entries.get("b/hard").getInode());
        assertThat(entries.get("a").getNumberOfLinks()).isEqualTo(2);
        assertThat(entries.get("a").getSize() + entries.get("b/hard").getSize()).isEqualTo("first".length());
    }

    @Test
    void a_hard_link_to_a_file_outside_of_the_tree_is_a_file_of_its_own(@TempDir Path elsewhere) throws IOException {
        Files.createLink(elsewhere.resolve("outside"), root.resolve("b/deep/file"));

        assertThat(entries(archive()).get("b/deep/file").getNumberOfLinks()).isEqualTo(1);
        assertThat(entries(archive()).get("b/deep/file").getSize()).isEqualTo("content".length());
    }

    @Test
    void the_bytes_depend_neither_on_time_stamps_nor_on_the_order_of_creation(@TempDir Path other) throws IOException {
        byte[] before = archive();
        Files.setLastModifiedTime(root.resolve("a"), FileTime.fromMillis(12345));
        Path moved = other.resolve("moved");
        Files.createDirectory(moved);
        for (String name : List.of("link", "grüße", "b-folder", "b", "a")) {
            Files.move(root.resolve(name), moved.resolve(name));
        }
        root = moved;

        assertThat(archive()).isEqualTo(before);
    }

    private byte[] archive() throws IOException {
        ByteArrayOutputStream out = new ByteArrayOutputStream();
        Cpio.write(root, CONSOLE, 1_700_000_000L, out);
        return out.toByteArray();
    }

    private static Map<String, CpioArchiveEntry> entries(byte[] archive) throws IOException {
        Map<String, CpioArchiveEntry> entries = new LinkedHashMap<>();
        try (CpioArchiveInputStream in = new CpioArchiveInputStream(new ByteArrayInputStream(archive), "UTF-8")) {
            for (CpioArchiveEntry entry = in.getNextEntry(); entry != null; entry = in.getNextEntry()) {
                entries.put(entry.getName(), entry);
            }
        }
        return entries;
    }
}
