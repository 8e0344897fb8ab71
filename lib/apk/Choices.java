package lib.apk;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.IdentityHashMap;
import java.util.List;
import java.util.Map;
import lib.apk.Catalog.Name;
import lib.apk.Catalog.Provider;

/**
 * What one run of the resolver knows about each name and each package it has come across. A {@link Slot} is a name that needs a
 * decision, a {@link Candidate} a package that may fill slots, an {@link Option} a candidate as it stands in one slot.
 */
final class Choices {
    /** The mask of packages without a repository tag. */
    static final int UNTAGGED = 1;

    private final Catalog catalog;
    private final Map<Package, Candidate> candidates = new IdentityHashMap<>();
    private final List<String> tags = new ArrayList<>(List.of(""));
    private Slot[] slots;

    Choices(Catalog catalog) {
        this.catalog = catalog;
        this.slots = new Slot[catalog.size() + 1];
    }

    /** A candidate in one slot, with the version it carries there (null: none). */
    record Option(Candidate candidate, String version) {
        boolean satisfies(Dependency dependency) {
            return dependency.satisfiedBy(version, candidate.pkg);
        }
    }

    /** A name. */
    static final class Slot {
        final Name name;
        final List<Option> options = new ArrayList<>(2);
        /** Slots that have a candidate which depends on this name. */
        final List<Slot> dependents = new ArrayList<>();
        boolean seen;
        /** How many constraints ask for it. */
        int wanted;
        boolean locked;
        /** The decision when {@link #locked}; null means that nothing has this name. */
        Option chosen;
        boolean checkDepends;
        boolean checkInstallIf;
        boolean dirty;
        boolean severalOptions;
        /** It was looked at once. */
        boolean reconsidered;
        /** Highest provider_priority of its candidates. */
        int priority;
        /** When it got in line for a decision. */
        int turn;
        /** One of its candidates is to be installed because its install_if conditions are met. */
        boolean triggered;
        /** Length of the longest chain of dependencies below it. */
        int depth;
        /** 0: all candidates are packages of this name, 1: some are, 2: none is. */
        int kind;
        /** How many of the options just looked at depend on (provide) this name; only meaningful while they are counted. */
        int dependCount;
        int provideCount;

        Slot(Name name) {
            this.name = name;
        }

        @Override
        public String toString() {
            return name.text();
        }
    }

    /** A package. */
    static final class Candidate {
        final Package pkg;
        final int tags;
        boolean seen;
        /** False once nothing can make it fit any more. */
        boolean usable = true;
        int conflicts;
        int depth;
        /** It was among the options whose common dependencies were applied last. */
        boolean grouped;
        boolean grouping;
        boolean triggered;
        boolean untriggerable;
        int allowedTags = UNTAGGED;
        int preferredTags = UNTAGGED;

        Candidate(Package pkg, int tags) {
            this.pkg = pkg;
            this.tags = tags;
            this.untriggerable = pkg.installIf().isEmpty();
        }

        boolean tagAllowed() {
            return (tags & allowedTags) != 0;
        }

        boolean tagPreferred() {
            return (tags & preferredTags) != 0;
        }

        /** What is allowed for the one that asks is allowed for what it asks for. */
        void inherit(Candidate from) {
            if (from != null) {
                allowedTags |= from.allowedTags;
            }
        }

        @Override
        public String toString() {
            return pkg.toString();
        }
    }

    /** The slot of a name, which is made on first use with all its options. */
    Slot slot(Name name) {
        if (name.id() >= slots.length) {
            slots = Arrays.copyOf(slots, name.id() * 2);
        }
        Slot slot = slots[name.id()];
        if (slot == null) {
            slot = new Slot(name);
            slots[name.id()] = slot;
            int others = 0;
            for (Provider provider : name.providers()) {
                slot.options.add(new Option(candidate(provider.pkg()), provider.version()));
                slot.priority = Math.max(slot.priority, provider.pkg().priority());
                others += provider.pkg().name().equals(name.text()) ? 0 : 1;
            }
            slot.kind = others == 0 ? 0 : others < slot.options.size() ? 1 : 2;
        }
        return slot;
    }

    Slot slot(String name) {
        return slot(catalog.name(name));
    }

    /** The slot of what a dependency asks for. */
    Slot slot(Dependency dependency) {
        return slot(dependency.name());
    }

    /** All names that a package has: its own, then what it provides. */
    List<Slot> carriedNames(Package pkg) {
        List<Slot> names = new ArrayList<>();
        names.add(slot(pkg.name()));
        for (Dependency provided : pkg.provides()) {
            names.add(slot(provided));
        }
        return names;
    }

    Candidate candidate(Package pkg) {
        Candidate candidate = candidates.get(pkg);
        if (candidate == null) {
            int mask = pkg.installed() ? UNTAGGED : 0;
            for (Repository repository : pkg.repositories()) {
                mask |= tagMask(repository.tag());
            }
            candidate = new Candidate(pkg, mask);
            candidates.put(pkg, candidate);
        }
        return candidate;
    }

    /** One bit per tag; the empty tag has bit 0. */
    int tagMask(String tag) {
        int at = tags.indexOf(tag);
        if (at < 0) {
            at = tags.size();
            tags.add(tag);
        }
        return 1 << at;
    }
}
