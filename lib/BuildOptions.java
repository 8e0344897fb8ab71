package lib;

import java.nio.file.Path;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.stream.Stream;
import lib.tool.Console;
import lib.tool.Failure;
import picocli.CommandLine.Model.ArgSpec;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Model.OptionSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.Spec;

/** The command line of build.java: every option with its default, in the order of --help. */
public final class BuildOptions {
    /** What --until takes, with the heading that each prints. */
    public enum Phase {
        ENVIRONMENT(1, "Environment"), ALPINE(2, "Alpine Base"), COMPONENTS(3, "Components"), SYSTEM(4, "System Configuration"),
        OPTIMIZE(5, "Optimization"), INITRAMFS(6, "Packaging: Initramfs"), KERNEL(6, "Packaging: Kernel");

        /** 1 to 6. */
        public final int number;
        /** The heading in the README and on the console. */
        public final String title;

        Phase(int number, String title) {
            this.number = number;
            this.title = title;
        }
    }

    @Option(names = "-C", paramLabel = "DIR", description = "workspace: the folder that holds config/; outputs go to its dist/ (default: searched upwards)")
    public Optional<Path> folder;
    @Option(names = "--config", paramLabel = "DIR", description = "configuration folder (default: WORKSPACE/config)")
    public Optional<Path> config;
    @Option(names = "--env", paramLabel = "NAME", defaultValue = "${env:MOS_ENV}", description = "environment: config/env/NAME.conf over build.conf, such as dev, testing, canary, production (MOS_ENV)")
    public Optional<String> environment = Optional.empty();
    @Option(names = "--demo", description = "build the demo image from embedded inputs and the distribution's own packages")
    public boolean demo;
    @Option(names = "--check-deps", description = "print which programs a build needs and which are here, container engines, disk and memory, then stop (exit code 3: something is missing)")
    public boolean checkDependencies;
    @Option(names = "--install-deps", description = "install the programs that a build needs (as root), then print the same table")
    public boolean installDependencies;
    @Option(names = "--host", description = "build on this machine, not in a container (as an ordinary user: in a user namespace); also: MOS_BUILD=host")
    public boolean host;
    @Option(names = "--container", paramLabel = "ENGINE", arity = "0..1", fallbackValue = "any", description = "build in a container of podman or docker; the default where one of them works, but for --demo and inside containers; also: MOS_BUILD")
    public Optional<String> container;
    @Option(names = "--build-arg", paramLabel = "KEY=VALUE", description = "argument of the Dockerfile: BASE, REPOSITORIES, PACKAGES, RUST_TARGET")
    public List<String> buildArguments = List.of();
    @Option(names = "--mount", paramLabel = "PATH", description = "a file or folder outside of the workspace that a build in a container may read, such as a toolchain")
    public List<Path> mounts = List.of();
    @Option(names = "--until", paramLabel = "PHASE", description = "stop after this phase: environment, alpine, components, system, optimize, initramfs, kernel")
    public Phase until = Phase.KERNEL;
    @Option(names = "--only", paramLabel = "NAME", description = "build only this component of sources.conf; for use with --until components")
    public Optional<String> only;
    @Option(names = "--dry-run", description = "print which packages would be installed, with version, bytes and reason, then stop")
    public boolean dryRun;
    @Option(names = "--services", description = "check the services of my_init and draw the order in which they start, then stop")
    public boolean services;
    @Option(names = "--why", paramLabel = "PATH", description = "print what brought a file or module into the image of the last build, then stop")
    public Optional<String> why;
    @Option(names = "--menuconfig", description = "edit the kernel configuration in the kernel's own menu, then stop")
    public boolean menuconfig;
    @Option(names = "--upload-kernel", description = "upload the image to S3 (config/rfs.conf), under KERNEL_SUBPATH (default: kernel); also: UPLOAD_KERNEL=true")
    public boolean uploadKernel = "true".equals(System.getenv("UPLOAD_KERNEL"));
    @Option(names = "--upload-manifests", description = "upload the flists of all modules and firmware to S3; also: UPLOAD_MANIFESTS=true")
    public boolean uploadManifests = "true".equals(System.getenv("UPLOAD_MANIFESTS"));
    @Option(names = "--flist-tool", paramLabel = "TOOL", description = "who writes the flists: native (default), or rfs where that program is installed")
    public FlistWriter flistTool = FlistWriter.NATIVE;
    @Option(names = "--remote-cache", paramLabel = "s3://BUCKET/PREFIX", description = "share the cache with other machines in this bucket (server and keys: config/rfs.conf or S3_...); also: REMOTE_CACHE")
    public Optional<String> remoteCache = Optional.ofNullable(System.getenv("REMOTE_CACHE")).filter(place -> !place.isBlank());
    @Option(names = "--no-wait", description = "fail (exit code 1) when another build works in this workspace, instead of waiting for its end")
    public boolean noWait;
    @Option(names = "--offline", description = "use the cache and local files only")
    public boolean offline;
    @Option(names = "--update-lock", paramLabel = "NAME", arity = "0..1", fallbackValue = "", description = "choose packages, commits and sources anew (only NAME's: a package, component, alpine for its release, kernel or firmware) and write them to build.lock")
    public Optional<String> updateLock;
    @Option(names = "--locked", description = "fail when config/ asks for something that build.lock does not say")
    public boolean locked;
    @Option(names = "--verify", description = "build a second time, in another folder, on another day, with other settings of this machine, and compare all bytes")
    public boolean verify;
    @Option(names = "--explain", description = "for each step: was it in the cache, and if not, which input changed")
    public boolean explain;
    @Option(names = "--jobs", paramLabel = "N", description = "how many things are compiled or stripped at once (default: number of cores)")
    public int jobs = Runtime.getRuntime().availableProcessors();
    @Option(names = "--json", description = "print the result as JSON")
    public boolean json;
    @Option(names = {"-q", "--quiet"}, description = "print nothing on stderr but failures; dist/build.log has all")
    public boolean quiet;
    @Option(names = "--debug", description = "show all output of child processes and stack traces (also: DEBUG=1)")
    public boolean debug = "1".equals(System.getenv("DEBUG"));
    @Option(names = {"-h", "--help"}, usageHelp = true, description = "show this text")
    public boolean help;

    /** Refuses what no build can do. */
    public void check() {
        requireJobs(jobs);
        if (menuconfig && json) {
            throw Failure.usage("--menuconfig has no --json: the kernel's menu is drawn on stdout", "leave --json out");
        }
    }

    static void requireJobs(int jobs) {
        if (jobs < 1) {
            throw Failure.usage("--jobs " + jobs + " would do nothing", "give 1 or more");
        }
    }

    /** The variables of this process, with --env among them. */
    public Map<String, String> variables() {
        Map<String, String> variables = new HashMap<>(System.getenv());
        environment.ifPresent(name -> variables.put(BuildConf.ENVIRONMENT, name));
        return variables;
    }

    /** Whether a question about the configuration or the last build is answered, which takes no container and no rights. */
    boolean asks() {
        return dryRun || services || why.isPresent();
    }

    /** Whether files get owners of their own, for which an ordinary user has to be root in a namespace. */
    public boolean makesTree() {
        return !asks() && !menuconfig;
    }

    @Spec(Spec.Target.MIXEE)
    CommandSpec command;

    /** What a build in a container is told: the given options but for those that say where it runs; relative paths are made absolute. */
    List<String> handedOn() {
        Set<String> where = Set.of("-C", "--config", "--host", "--container", "--build-arg", "--mount");
        return command.commandLine().getParseResult().matchedOptions().stream().filter(option -> !where.contains(option.longestName()))
                .flatMap(BuildOptions::words).toList();
    }

    private static Stream<String> words(OptionSpec option) {
        if (option.arity().max() == 0) {
            return option.getValue().equals(true) ? Stream.of(option.longestName()) : Stream.empty();
        }
        return option.originalStringValues().stream().map(value -> option.longestName() + "=" + (isPath(option) ? Path.of(value).toAbsolutePath() : value));
    }

    private static boolean isPath(ArgSpec option) {
        return option.typeInfo().getType() == Path.class || option.typeInfo().getActualGenericTypeArguments().contains(Path.class.getName());
    }

    /** Says that another build works in the workspace; with --no-wait that is a Failure. */
    public void whenBusy(Workspace workspace, Console console) {
        if (noWait) {
            throw new Failure("another build is working in " + workspace.folder(), "wait for its end, or leave --no-wait out");
        }
        console.say("waiting for another build in " + workspace.folder());
    }

    /** How this build uses build.lock. */
    public BuildLock.Use lock(Workspace workspace) {
        BuildLock.Mode mode = locked ? BuildLock.Mode.LOCKED : updateLock.isPresent() ? BuildLock.Mode.UPDATE : BuildLock.Mode.USE;
        return new BuildLock.Use(workspace.lockFile(), mode, updateLock.filter(name -> !name.isEmpty()));
    }
}
