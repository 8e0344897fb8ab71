package lib.apk;

import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Collection;
import java.util.Deque;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.stream.Collectors;
import lib.apk.Catalog.Provider;
import lib.tool.Failure;
import lib.tool.Suggest;

/**
 * Why a world cannot be had, for people: the shortest chain from a line that they wrote to something that is not there or is not allowed,
 * or, when everything is there, the two chains that contradict each other.
 */
final class Explanation {
    private final Catalog catalog;
    private final List<Dependency> world;
    private final Plan.Origin origin;
    /** Packages that cannot be installed whatever else is, with the number of steps to the reason. */
    private final Map<Package, Integer> impossible = new HashMap<>();

    Explanation(Catalog catalog, List<Dependency> world, Plan.Origin origin) {
        this.catalog = catalog;
        this.world = world;
        this.origin = origin;
    }

    /** @param failed the run of the resolver that did not come to an end */
    Failure of(Resolver failed) {
        findImpossible();
        Dependency shortest = null;
        for (Dependency atom : world) {
            if (steps(atom) != null && (shortest == null || steps(atom) < steps(shortest))) {
                shortest = atom;
            }
        }
        List<String> lines = new ArrayList<>();
        if (shortest == null) {
            return contradiction(failed);
        }
        lines.add(asks(shortest));
        String hint = follow(shortest, lines);
        return Failure.usage("the packages cannot be installed: " + String.join("\n    ", lines), hint);
    }

    private String asks(Dependency atom) {
        String where = origin.of(atom);
        return where.isEmpty() ? "the base system asks for " + atom : where + ": asks for " + atom;
    }

    /** Marks packages until nothing new follows. */
    private void findImpossible() {
        Set<Package> reachable = reachable();
        boolean more = true;
        for (int round = 0; more; round++) {
            more = false;
            for (Package pkg : reachable) {
                if (!impossible.containsKey(pkg) && pkg.depends().stream().anyMatch(dependency -> steps(dependency) != null)) {
                    impossible.put(pkg, round);
                    more = true;
                }
            }
        }
    }

    private Set<Package> reachable() {
        Set<Package> seen = new LinkedHashSet<>();
        Deque<Dependency> open = new ArrayDeque<>(world);
        while (!open.isEmpty()) {
            for (Provider provider : catalog.name(open.poll().name()).providers()) {
                if (seen.add(provider.pkg())) {
                    open.addAll(provider.pkg().depends());
                }
            }
        }
        return seen;
    }

    /** Steps to the reason why a dependency cannot be met; null when it can. */
    private Integer steps(Dependency dependency) {
        if (dependency.conflict()) {
            return null;
        }
        Integer least = 0;
        for (Provider provider : catalog.name(dependency.name()).providers()) {
            if (dependency.satisfiedBy(provider.version(), provider.pkg()) && forbidding(provider.pkg()) == null) {
                Integer steps = impossible.get(provider.pkg());
                if (steps == null) {
                    return null;
                }
                least = least == 0 ? steps + 1 : Math.min(least, steps + 1);
            }
        }
        return least;
    }

    /** The atom of the world that rules the package out; null when there is none. */
    private Dependency forbidding(Package pkg) {
        for (Dependency atom : world) {
            if (atom.name().equals(pkg.name()) && !atom.satisfiedBy(pkg.version(), pkg)) {
                return atom;
            }
            for (Dependency provided : pkg.provides()) {
                if (atom.conflict() && atom.name().equals(provided.name())
                        && !atom.satisfiedBy(provided.version().isEmpty() ? null : provided.version(), pkg)) {
                    return atom;
                }
            }
        }
        return null;
    }

    /** Adds the steps from a dependency that cannot be met to the reason; returns the hint. */
    private String follow(Dependency from, List<String> lines) {
        Dependency dependency = from;
        while (true) {
            Dependency asked = dependency;
            List<Provider> fitting = catalog.name(asked.name()).providers().stream()
                    .filter(provider -> asked.satisfiedBy(provider.version(), provider.pkg())).toList();
            List<Package> allowed = fitting.stream().map(Provider::pkg).filter(pkg -> forbidding(pkg) == null).toList();
            if (fitting.isEmpty()) {
                return nothing(asked, lines);
            }
            if (allowed.isEmpty()) {
                Dependency by = forbidding(fitting.get(0).pkg());
                lines.add(fitting.get(0).pkg() + " would do, but " + asks(by));
                return "the two lines contradict each other";
            }
            Package next = allowed.stream().min(java.util.Comparator.comparing(impossible::get)).orElseThrow();
            dependency = next.depends().stream().filter(one -> steps(one) != null).min(java.util.Comparator.comparing(this::steps)).orElseThrow();
            lines.add(next + " needs " + dependency);
        }
    }

    private String nothing(Dependency dependency, List<String> lines) {
        Collection<Provider> others = catalog.name(dependency.name()).providers();
        if (others.isEmpty()) {
            lines.add("there is no " + dependency.name() + " in any repository");
            List<String> known = catalog.installable();
            return Suggest.hint(dependency.name(), known, "pkgs.alpinelinux.org shows what each release has");
        }
        String versions = others.stream().map(one -> one.version() == null ? one.pkg() + " (without a version)" : one.pkg().name().equals(dependency.name())
                ? one.version() : one.version() + " by " + one.pkg()).distinct().collect(Collectors.joining(", "));
        lines.add("of " + dependency.name() + " there is only " + versions);
        return "ask for a version that is there, or update the mirror";
    }

    /** Everything is there, but not together: who asks for what about the name that could not be decided. */
    private Failure contradiction(Resolver failed) {
        Resolver.Problem problem = failed.problems().get(0);
        Map<Package, String> chains = chains(failed);
        List<String> lines = new ArrayList<>();
        Set<String> names = new LinkedHashSet<>(List.of(problem.name()));
        if (problem.chosen() != null) {
            names.add(problem.chosen().name());
            problem.chosen().provides().forEach(provided -> names.add(provided.name()));
            problem.chosen().depends().stream().filter(one -> !failed.isMet(one)).forEach(one -> names.add(one.name()));
        }
        world.stream().filter(atom -> names.contains(atom.name())).forEach(atom -> lines.add(asks(atom)));
        chains.forEach((pkg, chain) -> pkg.depends().stream().filter(one -> names.contains(one.name()) && (lines.size() < 6 || one.conflict()))
                .forEach(one -> lines.add(chain + " -> " + (one.conflict() ? "does not go with " + one.name() : one.toString()))));
        if (problem.chosen() == null) {
            String some = catalog.name(problem.name()).providers().stream().map(one -> one.pkg().name()).distinct().limit(8).collect(Collectors.joining(", "));
            return Failure.usage("the packages cannot be installed: several could be " + problem.name() + ": " + some + "\n    "
                    + String.join("\n    ", lines), "write the one that you want into packages.list");
        }
        return Failure.usage("the packages cannot be installed together; " + problem.chosen() + " cannot be had with the others:\n    "
                + String.join("\n    ", lines), "take out one of the lines, or ask for another version");
    }

    /** How each chosen package got there: {@code packages.list:3: asks for eudev -> kmod-libs}. */
    private Map<Package, String> chains(Resolver failed) {
        Map<Package, String> chains = new LinkedHashMap<>();
        Deque<Package> open = new ArrayDeque<>();
        for (Dependency atom : world) {
            reach(failed, atom, asks(atom), chains, open);
        }
        while (!open.isEmpty()) {
            Package pkg = open.poll();
            pkg.depends().forEach(one -> reach(failed, one, chains.get(pkg) + " -> " + one.name(), chains, open));
        }
        return chains;
    }

    private static void reach(Resolver failed, Dependency dependency, String chain, Map<Package, String> chains, Deque<Package> open) {
        Package pkg = failed.chosen(dependency.name());
        if (pkg != null && !dependency.conflict() && chains.putIfAbsent(pkg, chain) == null) {
            open.add(pkg);
        }
    }
}
