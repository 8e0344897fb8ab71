///usr/bin/env jbang "$0" "$@" ; exit $?
//JAVA 17+
//MAIN InitramfsBench
//SOURCES ../lib/**.java
//SOURCES FileServer.java
//SOURCES Cost.java

import com.fasterxml.jackson.databind.JsonNode;
import java.io.IOException;
import java.io.OutputStream;
import java.io.PrintStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.concurrent.TimeUnit;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import lib.PackingProcess;
import lib.tool.Cache;
import lib.tool.Cli;
import lib.tool.Console;
import lib.tool.Download;
import lib.tool.Failure;
import lib.tool.Json;
import lib.tool.Shell;
import lib.tool.Tools;
import lib.tool.Trees;
import lib.tool.User;
import picocli.CommandLine.Command;
import picocli.CommandLine.Option;

/** The initramfs of the same packages from the same loopback mirror, once by a recipe of shell commands and once by phases 2, 5 and 6. */
@Command(name = "bench/initramfs.java", sortOptions = false, description = {
    "Compares phases 2, 5 and 6 (without the kernel) with a shell recipe: wall time with JVM and JBang start, CPU time, size of the archive.",
    "Then packing alone with xz -T0 -9e. As root; the recipe takes curl, cpio, strip, upx and xz. Skips with a reason what is not there."})
final class InitramfsBench implements Cli.Script {
    private static final String PACKAGES = "dhcpcd openssh-server openssh-client-default e2fsprogs eudev dosfstools zstd pciutils jq sgdisk efibootmgr";
    private static final Pattern RECIPE = Pattern.compile("total ([0-9.]+) size (\\d+)");

    @Option(names = "--mirror", defaultValue = "../shared/alpine-mirror", description = "folder of a real Alpine 3.19 mirror (${DEFAULT-VALUE})")
    Path mirror;

    @Option(names = "--recipe", defaultValue = "../shared/bench/shell-recipe.sh", description = "the recipe: MIRROR RELEASE OUT PACKAGE... (${DEFAULT-VALUE})")
    Path recipe;

    @Option(names = "--rounds", defaultValue = "1", description = "measurements of each; the best counts (${DEFAULT-VALUE})")
    int rounds;

    /** @param cpu seconds of user and system time of the process and its children */
    private record Time(double wall, double cpu) {
        private Time best(Time other) {
            return wall <= other.wall ? this : other;
        }
    }

    /** What a process printed, and how long it took. */
    private record Run(Time time, String out) { }

    @Option(names = {"-h", "--help"}, usageHelp = true, description = "show this text")
    boolean help;

    @Override
    public boolean debug() {
        return false;
    }

    @Override
    public Integer call() throws IOException {
        for (Path needed : List.of(mirror.resolve("v3.19/releases"), recipe)) {
            if (!Files.exists(needed)) {
                System.out.println("skipped: there is no " + needed);
                return 0;
            }
        }
        List<String> missing = List.of("curl", "cpio", "strip", "upx", "xz").stream().filter(name -> Shell.which(name).isEmpty()).toList();
        if (!missing.isEmpty() || !User.isRoot()) {
            System.out.println("skipped: " + (missing.isEmpty() ? "the recipe runs as root only" : String.join(", ", missing) + " not installed"));
            return 0;
        }
        Path scratch = Files.createTempDirectory("initramfs-bench");
        try (FileServer server = FileServer.of(mirror)) {
            compare(server, scratch);
        } finally {
            Trees.delete(scratch);
        }
        return 0;
    }

    private void compare(FileServer server, Path scratch) throws IOException {
        Path first = scratch.resolve("first");
        ours(server, first, "never");
        Time theirs = null;
        long size = 0;
        Map<String, Time> times = new LinkedHashMap<>();
        JsonNode packed = null;
        for (int round = 1; round <= rounds; round++) {
            // Nothing is deleted before the end: file systems avoid what was in use a minute ago, which makes new files slow.
            List<String> argv = new ArrayList<>(List.of("sh", recipe.toAbsolutePath().toString(), server.uri().toString(), "3.19.4", scratch.resolve("recipe" + round).toString()));
            argv.addAll(List.of(PACKAGES.split(" ")));
            Run run = run(argv, scratch, Map.of());
            Matcher figures = RECIPE.matcher(run.out);
            if (!figures.find()) {
                throw new Failure("the recipe printed no figures: " + run.out, "run it by hand");
            }
            theirs = theirs == null ? run.time : theirs.best(run.time);
            size = Long.parseLong(figures.group(2));
            System.out.printf(Locale.ROOT, "round %d: recipe %.1f s%n", round, run.time.wall);
            for (String upx : List.of("never", "auto")) {
                Path folder = scratch.resolve(upx + round);
                keepJBang(first, folder);
                for (String caches : List.of("empty caches", "warm caches")) {
                    Run own = ours(server, folder, upx);
                    packed = Json.parse(own.out, "phases.java");
                    String what = "UPX=" + upx + ", " + caches;
                    times.merge(what, own.time, Time::best);
                    System.out.printf(Locale.ROOT, "round %d: %s %.1f s (ratio %.2f)%n", round, what, own.time.wall, own.time.wall / run.time.wall);
                }
            }
        }
        long bytes = packed.get("bytes").asLong();
        System.out.printf(Locale.ROOT, "recipe: %.1f s, CPU %.1f s, %d bytes%n", theirs.wall, theirs.cpu, size);
        for (Map.Entry<String, Time> one : times.entrySet()) {
            System.out.printf(Locale.ROOT, "phases 2, 5, 6, %s: %.1f s (ratio %.2f), CPU %.1f s (ratio %.2f)%n", one.getKey(), one.getValue().wall,
                    one.getValue().wall / theirs.wall, one.getValue().cpu, one.getValue().cpu / theirs.cpu);
        }
        System.out.printf(Locale.ROOT, "archive: %d bytes, ratio %.3f%n", bytes, (double) bytes / size);
        packing(Path.of(packed.get("file").asText()), scratch);
    }

    private Run ours(FileServer server, Path folder, String upx) throws IOException {
        Files.createDirectories(folder.resolve("work"));
        List<String> argv = new ArrayList<>(List.of("./jbang", "bench/phases.java", "--mirror", server.uri().toString(), "--upx", upx, "--folder", folder.resolve("work").toString()));
        argv.addAll(List.of(PACKAGES.split(" ")));
        return run(argv, Path.of("").toAbsolutePath(), Map.of("MOS_CACHE_DIR", folder.resolve("cache").toString()));
    }

    /** A cache of which only JBang itself is there, which is fetched once on a machine. */
    private static void keepJBang(Path from, Path to) throws IOException {
        run(List.of("cp", "--archive", from.resolve("cache/jbang").toString(), Files.createDirectories(to.resolve("cache")).toString()), to, Map.of());
    }

    private void packing(Path packed, Path scratch) throws IOException {
        Path cpio = scratch.resolve("tree.cpio");
        run(List.of("sh", "-c", "xz -dc \"$1\" > \"$2\"", "sh", packed.toString(), cpio.toString()), scratch, Map.of());
        Path target = scratch.resolve("own.xz");
        Time xz = null;
        Time own = null;
        for (int round = 0; round < rounds; round++) {
            Time now = run(List.of("xz", "-T0", "-9e", "--check=crc32", "--force", "--keep", cpio.toString()), scratch, Map.of()).time;
            xz = xz == null ? now : xz.best(now);
            Trees.delete(scratch.resolve("slices"));
            now = own(cpio, target, scratch.resolve("slices"));
            own = own == null ? now : own.best(now);
        }
        System.out.printf(Locale.ROOT, "packing alone: xz -T0 -9e %.1f s, CPU %.1f s, %d bytes; this project, without the program xz, %.1f s (ratio %.2f), CPU %.1f s, %d bytes%n",
                xz.wall, xz.cpu, Files.size(scratch.resolve("tree.cpio.xz")), own.wall, own.wall / xz.wall, own.cpu, Files.size(target));
    }

    private static Time own(Path content, Path target, Path cacheFolder) {
        Console console = Console.plain(new PrintStream(OutputStream.nullOutputStream()));
        Cache cache = new Cache(cacheFolder, line -> { });
        Tools tools = new Tools(console, new Shell(console), cache, new Download(console, cache, true));
        Cost cost = Cost.of(() -> {
            try (PackingProcess process = new PackingProcess(tools, Runtime.getRuntime().availableProcessors())) {
                process.xz(content, true, target);
            }
        });
        return new Time(cost.clock(), cost.processors());
    }

    /** Runs a process to its end; the CPU time is what the shell's builtin "times" says of its children. */
    private static Run run(List<String> argv, Path folder, Map<String, String> environment) throws IOException {
        List<String> timed = new ArrayList<>(List.of("sh", "-c", "\"$@\"; code=$?; times >&3; exit $code", "sh"));
        timed.addAll(argv);
        Path times = Files.createTempFile("times", ".txt");
        timed.set(2, "exec 3> " + times + "; " + timed.get(2));
        ProcessBuilder builder = new ProcessBuilder(timed).directory(folder.toFile()).redirectError(ProcessBuilder.Redirect.DISCARD);
        builder.environment().putAll(environment);
        long start = System.nanoTime();
        Process process = builder.start();
        String out = new String(process.getInputStream().readAllBytes(), java.nio.charset.StandardCharsets.UTF_8);
        try {
            if (!process.waitFor(1, TimeUnit.HOURS) || process.exitValue() != 0) {
                throw new Failure("this did not end well: " + String.join(" ", argv), "run it by hand");
            }
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw new Failure("interrupted", "", e);
        }
        double wall = (System.nanoTime() - start) / 1e9;
        double cpu = 0;
        Matcher minutes = Pattern.compile("(\\d+)m([0-9.]+)s").matcher(Files.readString(times).lines().skip(1).findFirst().orElse(""));
        while (minutes.find()) {
            cpu += 60 * Integer.parseInt(minutes.group(1)) + Double.parseDouble(minutes.group(2));
        }
        Files.delete(times);
        return new Run(new Time(wall, cpu), out);
    }

    public static void main(String... args) {
        Cli.main(new InitramfsBench(), args);
    }
}
