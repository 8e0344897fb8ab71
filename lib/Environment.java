package lib;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collection;
import java.util.EnumSet;
import java.util.List;
import java.util.Locale;
import java.util.Optional;
import java.util.Set;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import lib.tool.Failure;
import lib.tool.Shell;
import lib.tool.Shell.Command;
import lib.tool.Tools;
import lib.tool.Trees;
import lib.tool.User;

/**
 * Phase 1: does this machine have what the work needs? All that is missing is named at once, with one line that installs it.
 *
 * @param rustTarget target triple that Rust components are compiled for
 */
public record Environment(Tools tools, String rustTarget) {
    /** Free space that a kernel build takes: 1.5 GiB of sources, objects of a full configuration, and the cache's copies. */
    public static final long KERNEL_BUILD_BYTES = 4L << 30;

    /**
     * Fails when one of {@code needed} is missing, too old or broken; the failure (exit code 3) names all of them.
     *
     * @param installMissing first install what is missing, where this process is root
     */
    public void require(Set<Program> needed, boolean installMissing) {
        List<Inventory.Status> bad = installMissing ? obtain(needed) : unusable(needed);
        if (!bad.isEmpty()) {
            String list = bad.stream().map(one -> "\n  " + describe(one)).collect(Collectors.joining());
            throw Failure.machine("this machine lacks what the build needs:" + list,
                    installLine(bad.stream().map(Inventory.Status::program).toList()).map(line -> "install with: " + line).orElse("install these"));
        }
    }

    /** What a build of this configuration takes. */
    public static Set<Program> neededBy(Config config) {
        Set<Program> needed = EnumSet.of(Program.STRIP, Program.UNSHARE);
        needed.addAll(Program.FOR_KERNEL);
        if (config.kernel().source().filter(source -> source.getPath().endsWith(".bz2")).isPresent()) {
            needed.add(Program.BZIP2);
        }
        if (!config.kernel().patches().isEmpty()) {
            needed.add(Program.PATCH);
        }
        if (config.sources().stream().anyMatch(source -> source.type() == Source.Type.GIT)) {
            needed.add(Program.GIT);
            needed.addAll(Program.FOR_RUST);
        }
        needed.addAll(Program.forCross(Architecture.named(config.alpine().arch())));
        if (config.budget().upx() == Config.Upx.ALWAYS) {
            needed.add(Program.UPX);
        }
        return needed;
    }

    /** Fails (exit code 3) when the file system that holds or will hold {@code folder} has less than {@code bytes} left. */
    public void requireSpace(Path folder, long bytes) {
        long free = freeSpace(folder);
        if (free < bytes) {
            throw Failure.machine(String.format(Locale.ROOT, "%s has %.1f GiB free, %.1f GiB are needed", folder, free / 1e0 / (1L << 30),
                    bytes / 1e0 / (1L << 30)), "free some space, or set MOS_CACHE_DIR to a folder on a larger disk; clean.java --help shows what can go");
        }
    }

    /** Installs those of {@code wanted} that cannot be used yet, where this process may, and returns those that still cannot. */
    public List<Inventory.Status> obtain(Set<Program> wanted) {
        List<Inventory.Status> bad = unusable(wanted);
        Distribution distribution = Distribution.here();
        List<String> packages = packages(bad.stream().map(Inventory.Status::program).toList(), distribution);
        if (bad.isEmpty() || !mayInstall()) {
            return bad;
        }
        if (!packages.isEmpty()) {
            install(distribution, packages);
        }
        if (bad.stream().anyMatch(one -> one.program() == Program.RUST_STD) && Shell.which("rustup").isPresent()) {
            tools.console().step("adding Rust's standard library for " + rustTarget, () -> {
                tools.shell().attempt(Command.of("rustup", "target", "add", rustTarget));
            });
        }
        return unusable(wanted);
    }

    private void install(Distribution distribution, List<String> packages) {
        tools.console().step("installing " + String.join(" ", packages), () -> {
            if (distribution == Distribution.APT) {
                tools.shell().attempt(Command.of("apt-get", "update", "-qq"));
            }
            if (!installed(distribution, packages)) {
                // One package that does not exist fails them all: then each on its own.
                packages.forEach(one -> installed(distribution, List.of(one)));
            }
        });
    }

    /** Installs what is needed; a Failure (exit code 3) with the line to run where this process may not. */
    public void install(Set<Program> needed) {
        if (!mayInstall()) {
            throw Failure.machine("only root can install programs", installLine(missing(needed)).map(line -> "run: " + line).orElse("nothing is missing"));
        }
        require(needed, true);
    }

    private static boolean mayInstall() {
        return User.isRoot() && !UserNamespace.isInside();
    }

    private boolean installed(Distribution distribution, List<String> packages) {
        return tools.shell().attempt(Command.of(distribution.install(packages)).with("DEBIAN_FRONTEND", "noninteractive")).exitCode() == 0;
    }

    /** The pasteable line that installs these programs here; empty when this distribution's package manager is not known. */
    public Optional<String> installLine(Collection<Program> programs) {
        return installLine(programs, Distribution.here(), mayInstall(), Shell.which("rustup").isPresent());
    }

    Optional<String> installLine(Collection<Program> programs, Distribution distribution, boolean root, boolean rustup) {
        List<String> parts = new ArrayList<>();
        List<String> packages = packages(programs, distribution);
        if (!packages.isEmpty()) {
            parts.add((root ? "" : "sudo ") + String.join(" ", distribution.install(packages)));
        }
        if (programs.contains(Program.RUST_STD)) {
            parts.add(rustup ? "rustup target add " + rustTarget
                    : "curl --proto =https -sSf https://sh.rustup.rs | sh -s -- -y --target " + rustTarget);
        }
        return parts.isEmpty() ? Optional.empty() : Optional.of(String.join(" && ", parts));
    }

    private static List<String> packages(Collection<Program> programs, Distribution distribution) {
        return programs.stream().sorted().flatMap(program -> Stream.of(program.packageFor(distribution).split(" "))).filter(name -> !name.isEmpty()).distinct().toList();
    }

    /** What --check-deps prints: every program, the container engines, disk and memory. */
    public EnvironmentReport report(Set<Program> needed, Path cache) {
        List<Inventory.Status> all = inventory().check(EnumSet.allOf(Program.class));
        List<Program> missing = all.stream().filter(one -> !one.usable() && needed.contains(one.program())).map(Inventory.Status::program).toList();
        List<ContainerEngine.Health> engines = Arrays.stream(ContainerEngine.values()).filter(ContainerEngine::isInstalled).map(engine -> engine.health(tools.shell())).toList();
        Optional<Failure> namespace = User.isRoot() ? Optional.empty() : UserNamespace.lacking();
        return new EnvironmentReport(all, needed, installLine(missing), engines, namespace, cache, freeSpace(cache), freeMemory());
    }

    /** Those of {@code needed} that are missing, too old or broken. */
    public List<Program> missing(Set<Program> needed) {
        return unusable(needed).stream().map(Inventory.Status::program).toList();
    }

    private Inventory inventory() {
        return new Inventory(tools.shell(), rustTarget);
    }

    private List<Inventory.Status> unusable(Set<Program> needed) {
        return inventory().check(needed).stream().filter(one -> !one.usable()).toList();
    }

    private String describe(Inventory.Status one) {
        Program program = one.program();
        String name = program == Program.RUST_STD ? "Rust's standard library for " + rustTarget : program.title();
        return name + " (" + program.purpose() + "): " + one.trouble();
    }

    /** Bytes that new programs can have without swapping (MemAvailable of proc(5)). */
    private static long freeMemory() {
        return Trees.read(Path.of("/proc/meminfo")).lines().filter(line -> line.startsWith("MemAvailable:")).findFirst()
                .map(line -> Long.parseLong(line.replaceAll("\\D", "")) << 10).orElse(0L);
    }

    private static long freeSpace(Path folder) {
        Path existing = folder.toAbsolutePath();
        while (!Files.exists(existing)) {
            existing = existing.getParent();
        }
        try {
            return Files.getFileStore(existing).getUsableSpace();
        } catch (IOException e) {
            throw Failure.io("cannot measure the free space of " + existing, e);
        }
    }
}
