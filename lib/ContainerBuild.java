package lib;

import com.sun.security.auth.module.UnixSystem;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import lib.tool.Cache;
import lib.tool.Console;
import lib.tool.Failure;
import lib.tool.Guard;
import lib.tool.Shell;
import lib.tool.Shell.Command;
import lib.tool.User;

/**
 * Where build.java runs: in a container where there is an engine, else here. The bytes that come out are the same.
 *
 * @param environment this process's environment
 */
public record ContainerBuild(BuildOptions options, Shell shell, Console console, Map<String, String> environment) {
    /** Set in our own containers: a build that finds it starts no other one. */
    static final String INSIDE = "MOS_CONTAINER";
    /** The same as --host or --container. */
    static final String VARIABLE = "MOS_BUILD";

    /** Where the user wants the build: here, in a container (of a certain engine), or wherever it can be. */
    private record Wish(boolean here, boolean insists, Optional<ContainerEngine> engine) { }

    /**
     * Runs the build in a container and returns its exit code; empty when it is to run here.
     *
     * @throws Failure (exit code 3) when the user insists on a container and none can be had
     */
    public Optional<Integer> run() {
        Wish wish = wish();
        if (wish.here()) {
            return Optional.empty();
        }
        if (!wish.insists() && (ContainerEngine.isAround(environment, Path.of("/")) || installed().isEmpty())) {
            return Optional.empty();
        }
        Workspace workspace = Workspace.find(options.folder, options.config);
        Config config = Config.read(workspace.config(), environment);
        ContainerEngine.Health engine;
        Container container;
        try {
            engine = engine(wish);
            container = new Container(new ContainerImage(engine.engine(), ContainerImage.project(environment), options.buildArguments), workspace,
                    Cache.defaultFolder(environment), new ContainerInputs(environment, options.mounts).of(config));
            container.image().obtain(shell, console, cache());
        } catch (Failure e) {
            if (wish.insists()) {
                throw e;
            }
            console.say("no container can be had, so this machine builds (--host does so at once): " + e.what());
            return Optional.empty();
        }
        try {
            return Optional.of(run(container));
        } finally {
            handBack(container, engine);
        }
    }

    private Wish wish() {
        if (options.demo && options.container.isPresent()) {
            throw Failure.usage("--demo builds on this machine, of this distribution's own packages", "leave --container out");
        }
        if (environment.containsKey(INSIDE) || options.host || options.demo || options.asks() || UserNamespace.isInside()) {
            return new Wish(true, false, Optional.empty());
        }
        String said = options.container.orElseGet(() -> environment.getOrDefault(VARIABLE, "").replaceFirst("^container$", "any"));
        return switch (said) {
            case "" -> new Wish(false, false, Optional.empty());
            case "any" -> new Wish(false, true, Optional.empty());
            case "podman" -> new Wish(false, true, Optional.of(ContainerEngine.PODMAN));
            case "docker" -> new Wish(false, true, Optional.of(ContainerEngine.DOCKER));
            case "host" -> new Wish(true, false, Optional.empty());
            default -> throw Failure.usage("a build cannot run in \"" + said + "\"", "--container takes podman or docker; " + VARIABLE + " takes host, container, podman or docker");
        };
    }

    /** The wanted engine, else the first that works. */
    private ContainerEngine.Health engine(Wish wish) {
        List<ContainerEngine> candidates = wish.engine().isPresent() || installed().isEmpty() ? List.of(ContainerEngine.find(wish.engine())) : installed();
        List<ContainerEngine.Health> all = candidates.stream().map(engine -> engine.health(shell)).toList();
        return all.stream().filter(ContainerEngine.Health::usable).findFirst()
                .orElseThrow(() -> Failure.machine(all.get(0).describe(), all.get(0).help()));
    }

    private static List<ContainerEngine> installed() {
        return Arrays.stream(ContainerEngine.values()).filter(ContainerEngine::isInstalled).toList();
    }

    private Cache cache() {
        return new Cache(Cache.defaultFolder(environment), line -> { });
    }

    private int run(Container container) {
        ContainerVariables variables = new ContainerVariables(environment);
        cache().folder(container.homeFolder().getFileName().toString());
        Path file = variables.write(cache());
        Container.Input input = System.console() == null ? Container.Input.NONE : Container.Input.TERMINAL;
        Command command = Command.of(container.run(options.handedOn(), file, input, !options.offline));
        List<List<String>> cleanup = List.of(container.removeRun(), List.of("rm", "-f", file.toString()));
        try (Guard guard = Guard.over(() -> shell.open(command, ProcessBuilder::inheritIO), shell, cleanup, container.runName())) {
            return guard.join();
        }
    }

    /** A daemon that runs as root writes as root. */
    private void handBack(Container container, ContainerEngine.Health engine) {
        if (engine.engine() == ContainerEngine.DOCKER && !engine.rootless() && !User.isRoot() && Files.exists(container.workspace().dist())) {
            UnixSystem caller = new UnixSystem();
            shell.attempt(Command.of(container.giveTo(caller.getUid() + ":" + caller.getGid())));
        }
    }
}
