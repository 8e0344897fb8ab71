package lib.image;

import static lib.image.LzmaModel.AFTER_LITERAL;
import static lib.image.LzmaModel.AFTER_MATCH;
import static lib.image.LzmaModel.AFTER_REP;
import static lib.image.LzmaModel.AFTER_SHORT_REP;
import static lib.image.LzmaModel.LITERAL;
import static lib.image.LzmaModel.REPS;

/**
 * Chooses the symbols: of all ways to write the next bytes, the cheapest one by the prices of now.
 *
 * <p>Positions ahead are gone through in order; from each one, its price being final, the positions that a symbol leads to get a price. So
 * are those behind a match, one literal and a match at the same distance again, as two versions of a text have them. It ends where all ways
 * meet, or at a match so long that it is taken in any case. This is the method of the LZMA SDK's "normal" mode.
 */
final class LzmaParser {
    /** Bytes that are looked at together, and matches of at least so many bytes are not thought about. */
    private static final int AHEAD = 2048;
    private static final int ROOM = AHEAD + 2 * LzmaPrices.LONGEST + 2;
    private static final int NICE = LzmaPrices.LONGEST;
    private static final int INFINITE = 1 << 30;
    /** In {@link #first}: one symbol leads here; else the length of the symbol before literal and match (0: there is none). */
    private static final int SINGLE = -1;

    private final byte[] data;
    private final int end;
    private final LzmaModel model;
    private final LzmaPrices prices;
    private final LzmaCandidates candidates;

    /** By position, counted from where the parse began: price, and how the position is reached. */
    private final int[] price = new int[ROOM];
    private final int[] origin = new int[ROOM];
    private final int[] symbol = new int[ROOM];
    private final int[] first = new int[ROOM];
    private final byte[] state = new byte[ROOM];
    private final int[] reps = new int[REPS * ROOM];
    private int reached;

    /** What {@link #parse} chose. */
    final int[] backs = new int[ROOM];
    final int[] lengths = new int[ROOM];
    int symbols;

    LzmaParser(byte[] data, int end, LzmaModel model, LzmaCandidates candidates) {
        this.data = data;
        this.end = end;
        this.model = model;
        this.prices = model.prices();
        this.candidates = candidates;
    }

    /** Chooses symbols for the bytes from {@code position} on, at least one. */
    void parse(int position) {
        candidates.find(position);
        if (!takeLong(position)) {
            prices.renew();
            state[0] = (byte) model.state;
            System.arraycopy(model.reps, 0, reps, 0, REPS);
            reached = 0;
            price[0] = 0;
            continueFrom(position, 0);
            int at = 1;
            while (at < reached) {
                settle(at);
                candidates.find(position + at);
                if (at >= AHEAD || candidates.longest() >= NICE) {
                    break;
                }
                continueFrom(position + at, at++);
            }
            trace(at);
        }
    }

    /** Takes a match or a repeated distance of NICE bytes or more as it is. */
    private boolean takeLong(int position) {
        int most = Math.min(end - position, LzmaModel.MAX_MATCH);
        int longest = 0;
        int back = 0;
        for (int rep = 0; rep < REPS; rep++) {
            int earlier = position - model.reps[rep] - 1;
            int length = earlier < 0 ? 0 : candidates.same(position, earlier, most);
            if (length > longest) {
                longest = length;
                back = rep;
            }
        }
        if (longest < NICE && candidates.longest() >= NICE) {
            longest = candidates.longest();
            back = candidates.distances[candidates.count - 1] + REPS;
        }
        symbols = 1;
        backs[0] = back;
        lengths[0] = longest;
        return longest >= NICE;
    }

    private void continueFrom(int position, int at) {
        int posState = model.posState(position);
        int before = state[at];
        int available = end - position;
        int lastDistance = reps[at << 2];
        int earlier = position - lastDistance - 1;
        reach(at + 1);
        int match = earlier < 0 ? 0 : data[earlier] & 0xff;
        int literal = price[at] + prices.isMatch(before, posState, 0)
                + prices.literal(model.literalBase(position), before, data[position] & 0xff, match);
        int anyMatch = price[at] + prices.isMatch(before, posState, 1);
        int anyRep = anyMatch + prices.isRep(before, 1);
        offer(at + 1, literal, at, LITERAL, SINGLE);
        if (earlier >= 0 && data[earlier] == data[position]) {
            offer(at + 1, anyRep + prices.shortRep(before, posState), at, 0, SINGLE);
        } else if (earlier >= 0) {
            again(position, at, 0, lastDistance, literal, AFTER_LITERAL[before], LITERAL);
        }
        if (available < 2) {
            return;
        }
        int covered = repeated(position, at, anyRep, posState);
        matches(position, at, anyMatch + prices.isRep(before, 0), posState, covered);
    }

    /** Prices of the last four distances; returns the length that the last one reaches. */
    private int repeated(int position, int at, int anyRep, int posState) {
        int most = Math.min(NICE, end - position);
        int covered = 1;
        for (int rep = 0; rep < REPS; rep++) {
            int distance = reps[(at << 2) + rep];
            int earlier = position - distance - 1;
            int length = earlier < 0 ? 0 : candidates.same(position, earlier, most);
            if (length < 2) {
                continue;
            }
            reach(at + length);
            int base = anyRep + prices.rep(rep, state[at], posState);
            for (int part = length; part >= 2; part--) {
                offer(at + part, base + prices.repLength(part, posState), at, rep, SINGLE);
            }
            covered = rep == 0 ? length : covered;
            again(position, at, length, distance, base + prices.repLength(length, posState), AFTER_REP[state[at]], rep);
        }
        return covered;
    }

    private void matches(int position, int at, int normal, int posState, int covered) {
        int longest = Math.min(candidates.longest(), NICE);
        if (longest <= covered) {
            return;
        }
        reach(at + longest);
        int from = covered + 1;
        for (int one = 0; from <= longest; one++) {
            int most = Math.min(candidates.lengths[one], longest);
            if (most < from) {
                continue;
            }
            int distance = candidates.distances[one];
            int sum = 0;
            for (; from <= most; from++) {
                sum = normal + prices.matchLength(from, posState) + prices.distance(distance, from);
                offer(at + from, sum, at, distance + REPS, SINGLE);
            }
            if (most == candidates.lengths[one]) {
                again(position, at, most, distance, sum, AFTER_MATCH[state[at]], distance + REPS);
            }
        }
    }

    /**
     * Prices what a symbol, a literal and a match at the symbol's distance come to.
     *
     * @param length of the symbol; 0: there is only the literal, and {@code sum} includes it
     * @param after state behind the symbol; behind the literal when there is no symbol
     */
    private void again(int position, int at, int length, int distance, int sum, int after, int back) {
        int next = position + length + 1;
        int most = Math.min(NICE, end - next);
        if (most < 2 || data[next] != data[next - distance - 1] || data[next + 1] != data[next - distance]) {
            return;
        }
        int more = candidates.same(next, next - distance - 1, most);
        int total = sum;
        int behind = after;
        if (length > 0) {
            int literal = next - 1;
            total += prices.isMatch(after, model.posState(literal), 0)
                    + prices.literal(model.literalBase(literal), after, data[literal] & 0xff, data[literal - distance - 1] & 0xff);
            behind = AFTER_LITERAL[after];
        }
        total += prices.longRep0(behind, model.posState(next), more);
        reach(at + length + 1 + more);
        offer(at + length + 1 + more, total, at, back, length);
    }

    private void reach(int to) {
        while (reached < to) {
            price[++reached] = INFINITE;
        }
    }

    private void offer(int to, int sum, int from, int back, int length) {
        if (sum < price[to]) {
            price[to] = sum;
            origin[to] = from;
            symbol[to] = back;
            first[to] = length;
        }
    }

    /** Works out state and last distances at a position whose cheapest way is known. */
    private void settle(int at) {
        int from = origin[at];
        int back = symbol[at];
        int now = state[from];
        System.arraycopy(reps, from << 2, reps, at << 2, REPS);
        if (first[at] != 0) {
            now = after(now, back, first[at] == SINGLE ? at - from : first[at]);
            if (back > 0) {
                int index = Math.min(back, REPS - 1);
                int distance = back < REPS ? reps[(at << 2) + back] : back - REPS;
                System.arraycopy(reps, at << 2, reps, (at << 2) + 1, index);
                reps[at << 2] = distance;
            }
        }
        state[at] = first[at] == SINGLE ? (byte) now : AFTER_REP[AFTER_LITERAL[now]];
    }

    private static int after(int state, int back, int length) {
        if (back == LITERAL) {
            return AFTER_LITERAL[state];
        }
        return back >= REPS ? AFTER_MATCH[state] : length == 1 ? AFTER_SHORT_REP[state] : AFTER_REP[state];
    }

    /** Goes back along the cheapest way and leaves its symbols in order. */
    private void trace(int last) {
        int next = ROOM;
        for (int at = last; at > 0; at = origin[at]) {
            int length = at - origin[at];
            if (first[at] != SINGLE) {
                put(--next, 0, length - first[at] - 1);
                put(--next, LITERAL, 1);
                length = first[at];
            }
            if (length > 0) {
                put(--next, symbol[at], length);
            }
        }
        symbols = ROOM - next;
        System.arraycopy(backs, next, backs, 0, symbols);
        System.arraycopy(lengths, next, lengths, 0, symbols);
    }

    private void put(int place, int back, int length) {
        backs[place] = back;
        lengths[place] = length;
    }
}
