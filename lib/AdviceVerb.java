package lib;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.Callable;
import lib.Advice.Choice;
import lib.Advice.Packing;
import lib.tool.Cache;
import lib.tool.Console;
import lib.tool.Download;
import lib.tool.Failure;
import lib.tool.Json;
import lib.tool.Shell;
import lib.tool.Shell.Command;
import lib.tool.Tools;
import lib.tool.Trees;
import lib.tool.User;
import picocli.CommandLine.Option;

/** {@code image.java advise}. */
@picocli.CommandLine.Command(name = "advise", sortOptions = false, description = {"Measures ways to pack the tree of the last build, and ranks them for download and boot:",
    "xz, xz with BCJ, zstd -19 and gzip, each with UPX and without. Every one is booted on QEMU against config/boot.expect: how long the kernel",
    "unpacks, how much memory is in use at most, how long the system takes to start. Takes a minute or two; needs root, QEMU and a kernel with",
    "CONFIG_RD_XZ, CONFIG_RD_ZSTD and CONFIG_RD_GZIP. Without KVM all times are longer than on real machines; their order says more than they do."},
        footer = {"", "Example:", "  ./jbang image.java advise --mbit 50"})
public final class AdviceVerb implements Callable<Integer> {
    @Option(names = "-C", paramLabel = "DIR", description = "Workspace of the finished build (default: found upwards from here).")
    Optional<Path> folder;
    @Option(names = "--mbit", paramLabel = "N", defaultValue = "100", description = "Speed of the download in Mbit/s (${DEFAULT-VALUE}).")
    double mbit;
    @Option(names = "--memory", paramLabel = "MiB", defaultValue = "1024", description = "Memory of the machine (${DEFAULT-VALUE}).")
    int memory;
    @Option(names = "--jobs", paramLabel = "N", description = "How many programs are packed at once (default: number of cores).")
    int jobs = Runtime.getRuntime().availableProcessors();
    @Option(names = "--json", description = "Print JSON.")
    boolean json;

    @Override
    public Integer call() {
        if (mbit <= 0) {
            throw Failure.usage("--mbit " + mbit + " is no speed", "give a number above 0");
        }
        BuildOptions.requireJobs(jobs);
        Workspace workspace = built(Workspace.find(folder, Optional.empty()));
        Console console = Console.stderr("1".equals(System.getenv("DEBUG")));
        Cache cache = new Cache(Cache.defaultFolder(System.getenv()), console::log);
        Tools tools = new Tools(console, new Shell(console), cache, new Download(console, cache, true));
        Advice advice = advise(workspace, tools);
        System.out.print(json ? Json.pretty(advice) : advice.table());
        return 0;
    }

    /** The workspace with the configuration that its image was built from. */
    private static Workspace built(Workspace workspace) {
        Path report = workspace.dist().resolve("build.json");
        if (!Files.exists(report) || !Files.isDirectory(workspace.root())) {
            throw Failure.usage("there is no finished build in " + workspace.folder(), "build first: build.java");
        }
        if (!User.isRoot()) {
            throw Failure.machine("the tree can be copied with its owners only by root", "run it as root");
        }
        return workspace.with(workspace.folder().resolve(Json.read(report).path("config").asText()));
    }

    private Advice advise(Workspace workspace, Tools tools) {
        Config config = Config.read(workspace.config(), System.getenv());
        BootContract contract = BootContract.find(Optional.empty(), workspace);
        Path scratch = tools.cache().temporary("advice");
        try {
            Path kernel = bareKernel(config, BuildLock.Use.of(workspace.lockFile(), BuildLock.Mode.USE), scratch, tools);
            BootMeasure measure = new BootMeasure(tools, memory);
            List<Choice> choices = new ArrayList<>();
            for (boolean upx : new boolean[] {false, true}) {
                Path cpio = archive(config, workspace.root(), upx, scratch, tools);
                for (Packing packing : Packing.values()) {
                    Path archive = tools.console().step(packing.title(), () -> packing.pack(cpio, tools),
                            file -> packing.title() + (upx ? " with UPX: " : ": ") + Console.mib(file.toFile().length()));
                    BootMeasure.Measured boot = tools.console().step("boot", () -> measure.of(kernel, archive, contract, scratch.resolve("machine")));
                    choices.add(Choice.of(packing, upx, kernel.toFile().length(), archive.toFile().length(), boot, mbit));
                }
            }
            String accelerator = Accelerator.choose(Accelerator.Wanted.AUTO, Architecture.of(kernel), tools.shell()).why();
            return Advice.of(mbit, accelerator, choices);
        } catch (IOException e) {
            throw Failure.io("cannot write to " + scratch, e);
        } finally {
            Trees.delete(scratch);
        }
    }

    /** The build's kernel with nothing but device nodes in its own initramfs, so that what is measured comes from outside. */
    private Path bareKernel(Config config, BuildLock.Use lock, Path scratch, Tools tools) throws IOException {
        Path empty = Files.createDirectories(scratch.resolve("empty"));
        Kernel kernel = new Kernel(config.kernel(), Optional.of(lock), new Firmware(config.firmware(), Optional.of(lock), tools, true).linked(), tools, jobs);
        Initramfs.Packed nothing = new Initramfs(config.budget(), Architecture.named(config.alpine().arch()), tools, jobs).pack(empty);
        return kernel.link(kernel.compile(config.budget().compression()), nothing.file());
    }

    private Path archive(Config config, Path root, boolean upx, Path scratch, Tools tools) throws IOException {
        Path tree = scratch.resolve(upx ? "packed" : "plain");
        tools.shell().run(Command.of("cp", "--archive", root.toString(), tree.toString()));
        requireUnpacked(tree.resolve("sbin/my_init"));
        Config.Budget budget = config.budget().with(upx ? Config.Upx.ALWAYS : Config.Upx.NEVER, Config.Compression.NONE);
        Optimization.of(config.folder(), budget, config.alpine().arch(), tools, jobs, (any, other) -> new PackedSizes(0, 0)).shrink(tree);
        Path cpio = new Initramfs(budget, Architecture.named(config.alpine().arch()), tools, jobs).pack(tree).file();
        Trees.delete(tree);
        return cpio;
    }

    /** A program that UPX packed has its mark near the start; the plain form is gone. */
    private static void requireUnpacked(Path program) throws IOException {
        byte[] start = Files.isRegularFile(program) ? Files.readAllBytes(program) : new byte[0];
        if (new String(start, 0, Math.min(start.length, 1024), StandardCharsets.ISO_8859_1).contains("UPX!")) {
            throw Failure.usage("the programs of this tree are packed with UPX already", "build with UPX=never first");
        }
    }
}
