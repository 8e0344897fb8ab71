package lib.image;

import java.io.ByteArrayOutputStream;
import java.nio.charset.StandardCharsets;
import java.security.MessageDigest;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.ForkJoinTask;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.function.Supplier;
import java.util.stream.IntStream;
import lib.tool.Digest;

/**
 * An LZMA2 stream made by all cores at once: one dictionary for all of the content, cut into slices that are written side by side.
 *
 * <p>A slice may refer to everything before it, but begins with fresh probabilities, which costs some hundred bytes. (Blocks or streams of
 * their own lose the dictionary too, which costs 4 percent.) The cuts are at fixed places and a slice depends on nothing behind it, so that
 * the bytes are the same on any machine, and content that begins like earlier content needs only its later slices packed.
 * Source of the rule: the xz file format, section 5.3.1, and lib/xz/xz_dec_lzma2.c of the kernel.
 */
final class Lzma2 {
    private static final int SLICE = 4 << 20;
    /** A rest of less than this has no slice of its own. */
    private static final int LEAST = 2 << 20;
    /** Longest matches are looked for in windows of this size; it bounds the memory. Shorter ones may cross its borders. */
    private static final int WINDOW = 8 * SLICE;
    /** A chunk is full when the longest symbol might no longer fit: into 2 MiB of content, into 64 KiB of code. */
    private static final int MOST_CONTENT = (2 << 20) - LzmaModel.MAX_MATCH;
    private static final int MOST_CODE = (64 << 10) - 26;
    private static final int PLAIN_CHUNK = 1 << 16;
    /** For tables and code in words of four bytes, as kernel modules and ARM programs have them, and for all else. */
    private static final LzmaModel.Properties WORDS = new LzmaModel.Properties(2, 2, 2);
    private static final LzmaModel.Properties BYTES = new LzmaModel.Properties(4, 0, 1);
    /** Of each so many positions one tells of which kind a slice is. */
    private static final int SAMPLE = 7;
    /** Matches of fewer bytes are there by chance, those of more say as much at each of their positions. */
    private static final int SHORTEST = 4;
    private static final int LONGEST = 20;

    private final byte[] data;
    private final int begin;
    private final int end;
    private final LzmaModel model;
    private final LzmaParser parser;
    private final ByteArrayOutputStream out;
    private boolean newDictionary;
    private boolean newProperties = true;
    private boolean newState = true;

    private Lzma2(byte[] data, int begin, int end, LzmaMatches matches, int dictionary) {
        this.data = data;
        this.begin = begin;
        this.end = end;
        model = new LzmaModel(data, properties(begin, end, matches));
        parser = new LzmaParser(data, end, model, new LzmaCandidates(data, begin, end, matches, dictionary));
        out = new ByteArrayOutputStream((end - begin) / 3 + 64);
        newDictionary = begin == 0;
    }

    /** Words repeat at distances that are multiples of four: some 7 to 9 of 10 matches, and 4 or 5 of 10 where the content is of bytes. */
    private static LzmaModel.Properties properties(int begin, int end, LzmaMatches matches) {
        int all = 0;
        int words = 0;
        // Further on, matches depend on what is behind the slice.
        for (int position = begin; position < end - LzmaMatches.LOOK; position += SAMPLE) {
            int length = matches.length(position);
            if (length >= SHORTEST && length < LONGEST) {
                all++;
                words += matches.distance(position) % 4 == 0 ? 1 : 0;
            }
        }
        return words * 5L > all * 3L ? WORDS : BYTES;
    }

    /**
     * The whole stream, its end marker included; in a task of the pool whose threads it uses.
     *
     * @param dictionary bytes that a decoder keeps
     * @param known slices that were packed before
     */
    static byte[] encode(byte[] data, int dictionary, PackedSlices known) {
        ByteArrayOutputStream all = new ByteArrayOutputStream(data.length / 3 + 64);
        String before = "";
        for (int from = 0; from < data.length; ) {
            int to = cut(from, data.length, WINDOW);
            List<Slice> slices = slices(data, from, to, dictionary, before);
            window(data, from, to, slices, dictionary, known).forEach(all::writeBytes);
            before = slices.get(slices.size() - 1).digest;
            from = to;
        }
        all.write(0);
        return all.toByteArray();
    }

    private static List<byte[]> window(byte[] data, int from, int to, List<Slice> slices, int dictionary, PackedSlices known) {
        Map<Slice, Supplier<byte[]>> packed = new HashMap<>();
        slices.forEach(slice -> known.find(slice.digest).ifPresent(bytes -> packed.put(slice, bytes)));
        List<Slice> missing = slices.stream().filter(slice -> !packed.containsKey(slice)).toList();
        if (!missing.isEmpty()) {
            LzmaMatches matches = new LzmaMatches(data, from, missing.get(0).begin, to);
            byte[][] made = new byte[missing.size()][];
            AtomicInteger next = new AtomicInteger();
            // In their order, one after another to whoever is free: the last slice is the short one.
            IntStream.range(0, ForkJoinTask.getPool().getParallelism()).parallel().forEach(worker -> {
                for (int i = next.getAndIncrement(); i < made.length; i = next.getAndIncrement()) {
                    Slice slice = missing.get(i);
                    made[i] = new Lzma2(data, slice.begin, slice.end, matches, dictionary).slice();
                    known.put(slice.digest, made[i]);
                }
            });
            IntStream.range(0, made.length).forEach(i -> packed.put(missing.get(i), () -> made[i]));
        }
        return slices.stream().map(slice -> packed.get(slice).get()).toList();
    }

    /** @param digest stands for all that the slice's bytes depend on */
    private record Slice(int begin, int end, String digest) { }

    /** @param before digest of the slice before the first one, which stands for all content up to there */
    private static List<Slice> slices(byte[] data, int from, int to, int dictionary, String before) {
        List<Slice> slices = new ArrayList<>();
        String digest = before;
        for (int begin = from; begin < to; ) {
            int end = cut(begin, to, SLICE);
            MessageDigest next = Digest.newSha256();
            next.update((digest + " " + begin + " " + end + " " + dictionary + " ").getBytes(StandardCharsets.US_ASCII));
            next.update(data, begin, end - begin);
            digest = Digest.hex(next.digest());
            slices.add(new Slice(begin, end, digest));
            begin = end;
        }
        return slices;
    }

    /** Where the part that begins at {@code from} ends. */
    private static int cut(int from, int end, int part) {
        return end - from < part + LEAST ? end : from + part;
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
