package lib.image;

//DEPS org.tukaani:xz:1.10

import java.io.BufferedOutputStream;
import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import org.tukaani.xz.FilterOptions;
import org.tukaani.xz.LZMA2Options;
import org.tukaani.xz.X86Options;
import org.tukaani.xz.XZ;
import org.tukaani.xz.XZOutputStream;

/**
 * xz files that the kernel's own decoder reads: CRC32 (it refuses the usual CRC64), LZMA2, before it at most one branch filter for
 * x86 code. Source of the rule: lib/xz in the kernel, Documentation/staging/xz.rst.
 */
public final class Xz {
    private static final int MIB = 1 << 20;

    private Xz() { }

    /**
     * Dictionary in bytes that spans the whole content, a power of two from 1 to 64 MiB: the kernel allocates it when it boots, so it
     * is no larger than useful.
     */
    static int dictionary(long contentBytes) {
        int size = MIB;
        while (size < contentBytes && size < 64 * MIB) {
            size *= 2;
        }
        return size;
    }

    /** Arguments for the xz program, before the name of the file that it replaces by its compressed form. */
    public static List<String> arguments(long contentBytes, boolean x86) {
        String lzma2 = "--lzma2=preset=9,dict=" + dictionary(contentBytes);
        return x86 ? List.of("--threads=1", "--check=crc32", "--x86", lzma2) : List.of("--threads=1", "--check=crc32", lzma2);
    }

    /** Compresses a file with the Java implementation. */
    public static void compress(Path file, Path target, boolean x86) throws IOException {
        LZMA2Options lzma2 = new LZMA2Options(9);
        lzma2.setDictSize(dictionary(Files.size(file)));
        FilterOptions[] filters = x86 ? new FilterOptions[] {new X86Options(), lzma2} : new FilterOptions[] {lzma2};
        try (InputStream in = Files.newInputStream(file);
                OutputStream out = new XZOutputStream(new BufferedOutputStream(Files.newOutputStream(target)), filters, XZ.CHECK_CRC32)) {
            in.transferTo(out);
        }
    }
}
