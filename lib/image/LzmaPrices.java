package lib.image;

import static lib.image.LzmaModel.ALIGN;
import static lib.image.LzmaModel.HIGH;
import static lib.image.LzmaModel.IS_MATCH;
import static lib.image.LzmaModel.IS_REP;
import static lib.image.LzmaModel.IS_REP0;
import static lib.image.LzmaModel.IS_REP0_LONG;
import static lib.image.LzmaModel.IS_REP1;
import static lib.image.LzmaModel.IS_REP2;
import static lib.image.LzmaModel.LOW;
import static lib.image.LzmaModel.MATCH_LENGTH;
import static lib.image.LzmaModel.MIDDLE;
import static lib.image.LzmaModel.NEAR;
import static lib.image.LzmaModel.REP_LENGTH;
import static lib.image.LzmaModel.SLOT;

import java.util.Arrays;

/**
 * What symbols cost by the probabilities of now, in sixteenths of a bit. Prices of lengths and distances are kept in tables, which are
 * renewed after some symbols: a little out of date, and much faster.
 */
final class LzmaPrices {
    /** Longer matches are taken without asking for a price. */
    static final int LONGEST = 64;
    private static final int LENGTHS = LONGEST + 1;
    private static final int NEAR_DISTANCES = 128;
    private static final int[] BIT = bitPrices();

    private final LzmaModel model;
    private final short[] probabilities;
    private final int posStates;
    private final int[] lengths;
    private final int[] lengthsLeft;
    private final int[] slots = new int[4 * 64];
    private final int[] near = new int[4 * NEAR_DISTANCES];
    private final int[] align = new int[16];
    private int distancesLeft;
    private int alignsLeft;

    LzmaPrices(LzmaModel model) {
        this.model = model;
        probabilities = model.probabilities;
        posStates = 1 << model.properties.pb();
        lengths = new int[2 * posStates * LENGTHS];
        lengthsLeft = new int[2 * posStates];
    }

    /** -log2 of a probability, as the LZMA SDK computes it: in integers, by squaring four times. */
    private static int[] bitPrices() {
        int[] prices = new int[128];
        for (int i = 8; i < 2048; i += 16) {
            int power = i;
            int bits = 0;
            for (int square = 0; square < 4; square++) {
                power *= power;
                bits <<= 1;
                while ((power & 0xffff0000) != 0) {
                    power >>>= 1;
                    bits++;
                }
            }
            prices[i >> 4] = (11 << 4) - 15 - bits;
        }
        return prices;
    }

    void reset() {
        Arrays.fill(lengthsLeft, 0);
        distancesLeft = 0;
        alignsLeft = 0;
    }

    void usedDistance(boolean far) {
        distancesLeft--;
        alignsLeft -= far ? 1 : 0;
    }

    void usedLength(int kind, int posState) {
        lengthsLeft[kind * posStates + posState]--;
    }

    /** Renews the tables that are out of date. */
    void renew() {
        if (distancesLeft <= 0) {
            distancesLeft = 128;
            renewDistances();
        }
        if (alignsLeft <= 0) {
            alignsLeft = 16;
            for (int value = 0; value < 16; value++) {
                align[value] = reverseTree(ALIGN, 4, value);
            }
        }
        for (int table = 0; table < lengthsLeft.length; table++) {
            if (lengthsLeft[table] <= 0) {
                lengthsLeft[table] = 64;
                renewLengths(table < posStates ? MATCH_LENGTH : REP_LENGTH, table % posStates, table * LENGTHS);
            }
        }
    }

    private void renewDistances() {
        for (int kind = 0; kind < 4; kind++) {
            for (int slot = 0; slot < 64; slot++) {
                int direct = slot < 14 ? 0 : (slot >>> 1) - 5;
                slots[kind << 6 | slot] = tree(SLOT + (kind << 6), 6, slot) + (direct << 4);
            }
        }
        for (int distance = 0; distance < NEAR_DISTANCES; distance++) {
            int slot = LzmaModel.slot(distance);
            int bits = Math.max(0, (slot >>> 1) - 1);
            int base = (2 | slot & 1) << bits;
            int rest = slot < 4 ? 0 : reverseTree(NEAR + base - slot, bits, distance - base);
            for (int kind = 0; kind < 4; kind++) {
                near[kind * NEAR_DISTANCES + distance] = slots[kind << 6 | slot] + rest;
            }
        }
    }

    private void renewLengths(int base, int posState, int at) {
        int low = bit(base, 0);
        int middle = bit(base, 1) + bit(base + 1, 0);
        int high = bit(base, 1) + bit(base + 1, 1);
        for (int rest = 0; rest < 8; rest++) {
            lengths[at + 2 + rest] = low + tree(base + LOW + (posState << 3), 3, rest);
            lengths[at + 10 + rest] = middle + tree(base + MIDDLE + (posState << 3), 3, rest);
        }
        for (int length = 18; length <= LONGEST; length++) {
            lengths[at + length] = high + tree(base + HIGH, 8, length - 18);
        }
    }

    private int bit(int at, int bit) {
        return BIT[(probabilities[at] ^ -bit & 2047) >>> 4];
    }

    private int tree(int base, int bits, int symbol) {
        int price = 0;
        for (int at = symbol | 1 << bits; at != 1; at >>>= 1) {
            price += bit(base + (at >>> 1), at & 1);
        }
        return price;
    }

    private int reverseTree(int base, int bits, int symbol) {
        int price = 0;
        int at = 1;
        for (int i = 0; i < bits; i++) {
            int bit = symbol >>> i & 1;
            price += bit(base + at, bit);
            at = at << 1 | bit;
        }
        return price;
    }

    /** A literal without the bit that says so. */
    int literal(int base, int state, int symbol, int match) {
        if (state < 7) {
            return tree(base, 8, symbol);
        }
        int price = 0;
        int offset = 0x100;
        int expected = match;
        int at = 1;
        for (int i = 7; i >= 0; i--) {
            expected <<= 1;
            int same = expected & 0x100;
            int bit = symbol >>> i & 1;
            price += bit(base + offset + (same & offset) + at, bit);
            at = at << 1 | bit;
            offset &= bit == 0 ? ~same : same;
        }
        return price;
    }

    int isMatch(int state, int posState, int bit) {
        return bit(IS_MATCH + (state << 4) + posState, bit);
    }

    int isRep(int state, int bit) {
        return bit(IS_REP + state, bit);
    }

    /** One byte from the last distance. */
    int shortRep(int state, int posState) {
        return bit(IS_REP0 + state, 0) + bit(IS_REP0_LONG + (state << 4) + posState, 0);
    }

    /** Which of the last distances, for two bytes or more. */
    int rep(int index, int state, int posState) {
        if (index == 0) {
            return bit(IS_REP0 + state, 0) + bit(IS_REP0_LONG + (state << 4) + posState, 1);
        }
        int price = bit(IS_REP0 + state, 1) + bit(IS_REP1 + state, index == 1 ? 0 : 1);
        return index == 1 ? price : price + bit(IS_REP2 + state, index - 2);
    }

    /** Match, last distance and length together, where a literal has just been written. */
    int longRep0(int state, int posState, int length) {
        return isMatch(state, posState, 1) + isRep(state, 1) + rep(0, state, posState) + repLength(length, posState);
    }

    int matchLength(int length, int posState) {
        return lengths[posState * LENGTHS + length];
    }

    int repLength(int length, int posState) {
        return lengths[(posStates + posState) * LENGTHS + length];
    }

    int distance(int distance, int length) {
        int kind = Math.min(length - 2, 3);
        return distance < NEAR_DISTANCES ? near[kind * NEAR_DISTANCES + distance] : slots[kind << 6 | LzmaModel.slot(distance)] + align[distance & 15];
    }
}
