package lib.apk;

import java.util.List;
import java.util.Map;
import java.util.Optional;

/**
 * What is to be done to a tree, in order, and why.
 *
 * @param world what the tree's /etc/apk/world will say
 * @param steps packages that stay are steps as well, from themselves to themselves
 */
public record Plan(List<Dependency> world, List<Step> steps) {

    /**
     * One package.
     *
     * @param from what is installed under the name now
     * @param to what will be; empty for a package that goes
     * @param reason for people: {@code eudev needs so:libkmod.so.2}
     */
    public record Step(Optional<Package> from, Optional<Package> to, String reason) {
        /** Whether something has to be fetched and installed. */
        public boolean installs() {
            return to.isPresent() && !to.equals(from);
        }

        Order.Change change() {
            return new Order.Change(from.orElse(null), to.orElse(null));
        }
    }

    /**
     * Chooses the packages for {@code world} from the catalog, as apk would. A world that cannot be had is a Failure that explains why.
     *
     * @param origin says where an atom of the world was asked for, for example {@code config/packages.list:3}
     */
    public static Plan of(Catalog catalog, List<Dependency> world, Origin origin) {
        List<Dependency> sorted = World.sorted(world);
        Resolver resolved = new Resolver(catalog, sorted).resolve();
        if (!resolved.problems().isEmpty()) {
            resolved = new SecondThoughts(catalog, sorted, origin).resolve();
        }
        List<Order.Change> changes = Order.of(catalog, resolved, sorted);
        Map<Package, String> reasons = Reasons.of(sorted, changes, origin);
        return new Plan(sorted, changes.stream().map(change -> new Step(Optional.ofNullable(change.from()), Optional.ofNullable(change.to()),
                change.to() == null ? "nothing needs it" : reasons.getOrDefault(change.to(), ""))).toList());
    }

    /** Where atoms of the world come from. */
    @FunctionalInterface
    public interface Origin {
        /** For example {@code config/packages.list:3}; empty for an atom that was not asked for in a file. */
        String of(Dependency atom);
    }

    /** The packages that will be there, in installation order. */
    public List<Package> packages() {
        return steps.stream().map(Step::to).flatMap(Optional::stream).toList();
    }

    /** The packages that have to be fetched: the new ones, but for those that have no files. */
    public List<Package> wanted() {
        return steps.stream().filter(Step::installs).map(step -> step.to().orElseThrow()).filter(Package::hasFiles).toList();
    }
}
