package lib;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.stream.Stream;
import lib.tool.Digest;
import lib.tool.Failure;
import lib.tool.Isolation;
import lib.tool.Shell;
import lib.tool.Shell.Command;
import lib.tool.Tools;
import lib.tool.Trees;

/**
 * Compiles a Rust program: one step fetches the crates, another builds without a network. RUSTC_WRAPPER and the rest of the user's
 * environment reach cargo as they are.
 *
 * @param jobs compilers at once
 */
record CargoBuild(Tools tools, Config.Toolchain toolchain, boolean offline, int jobs) {
    private static final List<String> FLAGS = List.of("-C", "target-feature=+crt-static");

    /** What changes the program besides commit and recipe; for the cache. */
    Map<String, Object> inputs() {
        Map<String, Object> inputs = new LinkedHashMap<>();
        inputs.put("target", toolchain.target());
        inputs.put("epoch", toolchain.epoch());
        inputs.put("flags", FLAGS);
        inputs.put("rustc", rust().identity());
        inputs.put("environment", RustToolchain.variables(System.getenv()));
        inputs.put("cargo configuration", userConfiguration().map(Digest::sha256).orElse(""));
        rust().crossCompiler().ifPresent(gcc -> inputs.put("linker", tools.shell().output(gcc, "--version").lines().findFirst().orElse("")));
        return inputs;
    }

    private RustToolchain rust() {
        return new RustToolchain(tools, toolchain.target(), offline);
    }

    /** Compiles what is checked out in {@code checkout} and returns the program. */
    Path compile(Source source, Recipes.Cargo recipe, Path checkout, String commit) {
        Path folder = checkout.resolve(recipe.folder()).normalize();
        if (!Files.exists(folder.resolve("Cargo.toml"))) {
            throw new Failure(source.where() + ": " + source.name() + ": there is no Cargo.toml in the folder " + recipe.folder() + " of " + source.url(),
                    "name the folder with the option dir=");
        }
        rust().requireTarget(folder);
        Path target = tools.cache().folder("cargo-target").resolve(source.name());
        Map<String, String> environment = environment(checkout, target);
        requireLockFile(source, folder, commit, environment);
        if (!offline) {
            cargo(List.of("fetch", "--locked", "--target", toolchain.target()), folder, environment,
                    source.where() + ": the crates of " + source.name() + " cannot be fetched; is Cargo.lock up to date, is the network there?");
        }
        cargo(arguments(recipe), folder, environment, source.where() + ": " + source.name() + " does not compile"
                + (offline ? "; with --offline all its crates have to be in the cache" : ""));
        String profile = recipe.profile().matches("dev|test") ? "debug" : recipe.profile().equals("bench") ? "release" : recipe.profile();
        Path program = target.resolve(toolchain.target()).resolve(profile).resolve(recipe.binary());
        if (!Files.isRegularFile(program)) {
            throw new Failure(source.where() + ": cargo made no program named " + recipe.binary(), "name it with the option bin=");
        }
        return program;
    }

    private List<String> arguments(Recipes.Cargo recipe) {
        List<String> arguments = new ArrayList<>(List.of("build", "--locked", "--offline", "--profile", recipe.profile(), "--target", toolchain.target(),
                "--jobs", String.valueOf(jobs), "--bin", recipe.binary()));
        if (!recipe.packageName().isEmpty()) {
            arguments.addAll(List.of("--package", recipe.packageName()));
        }
        if (!recipe.features().isEmpty()) {
            arguments.addAll(List.of("--features", String.join(",", recipe.features())));
        }
        return arguments;
    }

    /** A repository without Cargo.lock: the versions chosen at its first build are kept for later builds of the same commit. */
    private void requireLockFile(Source source, Path folder, String commit, Map<String, String> environment) {
        Shell.Result project = tools.shell().run(Command.of("cargo", "locate-project", "--workspace", "--message-format", "plain").in(folder).with(environment),
                source.where() + ": cargo cannot read the project");
        Path lock = Path.of(project.text()).resolveSibling("Cargo.lock");
        if (Files.exists(lock)) {
            return;
        }
        Path kept = tools.cache().folder("cargo-lock").resolve(source.name() + "-" + commit);
        try {
            if (!Files.exists(kept)) {
                cargo(offline ? List.of("generate-lockfile", "--offline") : List.of("generate-lockfile"), folder, environment,
                        source.where() + ": " + source.name() + " has no Cargo.lock, and versions of its crates cannot be chosen; is the network there?");
                Trees.replace(kept, part -> Files.copy(lock, part, StandardCopyOption.REPLACE_EXISTING));
            }
            tools.console().detail(source.name() + ": the repository has no Cargo.lock; this cache keeps the versions chosen for " + ComponentLock.shortened(commit)
                    + ", another machine may choose others");
            Files.copy(kept, lock, StandardCopyOption.REPLACE_EXISTING);
        } catch (IOException e) {
            throw Failure.io("cannot write " + lock, e);
        }
    }

    private void cargo(List<String> arguments, Path folder, Map<String, String> environment, String hint) {
        List<String> configuration = userConfiguration().map(file -> List.of("--config", file.toString())).orElse(List.of());
        Command command = Command.of(Stream.of(List.of("cargo"), configuration, arguments).flatMap(List::stream).toList()).in(folder).with(environment);
        // A compiler cache such as sccache is a server of its own.
        boolean alone = arguments.contains("--offline") && System.getenv("RUSTC_WRAPPER") == null;
        tools.shell().run(alone ? Isolation.withoutNetwork(command, tools.shell()) : command, hint);
    }

    /** CARGO_HOME is in the cache, so the user's own configuration (registries, linkers) is named explicitly. */
    private static Optional<Path> userConfiguration() {
        Path home = Optional.ofNullable(System.getenv("CARGO_HOME")).map(Path::of).orElse(Path.of(System.getProperty("user.home"), ".cargo"));
        return Stream.of("config.toml", "config").map(home::resolve).filter(Files::isRegularFile).findFirst();
    }

    /** Paths of this machine are mapped away, so that the program's bytes do not depend on where it was built. */
    private Map<String, String> environment(Path checkout, Path target) {
        Path home = tools.cache().folder("cargo-home");
        Map<String, String> mapped = new LinkedHashMap<>();
        mapped.put(checkout.toString(), "/source");
        mapped.put(target.toString(), "/target");
        mapped.put(home.toString(), "/cargo");
        List<String> rust = new ArrayList<>(FLAGS);
        mapped.forEach((from, to) -> rust.add("--remap-path-prefix=" + from + "=" + to));
        Map<String, String> environment = new LinkedHashMap<>();
        environment.put("CARGO_HOME", home.toString());
        environment.put("CARGO_TARGET_DIR", target.toString());
        boolean blanks = rust.stream().anyMatch(flag -> flag.contains(" ")) || System.getenv("CARGO_ENCODED_RUSTFLAGS") != null;
        environment.put(blanks ? "CARGO_ENCODED_RUSTFLAGS" : "RUSTFLAGS", String.join(blanks ? "\u001f" : " ", rust));
        environment.putAll(rust().crossVariables(System.getenv(), userConfiguration().map(Trees::read).orElse("")));
        environment.put("CARGO_INCREMENTAL", "0");
        environment.put("CARGO_TERM_COLOR", "never");
        environment.put("CARGO_TERM_PROGRESS_WHEN", "never");
        environment.put("CARGO_NET_GIT_FETCH_WITH_CLI", "true");
        environment.put("GIT_TERMINAL_PROMPT", "0");
        environment.put("SOURCE_DATE_EPOCH", String.valueOf(toolchain.epoch()));
        String c = mapped.entrySet().stream().filter(path -> !path.getKey().contains(" ")).map(path -> " -ffile-prefix-map=" + path.getKey() + "=" + path.getValue())
                .reduce("", String::concat);
        Map<String, String> own = new LinkedHashMap<>(Map.of("CFLAGS", "", "CXXFLAGS", ""));
        System.getenv().forEach((name, value) -> {
            if (name.matches("((HOST|TARGET)_)?C(XX)?FLAGS(_.*)?")) {
                own.put(name, value);
            }
        });
        own.forEach((name, value) -> environment.put(name, (value + c).strip()));
        return environment;
    }
}
