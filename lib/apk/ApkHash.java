package lib.apk;

import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.Collection;
import java.util.Collections;
import java.util.Comparator;
import java.util.Iterator;
import java.util.List;
import java.util.function.Function;

/**
 * The order in which apk 2.14 walks its hash tables: 20,000 buckets by MurmurHash3 (32 bits, seed 5381) of the key, and in a bucket
 * the newest entry first. Installation order and the arguments of triggers follow from it.
 *
 * @param <T> entries, given in the order of their insertion
 */
final class ApkHash<T> implements Iterable<T> {
    private static final int BUCKETS = 20_000;
    private static final int SEED = 5381;

    private final List<T> ordered;

    ApkHash(Collection<T> entries, Function<T, String> key) {
        record Placed<T>(int bucket, T entry) { }
        List<Placed<T>> placed = new ArrayList<>(entries.size());
        for (T entry : entries) {
            placed.add(new Placed<>(Integer.remainderUnsigned(murmur3(key.apply(entry).getBytes(StandardCharsets.UTF_8)), BUCKETS), entry));
        }
        Collections.reverse(placed);
        placed.sort(Comparator.comparingInt(Placed::bucket));
        ordered = new ArrayList<>(placed.size());
        placed.forEach(one -> ordered.add(one.entry()));
    }

    @Override
    public Iterator<T> iterator() {
        return ordered.iterator();
    }

    /** MurmurHash3_x86_32 by Austin Appleby, who placed it in the public domain. */
    static int murmur3(byte[] key) {
        int h = SEED;
        int blocks = key.length / 4 * 4;
        for (int i = 0; i < blocks; i += 4) {
            int k = key[i] & 0xff | (key[i + 1] & 0xff) << 8 | (key[i + 2] & 0xff) << 16 | (key[i + 3] & 0xff) << 24;
            h = Integer.rotateLeft(h ^ mixed(k), 13) * 5 + 0xe6546b64;
        }
        int tail = 0;
        for (int i = key.length - 1; i >= blocks; i--) {
            tail = tail << 8 | key[i] & 0xff;
        }
        h ^= mixed(tail) ^ key.length;
        h = (h ^ h >>> 16) * 0x85ebca6b;
        h = (h ^ h >>> 13) * 0xc2b2ae35;
        return h ^ h >>> 16;
    }

    private static int mixed(int k) {
        return Integer.rotateLeft(k * 0xcc9e2d51, 15) * 0x1b873593;
    }
}
