package lib.tool;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.IOException;
import java.io.OutputStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.util.zip.GZIPOutputStream;
import org.apache.commons.compress.archivers.tar.TarArchiveEntry;
import org.apache.commons.compress.archivers.tar.TarArchiveOutputStream;
import org.apache.commons.compress.archivers.tar.TarConstants;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.tukaani.xz.LZMA2Options;
import org.tukaani.xz.XZOutputStream;

class ArchiveTest {
    @TempDir
    Path scratch;

    /** Writes entries; an archive library does not forbid bad names. */
    private interface Content {
        void to(TarArchiveOutputStream tar) throws IOException;
    }

    private Path tar(String name, Content content) throws IOException {
        Path file = scratch.resolve(name);
        OutputStream out = Files.newOutputStream(file);
        OutputStream packed = name.endsWith("gz") ? new GZIPOutputStream(out) : name.endsWith("xz") ? new XZOutputStream(out, new LZMA2Options(0)) : out;
        try (TarArchiveOutputStream tar = new TarArchiveOutputStream(packed, "UTF-8")) {
            content.to(tar);
        }
        return file;
    }

    private static void file(TarArchiveOutputStream tar, String name, String text) throws IOException {
        TarArchiveEntry entry = new TarArchiveEntry(name, true);
        byte[] bytes = text.getBytes(StandardCharsets.UTF_8);
        entry.setSize(bytes.length);
        entry.setMode(0755);
        tar.putArchiveEntry(entry);
        tar.write(bytes);
        tar.closeArchiveEntry();
    }

    private static void link(TarArchiveOutputStream tar, String name, byte type, String target) throws IOException {
        TarArchiveEntry entry = new TarArchiveEntry(name, type, true);
        entry.setLinkName(target);
        tar.putArchiveEntry(entry);
        tar.closeArchiveEntry();
    }

    @Test
    void unpacks_plain_gzip_and_xz() throws IOException {
        for (String name : new String[] {"a.tar", "a.tar.gz", "a.tar.xz"}) {
            Path file = tar(name, tar -> {
                file(tar, "top/sub/program", "text");
                link(tar, "top/link", TarConstants.LF_SYMLINK, "/somewhere");
                link(tar, "top/hard", TarConstants.LF_LINK, "top/sub/program");
            });
            Path into = scratch.resolve("out-" + name);
            Archive.extract(file, into, Archive.Limits.SOURCES.strip(1));
            assertThat(into.resolve("sub/program")).hasContent("text");
            assertThat(PosixFilePermissions.toString(Files.getPosixFilePermissions(into.resolve("sub/program")))).isEqualTo("rwxr-xr-x");
            assertThat(Files.readSymbolicLink(into.resolve("link"))).hasToString("/somewhere");
            assertThat(Files.isSameFile(into.resolve("hard"), into.resolve("sub/program"))).isTrue();
        }
    }

    @Test
    void nothing_leaves_the_folder() throws IOException {
        Path outside = Files.createDirectories(scratch.resolve("outside"));
        refused("parent.tar", tar -> file(tar, "../outside/x", "x"));
        refused("middle.tar", tar -> file(tar, "a/../../outside/x", "x"));
        refused("absolute.tar", tar -> file(tar, outside + "/x", "x"));
        refused("link.tar", tar -> {
            link(tar, "way", TarConstants.LF_SYMLINK, outside.toString());
            file(tar, "way/x", "x");
        });
        refused("hard.tar", tar -> link(tar, "x", TarConstants.LF_LINK, "../outside"));
        refused("hard2.tar", tar -> {
            link(tar, "way", TarConstants.LF_SYMLINK, "/etc/passwd");
            link(tar, "x", TarConstants.LF_LINK, "way");
        });
        refused("device.tar", tar -> link(tar, "mem", TarConstants.LF_CHR, ""));
        assertThat(outside).isEmptyDirectory();
    }

    private void refused(String name, Content content) throws IOException {
        Path file = tar(name, content);
        assertThatThrownBy(() -> Archive.extract(file, scratch.resolve("into"), Archive.Limits.SOURCES)).as(name).isInstanceOf(Failure.class)
                .hasMessageContaining(name);
    }

    @Test
    void a_bomb_and_a_cut_archive_are_refused() throws IOException {
        Path bomb = tar("bomb.tar.gz", tar -> file(tar, "x", "0".repeat(1 << 20)));
        assertThatThrownBy(() -> Archive.extract(bomb, scratch.resolve("b"), new Archive.Limits(false, 0, 1000, 10))).hasMessageContaining("1000 bytes allowed");
        Path cut = scratch.resolve("cut.tar.gz");
        Files.write(cut, java.util.Arrays.copyOf(Files.readAllBytes(bomb), 200));
        assertThatThrownBy(() -> Archive.extract(cut, scratch.resolve("c"), Archive.Limits.SOURCES)).isInstanceOf(Failure.class).hasMessageContaining("cut.tar.gz");
    }
}
