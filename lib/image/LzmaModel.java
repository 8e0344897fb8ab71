package lib.image;

import java.util.Arrays;

/**
 * The probabilities of one LZMA stream, and the range coder that writes symbols by them.
 *
 * <p>A symbol is a pair (back, length): back -1 is a literal byte, 0 to 3 one of the four last distances, more is a distance (counted from
 * 0) plus 4. Source of the rule: the LZMA specification (I. Pavlov, LZMA SDK) and lib/xz/xz_dec_lzma2.c of the kernel, which reads it.
 */
final class LzmaModel {
    static final int REPS = 4;
    static final int LITERAL = -1;
    static final int MAX_MATCH = 273;

    /** The state behind a symbol, by the state before it; states below 7 come after a literal. */
    static final byte[] AFTER_LITERAL = {0, 0, 0, 0, 1, 2, 3, 4, 5, 6, 4, 5};
    static final byte[] AFTER_MATCH = {7, 7, 7, 7, 7, 7, 7, 10, 10, 10, 10, 10};
    static final byte[] AFTER_REP = {8, 8, 8, 8, 8, 8, 8, 11, 11, 11, 11, 11};
    static final byte[] AFTER_SHORT_REP = {9, 9, 9, 9, 9, 9, 9, 11, 11, 11, 11, 11};

    /** Where each kind of probability begins in the one array. */
    static final int IS_MATCH = 0;
    static final int IS_REP = 192;
    static final int IS_REP0 = 204;
    static final int IS_REP1 = 216;
    static final int IS_REP2 = 228;
    static final int IS_REP0_LONG = 240;
    static final int SLOT = 432;
    static final int NEAR = 688;
    static final int ALIGN = 804;
    static final int MATCH_LENGTH = 820;
    static final int REP_LENGTH = 1334;
    /** Inside of a length coder, behind its two choices. */
    static final int LOW = 2;
    static final int MIDDLE = 130;
    static final int HIGH = 258;
    private static final int LITERALS = 1848;
    private static final int ONE_LITERAL = 0x300;

    private static final int PROBABILITY_BITS = 11;
    private static final int MOVE = 5;
    private static final int TOP = 0xff000000;

    /**
     * How literals and positions are told apart: bits of the byte before ({@code lc}) and of the position, for literals ({@code lp}) and for
     * all else ({@code pb}). The kernel takes lc + lp up to 4.
     */
    record Properties(int lc, int lp, int pb) {
        int encoded() {
            return (pb * 5 + lp) * 9 + lc;
        }
    }

    final short[] probabilities;
    final int[] reps = new int[REPS];
    final Properties properties;
    int state;

    private final byte[] data;
    private final LzmaPrices prices;
    private final byte[] output = new byte[(64 << 10) + 64];
    private int size;
    private long low;
    private int range;
    private int held;
    private int heldCount;

    LzmaModel(byte[] data, Properties properties) {
        this.data = data;
        this.properties = properties;
        probabilities = new short[LITERALS + (ONE_LITERAL << properties.lc() + properties.lp())];
        prices = new LzmaPrices(this);
        resetState();
        resetCoder();
    }

    LzmaPrices prices() {
        return prices;
    }

    /** Forgets all that was learnt. */
    void resetState() {
        Arrays.fill(probabilities, (short) (1 << PROBABILITY_BITS - 1));
        Arrays.fill(reps, 0);
        state = 0;
        prices.reset();
    }

    /** Starts a new chunk: what was learnt stays. */
    void resetCoder() {
        size = 0;
        low = 0;
        range = -1;
        held = 0;
        heldCount = 1;
    }

    /** Bytes that the chunk would have if it ended here. */
    int pending() {
        return size + heldCount + 4;
    }

    /** Ends the chunk and returns its length; its bytes are at the start of {@link #output}. */
    int finish() {
        for (int i = 0; i < 5; i++) {
            shift();
        }
        return size;
    }

    byte[] output() {
        return output;
    }

    int posState(int position) {
        return position & (1 << properties.pb()) - 1;
    }

    /** Where the probabilities of the literal at a position begin: by the byte before it. */
    int literalBase(int position) {
        int before = position == 0 ? 0 : data[position - 1] & 0xff;
        int place = position & (1 << properties.lp()) - 1;
        return LITERALS + ONE_LITERAL * ((place << properties.lc()) + (before >>> 8 - properties.lc()));
    }

    /** Slots are the powers of two and their middles: 0 1 2 3 4-5 6-7 8-11 12-15 ... */
    static int slot(int distance) {
        if (distance < 4) {
            return distance;
        }
        int high = 31 - Integer.numberOfLeadingZeros(distance);
        return high << 1 | distance >>> high - 1 & 1;
    }

    void encode(int position, int back, int length) {
        int posState = posState(position);
        bit(IS_MATCH + (state << 4) + posState, back == LITERAL ? 0 : 1);
        if (back == LITERAL) {
            literal(position);
            state = AFTER_LITERAL[state];
            return;
        }
        bit(IS_REP + state, back < REPS ? 1 : 0);
        if (back < REPS) {
            rep(back, length, posState);
        } else {
            match(back - REPS, length, posState);
        }
    }

    private void literal(int position) {
        int base = literalBase(position);
        int symbol = data[position] & 0xff;
        if (state < 7) {
            tree(base, 8, symbol);
            return;
        }
        int match = data[position - reps[0] - 1] & 0xff;
        int offset = 0x100;
        int at = 1;
        for (int i = 7; i >= 0; i--) {
            match <<= 1;
            int expected = match & 0x100;
            int bit = symbol >>> i & 1;
            bit(base + offset + (expected & offset) + at, bit);
            at = at << 1 | bit;
            offset &= bit == 0 ? ~expected : expected;
        }
    }

    private void match(int distance, int length, int posState) {
        length(MATCH_LENGTH, length, posState);
        int slot = slot(distance);
        tree(SLOT + (Math.min(length - 2, 3) << 6), 6, slot);
        if (slot >= 4) {
            int bits = (slot >>> 1) - 1;
            int base = (2 | slot & 1) << bits;
            if (slot < 14) {
                reverseTree(NEAR + base - slot, bits, distance - base);
            } else {
                direct(distance - base >>> 4, bits - 4);
                reverseTree(ALIGN, 4, distance & 15);
            }
        }
        prices.usedDistance(slot >= 14);
        System.arraycopy(reps, 0, reps, 1, REPS - 1);
        reps[0] = distance;
        state = AFTER_MATCH[state];
    }

    private void rep(int index, int length, int posState) {
        bit(IS_REP0 + state, index == 0 ? 0 : 1);
        if (index == 0) {
            bit(IS_REP0_LONG + (state << 4) + posState, length == 1 ? 0 : 1);
        } else {
            bit(IS_REP1 + state, index == 1 ? 0 : 1);
            if (index > 1) {
                bit(IS_REP2 + state, index - 2);
            }
            int distance = reps[index];
            System.arraycopy(reps, 0, reps, 1, index);
            reps[0] = distance;
        }
        if (length == 1) {
            state = AFTER_SHORT_REP[state];
        } else {
            length(REP_LENGTH, length, posState);
            state = AFTER_REP[state];
        }
    }

    private void length(int base, int length, int posState) {
        int rest = length - 2;
        bit(base, rest < 8 ? 0 : 1);
        if (rest < 8) {
            tree(base + LOW + (posState << 3), 3, rest);
        } else {
            bit(base + 1, rest < 16 ? 0 : 1);
            if (rest < 16) {
                tree(base + MIDDLE + (posState << 3), 3, rest - 8);
            } else {
                tree(base + HIGH, 8, rest - 16);
            }
        }
        prices.usedLength(base == MATCH_LENGTH ? 0 : 1, posState);
    }

    private void tree(int base, int bits, int symbol) {
        int at = 1;
        for (int i = bits - 1; i >= 0; i--) {
            int bit = symbol >>> i & 1;
            bit(base + at, bit);
            at = at << 1 | bit;
        }
    }

    private void reverseTree(int base, int bits, int symbol) {
        int at = 1;
        for (int i = 0; i < bits; i++) {
            int bit = symbol >>> i & 1;
            bit(base + at, bit);
            at = at << 1 | bit;
        }
    }

    private void bit(int at, int bit) {
        int probability = probabilities[at];
        int bound = (range >>> PROBABILITY_BITS) * probability;
        if (bit == 0) {
            range = bound;
            probabilities[at] = (short) (probability + ((1 << PROBABILITY_BITS) - probability >>> MOVE));
        } else {
            low += bound & 0xffffffffL;
            range -= bound;
            probabilities[at] = (short) (probability - (probability >>> MOVE));
        }
        normalize();
    }

    private void direct(int value, int count) {
        for (int i = count - 1; i >= 0; i--) {
            range >>>= 1;
            if ((value >>> i & 1) != 0) {
                low += range & 0xffffffffL;
            }
            normalize();
        }
    }

    private void normalize() {
        if ((range & TOP) == 0) {
            range <<= 8;
            shift();
        }
    }

    /** Moves the highest byte out; bytes that a carry may still change are held back. */
    private void shift() {
        int carry = (int) (low >>> 32);
        if (carry != 0 || low < 0xff000000L) {
            int next = held;
            do {
                output[size++] = (byte) (next + carry);
                next = 0xff;
            } while (--heldCount != 0);
            held = (int) (low >>> 24) & 0xff;
        }
        heldCount++;
        low = (low & 0x00ffffffL) << 8;
    }
}
