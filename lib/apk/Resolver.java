package lib.apk;

import java.util.ArrayList;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Set;
import lib.apk.Choices.Candidate;
import lib.apk.Choices.Option;
import lib.apk.Choices.Slot;

/**
 * Chooses a package for each name that the world needs, as apk-tools 2.14 chooses: {@link Constraints} are carried on until nothing
 * more follows from them, then the first of the {@link Pending} names is decided for good, and so on. Nothing is taken back.
 */
final class Resolver {
    private final Choices choices;
    private final List<Dependency> world;
    private final Pending pending = new Pending();
    private final Constraints constraints;
    private final Set<Slot> decided = new LinkedHashSet<>();
    private int turns;
    private final List<Problem> problems = new ArrayList<>();

    /** A choice that could not be made well: nothing, or nothing that fits, for {@code name}. */
    record Problem(String name, Package chosen) { }

    /** @param world sorted as apk sorts it: see {@link World} */
    Resolver(Catalog catalog, List<Dependency> world) {
        this.world = world;
        this.choices = new Choices(catalog);
        this.constraints = new Constraints(choices, pending);
    }

    /** Packages that the resolver may not choose; for a further attempt after one that failed. */
    Resolver without(Set<Package> excluded) {
        excluded.forEach(pkg -> {
            Candidate candidate = choices.candidate(pkg);
            candidate.usable = false;
            candidate.conflicts++;
        });
        return this;
    }

    /** Decides every name. Afterwards {@link #problems} tells what could not be decided, {@link #chosen} what was. */
    Resolver resolve() {
        for (Dependency atom : world) {
            discover(choices.slot(atom));
        }
        for (Dependency atom : world) {
            prefer(atom);
        }
        for (Dependency atom : world) {
            constraints.apply(atom, null);
        }
        while (true) {
            constraints.settle();
            Slot next = pending.next();
            if (next == null) {
                verify();
                return this;
            }
            decide(next);
        }
    }

    /** Holds every dependency of the world and of the chosen packages against the decisions. */
    private void verify() {
        world.forEach(atom -> verify(atom, null));
        chosen().forEach(pkg -> pkg.depends().forEach(dependency -> verify(dependency, pkg)));
    }

    /** Whether the decisions meet the dependency. */
    boolean isMet(Dependency dependency) {
        return Constraints.met(dependency, choices.slot(dependency).chosen);
    }

    private void verify(Dependency dependency, Package by) {
        if (problems.isEmpty() && !isMet(dependency)) {
            problems.add(new Problem(dependency.name(), by));
        }
    }

    List<Problem> problems() {
        return problems;
    }

    /** All packages chosen. */
    Set<Package> chosen() {
        Set<Package> chosen = new LinkedHashSet<>();
        decided.stream().filter(slot -> slot.chosen != null).forEach(slot -> chosen.add(slot.chosen.candidate().pkg));
        return chosen;
    }

    /** The package that has the name; null when there is none. */
    Package chosen(String name) {
        Option option = choices.slot(name).chosen;
        return option == null ? null : option.candidate().pkg;
    }

    /** Looks at everything that can be reached from a name: candidates, what they depend on, and what installs itself beside them. */
    private void discover(Slot slot) {
        if (slot.seen) {
            return;
        }
        slot.seen = true;
        for (Option option : slot.options) {
            Candidate candidate = option.candidate();
            if (!candidate.seen) {
                candidate.seen = true;
                for (Dependency dependency : candidate.pkg.depends()) {
                    Slot below = choices.slot(dependency);
                    discover(below);
                    candidate.depth = Math.max(candidate.depth, below.depth + 1);
                }
            }
            slot.depth = Math.max(slot.depth, candidate.depth);
            choices.carriedNames(candidate.pkg).forEach(this::discover);
            for (Dependency dependency : candidate.pkg.depends()) {
                List<Slot> dependents = choices.slot(dependency).dependents;
                if (dependents.isEmpty() || dependents.get(dependents.size() - 1) != slot) {
                    dependents.add(slot);
                }
            }
        }
        slot.turn = ++turns;
        for (Catalog.Name waiting : slot.name.installIf()) {
            discover(choices.slot(waiting));
        }
    }

    /** A tag in the world opens the tagged repository for this name, and is preferred there. */
    private void prefer(Dependency atom) {
        if (atom.tag().isEmpty()) {
            return;
        }
        int mask = choices.tagMask(atom.tag());
        for (Option option : choices.slot(atom).options) {
            option.candidate().allowedTags |= mask;
            option.candidate().preferredTags = mask;
        }
    }

    private void decide(Slot slot) {
        if (slot.locked) {
            return;
        }
        Option best = null;
        for (Option option : slot.options) {
            if (eligible(slot, option) && (best == null || Preference.compare(option, best) > 0)) {
                best = option;
            }
        }
        if (best == null) {
            lock(slot, null);
            if (slot.wanted > 0) {
                problems.add(new Problem(slot.name.text(), null));
            }
            return;
        }
        Candidate candidate = best.candidate();
        if (!candidate.usable || !candidate.tagAllowed()) {
            problems.add(new Problem(slot.name.text(), candidate.pkg));
        }
        lock(choices.slot(candidate.pkg.name()), new Option(candidate, candidate.pkg.version()));
        for (Dependency provided : candidate.pkg.provides()) {
            lock(choices.slot(provided), new Option(candidate, provided.version().isEmpty() ? null : provided.version()));
        }
        for (Dependency dependency : candidate.pkg.depends()) {
            constraints.apply(dependency, candidate);
        }
    }

    /** Purely provided names have to be asked for by a package of its own right, or by a provider_priority. */
    private boolean eligible(Slot slot, Option option) {
        Candidate candidate = option.candidate();
        if (slot.wanted == 0 && (!candidate.triggered || !candidate.tagAllowed())) {
            return false;
        }
        return option.version() != null || candidate.pkg.priority() != 0
                || choices.slot(candidate.pkg.name()).wanted > 0;
    }

    private void lock(Slot slot, Option option) {
        if (slot.locked) {
            boolean shared = option != null && option.version() == null && slot.chosen != null && slot.chosen.version() == null;
            boolean same = option != null && slot.chosen != null && option.candidate() == slot.chosen.candidate();
            if (!shared && !(same && option.version() != null && option.version().equals(slot.chosen.version()))) {
                problems.add(new Problem(slot.name.text(), option == null ? null : option.candidate().pkg));
            }
            return;
        }
        slot.locked = true;
        slot.chosen = option;
        decided.add(slot);
        pending.remove(slot);
        if (option != null) {
            for (Option other : slot.options) {
                boolean together = option.version() == null && other.version() == null;
                if (other.candidate() != option.candidate() && !together && other.candidate().usable) {
                    constraints.disqualify(other.candidate());
                }
            }
        }
        constraints.decided(slot);
    }
}
