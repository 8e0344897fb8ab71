package lib.image;

import java.io.ByteArrayInputStream;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.InputStream;
import java.util.ArrayList;
import java.util.List;
import java.util.zip.Deflater;
import lib.tool.Failure;
import org.apache.commons.compress.compressors.gzip.GzipCompressorInputStream;
import org.tukaani.xz.SingleXZInputStream;

/**
 * An initramfs file unpacked: one or more cpio archives, each plain or packed, zeros between them, as the kernel reads them
 * (init/initramfs.c, unpack_to_rootfs); and which part of the file each unpacked byte came from.
 *
 * <p>Where a byte came from is what the decoder itself shows: how much of the file it had taken when the byte came out. Decoders take a
 * piece at a time: up to 64 KiB packed for xz (an LZMA2 chunk), a block of up to 128 KiB unpacked for zstd, 4 KiB packed for gzip. A piece
 * that several files share is divided among them in proportion to what fast DEFLATE makes of each 4 KiB of it, so that text and zeros
 * do not pay for the noise beside them.
 */
public final class PackedArchive {
    private static final int XZ_MEMORY_KIB = 256 << 10;
    /** How much a decoder gets and gives at once; what is between two marks is at least this much. */
    private static final int STEP = 1 << 10;
    private static final int FEED = 1 << 12;
    private static final int WINDOW = 1 << 12;

    private final String name;
    private final byte[] file;
    private final Content content = new Content();
    private final List<Mark> marks = new ArrayList<>();
    /** Weight of all windows before this one. */
    private long[] weights = {0};

    /** Everything before {@code unpacked} came from what is before {@code packed} in the file. */
    private record Mark(long unpacked, long packed) { }

    /** Grows, and lends its bytes without a copy. */
    private static final class Content extends ByteArrayOutputStream {
        private byte[] array() {
            return buf;
        }
    }

    private PackedArchive(String name, byte[] file) {
        this.name = name;
        this.file = file;
    }

    /** Unpacks a file; {@code name} stands for it in errors. */
    static PackedArchive unpack(String name, byte[] file) {
        PackedArchive archive = new PackedArchive(name, file);
        int at = 0;
        try {
            while (at < file.length) {
                if (file[at] == 0) {
                    at++;
                    continue;
                }
                archive.mark(at);
                at = archive.member(at);
            }
        } catch (IOException | OutOfMemoryError e) {
            throw new Failure(name + " is damaged or truncated at byte " + at + ": " + e.getMessage(), "build or fetch it again", e);
        }
        archive.mark(file.length);
        archive.weigh();
        return archive;
    }

    private void weigh() {
        Deflater deflater = new Deflater(Deflater.BEST_SPEED, true);
        byte[] ignored = new byte[2 * WINDOW];
        weights = new long[content.size() / WINDOW + 2];
        for (int i = 0; i + 1 < weights.length; i++) {
            int from = i * WINDOW;
            deflater.setInput(content.array(), from, Math.min(WINDOW, content.size() - from));
            deflater.finish();
            weights[i + 1] = weights[i] + deflater.deflate(ignored);
            deflater.reset();
        }
        deflater.end();
    }

    private double weight(long unpacked) {
        int window = (int) (unpacked / WINDOW);
        return weights[window] + (weights[window + 1] - weights[window]) * (unpacked % WINDOW / (double) WINDOW);
    }

    /** Whether what stands at {@code at} begins like an initramfs. */
    static boolean begins(byte[] bytes, int at) {
        return isCpio(bytes, at) || !Compressed.format(bytes, at).isEmpty();
    }

    private static boolean isCpio(byte[] bytes, int at) {
        return at + 6 <= bytes.length && bytes[at] == '0' && bytes[at + 1] == '7' && bytes[at + 2] == '0' && bytes[at + 3] == '7' && bytes[at + 4] == '0'
                && (bytes[at + 5] == '1' || bytes[at + 5] == '2');
    }

    /** Unpacks the archive that begins at {@code at} and returns where it ends. */
    private int member(int at) throws IOException {
        if (isCpio(file, at)) {
            int end = CpioReader.end(name, file, at);
            for (int from = at; from < end; from += STEP) {
                mark(from);
                content.write(file, from, Math.min(STEP, end - from));
            }
            return end;
        }
        String format = Compressed.format(file, at);
        int end = format.equals("zstd") ? ZstdFrame.end(file, at) : file.length;
        Feed feed = new Feed(file, at, end);
        InputStream decoder = switch (format) {
            case "xz" -> new SingleXZInputStream(feed, XZ_MEMORY_KIB);
            case "zstd" -> new com.github.luben.zstd.ZstdInputStream(feed);
            case "gzip" -> new GzipCompressorInputStream(feed);
            default -> throw new IOException("neither a cpio archive nor packed with xz, zstd or gzip");
        };
        try (decoder) {
            copy(decoder, feed);
        }
        return feed.position();
    }

    private void copy(InputStream decoder, Feed feed) throws IOException {
        byte[] buffer = new byte[STEP];
        int before = feed.position();
        for (int n = decoder.read(buffer); n >= 0; n = decoder.read(buffer)) {
            if (feed.position() != before) {
                mark(before);
                before = feed.position();
            }
            content.write(buffer, 0, n);
        }
    }

    /** A decoder reads ahead no further than the small pieces that this hands out. */
    private static final class Feed extends ByteArrayInputStream {
        private Feed(byte[] file, int from, int to) {
            super(file, from, to - from);
        }

        @Override
        public synchronized int read(byte[] bytes, int offset, int length) {
            return super.read(bytes, offset, Math.min(length, FEED));
        }

        private int position() {
            return pos;
        }
    }

    private void mark(long packed) {
        marks.add(new Mark(content.size(), packed));
    }

    byte[] bytes() {
        return content.array();
    }

    int length() {
        return content.size();
    }

    /**
     * How much of the file the first {@code unpacked} bytes took; 0 for none, the file's length for all. Never less for more bytes, so that
     * differences add up to the file's length exactly.
     */
    long packedUpTo(long unpacked) {
        if (unpacked >= content.size()) {
            return file.length;
        }
        int low = 0;
        int high = marks.size() - 1;
        while (low < high) {
            int middle = (low + high + 1) / 2;
            if (marks.get(middle).unpacked() <= unpacked) {
                low = middle;
            } else {
                high = middle - 1;
            }
        }
        Mark from = marks.get(low);
        Mark to = marks.get(low + 1);
        double part = (weight(unpacked) - weight(from.unpacked())) / Math.max(1, weight(to.unpacked()) - weight(from.unpacked()));
        return unpacked == 0 ? 0 : from.packed() + (long) ((to.packed() - from.packed()) * part);
    }
}
