///usr/bin/env jbang "$0" "$@" ; exit $?
//JAVA 17+
//MAIN Build
//SOURCES lib/**.java
//SOURCES demo/*.java

import demo.Demo;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.function.Function;
import java.util.function.LongSupplier;
import java.util.function.Supplier;
import java.util.function.ToLongFunction;
import java.util.stream.Stream;
import lib.Alpine;
import lib.Architecture;
import lib.BuildLock;
import lib.BuildOptions;
import lib.BuildOptions.Phase;
import lib.BuildPage;
import lib.BuildReport;
import lib.Components;
import lib.Config;
import lib.ContainerBuild;
import lib.Dist;
import lib.Environment;
import lib.EnvironmentReport;
import lib.Firmware;
import lib.Flists;
import lib.Initramfs;
import lib.Kernel;
import lib.Lint;
import lib.Modules;
import lib.Optimization;
import lib.Program;
import lib.Reproduction;
import lib.RootTree;
import lib.Sbom;
import lib.SharedCache;
import lib.SizeLedger;
import lib.SizeReport;
import lib.Store;
import lib.SystemSetup;
import lib.Upload;
import lib.UserNamespace;
import lib.Why;
import lib.Workspace;
import lib.apk.Plan;
import lib.image.FinishedImage;
import lib.tool.Cache;
import lib.tool.Cli;
import lib.tool.Columns;
import lib.tool.Console;
import lib.tool.Digest;
import lib.tool.Download;
import lib.tool.Failure;
import lib.tool.Json;
import lib.tool.RemoteCache;
import lib.tool.Shell;
import lib.tool.Terminal;
import lib.tool.Tools;
import lib.tool.Trees;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;

/** Builds dist/vmlinuz.efi from config/ in six phases. */
@Command(name = "build.java", sortOptions = false,
        description = {"Builds the MyceliumOS boot image dist/vmlinuz.efi from config/ in six phases.",
            "stdout carries the image's path (or JSON); everything else goes to stderr and dist/build.log."},
        exitCodeListHeading = "Exit codes:%n",
        exitCodeList = {"0:done", "1:build failed", "2:wrong command line or configuration", "3:this machine lacks something",
            "4:a size budget is exceeded, the image has faults, or --verify found a difference", "130:interrupted"},
        footer = {"", "Environment:",
            "  MOS_CACHE_DIR    the cache (default: ~/.cache/mos-builder)",
            "  DEBUG=1          the same as --debug",
            "  NO_COLOR         no colours",
            "  MOS_BUILD        where to build: host, container, podman or docker",
            "  Each key of config/build.conf (ALPINE_VERSION, KERNEL_SOURCE, ...) as a variable wins over the file.",
            "", "Examples:", "  ./jbang build.java --demo", "  ./jbang build.java --until alpine --explain", "  ./jbang build.java --update-lock=jq"})
class Build implements Cli.Script {
    private static final int PHASES = 6;

    @Mixin
    BuildOptions options = new BuildOptions();

    public static void main(String... args) {
        Cli.main(new Build(), args);
    }

    @Override
    public boolean debug() {
        return options.debug;
    }

    @Override
    public Integer call() {
        options.check();
        Console console = Console.stderr(options.debug).quiet(options.quiet);
        if (options.checkDependencies || options.installDependencies) {
            return checkDependencies(tools(console, Optional.empty()));
        }
        Optional<Integer> elsewhere = new ContainerBuild(options, new Shell(console), console, options.variables()).run()
                .or(() -> options.makesTree() ? new UserNamespace(new Shell(console)).reenter() : Optional.empty());
        if (elsewhere.isPresent()) {
            return elsewhere.get();
        }
        Workspace workspace = Workspace.find(options.folder, options.config);
        if (options.why.isPresent()) {
            return why(Why.ofLastBuild(workspace).chains(options.why.get()));
        }
        Optional<RemoteCache> remote = options.remoteCache.map(place -> SharedCache.open(place, workspace.config(), options.variables(), console));
        Tools tools = tools(console, remote);
        try {
            return workspace.locked(() -> options.whenBusy(workspace, console), () -> {
                console.logTo(workspace.log());
                // The cache is in use for as long as a build runs: clean.java sees that by this lock.
                return tools.cache().locked("workspace-" + Digest.sha256(workspace.folder().toString()), () -> build(workspace, tools));
            });
        } finally {
            remote.ifPresent(RemoteCache::close);
        }
    }

    private int build(Workspace given, Tools tools) {
        long start = System.nanoTime();
        Workspace workspace = options.demo ? demo(given, tools) : given;
        Config config = Config.read(workspace.config(), options.variables());
        if (options.services) {
            System.out.print(options.json ? Json.pretty(config.guest().services().json()) : config.guest().services().drawing());
            return 0;
        }
        BuildLock.Use lock = options.lock(workspace);
        lock.requireName(config.sources().stream().map(source -> source.name()).toList());
        if (options.dryRun || options.menuconfig) {
            return options.dryRun ? plan(config, lock, tools) : menuconfig(config, lock, tools);
        }
        Optional<Store> store = store(config);
        Lint lint = Lint.read(config.folder().resolve("lint.conf"));
        RootTree root = new RootTree(workspace.root());
        Kernel kernel = new Kernel(config.kernel(), Optional.of(lock), Optional.empty(), tools, options.jobs);
        Firmware firmware = new Firmware(config.firmware(), Optional.of(lock), tools, options.offline);
        Initramfs packing = new Initramfs(config.budget(), Architecture.named(config.alpine().arch()), tools, options.jobs);
        Optimization optimization = Optimization.of(config, tools, options.jobs, packing::packedSizes);
        try (Console console = tools.console()) {
            console.table(Stream.of(Phase.values()).map(phase -> Console.heading(phase.number, PHASES, phase.title)).toList(), Terminal.columns(tools.shell()));
            phase(tools, Phase.ENVIRONMENT, () -> environment(config, tools).require(Environment.neededBy(config), options.demo), () -> 0);
            Trees.delete(root.folder());
            Alpine.Installed alpine = phase(tools, Phase.ALPINE, () -> new Alpine(config.alpine(), lock, tools).installInto(root.folder()),
                    done -> root.bytes());
            List<Components.Built> components = phase(tools, Phase.COMPONENTS,
                    () -> new Components(config.sources(), config.toolchain(), lock, tools, options.offline, options.jobs).only(options.only).installInto(root),
                    done -> root.bytes());
            Configured system = phase(tools, Phase.SYSTEM, () -> {
                Kernel.Compiled compiled = kernel.with(firmware.linked()).compile(config.budget().compression());
                return new Configured(compiled, new SystemSetup(config.guest(), tools).applyTo(root, compiled.release(), compiled.modules()),
                        firmware.installInto(root, compiled.release(), compiled.modules(), compiled.config()));
            }, done -> root.bytes());
            phase(tools, Phase.OPTIMIZE, () -> optimization.shrink(root.folder()),
                    () -> root.bytes());
            SizeLedger ledger = new SizeLedger(config.budget(), SizeReport.find(workspace.dist()), tools);
            Function<Initramfs.Packed, BuildReport> report = packed -> new BuildReport(config, alpine, components, system.kernel(), system.modules(),
                    system.firmware(), packed, lock, tools);
            Initramfs.Packed initramfs = phase(tools, Phase.INITRAMFS, () -> {
                Initramfs.Packed packed = packing.pack(root.folder());
                ledger.requireInitramfs(packed.file(), () -> report.apply(packed).contents());
                return packed;
            }, Initramfs.Packed::bytes);
            Path image = phase(tools, Phase.KERNEL, () -> kernel.link(system.kernel(), initramfs.file()), done -> done.toFile().length());
            Finished finished = finish(image, report.apply(initramfs), ledger, lint, tools);
            new Dist(workspace).publish(image, initramfs.file(), report.apply(initramfs), finished.texts());
            BuildPage.write(workspace.dist());
            tools.console().say(finished.sizes().table(ledger.before()).stripTrailing());
            if (options.verify) {
                new Reproduction(workspace, options, tools).require();
            }
            store.ifPresent(s3 -> upload(s3, config, workspace, system.kernel(), firmware, tools));
            return done(workspace, tools, start);
        } catch (Until reached) {
            System.out.println(options.json ? Json.line(BuildReport.until(root.folder(), config, tools)) : root.folder());
            return 0;
        }
    }

    /** What phase 4 made: a kernel that lacks its initramfs, and the modules and firmware that went into the tree. */
    private record Configured(Kernel.Compiled kernel, Modules.Installed modules, Firmware.Installed firmware) { }

    /** What is known of the finished image, and the files in dist/ that tell it. */
    private record Finished(SizeReport sizes, Map<String, String> texts) { }

    /** Looks at the finished image itself; one that breaks a budget or has faults never gets into dist/. */
    private static Finished finish(Path image, BuildReport report, SizeLedger ledger, Lint lint, Tools tools) {
        Supplier<FinishedImage> opened = FinishedImage.later(image);
        SizeReport sizes = ledger.of(image, opened, report.contents());
        ledger.require(sizes);
        List<Lint.Finding> findings = tools.console().step("lint of vmlinuz.efi", () -> lint.examine(image, opened, tools.cache()));
        Lint.require(findings);
        findings.forEach(finding -> tools.console().detail(finding.rule() + ": /" + finding.path() + " " + finding.text()));
        return new Finished(sizes, Map.of(SizeReport.FILE, sizes.json(), "size.html", sizes.html(),
                Sbom.FILE, new Sbom(report.config().budget().epoch(), tools).of(report.sbom(image))));
    }

    /** Stops the build behind the phase that --until names. */
    private static final class Until extends RuntimeException {
        private static final long serialVersionUID = 1L;
    }

    /** @param bytes the size of what the phase made, for the table and the report */
    private <T> T phase(Tools tools, Phase phase, Supplier<T> work, ToLongFunction<T> bytes) {
        T result = tools.console().phase(phase.number, PHASES, phase.title, work, bytes);
        if (phase == options.until && phase != Phase.KERNEL) {
            throw new Until();
        }
        return result;
    }

    private void phase(Tools tools, Phase phase, Runnable work, LongSupplier bytes) {
        phase(tools, phase, () -> {
            work.run();
            return phase;
        }, done -> bytes.getAsLong());
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
        Config read = Config.read(Workspace.find(options.folder, options.config).config(), options.variables());
        if (options.installDependencies) {
            environment(read, tools).install(Environment.neededBy(read));
        }
        EnvironmentReport report = environment(read, tools).report(Environment.neededBy(read), Cache.defaultFolder(System.getenv()));
        System.out.println(options.json ? report.json() : report.text());
        return report.ok() ? 0 : Failure.MACHINE;
    }

    private int plan(Config config, BuildLock.Use lock, Tools tools) {
        List<Plan.Step> steps = new Alpine(config.alpine(), lock, tools).plan().steps().stream().filter(Plan.Step::installs).toList();
        List<List<String>> rows = steps.stream().map(step -> List.of(step.to().orElseThrow().name(), step.to().orElseThrow().version(),
                Long.toString(step.to().orElseThrow().size()), step.reason())).toList();
        System.out.print(options.json ? Json.line(rows) + "\n" : Columns.aligned(rows));
        return 0;
    }

    private int why(List<String> chains) {
        System.out.print(options.json ? Json.pretty(chains) : String.join("\n", chains) + "\n");
        return 0;
    }

    private int menuconfig(Config config, BuildLock.Use lock, Tools tools) {
        Map<String, String> changed = new Kernel(config.kernel(), Optional.of(lock), Optional.empty(), tools, options.jobs)
                .menuconfig(config.budget().compression());
        changed.forEach((symbol, value) -> System.out.println(symbol + "=" + value));
        return 0;
    }

    /** The bucket, when something is to be uploaded: known to be configured before the first phase runs. */
    private Optional<Store> store(Config config) {
        if (!options.uploadKernel && !options.uploadManifests) {
            return Optional.empty();
        }
        return Optional.of(config.store().orElseThrow(() -> Failure.usage("there is nowhere to upload to: no " + config.folder().resolve("rfs.conf"),
                "copy rfs.conf.example to rfs.conf, or set S3_ENDPOINT, S3_BUCKET, S3_ACCESS_KEY and S3_SECRET_KEY")));
    }

    private void upload(Store store, Config config, Workspace workspace, Kernel.Compiled kernel, Firmware firmware, Tools tools) {
        if (options.uploadKernel) {
            new Upload(store, tools).publish(workspace.dist(), Upload.subpath(System.getenv()));
        }
        if (options.uploadManifests) {
            Flists flists = new Flists(store, tools);
            flists.modules(kernel.modules().resolve("lib/modules").resolve(kernel.release()), kernel.release(), options.flistTool);
            firmware.complete(kernel.config()).ifPresentOrElse(folder -> flists.firmware(folder, config.firmware().tag().orElse("unknown"), options.flistTool),
                    () -> tools.console().detail("no flist of firmware: FIRMWARE_SOURCE is not set"));
        }
    }

    private Tools tools(Console console, Optional<RemoteCache> remote) {
        Cache cache = Cache.of(System.getenv(), options.explain ? console::say : console::log, remote);
        return new Tools(console, new Shell(console), cache, new Download(console, cache, options.offline));
    }

    private int done(Workspace workspace, Tools tools, long start) {
        tools.console().summary(new Dist(workspace).summary(tools.cache(), (System.nanoTime() - start) / 1e9));
        System.out.println(options.json ? Json.line(Json.read(workspace.dist().resolve("build.json"))) : workspace.image().toString());
        return 0;
    }
}
