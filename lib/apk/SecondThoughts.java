package lib.apk;

import java.util.HashSet;
import java.util.List;
import java.util.Set;
import lib.tool.Failure;

/**
 * What happens when the first run of the resolver fails: where apk gives up, packages that turned out to be impossible are left out and
 * the world is tried again, until it works or nothing is left to leave out.
 */
final class SecondThoughts {
    private static final int MOST_TRIES = 100;

    private final Catalog catalog;
    private final List<Dependency> world;
    private final Plan.Origin origin;

    SecondThoughts(Catalog catalog, List<Dependency> world, Plan.Origin origin) {
        this.catalog = catalog;
        this.world = world;
        this.origin = origin;
    }

    Resolver resolve() {
        Set<Package> excluded = new HashSet<>();
        Resolver first = null;
        for (int n = 0; n < MOST_TRIES; n++) {
            Resolver resolver = new Resolver(catalog, world).without(excluded).resolve();
            if (resolver.problems().isEmpty()) {
                return resolver;
            }
            first = first == null ? resolver : first;
            Package culprit = resolver.problems().get(0).chosen();
            if (culprit == null || !excluded.add(culprit)) {
                break;
            }
        }
        throw new Failure("these packages cannot be installed together: " + first.problems().get(0).name() + " cannot be had", "");
    }
}
