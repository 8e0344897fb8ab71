package lib.tool;

import com.github.luben.zstd.ZstdInputStream;
import com.github.luben.zstd.ZstdOutputStream;
import java.io.BufferedInputStream;
import java.io.BufferedOutputStream;
import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.LinkOption;
import java.nio.file.Path;
import java.util.List;
import java.util.stream.Stream;
import org.apache.commons.compress.archivers.tar.TarArchiveEntry;
import org.apache.commons.compress.archivers.tar.TarArchiveOutputStream;

/**
 * A file or folder as one file: a tar with one top name, packed with zstd. Modes and links stay; times too, to a ten-millionth of a
 * second, because make compares them. Owners do not.
 */
final class Bundle {
    private static final String TOP = "entry";
    private static final int LEVEL = 3;

    private Bundle() { }

    static void pack(Path entry, Path file) throws IOException {
        try (OutputStream out = new ZstdOutputStream(new BufferedOutputStream(Files.newOutputStream(file), 1 << 16), LEVEL);
                TarArchiveOutputStream tar = new TarArchiveOutputStream(out, "UTF-8")) {
            tar.setLongFileMode(TarArchiveOutputStream.LONGFILE_POSIX);
            tar.setBigNumberMode(TarArchiveOutputStream.BIGNUMBER_POSIX);
            List<Path> all;
            try (Stream<Path> files = Files.walk(entry)) {
                all = files.sorted().toList();
            } catch (UncheckedIOException e) {
                throw e.getCause();
            }
            for (Path path : all) {
                String name = path.equals(entry) ? TOP : TOP + "/" + entry.relativize(path);
                add(tar, path, name);
            }
        }
    }

    private static void add(TarArchiveOutputStream tar, Path path, String name) throws IOException {
        TarArchiveEntry header;
        if (Files.isSymbolicLink(path)) {
            header = new TarArchiveEntry(name, TarArchiveEntry.LF_SYMLINK);
            header.setLinkName(Files.readSymbolicLink(path).toString());
        } else {
            boolean folder = Files.isDirectory(path, LinkOption.NOFOLLOW_LINKS);
            header = new TarArchiveEntry(folder ? name + "/" : name);
            header.setMode((int) Files.getAttribute(path, "unix:mode") & 07777);
            header.setSize(folder ? 0 : Files.size(path));
        }
        header.setLastModifiedTime(Files.getLastModifiedTime(path, LinkOption.NOFOLLOW_LINKS));
        tar.putArchiveEntry(header);
        if (Files.isRegularFile(path, LinkOption.NOFOLLOW_LINKS)) {
            Files.copy(path, tar);
        }
        tar.closeArchiveEntry();
    }

    /** Unpacks to {@code target}, which does not exist yet. */
    static void unpack(Path file, Path target) throws IOException {
        Path tar = file.resolveSibling(file.getFileName() + ".tar");
        Path folder = file.resolveSibling(file.getFileName() + ".d");
        try {
            try (InputStream in = new ZstdInputStream(new BufferedInputStream(Files.newInputStream(file), 1 << 16))) {
                Files.copy(in, tar);
            }
            Archive.extract(tar, folder, Archive.Limits.SOURCES);
            Files.move(folder.resolve(TOP), target);
        } finally {
            Files.deleteIfExists(tar);
            Trees.delete(folder);
        }
    }
}
