///usr/bin/env jbang "$0" "$@" ; exit $?
//JAVA 17+
//MAIN ResolutionBench
//SOURCES ../lib/**.java

import com.fasterxml.jackson.databind.JsonNode;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.PrintStream;
import java.net.URI;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.Locale;
import lib.apk.Catalog;
import lib.apk.Dependency;
import lib.apk.Keys;
import lib.apk.Plan;
import lib.apk.Repository;
import lib.apk.SignedIndex;
import lib.apk.Stanzas;
import lib.tool.Cli;
import lib.tool.Console;
import lib.tool.Failure;
import lib.tool.Json;
import lib.tool.Shell;
import lib.tool.Trees;
import picocli.CommandLine.Command;
import picocli.CommandLine.Option;

/**
 * Resolves the largest recorded world once with the real apk and once with this project, from the signed index files to the plan. The young
 * generation is large because a build resolves once: the garbage of earlier rounds is not a part of it.
 */
@Command(name = "bench/resolution.java",
        description = "Reading, verifying and resolving the largest recorded world: seconds of `apk add --simulate` and of this project.")
final class ResolutionBench implements Cli.Script {
    @Option(names = "--mirror", defaultValue = "../shared/alpine-mirror", description = "folder of a real Alpine 3.19 mirror (${DEFAULT-VALUE})")
    Path mirror;

    @Option(names = "--worlds", defaultValue = "../shared/apk-oracle/worlds-3.19.jsonl", description = "what apk chose for worlds, a JSON object a line (${DEFAULT-VALUE})")
    Path worlds;

    @Option(names = "--rounds", defaultValue = "8", description = "measurements of each (${DEFAULT-VALUE})")
    int rounds;

    @Option(names = {"-h", "--help"}, usageHelp = true, description = "show this text")
    boolean help;

    @Override
    public boolean debug() {
        return false;
    }

    @Override
    public Integer call() throws IOException {
        if (!Files.exists(worlds) || !Files.exists(mirror)) {
            throw Failure.usage("there is no " + worlds + " or no " + mirror, "give them with --worlds FILE and --mirror DIR");
        }
        List<String> world = largest();
        Path scratch = Files.createTempDirectory("resolution-bench");
        try (Console console = Console.plain(new PrintStream(new ByteArrayOutputStream()))) {
            Shell shell = new Shell(console);
            Path mini = Files.createDirectory(scratch.resolve("apk"));
            shell.run("tar", "xzf", mirror.resolve("v3.19/releases/x86_64/alpine-minirootfs-3.19.4-x86_64.tar.gz").toString(), "-C", mini.toString());
            prepare(scratch);
            System.out.println(world.size() + " atoms");
            double bestOfTheirs = Double.MAX_VALUE;
            double bestOfOurs = Double.MAX_VALUE;
            for (int n = 1; n <= rounds; n++) {
                double theirs = seconds(() -> apk(shell, mini, scratch, world));
                double ours = seconds(() -> resolve(mini, world));
                System.out.printf(Locale.ROOT, "round %d%s: apk add --simulate %.3f s, this project %.3f s, ratio %.2f%n", n, n == 1 ? " (cold JVM)" : "",
                        theirs, ours, ours / theirs);
                bestOfTheirs = Math.min(bestOfTheirs, theirs);
                bestOfOurs = Math.min(bestOfOurs, ours);
            }
            System.out.printf(Locale.ROOT, "best of %d: apk add --simulate %.3f s, this project %.3f s, ratio %.2f%n", rounds, bestOfTheirs, bestOfOurs,
                    bestOfOurs / bestOfTheirs);
        } finally {
            Trees.delete(scratch);
        }
        return 0;
    }

    /** The world of most packages among those that apk solves. */
    private List<String> largest() throws IOException {
        JsonNode most = Files.readAllLines(worlds).stream().map(line -> Json.parse(line, worlds.toString())).filter(one -> one.get("rc").asInt() == 0)
                .max(Comparator.comparingInt(one -> one.get("install").size())).orElseThrow();
        List<String> atoms = new ArrayList<>();
        most.get("world").forEach(atom -> atoms.add(atom.asText()));
        return atoms;
    }

    private void prepare(Path scratch) throws IOException {
        Path root = scratch.resolve("root");
        Files.createDirectories(root.resolve("etc/apk"));
        Files.createDirectories(root.resolve("lib/apk/db"));
        Files.createFile(root.resolve("etc/apk/world"));
        Files.createFile(root.resolve("lib/apk/db/installed"));
        Files.writeString(scratch.resolve("repositories"), folder("main") + "\n" + folder("community") + "\n");
    }

    private Path folder(String repository) {
        return mirror.resolve("v3.19/" + repository).toAbsolutePath().normalize();
    }

    private static void apk(Shell shell, Path mini, Path scratch, List<String> world) {
        List<String> argv = new ArrayList<>(List.of(mini.resolve("lib/ld-musl-x86_64.so.1").toString(), "--library-path",
                mini.resolve("lib") + ":" + mini.resolve("usr/lib"), mini.resolve("sbin/apk").toString(), "--root", scratch.resolve("root").toString(),
                "--arch", "x86_64", "--keys-dir", mini.resolve("etc/apk/keys").toString(), "--repositories-file",
                scratch.resolve("repositories").toString(), "--no-network", "--no-cache", "--no-progress", "add", "--simulate"));
        argv.addAll(world);
        shell.run(Shell.Command.of(argv));
    }

    private void resolve(Path mini, List<String> world) {
        Keys keys = new Keys().addFolder(mini.resolve("etc/apk/keys"));
        Catalog catalog = new Catalog();
        for (String name : List.of("main", "community")) {
            Path index = folder(name).resolve("x86_64/APKINDEX.tar.gz");
            catalog.addIndex(new Repository(name, "", List.of(URI.create("file:" + folder(name))), 0), Stanzas.read(SignedIndex.read(index, keys, name), name));
        }
        Plan.of(catalog, world.stream().map(Dependency::parse).toList(), atom -> "");
    }

    private static double seconds(Runnable work) {
        long start = System.nanoTime();
        work.run();
        return (System.nanoTime() - start) / 1e9;
    }

    public static void main(String... args) {
        Cli.main(new ResolutionBench(), args);
    }
}
