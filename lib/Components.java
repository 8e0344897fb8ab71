package lib;

import java.net.URI;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.stream.Stream;
import lib.image.Elf;
import lib.tool.Cache;
import lib.tool.Console;
import lib.tool.Digest;
import lib.tool.Download;
import lib.tool.Failure;
import lib.tool.Git;
import lib.tool.Shell;
import lib.tool.Shell.Command;
import lib.tool.Tools;
import lib.tool.Trees;

/** Phase 3: the components of sources.conf, cloned and built or downloaded, checked and installed. */
public record Components(List<Source> sources, Config.Toolchain toolchain, Tools tools, boolean offline, int jobs) {
    private static final long MAX_RELEASE_BYTES = 1L << 30;

    /**
     * A component in the image.
     *
     * @param identity commit of a git component, {@code sha256:...} of a release
     * @param path in the image
     * @param bytes size of the program
     */
    public record Built(String name, String url, String version, String identity, String path, long bytes) { }

    /**
     * Builds or downloads every component, several at once, and installs the programs in the order of sources.conf. One that fails
     * lets the others finish, then stops the build.
     */
    public List<Built> installInto(RootTree root) {
        refuseSamePath();
        ExecutorService workers = Executors.newFixedThreadPool(Math.max(1, Math.min(jobs, sources.size())));
        try {
            List<Future<Made>> running = sources.stream().map(source -> workers.submit(() -> make(source))).toList();
            List<Made> made = new ArrayList<>();
            List<Failure> failures = new ArrayList<>();
            for (Future<Made> one : running) {
                try {
                    made.add(one.get());
                } catch (ExecutionException e) {
                    failures.add(e.getCause() instanceof Failure f ? f : new Failure("while building a component", "", e.getCause()));
                }
            }
            if (!failures.isEmpty()) {
                throw together(failures);
            }
            made.forEach(one -> root.install(one.program(), one.about().path(), 0755));
            return made.stream().map(Made::about).toList();
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw new Failure("interrupted while building components", "", e);
        } finally {
            workers.shutdownNow();
        }
    }

    private static Failure together(List<Failure> failures) {
        Failure first = failures.get(0);
        return failures.size() == 1 ? first
                : new Failure(failures.size() + " components failed\n" + String.join("\n", failures.stream().map(Failure::what).toList()),
                        first.hint()).exit(first.exitCode());
    }

    private void refuseSamePath() {
        Map<String, Source> byPath = new HashMap<>();
        for (Source source : sources) {
            String path = source.type() == Source.Type.GIT ? Recipes.cargo(source).install() : Recipes.program(source).install();
            Source other = byPath.put(path, source);
            if (other != null) {
                throw Failure.usage(source.where() + ": " + source.name() + " and " + other.name() + " (" + other.where() + ") both install " + path,
                        "give one of them another path with install=");
            }
        }
    }

    /** A program in the cache, and what is known about it. */
    private record Made(Path program, Built about) { }

    private Made make(Source source) {
        return tools.console().step(source.name() + " " + source.version(),
                () -> source.type() == Source.Type.GIT ? build(source, Recipes.cargo(source)) : download(source, Recipes.program(source)),
                made -> source.name() + " " + source.version() + " (" + shortened(made.about().identity()) + ", " + Console.mib(made.about().bytes()) + ")");
    }

    private static Made made(Source source, Path program, String path, String identity) {
        return new Made(program, new Built(source.name(), source.url(), source.version(), identity, path, program.toFile().length()));
    }

    private static String shortened(String identity) {
        return identity.startsWith("sha256:") ? identity.substring(0, 14) : identity.substring(0, 7);
    }

    private Made build(Source source, Recipes.Cargo recipe) {
        Git git = new Git(tools.shell(), tools.cache(), offline);
        String url = source.location(toolchain.base());
        String commit = git.resolve(url, source.version());
        Cache.Key key = Cache.Key.of("component", source.name()).with("commit", commit).with("recipe", recipe)
                .with("target", toolchain.target()).with("flags", FLAGS).with("rustc", tools.shell().output("rustc", "--version"))
                .with("epoch", toolchain.epoch());
        Path program = tools.cache().get(key, target -> {
            Path checkout = tools.cache().temporary(source.name());
            try {
                git.checkout(url, commit, checkout);
                Files.copy(compile(source, recipe, checkout), target);
            } finally {
                Trees.delete(checkout);
            }
            checkStatic(source, target);
        });
        return made(source, program, recipe.install(), commit);
    }

    private static final String FLAGS = "-C target-feature=+crt-static";

    /** Fetches the crates, then builds without a network, in a target folder of the component's own; returns the program. */
    private Path compile(Source source, Recipes.Cargo recipe, Path checkout) {
        Path folder = checkout.resolve(recipe.folder()).normalize();
        if (!Files.exists(folder.resolve("Cargo.toml"))) {
            throw new Failure(source.name() + ": there is no Cargo.toml in the folder " + recipe.folder() + " of " + source.url(),
                    "name the folder with the option dir=");
        }
        requireTarget();
        Path target = tools.cache().folder("cargo-target").resolve(source.name());
        Path home = tools.cache().folder("cargo-home");
        Map<String, String> environment = environment(checkout, target, home);
        List<String> locked = Files.exists(lockFile(folder, checkout)) ? List.of("--locked") : List.of();
        if (!offline) {
            tools.shell().run(Command.of(cargo("fetch", locked, List.of("--target", toolchain.target()))).in(folder).with(environment),
                    "the crates of " + source.name() + " cannot be fetched");
        }
        tools.shell().run(Command.of(cargo("build", locked, arguments(recipe))).in(folder).with(environment),
                source.name() + " does not compile: " + source.where());
        Path program = target.resolve(toolchain.target()).resolve(recipe.profile().equals("dev") ? "debug" : recipe.profile()).resolve(recipe.binary());
        if (!Files.isRegularFile(program)) {
            throw new Failure(source.name() + ": cargo made no program named " + recipe.binary(), "name it with the option bin=");
        }
        return program;
    }

    private List<String> arguments(Recipes.Cargo recipe) {
        List<String> arguments = new ArrayList<>(List.of("--offline", "--profile", recipe.profile(), "--target", toolchain.target(),
                "--jobs", String.valueOf(Math.max(1, jobs / Math.max(1, sources.size()))), "--bin", recipe.binary()));
        if (!recipe.packageName().isEmpty()) {
            arguments.addAll(List.of("--package", recipe.packageName()));
        }
        if (!recipe.features().isEmpty()) {
            arguments.addAll(List.of("--features", String.join(",", recipe.features())));
        }
        return arguments;
    }

    private static List<String> cargo(String verb, List<String> locked, List<String> arguments) {
        return Stream.of(List.of("cargo", verb), locked, userConfiguration(), arguments).flatMap(List::stream).toList();
    }

    /** CARGO_HOME is in the cache, so the user's registries and credentials helpers are named explicitly. */
    private static List<String> userConfiguration() {
        Path home = Optional.ofNullable(System.getenv("CARGO_HOME")).map(Path::of).orElse(Path.of(System.getProperty("user.home"), ".cargo"));
        return Stream.of("config.toml", "config").map(home::resolve).filter(Files::isRegularFile).findFirst()
                .map(file -> List.of("--config", file.toString())).orElse(List.of());
    }

    /** Paths of this machine are mapped away, so that the program's bytes do not depend on where it was built. */
    private Map<String, String> environment(Path checkout, Path target, Path home) {
        Map<String, String> environment = new LinkedHashMap<>();
        environment.put("CARGO_HOME", home.toString());
        environment.put("CARGO_TARGET_DIR", target.toString());
        environment.put("RUSTFLAGS", FLAGS + " --remap-path-prefix=" + checkout + "=/source --remap-path-prefix=" + target
                + "=/target --remap-path-prefix=" + home + "=/cargo");
        environment.put("CARGO_INCREMENTAL", "0");
        environment.put("SOURCE_DATE_EPOCH", String.valueOf(toolchain.epoch()));
        environment.put("CARGO_TERM_COLOR", "never");
        return environment;
    }

    private static Path lockFile(Path folder, Path checkout) {
        Path own = folder.resolve("Cargo.lock");
        return Files.exists(own) ? own : checkout.resolve("Cargo.lock");
    }

    private void requireTarget() {
        Path libraries = Path.of(tools.shell().output("rustc", "--print", "target-libdir", "--target", toolchain.target()));
        if (Files.isDirectory(libraries)) {
            return;
        }
        if (Shell.which("rustup").isPresent() && !offline) {
            tools.shell().run(Command.of("rustup", "target", "add", toolchain.target()), "Rust's library for " + toolchain.target() + " cannot be installed");
            return;
        }
        throw Failure.machine("Rust's standard library for " + toolchain.target() + " is not installed",
                "run: rustup target add " + toolchain.target() + " (or set RUST_TARGET to an installed target)");
    }

    private Made download(Source source, Recipes.Program recipe) {
        URI uri = Download.uri(source.location(toolchain.base()), toolchain.base());
        Path file = source.option("sha256").map(hex -> tools.download().verified(List.of(uri), Download.Checksum.sha256(hex), MAX_RELEASE_BYTES))
                .orElseGet(() -> tools.download().latest(uri, MAX_RELEASE_BYTES));
        String digest = Digest.sha256(file);
        Cache.Key key = Cache.Key.of("release", source.name()).with("sha256", digest).with("recipe", recipe).with("target", toolchain.target());
        Path program = tools.cache().get(key, target -> {
            Path scratch = tools.cache().temporary(source.name());
            try {
                new ReleaseFile(file, uri.getPath(), source).program(recipe.path(), scratch, target);
            } finally {
                Trees.delete(scratch);
            }
            checkStatic(source, target);
        });
        return made(source, program, recipe.install(), "sha256:" + digest);
    }

    /** A program of the image must run before any library is there: ELF for the target's machine, without an interpreter. */
    private void checkStatic(Source source, Path program) {
        if (!Elf.isElf(program)) {
            throw new Failure(source.name() + " is not a program: what " + source.url() + " delivers has no ELF header", source.where());
        }
        Elf elf = Elf.read(program);
        int machine = toolchain.target().startsWith("aarch64") ? Elf.AARCH64 : Elf.X86_64;
        if (elf.machine() != machine) {
            throw new Failure(source.name() + " is for another machine: ELF machine " + elf.machine() + ", wanted " + machine + " for "
                    + toolchain.target(), source.where());
        }
        elf.interpreter().ifPresent(interpreter -> {
            throw new Failure(source.name() + " is not static: it needs " + interpreter, "build it for a musl target, or with +crt-static");
        });
    }
}
