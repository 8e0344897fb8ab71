package lib.apk;

import java.util.HashSet;
import java.util.List;
import java.util.Set;

/**
 * What happens when the first run of the resolver fails: where apk gives up, packages that turned out to be impossible are left out and
 * the world is tried again, until it works or nothing is left to leave out; then the failure is explained.
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
            Package culprit = culprit(resolver);
            if (culprit == null || !excluded.add(culprit)) {
                break;
            }
        }
        throw new Explanation(catalog, world, origin).of(first);
    }

    /** The package to leave out: one that does not fit, or one that needs what nobody can give; null when no package is to blame. */
    private Package culprit(Resolver resolver) {
        Resolver.Problem problem = resolver.problems().get(0);
        if (problem.chosen() != null) {
            return problem.chosen();
        }
        for (Package pkg : resolver.chosen()) {
            for (Dependency dependency : pkg.depends()) {
                boolean cannot = dependency.name().equals(problem.name()) && !dependency.conflict() && catalog.name(dependency.name()).providers()
                        .stream().noneMatch(provider -> dependency.satisfiedBy(provider.version(), provider.pkg()));
                if (cannot) {
                    return pkg;
                }
            }
        }
        return null;
    }
}
