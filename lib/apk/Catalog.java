package lib.apk;

import java.util.ArrayList;
import java.util.Collection;
import java.util.Comparator;
import java.util.HashMap;
import java.util.HashSet;
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
    /** Names with a package that installs itself beside others. */
    private final Set<Name> interested = new HashSet<>();
    private boolean linked;

    /** One who carries a name: a package and the version it carries it in, null for a provided name without version. */
    record Provider(Package pkg, String version) { }

    /** A name that packages have, provide or ask for. */
    static final class Name {
        private final String text;
        private final int id;
        private final List<Provider> providers = new ArrayList<>(1);
        private List<Name> installIf = List.of();

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

        /** Names of packages that have this name among their install_if conditions. */
        List<Name> installIf() {
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

    /** Adds the stanzas of an index; {@code source} names it in errors. */
    public void addIndex(Repository repository, byte[] text, String source) {
        Stanzas.read(text, source).forEach(pkg -> add(pkg).addRepository(repository));
    }

    private Package add(Package pkg) {
        Package known = byChecksum.putIfAbsent(pkg.checksum(), pkg);
        if (known != null) {
            return known;
        }
        linked = false;
        carry(name(pkg.name()), pkg, pkg.version());
        for (Dependency provided : pkg.provides()) {
            carry(name(provided.name()), pkg, provided.version().isEmpty() ? null : provided.version());
        }
        for (Dependency condition : pkg.installIf()) {
            name(condition.name());
        }
        return pkg;
    }

    private void carry(Name name, Package pkg, String version) {
        name.providers.add(new Provider(pkg, version));
        if (!pkg.installIf().isEmpty()) {
            interested.add(name);
        }
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

    /** Connects names with the packages that wait for them, in the order in which apk does (that of its hash table of names). */
    void link() {
        if (linked) {
            return;
        }
        Map<Name, List<Name>> waiting = new HashMap<>();
        List<Name> sorted = new ArrayList<>(interested);
        sorted.sort(Comparator.comparingInt(Name::id));
        for (Name name : new ApkHash<>(sorted, Name::text)) {
            for (Provider provider : name.providers) {
                for (Dependency condition : provider.pkg().installIf()) {
                    List<Name> list = waiting.computeIfAbsent(name(condition.name()), any -> new ArrayList<>());
                    if (list.isEmpty() || list.get(list.size() - 1) != name) {
                        list.add(name);
                    }
                }
            }
        }
        waiting.forEach((name, list) -> name.installIf = list);
        linked = true;
    }
}
