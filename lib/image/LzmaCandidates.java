package lib.image;

import java.lang.invoke.MethodHandles;
import java.lang.invoke.VarHandle;
import java.nio.ByteOrder;
import java.util.Arrays;

/**
 * The matches that are worth a thought at a position: the longest one, and shorter ones that are nearer. For those a table holds the last
 * position that began with the same two, three and four bytes. Of the first two kinds only near ones are of use, so that the low bits of a
 * position are enough: small tables stay in the processor's cache.
 */
final class LzmaCandidates {
    private static final VarHandle EIGHT = MethodHandles.byteArrayViewVarHandle(long[].class, ByteOrder.LITTLE_ENDIAN);
    private static final int MIXER = 0x9E3779B1;
    private static final int BITS_OF_FOUR = 15;
    /** So much before the first position is entered into the tables. */
    private static final int BEFORE = 1 << 18;
    /** Farther away, two or three bytes cost more than literals. */
    private static final int FAR_FOR_TWO = 128;
    private static final int FAR_FOR_THREE = 1 << 14;
    /** Where the longest match has so many bytes, shorter ones are hardly ever taken. */
    private static final int ENOUGH = 40;

    private final byte[] data;
    private final int end;
    /** From here on the longest match could be another one if other bytes came behind the slice. */
    private final int unsure;
    private final LzmaMatches longest;
    private final int dictionary;
    private final byte[] two = new byte[1 << 16];
    private final short[] three = new short[1 << 16];
    private final int[] four = new int[1 << BITS_OF_FOUR];
    private int entered;

    /** What {@link #find} found, both ascending; distances count from 0. */
    final int[] lengths = new int[4];
    final int[] distances = new int[4];
    int count;

    LzmaCandidates(byte[] data, int begin, int end, LzmaMatches longest, int dictionary) {
        this.data = data;
        this.end = end;
        unsure = end - LzmaMatches.LOOK;
        this.longest = longest;
        this.dictionary = dictionary;
        entered = Math.max(0, begin - BEFORE);
        Arrays.fill(four, -1);
    }

    /** The length of the longest match found, 0 when there is none. */
    int longest() {
        return count == 0 ? 0 : lengths[count - 1];
    }

    void find(int position) {
        count = 0;
        int most = Math.min(end - position, LzmaModel.MAX_MATCH);
        if (position + 8 > end) {
            return;
        }
        enter(position);
        boolean sure = position < unsure;
        int length = sure ? longest.length(position) : 0;
        int distance = sure ? longest.distance(position) : 0;
        if (length < ENOUGH) {
            long text = (long) EIGHT.get(data, position);
            // None is longer than the longest, which is added below.
            int longestPossible = sure ? length : most;
            if (longestPossible >= 2) {
                add(position, position - (position - two[(int) text & 0xffff] & 0xff), most, FAR_FOR_TWO);
            }
            if (longestPossible >= 3) {
                add(position, position - (position - three[ofThree(text)] & 0xffff), most, FAR_FOR_THREE);
            }
            if (longestPossible >= 4) {
                int earlier = four[ofFour(text)];
                if (position - earlier != distance) {
                    add(position, earlier, most, dictionary);
                }
            }
        }
        if (length > longest() && length > 2) {
            int inside = length < LzmaMatches.LONG ? Math.min(length, most) : same(position, position - distance, most);
            put(inside, distance - 1);
        }
    }

    private void enter(int until) {
        for (int p = entered; p < until; p++) {
            long text = (long) EIGHT.get(data, p);
            two[(int) text & 0xffff] = (byte) p;
            three[ofThree(text)] = (short) p;
            four[ofFour(text)] = p;
        }
        entered = Math.max(entered, until);
    }

    private static int ofThree(long text) {
        return ((int) text << 8) * MIXER >>> 16;
    }

    private static int ofFour(long text) {
        return (int) text * MIXER >>> 32 - BITS_OF_FOUR;
    }

    /** Takes an earlier position when it is longer than those before. The tables may hold a later one, after a chunk was given up. */
    private void add(int position, int earlier, int most, int far) {
        int distance = position - earlier;
        if (earlier < 0 || distance <= 0 || distance > far || count > 0 && distances[count - 1] == distance - 1) {
            return;
        }
        int length = same(position, earlier, most);
        if (length > Math.max(1, longest()) && (length > 3 || distance <= (length == 2 ? FAR_FOR_TWO : FAR_FOR_THREE))) {
            put(length, distance - 1);
        }
    }

    private void put(int length, int distance) {
        while (count > 0 && distances[count - 1] > distance) {
            count--;
        }
        lengths[count] = length;
        distances[count++] = distance;
    }

    /** How many bytes are the same from both positions on, at most {@code most}. */
    int same(int position, int earlier, int most) {
        int same = 0;
        while (same + 8 <= most) {
            long difference = (long) EIGHT.get(data, position + same) ^ (long) EIGHT.get(data, earlier + same);
            if (difference != 0) {
                return same + (Long.numberOfTrailingZeros(difference) >>> 3);
            }
            same += 8;
        }
        while (same < most && data[position + same] == data[earlier + same]) {
            same++;
        }
        return same;
    }
}
