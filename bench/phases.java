///usr/bin/env jbang "$0" "$@" ; exit $?
//JAVA 17+
//MAIN PhasesBench
//SOURCES ../lib/**.java

import java.net.URI;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.function.Supplier;
import lib.Alpine;
import lib.Architecture;
import lib.BuildLock;
import lib.Config;
import lib.Initramfs;
import lib.Optimization;
import lib.tool.Cache;
import lib.tool.Cli;
import lib.tool.Console;
import lib.tool.Download;
import lib.tool.Json;
import lib.tool.Shell;
import lib.tool.Tools;
import lib.tool.Trees;
import picocli.CommandLine.Command;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;

/** Phases 2, 5 and 6 without the kernel, with the options that build.java runs with; what bench/initramfs.java takes the time of. */
@Command(name = "bench/phases.java", description = "Installs packages, makes the tree smaller and packs it; prints seconds and the archive as JSON.")
final class PhasesBench implements Cli.Script {
    @Option(names = "--mirror", required = true, description = "URL of an Alpine mirror")
    URI mirror;

    @Option(names = "--release", defaultValue = "3.19.4", description = "Alpine release (${DEFAULT-VALUE})")
    String release;

    @Option(names = "--upx", defaultValue = "AUTO", description = "auto, always or never")
    Config.Upx upx;

    @Option(names = "--folder", required = true, description = "holds the root tree; the cache is the one of MOS_CACHE_DIR")
    Path folder;

    @Parameters(paramLabel = "PACKAGE")
    List<String> packages;

    private final Map<String, Double> seconds = new LinkedHashMap<>();

    @Option(names = {"-h", "--help"}, usageHelp = true, description = "show this text")
    boolean help;

    @Override
    public boolean debug() {
        return false;
    }

    @Override
    public Integer call() {
        Path root = folder.resolve("root");
        Trees.delete(root);
        int jobs = Runtime.getRuntime().availableProcessors();
        List<Config.Line> lines = new ArrayList<>();
        packages.forEach(name -> lines.add(new Config.Line("packages.list", lines.size() + 1, name)));
        try (Console console = Console.stderr(false)) {
            Cache cache = Cache.of(System.getenv(), console::log, Optional.empty());
            Tools tools = new Tools(console, new Shell(console), cache, new Download(console, cache, false));
            Config.Budget budget = new Config.Budget(upx, false, Config.Compression.XZ, Optional.empty(), Optional.empty(), Map.of(), 1_735_689_600L);
            Initramfs packing = new Initramfs(budget, Architecture.X86_64, tools, jobs);
            timed("install", () -> new Alpine(new Config.Alpine(release, "x86_64", List.of(mirror), lines, List.of(), folder.resolve("keys"), 1_735_689_600L),
                    BuildLock.Use.of(folder.resolve("build.lock"), BuildLock.Mode.USE), tools).installInto(root));
            timed("optimise", () -> {
                Optimization.of(folder.resolve("config"), budget, "x86_64", tools, jobs, packing::packedSizes).shrink(root);
                return root;
            });
            Initramfs.Packed packed = timed("pack", () -> packing.pack(root));
            System.out.print(Json.line(Map.of("seconds", seconds, "file", packed.file().toString(), "bytes", packed.bytes(), "unpacked", packed.unpackedBytes())) + "\n");
        }
        return 0;
    }

    private <T> T timed(String name, Supplier<T> work) {
        long start = System.nanoTime();
        T result = work.get();
        seconds.put(name, (System.nanoTime() - start) / 1e9);
        return result;
    }

    public static void main(String... args) {
        Cli.main(new PhasesBench(), args);
    }
}
