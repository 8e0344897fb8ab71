///usr/bin/env jbang "$0" "$@" ; exit $?
//JAVA 17+
//MAIN DevContainer
//SOURCES lib/**.java

import java.nio.file.Path;
import java.util.List;
import java.util.Locale;
import java.util.Optional;
import java.util.function.Function;
import lib.Container;
import lib.Container.Input;
import lib.ContainerEngine;
import lib.ContainerImage;
import lib.ContainerInputs;
import lib.ContainerSession;
import lib.Workspace;
import lib.tool.Cache;
import lib.tool.Cli;
import lib.tool.Console;
import lib.tool.Failure;
import lib.tool.Json;
import lib.tool.Shell;
import picocli.CommandLine.Command;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;
import picocli.CommandLine.Spec;

@Command(name = "dev-container.java", sortOptions = false, usageHelpWidth = 110,
        description = {"Work on a workspace in a container that has all tools: podman, else docker. One container a workspace, kept running.",
            "", "  start        build the image when the Dockerfile changed, start the container, print its name",
            "  shell        a shell inside", "  exec CMD...  run a command inside, in the workspace",
            "  build [ARGS] run build.java inside, with these arguments", "  restart      stop, then start",
            "  stop         stop it; what it holds stays", "  status       running, stopped or absent",
            "  logs         what it printed, build logs included (--follow)", "  clean        remove the container and its image", "",
            "shell, exec and build start it when it does not run. What config/ and the environment name outside of the workspace is readable",
            "inside; for more of that the container is made anew."},
        exitCodeListHeading = "%nExit codes:%n",
        exitCodeList = {"0:done; status: it runs", "1:failed; status: it does not run", "2:wrong command line", "3:no podman or docker, or it does not work",
            "130:interrupted", "N:exec, build and shell end with the exit code of what they ran"},
        footer = {"", "Examples:", "  ./jbang dev-container.java build --until alpine", "  ./jbang dev-container.java exec make --version",
            "  ./jbang dev-container.java --build-arg BASE=alpine:edge start"})
class DevContainer implements Cli.Script {
    enum Verb {
        START, SHELL, EXEC, BUILD, RESTART, STOP, STATUS, LOGS, CLEAN;

        boolean hasResult() {
            return this == START || this == RESTART || this == STATUS;
        }
    }

    /** For --json; {@code state} is running, stopped or absent. */
    record Status(String name, String state, String image) { }

    @Option(names = "-C", paramLabel = "DIR", description = "Workspace: the folder that holds config/ (default: found upwards from here).")
    Optional<Path> folder;
    @Option(names = "--engine", paramLabel = "podman|docker", description = "Container engine (default: the first of the two that is installed).")
    Optional<ContainerEngine> engine;
    @Option(names = "--build-arg", paramLabel = "KEY=VALUE", description = "Argument of the Dockerfile: BASE, REPOSITORIES, PACKAGES, RUST_TARGET.")
    List<String> buildArguments = List.of();
    @Option(names = "--mount", paramLabel = "PATH", description = "A file or folder outside of the workspace that is to be readable inside; it stays so.")
    List<Path> mounts = List.of();
    @Option(names = {"-i", "--stdin"}, description = "exec, build: hand standard input on when it is no terminal.")
    boolean stdin;
    @Option(names = "--follow", description = "logs: go on printing.")
    boolean follow;
    @Option(names = "--json", description = "start, restart, status: print name, state and image as JSON.")
    boolean json;
    @Option(names = {"-q", "--quiet"}, description = "Print nothing on stderr but failures and what runs inside.")
    boolean quiet;
    @Option(names = {"-h", "--help"}, usageHelp = true, description = "Show this help.")
    boolean help;
    @Option(names = "--debug", description = "Show commands and stack traces (DEBUG=1).")
    boolean debug = "1".equals(System.getenv("DEBUG"));
    @Parameters(index = "0", paramLabel = "VERB", description = "One of the above.")
    Verb verb;
    @Parameters(index = "1..*", paramLabel = "ARG", description = "For exec and build; what follows the verb is theirs.")
    List<String> arguments = List.of();

    private Shell shell;
    private Container container;
    private ContainerSession session;

    public static void main(String... args) {
        Cli.main(new DevContainer(), args);
    }

    @Override
    public boolean debug() {
        return debug;
    }

    /** What follows the verb belongs to the command inside, options too. */
    @Spec
    void parser(CommandSpec spec) {
        spec.parser().stopAtPositional(true);
    }

    @Override
    public Integer call() {
        Console console = Console.stderr(debug).quiet(quiet);
        if (json && !verb.hasResult()) {
            throw Failure.usage("--json goes with start, restart and status", "options of build and exec come behind the verb");
        }
        shell = new Shell(console);
        ContainerImage image = new ContainerImage(ContainerEngine.find(engine), ContainerImage.project(System.getenv()), buildArguments);
        Workspace workspace = Workspace.find(folder, Optional.empty());
        container = new Container(image, workspace, Cache.defaultFolder(System.getenv()), new ContainerInputs(System.getenv(), mounts).of(workspace));
        if (verb == Verb.LOGS && arguments.equals(List.of("--follow"))) {
            follow = true;
        } else if (verb != Verb.EXEC && verb != Verb.BUILD && !arguments.isEmpty()) {
            throw Failure.usage(verb.name().toLowerCase(Locale.ROOT) + " takes no arguments: " + String.join(" ", arguments), "options come before the verb");
        }
        session = new ContainerSession(container, shell, console);
        return switch (verb) {
            case START -> start();
            case RESTART -> {
                session.stop();
                yield start();
            }
            case SHELL -> inside(run -> container.exec(List.of("sh", "-l"), input(), System.getenv(), run));
            case EXEC -> inside(run -> container.exec(arguments, input(), System.getenv(), run));
            case BUILD -> build();
            case STATUS -> status();
            case LOGS -> shell.interactive(Shell.Command.of(container.logs(follow)));
            case STOP -> {
                session.stop();
                yield 0;
            }
            case CLEAN -> {
                session.remove();
                yield 0;
            }
        };
    }

    private int inside(Function<Path, List<String>> argv) {
        if (verb == Verb.EXEC && arguments.isEmpty()) {
            throw Failure.usage("exec needs a command", "for example: dev-container.java exec make --version");
        }
        session.start();
        return session.run(argv);
    }

    private int build() {
        session.start();
        return session.build(arguments, input(), System.getenv());
    }

    private int start() {
        session.start();
        if (json) {
            return status();
        }
        System.out.println(container.name());
        return 0;
    }

    private int status() {
        ContainerSession.State state = session.state();
        System.out.print(json ? Json.pretty(new Status(container.name(), state.word(), state.image()))
                : (container.name() + " " + state.word() + " " + state.image()).strip() + "\n");
        return state.running() ? 0 : 1;
    }

    private Input input() {
        return System.console() != null ? Input.TERMINAL : stdin || verb == Verb.SHELL ? Input.PIPE : Input.NONE;
    }
}
