///usr/bin/env jbang "$0" "$@" ; exit $?
//JAVA 17+
//SOURCES lib/**.java

import java.io.IOException;
import java.nio.channels.FileChannel;
import java.nio.channels.FileLock;
import java.nio.file.Files;
import java.nio.file.LinkOption;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Optional;
import java.util.stream.Stream;
import lib.Claim;
import lib.Workspace;
import lib.tool.Cache;
import lib.tool.Cli;
import lib.tool.Console;
import lib.tool.Failure;
import lib.tool.Shell;
import lib.tool.Trees;
import lib.tool.User;
import picocli.CommandLine.Command;
import picocli.CommandLine.Option;

@Command(name = "clean.java", sortOptions = false, usageHelpWidth = 110,
        description = {"Removes what builds and boots made in the workspace, and nothing else: initramfs/ components/ kernel/ dist/ vm/ .demo/",
            "The cache stays, so that the next build is fast; config/ is never touched. Prints what it removes with its size."},
        exitCodeListHeading = "%nExit codes:%n",
        exitCodeList = {"0:removed, or nothing was there", "1:something cannot be removed", "2:wrong command line, or not a workspace", "130:interrupted"},
        footer = {"", "Examples:", "  ./jbang clean.java --dry-run", "  ./jbang clean.java --all"})
class Clean implements Cli.Script {
    @Option(names = "-C", paramLabel = "DIR", description = "Workspace: the folder that holds config/ (default: found upwards from here).")
    Optional<Path> folder;
    @Option(names = "--cache", description = "Remove the cache only: $MOS_CACHE_DIR, else ~/.cache/mos-builder. The next build makes all anew.")
    boolean cache;
    @Option(names = "--all", description = "Remove the outputs and the cache.")
    boolean all;
    @Option(names = "--dry-run", description = "Print what would go; remove nothing.")
    boolean dryRun;
    @Option(names = {"-h", "--help"}, usageHelp = true, description = "Show this help.")
    boolean help;
    @Option(names = "--debug", description = "Show commands and stack traces (DEBUG=1).")
    boolean debug = "1".equals(System.getenv("DEBUG"));

    private Console console;

    public static void main(String... args) {
        Cli.main(new Clean(), args);
    }

    @Override
    public boolean debug() {
        return debug;
    }

    @Override
    public Integer call() {
        console = Console.stderr(debug);
        List<Path> targets = new ArrayList<>();
        if (all || !cache) {
            targets.addAll(outputs(Workspace.find(folder, Optional.empty())));
        }
        if (all || cache) {
            targets.addAll(cached(Cache.defaultFolder(System.getenv())));
        }
        List<Path> there = targets.stream().filter(path -> Files.exists(path, LinkOption.NOFOLLOW_LINKS)).toList();
        there.forEach(Clean::requireNoMounts);
        there.forEach(this::remove);
        if (there.isEmpty()) {
            console.say("nothing to remove");
        }
        return 0;
    }

    private static List<Path> outputs(Workspace workspace) {
        if (!Files.exists(workspace.config().resolve("build.conf"))) {
            throw Failure.usage(workspace.folder() + " is not a workspace: it has no config/build.conf", "-C takes the folder that holds config/");
        }
        machines(workspace.machines()).forEach(machine -> Claim.running(machine).ifPresent(running -> {
            throw new Failure("the machine " + machine.getFileName() + " is running (process " + running.pid() + ")", "stop it first: runit.java --stop");
        }));
        return workspace.outputs();
    }

    private static List<Path> machines(Path folder) {
        return Files.isDirectory(folder, LinkOption.NOFOLLOW_LINKS) ? children(folder).stream().filter(Files::isDirectory).toList() : List.of();
    }

    /** What is in the cache folder, which must be one: the variable may name any folder. */
    private static List<Path> cached(Path cache) {
        if (!Files.exists(cache)) {
            return List.of();
        }
        if (!Cache.isCache(cache)) {
            throw Failure.usage(cache + " does not look like a cache of ours: it has no " + Cache.TAG, "check MOS_CACHE_DIR");
        }
        Path locks = cache.resolve("lock");
        (Files.isDirectory(locks) ? children(locks) : List.<Path>of()).forEach(Clean::requireUnused);
        return children(cache).stream().filter(path -> !path.endsWith(Cache.TAG)).toList();
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

    private void remove(Path path) {
        String size = String.format(Locale.ROOT, "%10.1f MiB  ", size(path) / 1048576.0);
        if (!dryRun) {
            delete(path);
        }
        System.out.println(size + path);
    }

    /** Bytes on disk: the disks of virtual machines are sparse. What lies in folders of other owners is not counted. */
    private long size(Path path) {
        String printed = new Shell(console).attempt(Shell.Command.of("du", "-sk", path.toString())).text();
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
            new Shell(console).run(Shell.Command.of("unshare", "--map-root-user", "--map-auto", "rm", "-rf", "--", path.toString()),
                    "remove it as root: sudo rm -rf " + path);
        }
    }
}
