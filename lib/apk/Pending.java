package lib.apk;

import java.util.Comparator;
import java.util.LinkedHashSet;
import java.util.Set;
import java.util.TreeSet;
import lib.apk.Choices.Slot;

/**
 * Names that need a decision, in apk's order: those with one candidate left, then those with packages of that name only, then mixed, then
 * purely provided ones; in each class those with the deepest dependencies first.
 */
final class Pending {
    private final Set<Slot> single = new LinkedHashSet<>();
    /** Real packages first, then deeper ones, then those that nobody gives a high priority; of equal ones the latest. */
    private final TreeSet<Slot> open = new TreeSet<>(Comparator.<Slot>comparingInt(slot -> slot.kind).thenComparingInt(slot -> -slot.depth)
            .thenComparingInt(slot -> slot.priority).thenComparingInt(slot -> slot.turn));

    /** Puts a name that needs a decision in line; one that is looked at again and has a single candidate left goes to the front. */
    void offer(Slot slot) {
        if (slot.wanted == 0 && !slot.triggered) {
            remove(slot);
        } else if (open.contains(slot)) {
            if (!slot.severalOptions) {
                open.remove(slot);
                single.add(slot);
            }
        } else if (!single.contains(slot)) {
            open.add(slot);
        }
    }

    /** Whether it waits with several candidates. */
    boolean contains(Slot slot) {
        return open.contains(slot);
    }

    /** Nothing has to be decided for it any more. */
    void remove(Slot slot) {
        open.remove(slot);
        single.remove(slot);
    }

    /** The name to decide next; null when all are decided. */
    Slot next() {
        if (!single.isEmpty()) {
            Slot first = single.iterator().next();
            single.remove(first);
            return first;
        }
        return open.pollFirst();
    }
}
