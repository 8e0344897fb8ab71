package lib;

import com.fasterxml.jackson.annotation.JsonIgnore;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import lib.tool.Console;
import lib.tool.Failure;
import lib.tool.Suggest;
import lib.tool.Tools;
import lib.tool.Trees;

/**
 * Phase 3: the components of sources.conf, cloned and built or downloaded, checked and installed.
 *
 * @param sources all lines of sources.conf
 * @param only the one component that is built; empty for all
 */
public record Components(List<Source> sources, Optional<String> only, Config.Toolchain toolchain, BuildLock.Use lock, Tools tools, boolean offline,
        int jobs) {
    /**
     * A component in the image.
     *
     * @param identity commit of a git component, {@code sha256:...} of a release
     * @param path in the image
     * @param bytes size of the program
     * @param reports version that the program itself prints; empty when it prints none
     * @param crates what Cargo.lock says it is made of; for the SBOM, too long for build.json
     */
    public record Built(String name, String url, String version, String identity, String path, long bytes, String reports,
            @JsonIgnore List<CargoLock.Crate> crates) { }

    /** All components. */
    public Components(List<Source> sources, Config.Toolchain toolchain, BuildLock.Use lock, Tools tools, boolean offline, int jobs) {
        this(sources, Optional.empty(), toolchain, lock, tools, offline, jobs);
    }

    /** The same for one component, when there is a name; a name that sources.conf does not have is a Failure. */
    public Components only(Optional<String> name) {
        List<String> names = sources.stream().map(Source::name).toList();
        name.filter(wanted -> !names.contains(wanted)).ifPresent(wanted -> {
            throw Failure.usage("sources.conf has no component " + wanted, Suggest.hint(wanted, names, "it has " + String.join(" ", names)));
        });
        return new Components(sources, name, toolchain, lock, tools, offline, jobs);
    }

    /**
     * Builds or downloads the components, several at once, and installs the programs in the order of sources.conf. One that fails
     * lets the others finish, then stops the build.
     */
    public List<Built> installInto(RootTree root) {
        ComponentLock locked = ComponentLock.read(lock);
        locked.require(sources);
        List<Source> wanted = sources.stream().filter(source -> only.isEmpty() || only.get().equals(source.name())).toList();
        List<Made> made = makeAll(wanted, locked);
        List<Built> built = new ArrayList<>();
        Map<String, String> identities = new HashMap<>();
        for (int i = 0; i < wanted.size(); i++) {
            Source source = wanted.get(i);
            Made one = made.get(i);
            root.install(one.program(), one.path(), 0755);
            built.add(new Built(source.name(), source.url(), source.version(), one.identity(), one.path(), one.program().toFile().length(), one.reports(), one.crates()));
            identities.put(source.name(), one.identity().replaceFirst("^sha256:", ""));
        }
        locked.write(sources, identities).forEach(change -> tools.console().detail("build.lock: " + change));
        return List.copyOf(built);
    }

    private List<Made> makeAll(List<Source> wanted, ComponentLock locked) {
        int workers = Math.max(1, Math.min(jobs, wanted.size()));
        ExecutorService pool = Executors.newFixedThreadPool(workers);
        try {
            RepositoryBuild repositories = new RepositoryBuild(toolchain, locked, tools, offline, Math.max(1, jobs / workers));
            ReleaseInstall releases = new ReleaseInstall(toolchain, locked, tools);
            List<Future<Made>> running = wanted.stream().map(source -> pool.submit(() -> step(source, repositories, releases))).toList();
            List<Made> made = new ArrayList<>();
            List<Failure> failures = new ArrayList<>();
            for (Future<Made> one : running) {
                try {
                    made.add(one.get());
                } catch (ExecutionException e) {
                    failures.add(e.getCause() instanceof Failure f ? f : new Failure("while building a component: " + e.getCause(), "", e.getCause()));
                }
            }
            if (!failures.isEmpty()) {
                throw together(failures);
            }
            return made;
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw new Failure("interrupted while building components", "", e);
        } finally {
            pool.shutdownNow();
        }
    }

    private Made step(Source source, RepositoryBuild repositories, ReleaseInstall releases) {
        String title = source.name() + " " + source.version();
        try {
            return tools.console().step(title, () -> source.type() == Source.Type.GIT ? repositories.make(source) : releases.make(source),
                    made -> title + " (" + ComponentLock.shortened(made.identity().replaceFirst("^sha256:", "")) + ", " + Console.mib(made.program().toFile().length())
                            + (made.reports().isEmpty() ? ")" : ", says " + made.reports() + ")"));
        } catch (Failure e) {
            tools.console().detail(title + " failed");
            throw e;
        }
    }

    private static Failure together(List<Failure> failures) {
        Failure first = failures.get(0);
        return failures.size() == 1 ? first : new Failure(failures.size() + " components failed\n" + String.join("\n", failures.stream()
                .map(one -> one.what() + (one.hint().isEmpty() ? "" : "\n  hint: " + one.hint())).toList()), "").exit(first.exitCode());
    }

    /**
     * A program in the cache, checked.
     *
     * @param identity as in {@link Built}
     * @param path in the image
     */
    record Made(Path program, String identity, String path, String reports, List<CargoLock.Crate> crates) {
        private static final String PROGRAM = "program";
        private static final String REPORTS = "version";
        private static final String CRATES = "Cargo.lock";

        /** Checks a fresh program and makes {@code entry} of the cache from it. */
        static void keep(Source source, Path program, Path entry, ProgramCheck check) throws IOException {
            check.require(source, program);
            Files.createDirectory(entry);
            Files.copy(program, entry.resolve(PROGRAM));
            Files.writeString(entry.resolve(REPORTS), check.version(program));
        }

        /** Keeps the list of crates beside the program. */
        static void keepCrates(Path lock, Path entry) throws IOException {
            Files.copy(lock, entry.resolve(CRATES));
        }

        static Made kept(Path entry, String identity, String path) {
            Path crates = entry.resolve(CRATES);
            return new Made(entry.resolve(PROGRAM), identity, path, Trees.read(entry.resolve(REPORTS)), Files.exists(crates) ? CargoLock.read(crates) : List.of());
        }
    }
}
