package lib.apk;

import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Deque;
import java.util.HashSet;
import java.util.List;
import java.util.Set;
import lib.apk.Choices.Candidate;
import lib.apk.Choices.Option;
import lib.apk.Choices.Slot;

/**
 * What follows from the constraints and decisions made so far: which candidates are out, which names are needed, which packages install
 * themselves. Names about which something new is known wait in line until {@link #settle} has drawn all conclusions.
 */
final class Constraints {
    private final Choices choices;
    private final Pending pending;
    private final Deque<Slot> dirty = new ArrayDeque<>();
    /** Packages and dependencies of theirs that were applied because nothing else could be taken. */
    private final Set<String> applied = new HashSet<>();

    /** @param pending is told of every name that needs a decision */
    Constraints(Choices choices, Pending pending) {
        this.choices = choices;
        this.pending = pending;
    }

    /** Draws all conclusions that can be drawn without a decision. */
    void settle() {
        while (!dirty.isEmpty()) {
            Slot slot = dirty.poll();
            slot.dirty = false;
            reconsider(slot);
        }
    }

    /** The dependency of {@code by} (null: of the world) has to be met. */
    void apply(Dependency dependency, Candidate by) {
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

    /** The candidate can no longer be chosen. */
    void disqualify(Candidate candidate) {
        candidate.usable = false;
        choices.carriedNames(candidate.pkg).forEach(this::recheckDependents);
        recheckWaiting(candidate.pkg);
    }

    /** A decision was made for the slot: what depends on it is looked at again. */
    void decided(Slot slot) {
        recheckDependents(slot);
        recheckInstallIf(slot);
    }

    private Slot slot(Dependency dependency) {
        return choices.slot(dependency);
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
            for (Slot slot : choices.carriedNames(pkg)) {
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
        pending.offer(slot);
        if (!group.isEmpty()) {
            for (Option option : slot.options) {
                option.candidate().grouped = option.candidate().grouping;
            }
            applyCommon(group);
            provideCommon(slot, group);
        }
        if (!slot.reconsidered) {
            slot.reconsidered = true;
            slot.dependents.stream().filter(pending::contains).forEach(pending::offer);
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
    static boolean met(Dependency dependency, Option chosen) {
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
                excludeOthers(slot, choices.slot(name));
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
}
