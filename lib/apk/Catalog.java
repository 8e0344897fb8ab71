package lib.apk;

import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Collection;
import java.util.Comparator;
import java.util.Deque;
import java.util.HashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;

/**
 * All packages that can be chosen from: those already installed and those of the indexes, found by every name they carry.
 *
 * <p>Two stanzas with the same checksum are one package, in all the repositories that list it.
 */
public final class Catalog {
    private final Map<String, Name> names = new HashMap<>(1 << 17);
    private final Map<String, Package> byChecksum = new HashMap<>(1 << 15);
    private final List<Package> installed = new ArrayList<>();

    /** One who carries a name: a package and the version it carries it in, null for a provided name without version. */
    record Provider(Package pkg, String version) { }

    /** A name that packages have, provide or ask for. */
    static final class Name {
        private final String text;
        private final int id;
        private final List<Provider> providers = new ArrayList<>(1);
        /** As they were added, or since {@link #installIf} was asked for in its order. */
        private List<Name> installIf = List.of();
        private boolean ordered;

        private Name(String text, int id) {
            this.text = text;
            this.id = id;
        }

        String text() {
            return text;
        }

        int id() {
            return id;
        }

        List<Provider> providers() {
            return providers;
        }

        private void addInstallIf(List<Name> waiting) {
            if (installIf.isEmpty()) {
                installIf = new ArrayList<>(waiting.size());
            }
            installIf.addAll(waiting);
            ordered = false;
        }

        /** Names of packages that have this name among their install_if conditions, in the order in which apk has them (that of its hash table of names). */
        List<Name> installIf() {
            if (!ordered && !installIf.isEmpty()) {
                List<Name> byAge = installIf.stream().distinct().sorted(Comparator.comparingInt(Name::id)).toList();
                installIf = new ArrayList<>();
                new ApkHash<>(byAge, Name::text).forEach(installIf::add);
            }
            ordered = true;
            return installIf;
        }

        @Override
        public String toString() {
            return text;
        }
    }

    /** Adds the packages that are in the tree already; called before indexes are added. */
    public void addInstalled(Collection<Package> packages) {
        for (Package pkg : packages) {
            pkg.markInstalled();
            installed.add(pkg);
            add(pkg);
        }
    }

    /** Adds the packages of an index: see {@link Stanzas}. */
    public void addIndex(Repository repository, List<Package> packages) {
        packages.forEach(pkg -> add(pkg).addRepository(repository));
    }

    private Package add(Package pkg) {
        Package known = byChecksum.putIfAbsent(pkg.checksum(), pkg);
        if (known != null) {
            return known;
        }
        List<Name> carried = new ArrayList<>(1 + pkg.provides().size());
        carried.add(carry(pkg.name(), pkg, pkg.version()));
        for (Dependency provided : pkg.provides()) {
            carried.add(carry(provided.name(), pkg, provided.version().isEmpty() ? null : provided.version()));
        }
        for (Dependency condition : pkg.installIf()) {
            name(condition.name()).addInstallIf(carried);
        }
        return pkg;
    }

    private Name carry(String text, Package pkg, String version) {
        Name name = name(text);
        name.providers.add(new Provider(pkg, version));
        return name;
    }

    /**
     * Packages that come in any case where {@code world} can be had: an atom of it, or a dependency of theirs, is met by them alone. In the
     * order in which they were come across; those that are installed, and what only they need, left out.
     */
    public Set<Package> certain(Collection<Dependency> world) {
        Set<Package> certain = new LinkedHashSet<>();
        Deque<Dependency> open = new ArrayDeque<>(world);
        while (!open.isEmpty()) {
            Optional<Package> only = onlyOne(open.remove());
            if (only.isPresent() && !only.get().installed() && certain.add(only.get())) {
                open.addAll(only.get().depends());
            }
        }
        return certain;
    }

    private Optional<Package> onlyOne(Dependency dependency) {
        Name name = names.get(dependency.name());
        if (name == null || dependency.conflict()) {
            return Optional.empty();
        }
        List<Package> fitting = name.providers.stream().filter(provider -> dependency.satisfiedBy(provider.version(), provider.pkg()))
                .map(Provider::pkg).distinct().limit(2).toList();
        return fitting.size() == 1 ? Optional.of(fitting.get(0)) : Optional.empty();
    }

    /** The package with this checksum. */
    public Optional<Package> find(String checksum) {
        return Optional.ofNullable(byChecksum.get(checksum));
    }

    /** Packages that are preferred to other versions of theirs, by checksum; unknown ones do not matter. */
    public void prefer(Collection<String> checksums) {
        checksums.forEach(checksum -> find(checksum).ifPresent(Package::markLocked));
    }

    /** Adds a package of another catalog, or of a package file. */
    public void addPackage(Package pkg) {
        add(pkg);
    }

    /** The name, which is made when nobody has mentioned it yet. */
    Name name(String text) {
        Name name = names.get(text);
        if (name == null) {
            name = new Name(text, names.size());
            names.put(text, name);
        }
        return name;
    }

    /** How many names there are; their ids are below it. */
    int size() {
        return names.size();
    }

    List<Package> installed() {
        return installed;
    }

    /** Names of everything that can be asked for. */
    List<String> installable() {
        return names.values().stream().filter(name -> !name.providers.isEmpty()).map(Name::text).toList();
    }
}
