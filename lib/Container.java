package lib;

import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.stream.Stream;
import lib.tool.Digest;
import lib.tool.Failure;
import lib.tool.Shell;
import lib.tool.Trees;

/**
 * The container in which a workspace is worked on: one a workspace, kept running, named after its folder. The methods build command
 * lines of podman or docker, which are the same but for their first word, and run nothing.
 *
 * @param project the folder of the launcher and the scripts
 * @param cache the build cache; the container's home folder is kept in it, so that libraries are fetched once
 * @param buildArguments arguments of the Dockerfile, {@code KEY=VALUE}
 */
public record Container(Engine engine, Path project, Workspace workspace, Path cache, List<String> buildArguments) {
    /** What runs containers. */
    public enum Engine {
        PODMAN, DOCKER;

        /** The wanted one, else podman, else docker; a Failure (exit code 3) when it is not installed. */
        public static Engine find(Optional<Engine> wanted) {
            return (wanted.isPresent() ? wanted.stream() : Arrays.stream(values())).filter(engine -> Shell.which(engine.program()).isPresent()).findFirst()
                    .orElseThrow(() -> Failure.machine(wanted.map(Engine::program).orElse("neither podman nor docker") + " is not installed",
                            "install podman (apt-get install podman, apk add podman, pacman -S podman)"));
        }

        String program() {
            return name().toLowerCase(Locale.ROOT);
        }
    }

    /** Follows the build log, so that the engine's own log command shows it; as process 1 it also collects orphans. */
    private static final String FIRST_PROCESS = "trap 'exit 0' TERM INT; echo started; tail -n 0 -F \"$1\" 2>/dev/null & wait $!";

    /** Variables that reach a build in the container: those of build.conf and those about the terminal and the network. */
    private static final List<String> VARIABLES = Stream.concat(Arrays.stream(BuildConf.Key.values()).map(Enum::name).filter(name -> !name.equals("HOSTNAME")),
            Stream.of("DEBUG", "NO_COLOR", "TERM", "KERNEL_SUBPATH", "UPLOAD_KERNEL", "UPLOAD_MANIFESTS", "http_proxy", "https_proxy", "no_proxy")).toList();

    /** {@code mos-FOLDER-HASH}: readable, and different for folders of the same name. */
    public String name() {
        Path folder = workspace.folder();
        String readable = folder.getFileName() == null ? "root" : folder.getFileName().toString().replaceAll("[^a-zA-Z0-9_.-]", "-");
        return "mos-" + readable + "-" + Digest.sha256(folder.toString()).substring(0, 8);
    }

    /** The image's name; another one when the Dockerfile or its arguments change. */
    public String image() {
        return "localhost/mos-builder:" + Digest.sha256(Trees.read(dockerfile()) + "\0" + String.join("\0", buildArguments)).substring(0, 12);
    }

    private Path dockerfile() {
        return project.resolve("Dockerfile");
    }

    /** @param context an empty folder: the image takes no files from here */
    public List<String> buildImage(Path context) {
        List<String> argv = argv("build", "--network", "host", "--file", dockerfile().toString(), "--tag", image());
        buildArguments.forEach(argument -> argv.addAll(List.of("--build-arg", argument)));
        argv.add(context.toString());
        return argv;
    }

    public List<String> imageExists() {
        return argv("image", "inspect", "--format", "{{.Id}}", image());
    }

    /**
     * Starts the container. Package scripts run in namespaces of their own, for which it needs the right to mount; with rootless podman
     * that right ends at the user's own namespace. Paths are the same inside and outside, so that messages hold in both.
     */
    public List<String> start() {
        List<String> argv = argv("run", "--detach", "--name", name(), "--network", "host", "--workdir", workspace.folder().toString(),
                "--cap-add", "SYS_ADMIN", "--security-opt", "seccomp=unconfined", "--security-opt", "label=disable",
                "--security-opt", engine == Engine.PODMAN ? "unmask=ALL" : "systempaths=unconfined");
        if (engine == Engine.DOCKER) {
            argv.addAll(List.of("--security-opt", "apparmor=unconfined"));
        }
        Stream.of(project, workspace.folder(), workspace.config(), cache).distinct()
                .forEach(path -> argv.addAll(List.of("--volume", path + ":" + path)));
        argv.addAll(List.of("--env", "MOS_CACHE_DIR=" + cache, "--env", "HOME=" + home(), image(), "sh", "-c", FIRST_PROCESS, "sh",
                workspace.log().toString()));
        return argv;
    }

    /** The home folder inside: JBang's and Maven's files stay there when the container goes. */
    public Path home() {
        return cache.resolve("container-home");
    }

    /** What a command inside is given as its standard input; podman loses output of commands that leave a pipe unread, so not always this process's. */
    public enum Input { NONE, PIPE, TERMINAL }

    /**
     * Runs a command inside, in the workspace.
     *
     * @param environment this process's environment: of the known variables those that are set are handed on, by name, so that no
     *        value is on a command line
     */
    public List<String> exec(List<String> command, Input input, Map<String, String> environment) {
        List<String> argv = argv("exec");
        argv.addAll(switch (input) {
            case NONE -> List.of();
            case PIPE -> List.of("--interactive");
            case TERMINAL -> List.of("--interactive", "--tty");
        });
        VARIABLES.stream().filter(environment::containsKey).forEach(variable -> argv.addAll(List.of("--env", variable)));
        argv.add(name());
        argv.addAll(command);
        return argv;
    }

    /** A build inside; it must not look for a container of its own. */
    public List<String> build(List<String> arguments, Input input, Map<String, String> environment) {
        List<String> command = new ArrayList<>(List.of(project.resolve("jbang").toString(), project.resolve("build.java").toString(), "--host",
                "-C", workspace.folder().toString()));
        command.addAll(arguments);
        return exec(command, input, environment);
    }

    /** Prints {@code true} or {@code false} (is it running) and the name of its image. */
    public List<String> inspect() {
        return argv("container", "inspect", "--format", "{{.State.Running}} {{.Config.Image}}", name());
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

    public List<String> removeImage() {
        return argv("rmi", "--force", image());
    }

    public List<String> logs(boolean follow) {
        List<String> argv = argv("logs");
        if (follow) {
            argv.add("--follow");
        }
        argv.add(name());
        return argv;
    }

    private List<String> argv(String... words) {
        List<String> argv = new ArrayList<>(List.of(engine.program()));
        argv.addAll(List.of(words));
        return argv;
    }
}
