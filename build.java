///usr/bin/env jbang "$0" "$@" ; exit $?
//JAVA 17+
//SOURCES lib/**.java
//SOURCES demo/*.java
//RUNTIME_OPTIONS -Dsun.jnu.encoding=UTF-8 -XX:+UseSerialGC -XX:TieredStopAtLevel=1

import demo.Demo;
import java.nio.file.Path;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.function.Supplier;
import lib.Alpine;
import lib.BuildLock;
import lib.BuildReport;
import lib.Components;
import lib.Config;
import lib.Dist;
import lib.Environment;
import lib.Firmware;
import lib.Flists;
import lib.Initramfs;
import lib.Kernel;
import lib.Modules;
import lib.Optimization;
import lib.Program;
import lib.RootTree;
import lib.Store;
import lib.SystemSetup;
import lib.Upload;
import lib.UserNamespace;
import lib.Workspace;
import lib.apk.Plan;
import lib.tool.Cache;
import lib.tool.Cli;
import lib.tool.Columns;
import lib.tool.Console;
import lib.tool.Digest;
import lib.tool.Download;
import lib.tool.Failure;
import lib.tool.Json;
import lib.tool.Shell;
import lib.tool.Tools;
import lib.tool.Trees;
import picocli.CommandLine.Command;
import picocli.CommandLine.Option;

/** Builds dist/vmlinuz.efi from config/ in six phases. */
@Command(name = "build.java", sortOptions = false,
        description = {"Builds the MyceliumOS boot image dist/vmlinuz.efi from config/ in six phases.",
            "stdout carries the image's path (or JSON); everything else goes to stderr and dist/build.log."},
        exitCodeListHeading = "Exit codes:%n",
        exitCodeList = {"0:done", "1:build failed", "2:wrong command line or configuration", "3:this machine lacks something",
            "4:a size budget is exceeded", "130:interrupted"},
        footer = {"", "Environment:",
            "  MOS_CACHE_DIR    the cache (default: ~/.cache/mos-builder)",
            "  DEBUG=1          the same as --debug",
            "  NO_COLOR         no colours",
            "  Each key of config/build.conf (ALPINE_VERSION, KERNEL_SOURCE, ...) as a variable wins over the file.",
            "", "Examples:", "  ./jbang build.java --demo", "  ./jbang build.java --until alpine --explain", "  ./jbang build.java --update-lock=jq"})
class Build implements Cli.Script {
    /** What --until takes, with the heading that each prints. */
    enum Phase {
        ENVIRONMENT(1, "Environment"), ALPINE(2, "Alpine Base"), COMPONENTS(3, "Components"), SYSTEM(4, "System Configuration"),
        OPTIMIZE(5, "Optimization"), INITRAMFS(6, "Packaging: Initramfs"), KERNEL(6, "Packaging: Kernel");

        private final int number;
        private final String title;

        Phase(int number, String title) {
            this.number = number;
            this.title = title;
        }
    }

    @Option(names = "-C", paramLabel = "DIR", description = "workspace: the folder that holds config/; outputs go to its dist/ (default: searched upwards)")
    Optional<Path> folder;
    @Option(names = "--config", paramLabel = "DIR", description = "configuration folder (default: WORKSPACE/config)")
    Optional<Path> config;
    @Option(names = "--demo", description = "build the demo image from embedded inputs and the distribution's own packages")
    boolean demo;
    @Option(names = "--check-deps", description = "print which programs a build needs and which are here, then stop")
    boolean checkDependencies;
    @Option(names = "--host", description = "build on this machine, not in a container (as an ordinary user: in a user namespace)")
    boolean host;
    @Option(names = "--until", paramLabel = "PHASE", description = "stop after this phase: environment, alpine, components, system, optimize, initramfs, kernel")
    Phase until = Phase.KERNEL;
    @Option(names = "--only", paramLabel = "NAME", description = "build only this component of sources.conf; for use with --until components")
    Optional<String> only;
    @Option(names = "--dry-run", description = "print which packages would be installed, with version, bytes and reason, then stop")
    boolean dryRun;
    @Option(names = "--menuconfig", description = "edit the kernel configuration in the kernel's own menu, then stop")
    boolean menuconfig;
    @Option(names = "--upload-kernel", description = "upload the image to S3 (config/rfs.conf), under KERNEL_SUBPATH (default: kernel); also: UPLOAD_KERNEL=true")
    boolean uploadKernel = "true".equals(System.getenv("UPLOAD_KERNEL"));
    @Option(names = "--upload-manifests", description = "upload the flists of all modules and firmware to S3; also: UPLOAD_MANIFESTS=true")
    boolean uploadManifests = "true".equals(System.getenv("UPLOAD_MANIFESTS"));
    @Option(names = "--flist-tool", paramLabel = "TOOL", description = "who writes the flists: native (default), or rfs where that program is installed")
    Flists.Tool flistTool = Flists.Tool.NATIVE;
    @Option(names = "--offline", description = "use the cache and local files only")
    boolean offline;
    @Option(names = "--update-lock", paramLabel = "NAME", arity = "0..1", fallbackValue = "", description = "choose packages and commits anew (only NAME's, when given) and write them to build.lock")
    Optional<String> updateLock;
    @Option(names = "--locked", description = "fail when config/ asks for something that build.lock does not say")
    boolean locked;
    @Option(names = "--explain", description = "for each step: was it in the cache, and if not, which input changed")
    boolean explain;
    @Option(names = "--jobs", paramLabel = "N", description = "how many things are compiled or stripped at once (default: number of cores)")
    int jobs = Runtime.getRuntime().availableProcessors();
    @Option(names = "--json", description = "print the result as JSON")
    boolean json;
    @Option(names = "--debug", description = "show all output of child processes and stack traces (also: DEBUG=1)")
    boolean debug = "1".equals(System.getenv("DEBUG"));
    @Option(names = {"-h", "--help"}, usageHelp = true, description = "show this text")
    boolean help;

    public static void main(String... args) {
        Cli.main(new Build(), args);
    }

    @Override
    public boolean debug() {
        return debug;
    }

    @Override
    public Integer call() {
        Console console = Console.stderr(debug);
        Optional<Integer> inner = new UserNamespace(new Shell(console)).reenter();
        if (inner.isPresent()) {
            return inner.get();
        }
        if (checkDependencies) {
            return checkDependencies(tools(console));
        }
        Workspace workspace = Workspace.find(folder, config);
        Tools tools = tools(console.logTo(workspace.log()));
        return tools.cache().locked("workspace-" + Digest.sha256(workspace.folder().toString()),
                () -> console.say("waiting for another build in " + workspace.folder()), () -> build(workspace, tools));
    }

    private int build(Workspace given, Tools tools) {
        long start = System.nanoTime();
        Workspace workspace = demo ? demo(given, tools) : given;
        Config config = Config.read(workspace.config(), System.getenv());
        if (dryRun || menuconfig) {
            return dryRun ? plan(config, workspace, tools) : menuconfig(config, tools);
        }
        Optional<Store> store = store(config);
        RootTree root = new RootTree(workspace.root());
        Kernel kernel = new Kernel(config.kernel(), Optional.of(lock(workspace)), tools, jobs);
        Firmware firmware = new Firmware(config.firmware(), tools, offline);
        Initramfs packing = new Initramfs(config.budget(), tools);
        try {
            phase(tools, Phase.ENVIRONMENT, () -> environment(config, tools).require(Environment.neededBy(config), demo));
            Trees.delete(root.folder());
            Alpine.Installed alpine = phase(tools, Phase.ALPINE, () -> new Alpine(config.alpine(), lock(workspace), tools).installInto(root.folder()));
            List<Components.Built> components = phase(tools, Phase.COMPONENTS,
                    () -> new Components(config.sources(), config.toolchain(), lock(workspace), tools, offline, jobs).only(only).installInto(root));
            Configured system = phase(tools, Phase.SYSTEM, () -> {
                Kernel.Compiled compiled = kernel.compile(config.budget().compression());
                return new Configured(compiled, new SystemSetup(config.guest(), tools).applyTo(root, compiled.release(), compiled.modules()),
                        firmware.installInto(root, compiled.release(), compiled.modules(), compiled.config()));
            });
            phase(tools, Phase.OPTIMIZE, () -> new Optimization(config.budget(), tools, jobs, packing::packedSize).shrink(root.folder()));
            Initramfs.Packed initramfs = phase(tools, Phase.INITRAMFS, () -> packing.pack(root.folder()));
            Path image = phase(tools, Phase.KERNEL, () -> kernel.link(system.kernel(), initramfs.file()));
            Dist dist = new Dist(workspace, config.budget());
            dist.publish(image, initramfs.file(), new BuildReport(config, alpine, components, system.kernel(), system.modules(), system.firmware(),
                    initramfs, tools));
            store.ifPresent(s3 -> upload(s3, config, workspace, system.kernel(), tools));
            return done(workspace.image(), tools, start);
        } catch (Until reached) {
            System.out.println(root.folder());
            return 0;
        }
    }

    /** What phase 4 made: a kernel that lacks its initramfs, and the modules and firmware that went into the tree. */
    private record Configured(Kernel.Compiled kernel, Modules.Installed modules, Firmware.Installed firmware) { }

    /** Stops the build behind the phase that --until names. */
    private static final class Until extends RuntimeException {
        private static final long serialVersionUID = 1L;
    }

    private <T> T phase(Tools tools, Phase phase, Supplier<T> work) {
        T result = tools.console().phase(phase.number, 6, phase.title, work);
        if (phase == until && phase != Phase.KERNEL) {
            throw new Until();
        }
        return result;
    }

    private void phase(Tools tools, Phase phase, Runnable work) {
        phase(tools, phase, () -> {
            work.run();
            return null;
        });
    }

    private BuildLock.Use lock(Workspace workspace) {
        BuildLock.Mode mode = locked ? BuildLock.Mode.LOCKED : updateLock.isPresent() ? BuildLock.Mode.UPDATE : BuildLock.Mode.USE;
        return new BuildLock.Use(workspace.lockFile(), mode, updateLock.filter(name -> !name.isEmpty()));
    }

    /** The demo makes its own configuration; what it and a boot of its image take is installed where that is allowed. */
    private static Workspace demo(Workspace workspace, Tools tools) {
        new Environment(tools, "").require(Program.FOR_DEMO, true);
        return workspace.with(Demo.prepare(workspace.folder(), tools));
    }

    private static Environment environment(Config config, Tools tools) {
        return new Environment(tools, config.toolchain().target());
    }

    private int checkDependencies(Tools tools) {
        Config read = Config.read(Workspace.find(folder, config).config(), System.getenv());
        Path cache = Cache.defaultFolder(System.getenv());
        Environment environment = environment(read, tools);
        System.out.println(json ? environment.json(Environment.neededBy(read), cache) : environment.table(Environment.neededBy(read), cache));
        return environment.missing(Environment.neededBy(read)).isEmpty() ? 0 : Failure.MACHINE;
    }

    private int plan(Config config, Workspace workspace, Tools tools) {
        List<Plan.Step> steps = new Alpine(config.alpine(), lock(workspace), tools).plan().steps().stream().filter(Plan.Step::installs).toList();
        List<List<String>> rows = steps.stream().map(step -> List.of(step.to().orElseThrow().name(), step.to().orElseThrow().version(),
                Long.toString(step.to().orElseThrow().size()), step.reason())).toList();
        System.out.print(json ? Json.line(rows) + "\n" : Columns.aligned(rows));
        return 0;
    }

    private int menuconfig(Config config, Tools tools) {
        Map<String, String> changed = new Kernel(config.kernel(), tools, jobs).menuconfig(config.budget().compression());
        changed.forEach((symbol, value) -> System.out.println(symbol + "=" + value));
        return 0;
    }

    /** The bucket, when something is to be uploaded: known to be configured before the first phase runs. */
    private Optional<Store> store(Config config) {
        if (!uploadKernel && !uploadManifests) {
            return Optional.empty();
        }
        return Optional.of(config.store().orElseThrow(() -> Failure.usage("there is nowhere to upload to: no " + config.folder().resolve("rfs.conf"),
                "copy rfs.conf.example to rfs.conf, or set S3_ENDPOINT, S3_BUCKET, S3_ACCESS_KEY and S3_SECRET_KEY")));
    }

    private void upload(Store store, Config config, Workspace workspace, Kernel.Compiled kernel, Tools tools) {
        if (uploadKernel) {
            new Upload(store, tools).publish(workspace.dist(), System.getenv().getOrDefault("KERNEL_SUBPATH", Upload.DEFAULT_SUBPATH));
        }
        if (uploadManifests) {
            Flists flists = new Flists(store, tools);
            flists.modules(kernel.modules().resolve("lib/modules").resolve(kernel.release()), kernel.release(), flistTool);
            new Firmware(config.firmware(), tools, offline).complete(kernel.config())
                    .ifPresent(folder -> flists.firmware(folder, config.firmware().tag().orElse("unknown"), flistTool));
        }
    }

    private Tools tools(Console console) {
        Cache cache = new Cache(Cache.defaultFolder(System.getenv()), explain ? console::say : console::log);
        return new Tools(console, new Shell(console), cache, new Download(console, cache, offline));
    }

    private int done(Path image, Tools tools, long start) {
        tools.console().say(String.format(Locale.ROOT, "done in %.1f s: %s, %s%s", (System.nanoTime() - start) / 1e9, image, Console.mib(image.toFile().length()),
                tools.cache().misses().isEmpty() ? ", all was cached" : ""));
        System.out.println(json ? Json.line(Json.read(image.resolveSibling("build.json"))) : image.toString());
        return 0;
    }
}
