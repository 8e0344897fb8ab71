package lib;

import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.stream.Stream;
import lib.tool.Digest;
import lib.tool.Guard;

/**
 * The containers that a workspace is worked on in: one that is kept running for dev-container.java, and one for each run of build.java.
 * The methods build command lines of podman or docker and run nothing.
 *
 * @param cache the build cache; the container's home folder is kept in it, so that libraries are fetched once
 * @param inputs files and folders elsewhere that may be read inside
 */
public record Container(ContainerImage image, Workspace workspace, Path cache, List<Path> inputs) {
    /** In the environment of all that one run starts inside the kept container: a file that is there while it runs. */
    private static final String RUN = "MOS_RUN";

    /** Follows the build log, so that the engine's own log command shows it; as process 1 it also collects orphans. */
    private static final String FIRST_PROCESS = "trap 'exit 0' TERM INT; echo started; tail -n 0 -F \"$1\" 2>/dev/null & wait $!";

    /** build.java as the image has it; the first argument is the file of its variables, which is gone before it starts. */
    private static final String BUILD = "set -a; . \"$1\"; set +a; rm -f \"$1\"; shift; umask 022; exec java -Dsun.jnu.encoding=UTF-8 -XX:+UseSerialGC -XX:TieredStopAtLevel=1 -cp '"
            + ContainerImage.PROGRAM + "/program/*:" + ContainerImage.PROGRAM + "/libraries/*' Build \"$@\"";

    /** Runs the words that follow; the file that is named in the environment goes when they have ended by themselves. */
    private static final String WATCHED = "\"$@\"; code=$?; rm -f \"$" + RUN + "\"; exit $code";

    /** What a command inside is given as its standard input; podman loses output of commands that leave a pipe unread, so not always this process's. */
    public enum Input { NONE, PIPE, TERMINAL }

    /** The names of a workspace's containers: readable, and different for folders of the same name. */
    public record Names(Workspace workspace) {
        private String tail() {
            Path folder = workspace.folder();
            String readable = folder.getFileName() == null ? "root" : folder.getFileName().toString().replaceAll("[^a-zA-Z0-9_.-]", "-");
            return readable + "-" + Digest.sha256(folder.toString()).substring(0, 8);
        }

        /** {@code mos-FOLDER-HASH}. */
        String kept() {
            return "mos-" + tail();
        }

        /** {@code mos-build-FOLDER-HASH-PID}. */
        String run() {
            return "mos-build-" + tail() + "-" + ProcessHandle.current().pid();
        }

        boolean isOurs(String name) {
            return name.equals(kept()) || name.startsWith("mos-build-" + tail() + "-");
        }
    }

    /** That of the container that is kept. */
    public String name() {
        return new Names(workspace).kept();
    }

    /** Starts the container that is kept. Paths are the same inside and outside, so that messages hold in both. */
    public List<String> start() {
        List<String> argv = argv("run", "--detach", "--name", name(), "--network", "host", "--workdir", workspace.folder().toString());
        argv.addAll(rights());
        argv.addAll(volumes(Stream.of(image.project(), workspace.folder(), workspace.config(), cache)));
        argv.addAll(readOnly());
        argv.addAll(home());
        argv.addAll(List.of(image.name(), "sh", "-c", FIRST_PROCESS, "sh", workspace.log().toString()));
        return argv;
    }

    /**
     * Package scripts run in namespaces of their own, for which the container needs the right to mount; with a rootless engine that
     * right ends at the user's own namespace. Files keep their SELinux labels: the container runs without a label of its own instead.
     */
    private List<String> rights() {
        List<String> argv = new ArrayList<>(List.of("--cap-add", "SYS_ADMIN", "--security-opt", "seccomp=unconfined", "--security-opt", "label=disable",
                "--security-opt", engine() == ContainerEngine.PODMAN ? "unmask=ALL" : "systempaths=unconfined"));
        if (engine() == ContainerEngine.DOCKER) {
            argv.addAll(List.of("--security-opt", "apparmor=unconfined"));
        }
        return argv;
    }

    private static List<String> volumes(Stream<Path> paths) {
        return paths.distinct().flatMap(path -> Stream.of("--volume", path + ":" + path)).toList();
    }

    private List<String> readOnly() {
        return mounted().stream().flatMap(path -> Stream.of("--volume", path + ":" + path + ":ro")).toList();
    }

    /** The inputs but for those in folders that are there anyway. */
    List<Path> mounted() {
        return inputs.stream().filter(path -> Stream.of(workspace.folder(), workspace.config(), cache).noneMatch(path::startsWith)).distinct().toList();
    }

    /** The same with these inputs besides its own. */
    Container with(List<Path> others) {
        return new Container(image, workspace, cache, Stream.concat(inputs.stream(), others.stream()).toList());
    }

    private List<String> home() {
        return List.of("--env", "MOS_CACHE_DIR=" + cache, "--env", "HOME=" + homeFolder());
    }

    /** The home folder inside: JBang's and Maven's files stay there when the container goes. */
    public Path homeFolder() {
        return cache.resolve("container-home");
    }

    /** A name for the container of one run of build.java. */
    public String runName() {
        return new Names(workspace).run();
    }

    /**
     * Runs build.java in a container that is gone when it ends.
     *
     * @param variables file of its environment, as {@link ContainerVariables} writes it
     * @param network whether it may use this machine's network
     */
    public List<String> run(List<String> arguments, Path variables, Input input, boolean network) {
        List<String> argv = argv("run", "--rm", "--name", runName(), "--network", network ? "host" : "none", "--workdir", workspace.folder().toString(),
                "--pull", "never", "--log-driver", "none");
        argv.addAll(rights());
        argv.addAll(options(input));
        argv.addAll(volumes(Stream.of(workspace.folder(), workspace.config(), cache)));
        argv.addAll(readOnly());
        argv.addAll(home());
        argv.add(image.name());
        argv.addAll(inside(arguments, variables));
        return argv;
    }

    private List<String> inside(List<String> arguments, Path variables) {
        List<String> argv = new ArrayList<>(List.of("sh", "-c", BUILD, "build.java", variables.toString(), "--host", "-C", workspace.folder().toString(),
                "--config", workspace.config().toString()));
        argv.addAll(arguments);
        return argv;
    }

    private static List<String> options(Input input) {
        return switch (input) {
            case NONE -> List.of();
            case PIPE -> List.of("--interactive");
            case TERMINAL -> List.of("--interactive", "--tty");
        };
    }

    /** Removes the container of {@link #run}, when this process has to end it. */
    public List<String> removeRun() {
        return argv("rm", "--force", "--volumes", runName());
    }

    /**
     * Gives the outputs to the caller, as whom a daemon that runs as root does not work.
     *
     * @param owner {@code UID:GID}
     */
    public List<String> giveTo(String owner) {
        List<Path> ours = Stream.concat(Stream.concat(workspace.outputs().stream(), Stream.of(workspace.lockFile())).filter(Files::exists), Stream.of(cache)).toList();
        List<String> argv = argv("run", "--rm", "--network", "none", "--pull", "never");
        argv.addAll(volumes(Stream.of(workspace.folder(), workspace.config(), cache)));
        argv.addAll(List.of(image.name(), "chown", "-hR", owner));
        ours.forEach(path -> argv.add(path.toString()));
        return argv;
    }

    /**
     * Runs a command inside the kept container, in the workspace.
     *
     * @param environment this process's environment: of the known variables those that are set are handed on, by name, so that no
     *        value is on a command line
     * @param run an existing file in the cache, which goes when the command has ended by itself
     */
    public List<String> exec(List<String> command, Input input, Map<String, String> environment, Path run) {
        List<String> argv = exec(input, run);
        new ContainerVariables(environment).harmless().forEach(variable -> argv.addAll(List.of("--env", variable)));
        argv.addAll(List.of(name(), "sh", "-c", WATCHED, "sh"));
        argv.addAll(command);
        return argv;
    }

    /** A build inside the kept container. */
    public List<String> build(List<String> arguments, Input input, Path variables, Path run) {
        List<String> argv = exec(input, run);
        argv.addAll(List.of(name(), "sh", "-c", WATCHED, "sh"));
        argv.addAll(inside(arguments, variables));
        return argv;
    }

    private List<String> exec(Input input, Path run) {
        List<String> argv = argv("exec");
        argv.addAll(options(input));
        argv.addAll(List.of("--env", RUN + "=" + run));
        return argv;
    }

    /** Ends what {@code run} started inside, if that goes on: engines hand no signal on to what they execute. */
    List<String> end(Path run) {
        List<String> argv = new ArrayList<>(List.of("sh", "-c", "[ -e \"$1\" ] || exit 0; run=$1; shift; \"$@\"; rm -f \"$run\"", "sh", run.toString()));
        argv.addAll(argv("exec", name(), "sh", "-c", Guard.END_MARKED, "sh", RUN + "=" + run));
        return argv;
    }

    /** Prints {@code true} or {@code false} (is it running) and the name of its image, then each of its inputs on a line. */
    public List<String> inspect() {
        return argv("container", "inspect", "--format", "{{.State.Running}} {{.Config.Image}}{{range .Mounts}}{{if not .RW}}{{println}}{{.Destination}}{{end}}{{end}}", name());
    }

    public List<String> stop() {
        return argv("stop", "--time", "5", name());
    }

    public List<String> restart() {
        return argv("start", name());
    }

    public List<String> remove() {
        return argv("rm", "--force", "--volumes", name());
    }

    public List<String> logs(boolean follow) {
        return follow ? argv("logs", "--follow", name()) : argv("logs", name());
    }

    private ContainerEngine engine() {
        return image.engine();
    }

    private List<String> argv(String... words) {
        return engine().argv(words);
    }
}
