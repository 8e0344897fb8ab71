package lib.apk;

import java.util.ArrayList;
import java.util.Collection;
import java.util.Comparator;
import java.util.List;

/** The world: what the user asked for, in the order of /etc/apk/world. */
final class World {
    /** apk's order of names: letter case ignored, then by it. Names are ASCII in practice; others sort by their UTF-16 units. */
    static final Comparator<String> NAMES = Comparator.comparing((String name) -> name.toLowerCase(java.util.Locale.ROOT))
            .thenComparing(Comparator.naturalOrder());

    private World() { }

    /** Sorted by name; atoms of one name stay in their order. */
    static List<Dependency> sorted(Collection<Dependency> atoms) {
        List<Dependency> world = new ArrayList<>(atoms);
        world.sort(Comparator.comparing(Dependency::name, NAMES));
        return world;
    }

    /** The world with {@code added} in it: an atom replaces those of the same name, as {@code apk add} does it. */
    static List<Dependency> with(Collection<Dependency> world, Collection<Dependency> added) {
        List<Dependency> result = new ArrayList<>(world);
        for (Dependency atom : added) {
            result.removeIf(old -> old.name().equals(atom.name()) && !added.contains(old));
            if (!result.contains(atom)) {
                result.add(atom);
            }
        }
        return sorted(result);
    }

    /** As the file holds it: an atom a line. */
    static String text(List<Dependency> world) {
        StringBuilder text = new StringBuilder();
        world.forEach(atom -> text.append(atom).append('\n'));
        return text.toString();
    }
}
