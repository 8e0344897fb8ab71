package lib;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.TreeMap;
import java.util.stream.Stream;
import lib.tool.Digest;
import lib.tool.Failure;
import lib.tool.Shell;
import lib.tool.Shell.Command;
import lib.tool.Tools;
import lib.tool.Trees;

/**
 * The Rust compiler of this machine.
 *
 * @param target Rust target triple
 */
record RustToolchain(Tools tools, String target, boolean offline) {
    /** What the user can set in the environment that reaches cargo and changes the program's bytes. Not RUSTC_WRAPPER: caches do not. */
    private static final String VARIABLES = "RUSTUP_TOOLCHAIN|CARGO_(PROFILE|TARGET)_.*|((HOST|TARGET)_)?(CC|CXX|AR|CFLAGS|CXXFLAGS)(_.*)?|RUSTC|RUSTC_BOOTSTRAP";

    /** What {@code rustc -vV} says: release, commit, host and LLVM. The compiler is asked once for each installation of it. */
    String identity() {
        Path memory = tools.cache().folder("rustc").resolve(Digest.sha256(installation()));
        if (Files.exists(memory)) {
            return Trees.read(memory).strip();
        }
        return tools.cache().locked("rustc", () -> {
            if (!Files.exists(memory)) {
                Trees.replace(memory, tools.shell().output("rustc", "-vV") + "\n");
            }
            return Trees.read(memory).strip();
        });
    }

    /** Variables of the user's environment that change what is compiled. */
    static Map<String, String> variables(Map<String, String> environment) {
        Map<String, String> found = new TreeMap<>();
        environment.forEach((name, value) -> {
            if (name.matches(VARIABLES)) {
                found.put(name, value);
            }
        });
        return found;
    }

    /**
     * Changes with every other compiler: place, size and time of rustc. The rustc of rustup only hands on to a toolchain, which its
     * settings, RUSTUP_TOOLCHAIN and the toolchains that are there decide.
     */
    private String installation() {
        Path rustc = Shell.which("rustc").orElseThrow(() -> Failure.machine("the program rustc is not installed", "build.java --check-deps shows how to install it"));
        StringBuilder text = new StringBuilder();
        try {
            text.append(stamp(rustc));
            Path rustup = rustc.resolveSibling("rustup");
            if (Files.exists(rustup) && Files.isSameFile(rustup, rustc)) {
                Path home = Optional.ofNullable(System.getenv("RUSTUP_HOME")).map(Path::of).orElse(Path.of(System.getProperty("user.home"), ".rustup"));
                text.append(System.getenv().getOrDefault("RUSTUP_TOOLCHAIN", "")).append('\n');
                Path settings = home.resolve("settings.toml");
                text.append(Files.exists(settings) ? Trees.read(settings) : "");
                try (Stream<Path> toolchains = Files.list(home.resolve("toolchains"))) {
                    for (Path toolchain : toolchains.sorted().toList()) {
                        text.append(stamp(toolchain.resolve("bin/rustc")));
                    }
                }
            }
            return text.toString();
        } catch (IOException e) {
            throw Failure.io("cannot look at the Rust compiler", e);
        }
    }

    private static String stamp(Path program) throws IOException {
        return Files.exists(program) ? program.toRealPath() + " " + Files.size(program) + " " + Files.getLastModifiedTime(program) + "\n" : program + "\n";
    }

    /** Makes sure that programs for the target can be compiled in this folder, whose rust-toolchain.toml may choose another compiler. */
    void requireTarget(Path folder) {
        if (hasTarget(folder)) {
            return;
        }
        String byHand = "run: rustup target add " + target + " (or set RUST_TARGET to an installed target; rustup comes from rustup.rs)";
        if (Shell.which("rustup").isEmpty() || offline) {
            throw Failure.machine("Rust's standard library for " + target + " is not installed" + (offline ? " and --offline forbids fetching it" : ""), byHand);
        }
        tools.cache().locked("rustup", () -> {
            if (!hasTarget(folder)) {
                Command add = Command.of("rustup", "target", "add", target).in(folder);
                Shell.Result result = tools.shell().attempt(add);
                if (result.exitCode() != 0) {
                    throw Failure.machine("Rust's standard library for " + target + " is not installed and cannot be fetched: " + Shell.failed(add, result, "").what(), byHand);
                }
            }
            return null;
        });
    }

    /**
     * What cargo, and crates with C code (CC_target), have to be told when the target is for another processor: a compiler that links for
     * it. What the user has set stays, in the environment or in cargo's own configuration.
     */
    Map<String, String> crossVariables(Map<String, String> environment, String cargoConfiguration) {
        Map<String, String> variables = new TreeMap<>();
        crossCompiler().ifPresent(gcc -> {
            String words = target.replace('-', '_');
            String linker = "CARGO_TARGET_" + words.toUpperCase(Locale.ROOT) + "_LINKER";
            if (!environment.containsKey(linker) && !cargoConfiguration.contains(target)) {
                variables.put(linker, gcc);
            }
            if (Stream.of("CC_" + target, "CC_" + words, "TARGET_CC").noneMatch(environment::containsKey)) {
                variables.put("CC_" + words, gcc);
            }
        });
        return variables;
    }

    /** The gcc for the target's processor when that is not ours. Rust brings musl's own files to link, so the GNU library's does for both. */
    Optional<String> crossCompiler() {
        String processor = target.substring(0, target.indexOf('-'));
        if (processor.equals(System.getProperty("os.arch").replace("amd64", "x86_64"))) {
            return Optional.empty();
        }
        String gnu = processor + "-linux-gnu-gcc";
        return Optional.of(Stream.of(processor + "-linux-" + target.substring(target.lastIndexOf('-') + 1) + "-gcc", gnu)
                .filter(name -> Shell.which(name).isPresent()).findFirst()
                .orElseThrow(() -> Failure.machine("the program " + gnu + ", which links for " + target + ", is not installed",
                        "build.java --check-deps shows how to install it")));
    }

    private boolean hasTarget(Path folder) {
        Shell.Result libraries = tools.shell().attempt(Command.of("rustc", "--print", "target-libdir", "--target", target).in(folder));
        return libraries.exitCode() == 0 && Files.isDirectory(Path.of(libraries.text()));
    }
}
