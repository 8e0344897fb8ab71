package lib.image;

//DEPS org.tukaani:xz:1.10

import java.io.ByteArrayOutputStream;
import java.util.List;
import java.util.concurrent.ForkJoinPool;
import java.util.stream.Stream;
import java.util.zip.CRC32;
import org.tukaani.xz.simple.X86;

/**
 * xz files that the kernel's own decoder reads: one stream of one block, CRC32 (it refuses the usual CRC64), LZMA2, before it at most the
 * branch filter for x86 code. Source of the rule: the xz file format 1.1.0; lib/xz in the kernel, Documentation/staging/xz.rst.
 */
public final class Xz {
    private static final int MIB = 1 << 20;
    private static final int LARGEST_DICTIONARY = 64 * MIB;
    private static final byte[] MAGIC = {(byte) 0xfd, '7', 'z', 'X', 'Z', 0};
    private static final byte[] FLAGS = {0, 1};
    private static final int CHECK_BYTES = 4;
    private static final int X86_FILTER = 4;
    private static final int LZMA2_FILTER = 0x21;

    private Xz() { }

    /**
     * Dictionary in bytes that spans the whole content, 1 to 64 MiB: the kernel allocates it when it boots, so it is no larger than
     * useful. The format knows 2^n and 2^n + 2^(n-1).
     */
    static int dictionary(long contentBytes) {
        return Stream.iterate(MIB, size -> (size & size - 1) == 0 ? size / 2 * 3 : size / 3 * 4)
                .filter(size -> size >= contentBytes || size >= LARGEST_DICTIONARY).findFirst().orElseThrow();
    }

    /**
     * Packs the content; the bytes depend on it and on {@code x86} alone.
     *
     * @param x86 whether the content is mostly x86 code
     * @param jobs how many threads work side by side
     */
    public static byte[] pack(byte[] content, boolean x86, int jobs) {
        return pack(content, x86, jobs, PackedSlices.NONE);
    }

    /**
     * The same bytes, faster.
     *
     * @param known what an earlier call has packed is not packed again
     */
    public static byte[] pack(byte[] content, boolean x86, int jobs, PackedSlices known) {
        byte[] filtered = content;
        if (x86) {
            filtered = content.clone();
            new X86(true, 0).code(filtered, 0, filtered.length);
        }
        int dictionary = dictionary(content.length);
        byte[] toEncode = filtered;
        ForkJoinPool pool = new ForkJoinPool(Math.max(1, jobs));
        try {
            // A parallel stream that is started inside of a pool works in that pool.
            byte[] packed = pool.submit(() -> Lzma2.encode(toEncode, dictionary, known)).join();
            return stream(packed, content, x86, dictionary);
        } finally {
            pool.shutdownNow();
        }
    }

    private static byte[] stream(byte[] packed, byte[] content, boolean x86, int dictionary) {
        byte[] header = blockHeader(x86, dictionary);
        ByteArrayOutputStream out = new ByteArrayOutputStream(packed.length + 128);
        out.writeBytes(MAGIC);
        out.writeBytes(FLAGS);
        little(out, crc(FLAGS));
        out.writeBytes(header);
        out.writeBytes(packed);
        out.writeBytes(new byte[-packed.length & 3]);
        little(out, crc(content));
        byte[] index = index(header.length + (long) packed.length + CHECK_BYTES, content.length);
        out.writeBytes(index);
        ByteArrayOutputStream footer = new ByteArrayOutputStream();
        little(footer, index.length / 4 - 1);
        footer.writeBytes(FLAGS);
        little(out, crc(footer.toByteArray()));
        out.writeBytes(footer.toByteArray());
        out.writeBytes(new byte[] {'Y', 'Z'});
        return out.toByteArray();
    }

    private static byte[] blockHeader(boolean x86, int dictionary) {
        ByteArrayOutputStream header = new ByteArrayOutputStream();
        header.write(0);
        header.write(x86 ? 1 : 0);
        if (x86) {
            header.writeBytes(new byte[] {X86_FILTER, 0});
        }
        int bits = 31 - Integer.numberOfLeadingZeros(dictionary);
        int size = (bits - 12) * 2 + ((dictionary & dictionary - 1) == 0 ? 0 : 1);
        header.writeBytes(new byte[] {LZMA2_FILTER, 1, (byte) size});
        header.writeBytes(new byte[-header.size() & 3]);
        byte[] bytes = header.toByteArray();
        bytes[0] = (byte) (bytes.length / 4);
        return withCrc(bytes);
    }

    private static byte[] index(long unpaddedSize, long contentSize) {
        ByteArrayOutputStream index = new ByteArrayOutputStream();
        index.write(0);
        List.of(1L, unpaddedSize, contentSize).forEach(value -> number(index, value));
        index.writeBytes(new byte[-index.size() & 3]);
        return withCrc(index.toByteArray());
    }

    private static byte[] withCrc(byte[] bytes) {
        ByteArrayOutputStream all = new ByteArrayOutputStream();
        all.writeBytes(bytes);
        little(all, crc(bytes));
        return all.toByteArray();
    }

    /** Seven bits a byte, the lowest first. */
    private static void number(ByteArrayOutputStream out, long value) {
        long rest = value;
        for (; rest >= 0x80; rest >>>= 7) {
            out.write((int) rest & 0x7f | 0x80);
        }
        out.write((int) rest);
    }

    private static int crc(byte[] bytes) {
        CRC32 crc = new CRC32();
        crc.update(bytes);
        return (int) crc.getValue();
    }

    private static void little(ByteArrayOutputStream out, int value) {
        for (int shift = 0; shift < 32; shift += 8) {
            out.write(value >>> shift);
        }
    }
}
