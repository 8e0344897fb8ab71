///usr/bin/env jbang "$0" "$@" ; exit $?
//JAVA 17+
//MAIN Clean
//SOURCES lib/**.java

import java.io.IOException;
import java.nio.channels.FileChannel;
import java.nio.channels.FileLock;
import java.nio.file.Files;
import java.nio.file.LinkOption;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import lib.Claim;
import lib.Container;
import lib.ContainerImage;
import lib.ContainerRemains;
import lib.Workspace;
import lib.tool.ByteSize;
import lib.tool.Cache;
import lib.tool.CacheEntries;
import lib.tool.Cli;
import lib.tool.Console;
import lib.tool.Failure;
import lib.tool.Json;
import lib.tool.Shell;
import lib.tool.Trees;
import lib.tool.User;
import picocli.CommandLine.Command;
import picocli.CommandLine.Option;

@Command(name = "clean.java", sortOptions = false, usageHelpWidth = 110,
        description = {"Removes what builds and boots made, and nothing else. Without an option that names something: all outputs in the workspace,",
            "which are initramfs/ components/ kernel/ dist/ vm/ .demo/. The cache stays then, so that the next build is fast.",
            "First prints everything with its size. Links are never followed; nothing outside of the workspace and the cache is touched."},
        exitCodeListHeading = "%nExit codes:%n",
        exitCodeList = {"0:removed, or nothing was there", "1:something cannot be removed", "2:wrong command line, or not a workspace", "130:interrupted"},
        footer = {"", "Examples:", "  ./jbang clean.java --dry-run", "  ./jbang clean.java --kernel --dist", "  ./jbang clean.java --cache-days 30 --cache-size 10G", "  ./jbang clean.java --all"})
class Clean implements Cli.Script {
    @Option(names = "-C", paramLabel = "DIR", description = "Workspace: the folder that holds config/ (default: found upwards from here).")
    Optional<Path> folder;
    @Option(names = "--dist", description = "Remove dist/ and the root tree initramfs/.")
    boolean dist;
    @Option(names = "--components", description = "Remove components/.")
    boolean components;
    @Option(names = "--kernel", description = "Remove kernel/.")
    boolean kernel;
    @Option(names = "--vm", description = "Remove vm/: the disks and logs of virtual machines.")
    boolean vm;
    @Option(names = "--cache", description = "Remove the cache: $MOS_CACHE_DIR, else ~/.cache/mos-builder. The next build makes all anew.")
    boolean cache;
    @Option(names = "--cache-days", paramLabel = "DAYS", description = "Remove from the cache what no build used for so many days.")
    Optional<Integer> cacheDays;
    @Option(names = "--cache-size", paramLabel = "SIZE", description = "Remove the longest unused from the cache until it has at most this size, such as 10G.")
    Optional<String> cacheSize;
    @Option(names = "--container", description = "Remove the workspace's containers, and our images where no other container uses them.")
    boolean container;
    @Option(names = "--all", description = "Remove all outputs, the cache, containers and images, and a build.lock that git does not know: what is left is a fresh clone.")
    boolean all;
    @Option(names = "--dry-run", description = "Print what would go; remove nothing.")
    boolean dryRun;
    @Option(names = {"-h", "--help"}, usageHelp = true, description = "Show this help.")
    boolean help;
    @Option(names = "--json", description = "Print what goes as JSON: name and size.")
    boolean json;
    @Option(names = {"-q", "--quiet"}, description = "Print nothing on stderr but failures.")
    boolean quiet;
    @Option(names = "--debug", description = "Show commands and stack traces (DEBUG=1).")
    boolean debug = "1".equals(System.getenv("DEBUG"));

    private Console console;
    private Shell shell;

    /** Something that goes: its size and name, and how. */
    private record Target(String size, String name, Runnable removal) { }

    public static void main(String... args) {
        Cli.main(new Clean(), args);
    }

    @Override
    public boolean debug() {
        return debug;
    }

    @Override
    public Integer call() {
        console = Console.stderr(debug).quiet(quiet);
        shell = new Shell(console);
        Path cacheFolder = Cache.defaultFolder(System.getenv());
        boolean prune = cacheDays.isPresent() || cacheSize.isPresent();
        boolean everything = all || !(dist || components || kernel || vm || cache || container || prune);
        List<Target> targets = new ArrayList<>();
        Optional<Workspace> workspace = everything || dist || components || kernel || vm || container ? Optional.of(workspace()) : Optional.empty();
        workspace.ifPresent(one -> {
            targets.addAll(paths(everything ? outputs(one) : chosen(one)));
            targets.addAll(all || container ? containers(one) : List.of());
        });
        if (all || cache) {
            targets.addAll(paths(isUsable(cacheFolder) ? new CacheEntries(cacheFolder).kinds() : List.of()));
        } else if (prune && isUsable(cacheFolder)) {
            targets.addAll(superfluous(new CacheEntries(cacheFolder)));
        }
        System.out.print(json ? Json.pretty(targets.stream().map(target -> Map.of("name", target.name(), "size", target.size().strip())).toList())
                : targets.stream().map(target -> target.size() + "  " + target.name() + "\n").collect(Collectors.joining()));
        if (!dryRun) {
            whileNobodyBuilds(workspace, () -> targets.forEach(target -> target.removal().run()));
        }
        if (targets.isEmpty()) {
            console.say("nothing to remove");
        }
        return 0;
    }

    private static void whileNobodyBuilds(Optional<Workspace> workspace, Runnable removal) {
        Optional<Workspace> locked = workspace.filter(one -> Files.exists(one.lock()));
        if (locked.isEmpty()) {
            removal.run();
            return;
        }
        locked.get().locked(() -> {
            throw new Failure("a build is working in " + locked.get().folder(), "wait for its end");
        }, () -> {
            removal.run();
            return true;
        });
    }

    private Workspace workspace() {
        Workspace workspace = Workspace.find(folder, Optional.empty());
        if (!Files.exists(workspace.config().resolve("build.conf"))) {
            throw Failure.usage(workspace.folder() + " is not a workspace: it has no config/build.conf", "-C takes the folder that holds config/");
        }
        return workspace;
    }

    private List<Path> chosen(Workspace workspace) {
        List<Path> chosen = new ArrayList<>(dist ? List.of(workspace.root(), workspace.dist()) : List.of());
        chosen.addAll(components ? List.of(workspace.components()) : List.of());
        chosen.addAll(kernel ? List.of(workspace.kernel()) : List.of());
        chosen.addAll(vm ? machines(workspace) : List.of());
        return chosen;
    }

    private List<Path> outputs(Workspace workspace) {
        machines(workspace);
        List<Path> outputs = new ArrayList<>(workspace.outputs());
        if (all && isUnknownToGit(workspace.lockFile())) {
            outputs.add(workspace.lockFile());
        }
        return outputs;
    }

    /** The folder of the machines, none of which may run. */
    private static List<Path> machines(Workspace workspace) {
        machines(workspace.machines()).forEach(machine -> Claim.running(machine).ifPresent(running -> {
            throw new Failure("the machine " + machine.getFileName() + " is running (process " + running.pid() + ")", "stop it first: runit.java --stop");
        }));
        return List.of(workspace.machines());
    }

    /** Whether the file is new in a git work tree: a build made it, and nobody has kept it. */
    private boolean isUnknownToGit(Path file) {
        return Files.exists(file) && Shell.which("git").isPresent()
                && shell.attempt(Shell.Command.of("git", "ls-files", "--others", "--", file.toString()).in(file.getParent())).text().endsWith(file.getFileName().toString());
    }

    private List<Target> paths(List<Path> paths) {
        List<Path> there = paths.stream().filter(path -> Files.exists(path, LinkOption.NOFOLLOW_LINKS)).toList();
        there.forEach(Clean::requireNoMounts);
        return there.stream().map(path -> new Target(mib(size(path)), path.toString(), () -> delete(path))).toList();
    }

    private List<Target> superfluous(CacheEntries entries) {
        Optional<Instant> before = cacheDays.map(days -> Instant.now().minus(Duration.ofDays(days)));
        return CacheEntries.superfluous(entries.all(), before, cacheSize.map(Clean::bytes)).stream()
                .map(entry -> new Target(mib(entry.bytes()), entry.path() + " (last used " + entry.used().toString().substring(0, 10) + ")", () -> entry.files().forEach(this::delete))).toList();
    }

    private static long bytes(String size) {
        return ByteSize.parse(size).orElseThrow(() -> Failure.usage("--cache-size=" + size + " is not a size", "write 500M or 10G"));
    }

    private List<Target> containers(Workspace workspace) {
        ContainerRemains remains = new ContainerRemains(new Container.Names(workspace), ContainerImage.project(System.getenv()), shell);
        return remains.all().stream().map(one -> new Target(String.format("%14s", one.size()), one.what(), () -> {
            if (!remains.remove(one)) {
                console.say("kept, because a container uses it: " + one.what());
            }
        })).toList();
    }

    private static List<Path> machines(Path folder) {
        return Files.isDirectory(folder, LinkOption.NOFOLLOW_LINKS) ? children(folder).stream().filter(Files::isDirectory).toList() : List.of();
    }

    /** Whether there is a cache, which must be one of ours that no build works with: the variable may name any folder. */
    private static boolean isUsable(Path cache) {
        if (!Files.exists(cache)) {
            return false;
        }
        if (!Cache.isCache(cache)) {
            throw Failure.usage(cache + " does not look like a cache of ours: it has no " + Cache.TAG, "check MOS_CACHE_DIR");
        }
        Path locks = cache.resolve("lock");
        (Files.isDirectory(locks) ? children(locks) : List.<Path>of()).forEach(Clean::requireUnused);
        return true;
    }

    private static void requireUnused(Path lock) {
        try (FileChannel channel = FileChannel.open(lock, StandardOpenOption.WRITE); FileLock held = channel.tryLock()) {
            if (held == null) {
                throw new Failure("a build is using the cache (" + lock.getFileName() + ")", "wait for its end");
            }
        } catch (IOException e) {
            throw Failure.io("cannot open " + lock, e);
        }
    }

    private static List<Path> children(Path folder) {
        try (Stream<Path> list = Files.list(folder)) {
            return list.sorted().toList();
        } catch (IOException e) {
            throw Failure.io("cannot read " + folder, e);
        }
    }

    /** Nothing may be mounted below: removing would go on in another file system, such as the machine's own /dev. */
    private static void requireNoMounts(Path path) {
        Path mounts = Path.of("/proc/self/mounts");
        (Files.exists(mounts) ? Trees.read(mounts).lines() : Stream.<String>empty())
                .map(line -> Path.of(line.split(" ")[1].replace("\\040", " "))).filter(mount -> mount.startsWith(path)).findFirst().ifPresent(mount -> {
                    throw new Failure("something is mounted at " + mount, "unmount it first: umount " + mount);
                });
    }

    private static String mib(long bytes) {
        return String.format(Locale.ROOT, "%10.1f MiB", bytes / 1048576.0);
    }

    /** Bytes on disk: the disks of virtual machines are sparse. What lies in folders of other owners is not counted. */
    private long size(Path path) {
        String printed = shell.attempt(Shell.Command.of("du", "-sk", path.toString())).text();
        return printed.matches("(?s)\\d+\\s.*") ? Long.parseLong(printed.split("\\s", 2)[0]) << 10 : 0;
    }

    /** Files that a build made under a user's subordinate ids are the user's to remove in a namespace that maps them. */
    private void delete(Path path) {
        try {
            Trees.delete(path);
        } catch (Failure e) {
            if (User.isRoot() || Shell.which("unshare").isEmpty()) {
                throw e;
            }
            shell.run(Shell.Command.of("unshare", "--map-root-user", "--map-auto", "rm", "-rf", "--", path.toString()),
                    "remove it as root: sudo rm -rf " + path);
        }
    }
}
