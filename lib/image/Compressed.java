package lib.image;

import com.github.luben.zstd.ZstdInputStream;
import java.io.ByteArrayInputStream;
import java.io.IOException;
import java.io.InputStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.zip.GZIPInputStream;
import lib.tool.Failure;
import org.tukaani.xz.XZInputStream;

/** Kernel modules and firmware that are kept packed: .xz, .zst and .gz files, told apart by their first bytes. */
public final class Compressed {
    /** Against bombs: the largest firmware files have some 40 MiB, the largest modules less. */
    private static final int MOST_BYTES = 1 << 30;
    private static final int XZ_MEMORY_KIB = 256 << 10;

    private Compressed() { }

    /** The content of a file, unpacked when it is packed. */
    public static byte[] read(Path file) {
        byte[] bytes;
        try {
            bytes = Files.readAllBytes(file);
        } catch (IOException e) {
            throw Failure.io("cannot read " + file, e);
        }
        if (format(bytes).equals("")) {
            return bytes;
        }
        try (InputStream in = open(bytes)) {
            byte[] content = in.readNBytes(MOST_BYTES);
            if (in.read() >= 0) {
                throw new Failure(file + " unpacks to more than 1 GiB", "that is no file of a kernel");
            }
            return content;
        } catch (IOException e) {
            throw new Failure(file + " is a damaged or truncated " + format(bytes) + " file: " + e.getMessage(), "build or fetch it again", e);
        }
    }

    /**
     * Whether the kernel's xz decoder reads this file: check CRC32 or none, in byte 7 of the stream header. Source: xz file format 2.1.1.2;
     * lib/xz/xz_dec_stream.c refuses the other checks.
     */
    public static boolean isXzForTheKernel(Path file) {
        try (InputStream in = Files.newInputStream(file)) {
            byte[] header = in.readNBytes(8);
            return format(header).equals("xz") && header.length == 8 && (header[7] == 0 || header[7] == 1);
        } catch (IOException e) {
            throw Failure.io("cannot read " + file, e);
        }
    }

    private static InputStream open(byte[] bytes) throws IOException {
        InputStream in = new ByteArrayInputStream(bytes);
        return switch (format(bytes)) {
            case "xz" -> new XZInputStream(in, XZ_MEMORY_KIB);
            case "zstd" -> new ZstdInputStream(in);
            default -> new GZIPInputStream(in);
        };
    }

    /** xz, zstd, gzip or nothing. */
    static String format(byte[] bytes) {
        return format(bytes, 0);
    }

    /** The same for what begins at {@code at}. */
    static String format(byte[] bytes, int at) {
        return begins(bytes, at, 0xfd, '7', 'z', 'X', 'Z', 0) ? "xz" : begins(bytes, at, 0x28, 0xb5, 0x2f, 0xfd) ? "zstd"
                : begins(bytes, at, 0x1f, 0x8b, 8) ? "gzip" : "";
    }

    private static boolean begins(byte[] bytes, int at, int... magic) {
        for (int i = 0; i < magic.length; i++) {
            if (at + i >= bytes.length || (bytes[at + i] & 0xff) != magic[i]) {
                return false;
            }
        }
        return true;
    }
}
