package lib;

import com.github.luben.zstd.ZstdInputStream;
import java.io.BufferedInputStream;
import java.io.IOException;
import java.io.InputStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Locale;
import java.util.stream.Stream;
import java.util.zip.GZIPInputStream;
import java.util.zip.ZipEntry;
import java.util.zip.ZipInputStream;
import lib.tool.Archive;
import lib.tool.Failure;
import org.tukaani.xz.XZInputStream;

/**
 * A downloaded release: a program, a packed program (.gz .xz .zst) or an archive (.tar.gz .tar.xz .tar.zst .tar .zip) with one in it.
 *
 * @param name its file name, which tells the kind
 * @param source the line of sources.conf, for errors
 */
record ReleaseFile(Path file, String name, Source source) {
    /** A program of a gibibyte is none. */
    private static final long MAX_BYTES = 1L << 30;
    private static final Archive.Limits LIMITS = new Archive.Limits(false, 0, MAX_BYTES, 100_000);

    /**
     * Writes the program to {@code target}.
     *
     * @param path the program in an archive; empty: the only file, or the only one of the component's name
     * @param scratch folder for the archive's content; it does not exist yet
     */
    void program(String path, Path scratch, Path target) throws IOException {
        String kind = name.toLowerCase(Locale.ROOT);
        if (kind.matches(".*\\.(tar|tgz|txz|tzst|zip)|.*\\.tar\\.(gz|xz|zst)")) {
            unpack(kind, scratch);
            Files.copy(chosen(path, scratch), target);
        } else {
            try (InputStream in = unpacked(kind)) {
                copy(in, target);
            }
        }
    }

    private void unpack(String kind, Path scratch) throws IOException {
        Files.createDirectories(scratch);
        if (kind.endsWith("zip")) {
            unzip(scratch);
        } else if (kind.endsWith("zst")) {
            Path tar = scratch.resolveSibling(scratch.getFileName() + ".tar");
            try (InputStream in = unpacked(kind)) {
                copy(in, tar);
                Archive.extract(tar, scratch, LIMITS);
            } finally {
                Files.deleteIfExists(tar);
            }
        } else {
            Archive.extract(file, scratch, LIMITS);
        }
    }

    /** Only plain names are written: zip knows no links, and a name that leaves the folder is an error. */
    private void unzip(Path scratch) throws IOException {
        try (ZipInputStream zip = new ZipInputStream(new BufferedInputStream(Files.newInputStream(file)))) {
            for (ZipEntry entry = zip.getNextEntry(); entry != null; entry = zip.getNextEntry()) {
                Path place = scratch.resolve(entry.getName()).normalize();
                if (!place.startsWith(scratch) || place.equals(scratch)) {
                    throw new Failure(name + " is a damaged archive: unsafe name \"" + entry.getName() + "\"", source.where());
                }
                if (!entry.isDirectory()) {
                    Files.createDirectories(place.getParent());
                    copy(zip, place);
                }
            }
        }
    }

    private InputStream unpacked(String kind) throws IOException {
        InputStream in = new BufferedInputStream(Files.newInputStream(file));
        return kind.endsWith("gz") ? new GZIPInputStream(in) : kind.endsWith("xz") ? new XZInputStream(in) : kind.endsWith("zst") ? new ZstdInputStream(in) : in;
    }

    private void copy(InputStream in, Path target) throws IOException {
        byte[] buffer = new byte[1 << 16];
        long bytes = 0;
        try (var out = Files.newOutputStream(target)) {
            for (int n = in.read(buffer); n >= 0; n = in.read(buffer)) {
                bytes += n;
                if (bytes > MAX_BYTES) {
                    throw new Failure(name + " holds more than " + MAX_BYTES + " bytes", source.where());
                }
                out.write(buffer, 0, n);
            }
        }
    }

    private Path chosen(String path, Path scratch) throws IOException {
        List<Path> all;
        try (Stream<Path> files = Files.walk(scratch)) {
            all = files.filter(Files::isRegularFile).sorted().toList();
        }
        List<Path> matching = !path.isEmpty() ? all.stream().filter(one -> scratch.relativize(one).toString().equals(path)).toList()
                : all.size() == 1 ? all : all.stream().filter(one -> one.getFileName().toString().equals(source.name())).toList();
        if (matching.size() != 1) {
            throw new Failure(source.where() + ": " + (path.isEmpty() ? "which file of the archive is the program?" : "the archive has no file " + path) + ": " + source,
                    "name it with path=; the archive holds " + String.join(" ", all.stream().limit(12).map(one -> scratch.relativize(one).toString()).toList()));
        }
        return matching.get(0);
    }
}
