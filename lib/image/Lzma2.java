package lib.image;

import java.io.ByteArrayOutputStream;
import java.util.List;
import java.util.stream.IntStream;

/**
 * An LZMA2 stream made by all cores at once: one dictionary for all of the content, cut into slices that are written side by side.
 *
 * <p>A slice may refer to everything before it, but begins with fresh probabilities, which costs some hundred bytes. (Blocks or streams of
 * their own lose the dictionary too, which costs 4 percent.) The cuts depend on the content's length alone, so that the bytes are the same
 * on any machine. Source of the rule: the xz file format, section 5.3.1, and lib/xz/xz_dec_lzma2.c of the kernel.
 */
final class Lzma2 {
    private static final int SLICE = 6 << 20;
    /** Longest matches are looked for in windows of this size; it bounds the memory. Shorter ones may cross its borders. */
    private static final int WINDOW = 32 << 20;
    /** A chunk is full when the longest symbol might no longer fit: into 2 MiB of content, into 64 KiB of code. */
    private static final int MOST_CONTENT = (2 << 20) - LzmaModel.MAX_MATCH;
    private static final int MOST_CODE = (64 << 10) - 26;
    private static final int PLAIN_CHUNK = 1 << 16;

    private final byte[] data;
    private final int begin;
    private final int end;
    private final LzmaModel model;
    private final LzmaParser parser;
    private final ByteArrayOutputStream out;
    private boolean newDictionary;
    private boolean newProperties = true;
    private boolean newState = true;

    private Lzma2(byte[] data, int begin, int end, LzmaMatches matches, LzmaModel.Properties properties, int dictionary) {
        this.data = data;
        this.begin = begin;
        this.end = end;
        model = new LzmaModel(data, properties);
        parser = new LzmaParser(data, end, model, new LzmaCandidates(data, begin, end, matches, dictionary));
        out = new ByteArrayOutputStream((end - begin) / 3 + 64);
        newDictionary = begin == 0;
    }

    /**
     * The whole stream, its end marker included.
     *
     * @param dictionary bytes that a decoder keeps
     */
    static byte[] encode(byte[] data, LzmaModel.Properties properties, int dictionary) {
        ByteArrayOutputStream all = new ByteArrayOutputStream(data.length / 3 + 64);
        int windows = parts(data.length, WINDOW);
        for (int window = 0; window < windows; window++) {
            int from = cut(data.length, window, windows);
            int to = cut(data.length, window + 1, windows);
            LzmaMatches matches = new LzmaMatches(data, from, to);
            int slices = parts(to - from, SLICE);
            List<byte[]> written = IntStream.range(0, slices).parallel().mapToObj(slice -> new Lzma2(data, from + cut(to - from, slice, slices),
                    from + cut(to - from, slice + 1, slices), matches, properties, dictionary).slice()).toList();
            written.forEach(all::writeBytes);
        }
        all.write(0);
        return all.toByteArray();
    }

    private static int parts(int length, int most) {
        return (int) (((long) length + most - 1) / most);
    }

    private static int cut(int length, int part, int parts) {
        return (int) ((long) length * part / parts);
    }

    private byte[] slice() {
        int chunk = begin;
        int at = begin;
        while (at < end) {
            parser.parse(at);
            for (int i = 0; i < parser.symbols; i++) {
                model.encode(at, parser.backs[i], parser.lengths[i]);
                at += parser.lengths[i];
                if (at - chunk > MOST_CONTENT || model.pending() > MOST_CODE) {
                    boolean packed = close(chunk, at - chunk);
                    chunk = at;
                    if (!packed) {
                        // The symbols that are left were chosen for a state that is no more.
                        break;
                    }
                }
            }
        }
        if (at > chunk) {
            close(chunk, at - chunk);
        }
        return out.toByteArray();
    }

    /** Writes a chunk, as it is when packing does not make it smaller; returns whether it is packed. */
    private boolean close(int chunk, int length) {
        int size = model.finish();
        boolean packed = size + 2 < length;
        if (packed) {
            int reset = newProperties ? newDictionary ? 3 : 2 : newState ? 1 : 0;
            out.write(0x80 | reset << 5 | length - 1 >>> 16);
            number(length);
            number(size);
            if (newProperties) {
                out.write(model.properties.encoded());
            }
            out.write(model.output(), 0, size);
            newProperties = false;
            newState = false;
            newDictionary = false;
        } else {
            plain(chunk, length);
            model.resetState();
            newState = true;
        }
        model.resetCoder();
        return packed;
    }

    private void plain(int from, int length) {
        for (int at = from; at < from + length; at += PLAIN_CHUNK) {
            int size = Math.min(PLAIN_CHUNK, from + length - at);
            out.write(newDictionary ? 1 : 2);
            number(size);
            out.write(data, at, size);
            newDictionary = false;
        }
    }

    /** The low 16 bits of a number that counts from 1. */
    private void number(int count) {
        out.write(count - 1 >>> 8);
        out.write(count - 1);
    }
}
