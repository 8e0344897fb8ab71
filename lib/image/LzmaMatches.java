package lib.image;

import java.lang.invoke.MethodHandles;
import java.lang.invoke.VarHandle;
import java.nio.ByteOrder;
import java.util.concurrent.ForkJoinTask;
import java.util.stream.IntStream;

/**
 * For each position of a window of the content: the longest earlier text in the window that begins alike, and of those the nearest.
 *
 * <p>Positions are put into groups by their first two bytes, then each group is split again and again by the next byte, in the order of
 * positions. Whoever is the first of its new group has just lost the neighbour before it: that one was its longest match. Groups do not
 * depend on one another, so that all cores work at once, and the result is the same with any number of them. A binary tree per position,
 * as xz has, finds the same but one position after another, with a cache miss at each step.
 * The idea is from the radix match finder of fast-lzma2 (C. McGowan).
 */
final class LzmaMatches {
    /** A length of this or more: the true one is found by comparing. */
    static final int LONG = 63;
    /** More than the bytes from a position on that decide about its match. */
    static final int LOOK = 3 * LONG;
    private static final int SHIFT = 26;
    private static final int DISTANCE = (1 << SHIFT) - 1;
    /** Groups up to this size are compared member by member. */
    private static final int SMALL = 24;
    /** Inside a run of at least so many equal bytes only the byte before is a match: zeros would make one enormous group. */
    private static final int RUN = 24;
    private static final int GROUPS = 1 << 16;
    private static final int PARTS = 8;
    private static final VarHandle EIGHT = MethodHandles.byteArrayViewVarHandle(long[].class, ByteOrder.BIG_ENDIAN);

    private final byte[] data;
    private final int from;
    private final int first;
    private final int to;
    /** Length in the high six bits, distance in the others; 0: none. */
    private final int[] found;
    private final int[] ends = new int[GROUPS];

    /**
     * Finds the matches of the positions {@code first} to {@code to} in the window that begins at {@code from}, at most 64 MiB before its end.
     */
    LzmaMatches(byte[] data, int from, int first, int to) {
        this.data = data;
        this.from = from;
        this.first = first;
        this.to = to;
        found = new int[to - from];
        int[] sorted = new int[to - from];
        int[] starts = sort(sorted);
        // Each a task of its own: some first bytes take a hundred times longer than others.
        ForkJoinTask.invokeAll(IntStream.range(0, GROUPS >> 8).mapToObj(high -> ForkJoinTask.adapt(() -> {
            Splitter splitter = new Splitter(sorted);
            for (int group = high << 8; group < high + 1 << 8; group++) {
                splitter.split(starts[group], ends[group] - starts[group]);
            }
        })).toList());
    }

    /** Whether the matches at this position were looked for. */
    boolean has(int position) {
        return position >= first;
    }

    /** Length of the match at a position: 0 when there is none, {@link #LONG} when it is at least that. */
    int length(int position) {
        return found[position - from] >>> SHIFT;
    }

    /** How far back the match begins, 1 for the byte before. */
    int distance(int position) {
        return found[position - from] & DISTANCE;
    }

    private int group(int position) {
        return (data[position] & 0xff) << 8 | data[position + 1] & 0xff;
    }

    /** Sorts positions by their first two bytes, those inside of runs left out, and returns where each group starts; parts side by side. */
    private int[] sort(int[] sorted) {
        int[][] places = IntStream.range(0, PARTS).parallel().mapToObj(this::count).toArray(int[][]::new);
        int[] starts = new int[GROUPS];
        int sum = 0;
        for (int group = 0; group < GROUPS; group++) {
            starts[group] = sum;
            for (int[] place : places) {
                int size = place[group];
                place[group] = sum;
                sum += size;
            }
            ends[group] = sum;
        }
        IntStream.range(0, PARTS).parallel().forEach(part -> {
            for (int p = border(part); p < border(part + 1); p++) {
                if (found[p - from] == 0) {
                    sorted[places[part][group(p)]++] = p;
                }
            }
        });
        return starts;
    }

    /** Where a part of the window begins; the last position has no second byte. */
    private int border(int part) {
        return from + (int) ((to - 1L - from) * part / PARTS);
    }

    /** How many positions of the part belong to each group; those inside of runs to none, their matches are found here. */
    private int[] count(int part) {
        int[] sizes = new int[GROUPS];
        int runEnd = from;
        for (int p = border(part); p < border(part + 1); p++) {
            if (p > from && data[p] == data[p - 1]) {
                if (runEnd <= p) {
                    runEnd = runEnd(p);
                }
                if (runEnd - p > RUN) {
                    found[p - from] = Math.min(LONG, runEnd - p) << SHIFT | 1;
                    continue;
                }
            }
            sizes[group(p)]++;
        }
        return sizes;
    }

    private int runEnd(int start) {
        int end = start;
        while (end < to && data[end] == data[start]) {
            end++;
        }
        return end;
    }

    /** The eight bytes at a position, the first one highest; zeros behind the window. */
    private long eight(int position) {
        if (position + 8 <= to) {
            return (long) EIGHT.get(data, position);
        }
        long bytes = 0;
        for (int p = position; p < position + 8; p++) {
            bytes = bytes << 8 | (p < to ? data[p] & 0xff : 0);
        }
        return bytes;
    }

    private void found(int position, int length, int earlier) {
        int inside = Math.min(Math.min(length, LONG), to - position);
        found[position - from] = inside << SHIFT | position - earlier;
    }

    /** Splits groups; one for each thread. {@code keys} holds the bytes that come next, so that the content is read every eighth level only. */
    private final class Splitter {
        private final int[] sorted;
        private int[] positions = new int[1 << 12];
        private int[] otherPositions = new int[1 << 12];
        private long[] keys = new long[1 << 12];
        private long[] otherKeys = new long[1 << 12];
        private final int[][] counts = new int[LONG][];
        private final byte[][] orders = new byte[LONG][];

        private Splitter(int[] sorted) {
            this.sorted = sorted;
        }

        private void split(int start, int size) {
            if (size < 2) {
                return;
            }
            if (positions.length < size) {
                positions = new int[size + size / 2];
                otherPositions = new int[positions.length];
                keys = new long[positions.length];
                otherKeys = new long[positions.length];
            }
            System.arraycopy(sorted, start, positions, 0, size);
            split(positions, keys, otherPositions, otherKeys, 0, size, 2, 0);
        }

        /**
         * @param depth bytes that all members have in common
         * @param known how many bytes of the keys are still to be looked at
         */
        private void split(int[] list, long[] next, int[] otherList, long[] otherNext, int start, int end, int depth, int known) {
            if (!has(list[end - 1])) {
                return;
            }
            if (known == 0 && depth < LONG && end - start > SMALL && sameEight(list, start, end, depth)) {
                split(list, next, otherList, otherNext, start, end, depth + 8, 0);
                return;
            }
            if (depth >= LONG) {
                for (int i = start + 1; i < end; i++) {
                    found(list[i], LONG, list[i - 1]);
                }
                return;
            }
            if (known == 0 || end - start <= SMALL) {
                for (int i = start; i < end; i++) {
                    next[i] = eight(list[i] + depth);
                }
            }
            if (end - start <= SMALL) {
                compare(list, next, start, end, depth);
                return;
            }
            int groups = distribute(list, next, otherList, otherNext, start, end, depth);
            int[] count = counts[depth];
            byte[] order = orders[depth];
            int begin = start;
            for (int group = 0; group < groups; group++) {
                int value = order[group] & 0xff;
                int behind = count[value];
                count[value] = 0;
                if (behind - begin > 1) {
                    split(otherList, otherNext, list, next, begin, behind, depth + 1, known == 0 ? 7 : known - 1);
                }
                begin = behind;
            }
        }

        /** Whether all members go on with the same eight bytes, as headers and tables of one kind do. */
        private boolean sameEight(int[] list, int start, int end, int depth) {
            long first = eight(list[start] + depth);
            for (int i = end - 1; i > start; i--) {
                if (eight(list[i] + depth) != first) {
                    return false;
                }
            }
            return true;
        }

        /**
         * Groups by the highest byte of the keys into the other arrays, keeping the order, and returns how many groups there are; {@link #orders}
         * has their bytes, {@link #counts} where each ends.
         */
        private int distribute(int[] list, long[] next, int[] otherList, long[] otherNext, int start, int end, int depth) {
            if (counts[depth] == null) {
                counts[depth] = new int[256];
                orders[depth] = new byte[256];
            }
            int[] count = counts[depth];
            byte[] order = orders[depth];
            int groups = 0;
            for (int i = start; i < end; i++) {
                int value = (int) (next[i] >>> 56);
                if (count[value]++ == 0) {
                    order[groups++] = (byte) value;
                    if (i > start) {
                        found(list[i], depth, list[i - 1]);
                    }
                }
            }
            int sum = start;
            for (int group = 0; group < groups; group++) {
                int value = order[group] & 0xff;
                int size = count[value];
                count[value] = sum;
                sum += size;
            }
            for (int i = start; i < end; i++) {
                long key = next[i];
                int at = count[(int) (key >>> 56)]++;
                otherList[at] = list[i];
                otherNext[at] = key << 8;
            }
            return groups;
        }

        private void compare(int[] list, long[] next, int start, int end, int depth) {
            for (int i = end - 1; i > start && has(list[i]); i--) {
                long key = next[i];
                int best = -1;
                int from = i;
                for (int j = i - 1; j >= start && depth + best < LONG; j--) {
                    long difference = key ^ next[j];
                    int same = difference != 0 ? Long.numberOfLeadingZeros(difference) >>> 3 : 8 + more(list[i] + depth + 8, list[j] + depth + 8);
                    if (same > best) {
                        best = same;
                        from = j;
                    }
                }
                found(list[i], depth + best, list[from]);
            }
        }

        private int more(int position, int earlier) {
            int same = 0;
            while (same < LONG && position + same < to) {
                long difference = eight(position + same) ^ eight(earlier + same);
                if (difference != 0) {
                    return same + (Long.numberOfLeadingZeros(difference) >>> 3);
                }
                same += 8;
            }
            return same;
        }
    }
}
