package lib;

import java.nio.file.Path;
import java.time.Instant;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.function.Consumer;
import java.util.function.Supplier;
import lib.apk.Dependency;
import lib.apk.Installation;
import lib.apk.Package;
import lib.apk.Plan;
import lib.apk.Repository;
import lib.tool.Ahead;
import lib.tool.Archive;
import lib.tool.Download;
import lib.tool.Failure;
import lib.tool.Tools;
import lib.tool.Trees;

/**
 * Phase 2: Alpine's base system and the packages of packages.list, installed into an empty root tree as apk would do it.
 *
 * <p>Trust begins with the checksum of the miniroot, whose keys (and those in config/keys) have to have signed the indexes; the indexes
 * name each package by its checksum. There is no way around a check.
 */
public record Alpine(Config.Alpine config, BuildLock.Use lock, Tools tools) {

    /**
     * What was installed.
     *
     * @param release exact release: {@code 3.19.4}
     * @param packages the whole image, sorted by name
     */
    public record Installed(String release, String arch, List<InstalledPackage> packages) { }

    /**
     * A package of the image.
     *
     * @param size bytes of the installed files
     * @param repository name of its repository; empty for a package of the miniroot that no repository has
     * @param checksum identity: {@code Q1} and base64
     * @param files relative to the root tree
     * @param reason {@code packages.list:3 asks for jq}, {@code jq needs so:libjq.so.1}; empty for what only the miniroot asked for
     */
    public record InstalledPackage(String name, String version, String origin, String license, long size, String repository, String checksum,
            List<String> files, String reason) { }

    /**
     * Installs into {@code root}, which is empty or absent, and takes it away again when that fails. Needs user id 0, of the machine or of
     * a user namespace.
     */
    public Installed installInto(Path root) {
        Choosing choosing = new Choosing();
        Ahead<Installation> unpacked = Ahead.begin(() -> unpack(choosing.miniroot, root));
        try (PackageFetch files = new PackageFetch(tools.download())) {
            PackageChoice.Chosen chosen = choosing.choose(files::begin);
            Installation tree = unpacked.get();
            tools.console().step("Fetch, verify and install packages", () -> install(chosen.plan(), files, tree),
                    count -> count + " packages fetched, verified and installed");
            writeLock(chosen.lock());
            return installed(choosing.miniroot, chosen.plan(), tree);
        } catch (RuntimeException e) {
            unpacked.settle();
            Trees.delete(root);
            throw e;
        }
    }

    /** What {@link #installInto} would do; nothing is installed or written. */
    public Plan plan() {
        return new Choosing().choose(certain -> { }).plan();
    }

    private Installation unpack(Miniroot miniroot, Path root) {
        return tools.console().step("Unpack the miniroot", () -> {
            Archive.extract(miniroot.fetch(config, tools.download()), root, Archive.Limits.ROOT_TREE);
            return Installation.open(root);
        });
    }

    /** The way from packages.list and build.lock to a plan; the miniroot is known first, the packages when their indexes were read. */
    private final class Choosing {
        private final Map<Dependency, Config.Line> atoms = atoms();
        private final PackageLock locked = PackageLock.of(lock.read());
        private final boolean fits;
        private final Supplier<List<PackageIndex>> indexes;
        private final Miniroot miniroot;

        Choosing() {
            List<String> request = PackageLock.request(config, atoms.keySet().stream().map(Dependency::toString).toList());
            if (lock.mode() == BuildLock.Mode.LOCKED) {
                locked.demand(request, lock);
            }
            fits = !lock.renews("alpine") && locked.packages().keySet().stream().noneMatch(lock::renews) && locked.request().equals(request);
            Supplier<List<PackageIndex>> fetch = () -> PackageIndex.fetch(repositories(), config.arch(), tools.download());
            indexes = fits ? fetch : Ahead.begin(fetch)::get;
            miniroot = locked.hasRelease(config) && !lock.renews("alpine") ? locked.miniroot() : tools.console().step("Find the Alpine release", () -> Miniroot.find(config, tools.download()),
                    found -> "Alpine " + found.release() + " for " + found.arch());
        }

        /** @param coming told of packages that will be chosen in any case, before the others are known */
        PackageChoice.Chosen choose(Consumer<Set<Package>> coming) {
            Installation base = Installation.open(miniroot.base(config, tools));
            PackageChoice choice = new PackageChoice(config, lock, tools, miniroot, base, repositories(), indexes, atoms, coming);
            PackageChoice.Chosen chosen = tools.console().step("Choose packages", () -> choice.choose(locked, fits),
                    one -> one.plan().wanted().size() + " packages to install" + (fits ? ", as locked" : ""));
            refuseOpenrc(chosen.plan());
            return chosen;
        }
    }

    /** Installs each package as soon as it and those before it are verified, while the next ones come. */
    private int install(Plan plan, PackageFetch files, Installation tree) {
        long start = Instant.now().getEpochSecond();
        List<Package> wanted = plan.wanted();
        files.beginAll(wanted);
        tree.apply(plan, files::take, tools.shell());
        tree.settleDays(start, Instant.now().getEpochSecond(), config.epoch());
        return wanted.size();
    }

    private void writeLock(PackageLock now) {
        BuildLock file = lock.read();
        PackageLock before = PackageLock.of(file);
        if (!before.isEmpty()) {
            now.changesSince(before).forEach(tools.console()::detail);
        }
        if (lock.mode() != BuildLock.Mode.LOCKED) {
            now.into(file).write();
        }
    }

    /** main and community of the release, then the lines of config/repositories. */
    List<Repository> repositories() {
        List<Repository> repositories = new ArrayList<>();
        for (String name : List.of("main", "community")) {
            repositories.add(new Repository(name, "", config.mirrors().stream()
                    .map(mirror -> Download.child(mirror, Miniroot.branch(config.version()) + "/" + name)).toList(), repositories.size()));
        }
        for (Config.Line line : config.repositories()) {
            String[] words = line.text().split("\\s+");
            boolean tagged = words[0].startsWith("@") && words.length == 2;
            if (!tagged && words.length != 1) {
                throw line.wrong("not a repository", "write [@tag ]URL");
            }
            String url = words[words.length - 1];
            try {
                repositories.add(new Repository(url, tagged ? words[0].substring(1) : "", List.of(Download.uri(url, config.base())), repositories.size()));
            } catch (Failure e) {
                throw e.at(line.place());
            }
        }
        return repositories;
    }

    /** The atoms of packages.list, each with its line. */
    Map<Dependency, Config.Line> atoms() {
        Map<Dependency, Config.Line> atoms = new LinkedHashMap<>();
        for (Config.Line line : config.packages()) {
            for (String word : line.text().split("\\s+")) {
                try {
                    atoms.putIfAbsent(Dependency.parse(word), line);
                } catch (IllegalArgumentException e) {
                    throw line.wrong(e.getMessage(), "write name, name=1.2-r0, name~1.2, name>1 or !name, and @tag behind the name");
                }
            }
        }
        return atoms;
    }

    private static void refuseOpenrc(Plan plan) {
        for (Plan.Step step : plan.steps()) {
            if (step.to().filter(pkg -> pkg.name().equals("openrc")).isPresent()) {
                throw new Failure("the packages would bring in openrc, which this system does not have: " + step.reason(),
                        "take out of packages.list what needs it, or look for another package that does the same");
            }
        }
    }

    private static Installed installed(Miniroot miniroot, Plan plan, Installation tree) {
        Map<String, String> repositories = new LinkedHashMap<>();
        plan.packages().forEach(pkg -> repositories.put(pkg.checksum(),
                pkg.repositories().isEmpty() ? "" : pkg.repositories().get(0).name()));
        Map<String, String> reasons = new LinkedHashMap<>();
        plan.steps().forEach(step -> step.to().ifPresent(pkg -> reasons.put(pkg.checksum(), step.reason())));
        List<InstalledPackage> packages = new ArrayList<>();
        for (Package pkg : tree.packages()) {
            packages.add(new InstalledPackage(pkg.name(), pkg.version(), pkg.origin(), pkg.license(), pkg.installedSize(),
                    repositories.getOrDefault(pkg.checksum(), ""), pkg.checksum(), tree.files(pkg),
                    reasons.getOrDefault(pkg.checksum(), "")));
        }
        packages.sort(Comparator.comparing(InstalledPackage::name));
        return new Installed(miniroot.release(), miniroot.arch(), packages);
    }
}
