package lib.apk;

import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.Deque;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Set;
import java.util.TreeSet;
import lib.apk.Choices.Candidate;
import lib.apk.Choices.Option;
import lib.apk.Choices.Slot;

/**
 * Chooses a package for each name that the world needs, as apk-tools 2.14 chooses: constraints are carried on until nothing more
 * follows from them, then one name is decided for good, and so on. Names with one candidate left are decided first, then those with
 * packages of that name only, then mixed, then purely provided ones; in each class those with the deepest dependencies first.
 */
final class Resolver {
    private final Catalog catalog;
    private final Choices choices;
    private final List<Dependency> world;
    private final Deque<Slot> dirty = new ArrayDeque<>();
    private final Set<Slot> decided = new LinkedHashSet<>();
    private final Set<Slot> single = new LinkedHashSet<>();
    /** Real packages first, then deeper ones, then those that nobody gives a high priority; of equal ones the latest. */
    private final TreeSet<Slot> open = new TreeSet<>(Comparator.<Slot>comparingInt(slot -> slot.kind).thenComparingInt(slot -> -slot.depth)
            .thenComparingInt(slot -> slot.priority).thenComparingInt(slot -> slot.turn));
    private int turns;
    private final List<Problem> problems = new ArrayList<>();

    /** A choice that could not be made well: nothing, or nothing that fits, for {@code name}. */
    record Problem(String name, Package chosen) { }

    /** @param world sorted as apk sorts it: see {@link World} */
    Resolver(Catalog catalog, List<Dependency> world) {
        catalog.link();
        this.catalog = catalog;
        this.world = world;
        this.choices = new Choices(catalog);
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
            discover(slot(atom));
        }
        for (Dependency atom : world) {
            prefer(atom);
        }
        for (Dependency atom : world) {
            apply(atom, null);
        }
        while (true) {
            while (!dirty.isEmpty()) {
                Slot slot = dirty.poll();
                slot.dirty = false;
                reconsider(slot);
            }
            Slot next = next();
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
        return met(dependency, slot(dependency).chosen);
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
        Option option = choices.slot(catalog.name(name)).chosen;
        return option == null ? null : option.candidate().pkg;
    }

    Slot slot(Dependency dependency) {
        return choices.slot(catalog.name(dependency.name()));
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
                    Slot below = slot(dependency);
                    discover(below);
                    candidate.depth = Math.max(candidate.depth, below.depth + 1);
                }
            }
            slot.depth = Math.max(slot.depth, candidate.depth);
            carriedNames(candidate.pkg).forEach(this::discover);
            for (Dependency dependency : candidate.pkg.depends()) {
                List<Slot> dependents = slot(dependency).dependents;
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
        for (Option option : slot(atom).options) {
            option.candidate().allowedTags |= mask;
            option.candidate().preferredTags = mask;
        }
    }

    private void apply(Dependency dependency, Candidate by) {
        Slot slot = slot(dependency);
        for (Option option : slot.options) {
            Candidate candidate = option.candidate();
            if (!option.satisfies(dependency)) {
                candidate.conflicts++;
                if (candidate.usable) {
                    disqualify(candidate);
                }
            } else {
                candidate.inherit(by);
            }
        }
        if (!dependency.conflict()) {
            want(slot);
        }
    }

    private void want(Slot slot) {
        slot.wanted++;
        if (slot.wanted == 1) {
            touch(slot);
        }
    }

    private void disqualify(Candidate candidate) {
        candidate.usable = false;
        carriedNames(candidate.pkg).forEach(this::recheckDependents);
        recheckWaiting(candidate.pkg);
    }

    private List<Slot> carriedNames(Package pkg) {
        List<Slot> names = new ArrayList<>();
        names.add(choices.slot(catalog.name(pkg.name())));
        for (Dependency provided : pkg.provides()) {
            names.add(slot(provided));
        }
        return names;
    }

    private void recheckDependents(Slot slot) {
        for (Slot dependent : slot.dependents) {
            dependent.checkDepends = true;
            touch(dependent);
        }
    }

    /** Names whose packages may install themselves because of {@code slot}. */
    private void recheckInstallIf(Slot slot) {
        for (Catalog.Name waiting : slot.name.installIf()) {
            Slot other = choices.slot(waiting);
            if (other.seen) {
                other.checkInstallIf = true;
                touch(other);
            }
        }
    }

    /** A package that waits to install itself, and can no longer, is looked at again. */
    private void recheckWaiting(Package pkg) {
        if (!pkg.installIf().isEmpty()) {
            for (Slot slot : carriedNames(pkg)) {
                slot.checkInstallIf = true;
                touch(slot);
            }
        }
    }

    private void touch(Slot slot) {
        if (!slot.dirty && !slot.locked && (slot.wanted > 0 || slot.checkInstallIf)) {
            slot.dirty = true;
            dirty.add(slot);
        }
    }

    /** Draws all conclusions from what is known about the slot's candidates by now. */
    private void reconsider(Slot slot) {
        boolean checkDepends = slot.checkDepends;
        boolean checkInstallIf = slot.checkInstallIf;
        slot.checkDepends = false;
        slot.checkInstallIf = false;
        List<Candidate> group = new ArrayList<>();
        boolean allAllowed = true;
        boolean triggered = false;
        for (Option option : slot.options) {
            Candidate candidate = option.candidate();
            candidate.grouping = false;
            if (checkDepends && candidate.usable && !possible(candidate)) {
                disqualify(candidate);
            }
            if (!candidate.usable) {
                continue;
            }
            if (checkInstallIf) {
                checkInstallIf(candidate);
            }
            triggered |= candidate.triggered;
            if (slot.wanted > 0) {
                candidate.grouping = true;
                group.add(candidate);
                allAllowed &= candidate.tagAllowed();
            }
        }
        slot.severalOptions = group.size() > 1 || !allAllowed;
        slot.triggered = triggered;
        enqueue(slot);
        if (!group.isEmpty()) {
            for (Option option : slot.options) {
                option.candidate().grouped = option.candidate().grouping;
            }
            applyCommon(group);
            provideCommon(slot, group);
        }
        if (!slot.reconsidered) {
            slot.reconsidered = true;
            slot.dependents.stream().filter(open::contains).forEach(this::enqueue);
        }
    }

    private boolean possible(Candidate candidate) {
        for (Dependency dependency : candidate.pkg.depends()) {
            if (!possible(dependency)) {
                return false;
            }
        }
        return true;
    }

    private boolean possible(Dependency dependency) {
        Slot slot = slot(dependency);
        if (slot.locked) {
            return met(dependency, slot.chosen);
        }
        if (slot.wanted == 0 && dependency.conflict()) {
            return true;
        }
        for (Option option : slot.options) {
            if (option.candidate().usable && option.satisfies(dependency)) {
                return true;
            }
        }
        return false;
    }

    /** Whether the dependency is met by the decision for its name (null: nothing has it). */
    private static boolean met(Dependency dependency, Option chosen) {
        return chosen == null ? dependency.conflict() : chosen.satisfies(dependency);
    }

    private void checkInstallIf(Candidate candidate) {
        if (candidate.untriggerable) {
            return;
        }
        candidate.triggered = true;
        for (Dependency condition : candidate.pkg.installIf()) {
            Slot slot = slot(condition);
            if (!slot.locked || !met(condition, slot.chosen)) {
                candidate.triggered = false;
                candidate.untriggerable = slot.locked;
                return;
            }
        }
        for (Dependency condition : candidate.pkg.installIf()) {
            Option cause = slot(condition).chosen;
            candidate.inherit(cause == null ? null : cause.candidate());
        }
    }

    /** What all remaining candidates depend on is needed whichever is taken; with one candidate its versions count as well. */
    private void applyCommon(List<Candidate> group) {
        Candidate first = group.get(0);
        if (group.size() == 1) {
            first.pkg.depends().stream().filter(dependency -> !dependency.conflict()).distinct()
                    .filter(dependency -> appliedOnce(first, dependency)).forEach(dependency -> apply(dependency, first));
            return;
        }
        for (Dependency dependency : first.pkg.depends()) {
            Slot slot = slot(dependency);
            if (!dependency.conflict() && slot.wanted == 0 && group.stream().allMatch(one -> dependsOn(one, dependency.name()))) {
                want(slot);
                slot.options.forEach(option -> option.candidate().inherit(first));
            }
        }
    }

    private final Set<String> applied = new java.util.HashSet<>();

    private boolean appliedOnce(Candidate by, Dependency dependency) {
        return applied.add(by.pkg.checksum() + " " + dependency);
    }

    private static boolean dependsOn(Candidate candidate, String name) {
        for (Dependency dependency : candidate.pkg.depends()) {
            if (!dependency.conflict() && dependency.name().equals(name)) {
                return true;
            }
        }
        return false;
    }

    /** What all remaining candidates provide in some version nobody else may provide. */
    private void provideCommon(Slot slot, List<Candidate> group) {
        Package first = group.get(0).pkg;
        List<String> names = new ArrayList<>();
        names.add(first.name());
        first.provides().stream().filter(provided -> !provided.version().isEmpty()).map(Dependency::name).forEach(names::add);
        for (String name : names) {
            if (!name.equals(slot.name.text()) && group.stream().allMatch(one -> carries(one.pkg, name))) {
                excludeOthers(slot, choices.slot(catalog.name(name)));
            }
        }
    }

    /** Whether the package occupies the name, so that no other package with it can be there too. */
    private static boolean carries(Package pkg, String name) {
        if (pkg.name().equals(name)) {
            return true;
        }
        for (Dependency provided : pkg.provides()) {
            if (!provided.version().isEmpty() && provided.name().equals(name)) {
                return true;
            }
        }
        return false;
    }

    private void excludeOthers(Slot wanted, Slot slot) {
        for (Option option : slot.options) {
            Candidate candidate = option.candidate();
            if (candidate.usable && option.version() != null && wanted.options.stream().noneMatch(one -> one.candidate() == candidate)) {
                disqualify(candidate);
            }
        }
    }

    /** Puts a name that needs a decision in line; one that is looked at again and has a single candidate left goes to the front. */
    private void enqueue(Slot slot) {
        if (slot.wanted == 0 && !slot.triggered) {
            open.remove(slot);
            single.remove(slot);
        } else if (open.contains(slot)) {
            if (!slot.severalOptions) {
                open.remove(slot);
                single.add(slot);
            }
        } else if (!single.contains(slot)) {
            open.add(slot);
        }
    }

    /** The name to decide next; null when all are decided. */
    private Slot next() {
        if (!single.isEmpty()) {
            Slot first = single.iterator().next();
            single.remove(first);
            return first;
        }
        return open.pollFirst();
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
        lock(choices.slot(catalog.name(candidate.pkg.name())), new Option(candidate, candidate.pkg.version()));
        for (Dependency provided : candidate.pkg.provides()) {
            lock(slot(provided), new Option(candidate, provided.version().isEmpty() ? null : provided.version()));
        }
        for (Dependency dependency : candidate.pkg.depends()) {
            apply(dependency, candidate);
        }
    }

    /** Purely provided names have to be asked for by a package of its own right, or by a provider_priority. */
    private boolean eligible(Slot slot, Option option) {
        Candidate candidate = option.candidate();
        if (slot.wanted == 0 && (!candidate.triggered || !candidate.tagAllowed())) {
            return false;
        }
        return option.version() != null || candidate.pkg.priority() != 0
                || choices.slot(catalog.name(candidate.pkg.name())).wanted > 0;
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
        open.remove(slot);
        single.remove(slot);
        if (option != null) {
            for (Option other : slot.options) {
                boolean together = option.version() == null && other.version() == null;
                if (other.candidate() != option.candidate() && !together && other.candidate().usable) {
                    disqualify(other.candidate());
                }
            }
        }
        recheckDependents(slot);
        recheckInstallIf(slot);
    }
}
