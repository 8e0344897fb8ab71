package lib;

import java.net.URI;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.TreeMap;
import java.util.TreeSet;
import java.util.function.Consumer;
import java.util.function.Supplier;
import lib.apk.Catalog;
import lib.apk.Dependency;
import lib.apk.Installation;
import lib.apk.Keys;
import lib.apk.Package;
import lib.apk.Plan;
import lib.apk.PlanText;
import lib.apk.Repository;
import lib.apk.SignedIndex;
import lib.apk.Stanzas;
import lib.tool.Cache;
import lib.tool.Digest;
import lib.tool.Failure;
import lib.tool.Tools;
import lib.tool.Trees;

/** Which packages come onto the miniroot: those of the lock while it fits, else those that the indexes give. */
final class PackageChoice {
    private final Config.Alpine config;
    private final BuildLock.Use use;
    private final Tools tools;
    private final Miniroot miniroot;
    private final Installation base;
    private final List<Repository> repositories;
    private final Supplier<List<PackageIndex>> indexes;
    private final Map<Dependency, Config.Line> atoms;
    private final Consumer<Set<Package>> coming;
    private final Keys keys;

    /**
     * @param base the miniroot, unpacked for reading
     * @param indexes those of the repositories, asked for only when the lock does not answer
     * @param coming told of packages that will be chosen in any case, before the others are known
     */
    PackageChoice(Config.Alpine config, BuildLock.Use use, Tools tools, Miniroot miniroot, Installation base, List<Repository> repositories,
            Supplier<List<PackageIndex>> indexes, Map<Dependency, Config.Line> atoms, Consumer<Set<Package>> coming) {
        this.config = config;
        this.use = use;
        this.tools = tools;
        this.miniroot = miniroot;
        this.base = base;
        this.repositories = repositories;
        this.indexes = indexes;
        this.atoms = atoms;
        this.coming = coming;
        this.keys = base.keys().addFolder(config.keys());
    }

    /** A plan and the lock that stands for it. */
    record Chosen(Plan plan, PackageLock lock) { }

    /** @param locked what the lock says; used as it is when it fits, else its packages are preferred to others */
    Chosen choose(PackageLock locked, boolean fits) {
        if (fits) {
            repositories.forEach(this::refuseForgedIndex);
            Path text = tools.cache().get(lockedKey(locked), target -> Files.writeString(target, PlanText.write(fromLock(locked), repositories)));
            return kept(plan(text), text, locked);
        }
        Map<String, String> identities = new TreeMap<>();
        indexes.get().forEach(index -> identities.put(index.repository().name(), index.sha256()));
        Set<String> preferred = preferred(locked);
        Path text = tools.cache().get(key().with("indexes", identities).with("preferred", new TreeSet<>(preferred)),
                target -> Files.writeString(target, PlanText.write(plan(catalog(preferred)), repositories)));
        Plan plan = plan(text);
        Map<String, PackageLock.Entry> entries = new TreeMap<>();
        plan.packages().forEach(pkg -> entries.put(pkg.name(), PackageLock.Entry.of(pkg)));
        List<String> request = PackageLock.request(config, atoms.keySet().stream().map(Dependency::toString).toList());
        PackageLock now = new PackageLock(request, miniroot, identities, entries);
        tools.cache().get(lockedKey(now), target -> Files.copy(text, target));
        return kept(plan, text, now);
    }

    private Chosen kept(Plan plan, Path text, PackageLock lock) {
        tools.cache().get(packagesKey(lock), target -> Files.copy(text, target));
        return new Chosen(plan, lock);
    }

    private Plan plan(Path text) {
        return PlanText.read(Trees.read(text), base.packages(), repositories);
    }

    private Cache.Key key() {
        return Cache.Key.of("alpine-plan", "packages").with("world", world()).with("miniroot", miniroot.sha256()).with("keys", fingerprints())
                // The plan says which line asked for what.
                .with("lines", atoms.values().stream().map(Config.Line::place).toList()).with("repositories", names());
    }

    /** A plan with exactly the locked packages, whatever asked for them: indexes forget packages, and their signed lines are needed again. */
    private Cache.Key packagesKey(PackageLock locked) {
        return Cache.Key.of("alpine-locked", "packages").with("locked", locked.packages().values()).with("miniroot", miniroot.sha256()).with("keys", fingerprints())
                .with("repositories", names());
    }

    private List<String> names() {
        return repositories.stream().map(one -> one.name() + "@" + one.tag()).toList();
    }

    private Cache.Key lockedKey(PackageLock locked) {
        return key().with("locked", locked.packages().values());
    }

    private List<Dependency> world() {
        return base.worldWith(atoms.keySet());
    }

    private String fingerprints() {
        StringBuilder text = new StringBuilder();
        keys.files().forEach((name, bytes) -> text.append(name).append(' ').append(Digest.sha256(bytes)).append('\n'));
        return text.toString();
    }

    /** Checksums of locked packages that are to stay if they can. */
    private Set<String> preferred(PackageLock locked) {
        Set<String> checksums = new HashSet<>();
        locked.packages().values().stream().filter(entry -> !use.renews(entry.name())).forEach(entry -> checksums.add(entry.checksum()));
        return checksums;
    }

    /**
     * The lock names packages by their checksums, so no index is needed; but one of this machine whose signature does not hold means
     * that somebody has been at the mirror, and looking costs nothing.
     */
    private void refuseForgedIndex(Repository repository) {
        URI place = PackageIndex.places(repository, config.arch()).get(0);
        if (place.getScheme().equals("file") && Files.exists(Path.of(place))) {
            PackageIndex index = PackageIndex.fetch(List.of(repository), config.arch(), tools.download()).get(0);
            tools.cache().get(Cache.Key.of("index-verified", repository.name()).with("index", index.sha256()).with("keys", fingerprints()), target -> {
                SignedIndex.read(index.file(), keys, place.toString());
                Files.writeString(target, place + "\n");
            });
        }
    }

    private Catalog catalog(Set<String> preferred) {
        Catalog catalog = new Catalog();
        catalog.addInstalled(base.packages());
        record Verified(Repository repository, List<Package> packages) { }
        indexes.get().parallelStream().map(index -> {
            String source = PackageIndex.places(index.repository(), config.arch()).get(0).toString();
            return new Verified(index.repository(), Stanzas.read(SignedIndex.read(index.file(), keys, source), source));
        }).toList().forEach(index -> catalog.addIndex(index.repository(), index.packages()));
        catalog.prefer(preferred);
        return catalog;
    }

    private Plan plan(Catalog catalog) {
        coming.accept(catalog.certain(world()));
        return Plan.of(catalog, world(), atom -> Optional.ofNullable(atoms.get(atom)).map(Config.Line::place).orElse(""));
    }

    /** The plan when nothing but the locked packages exists. */
    private Plan fromLock(PackageLock locked) {
        Catalog only = new Catalog();
        only.addInstalled(base.packages());
        tools.cache().find(packagesKey(locked)).map(text -> plan(text).packages()).orElseGet(() -> indexed(locked)).forEach(only::addPackage);
        Plan plan = plan(only);
        Set<String> chosen = new HashSet<>();
        plan.packages().forEach(pkg -> chosen.add(pkg.checksum()));
        locked.packages().values().stream().filter(entry -> !chosen.contains(entry.checksum())).findFirst().ifPresent(entry -> {
            throw new Failure(use.file() + " names " + entry.name() + " " + entry.version() + ", which nothing needs", "run with --update-lock");
        });
        return plan;
    }

    /** The locked packages as the indexes have them. */
    private List<Package> indexed(PackageLock locked) {
        Catalog all = catalog(Set.of());
        List<Package> found = new ArrayList<>();
        List<String> missing = new ArrayList<>();
        for (PackageLock.Entry entry : locked.packages().values()) {
            all.find(entry.checksum()).ifPresentOrElse(found::add, () -> missing.add(entry.name() + " " + entry.version()));
        }
        if (!missing.isEmpty()) {
            throw new Failure("the repositories no longer have what " + use.file() + " names: " + String.join(", ", missing),
                    "run with --update-lock to take the packages of today");
        }
        return found;
    }
}
