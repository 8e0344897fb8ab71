package lib;

import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.function.Function;
import java.util.stream.Stream;
import lib.tool.Cache;
import lib.tool.Console;
import lib.tool.Failure;
import lib.tool.Guard;
import lib.tool.Shell;
import lib.tool.Shell.Command;
import lib.tool.Shell.Result;
import lib.tool.Trees;

/** Brings a {@link Container} into a wanted state, whatever state it is in. */
public record ContainerSession(Container container, Shell shell, Console console) {

    /**
     * What the engine knows of the container.
     *
     * @param image empty when there is no container
     * @param inputs what it was given to read when it was made
     */
    public record State(boolean exists, boolean running, String image, List<Path> inputs) {
        /** running, stopped or absent. */
        public String word() {
            return running ? "running" : exists ? "stopped" : "absent";
        }
    }

    /**
     * Builds the image when the Dockerfile or its arguments changed and starts the container. One of an older image is replaced, and one
     * that lacks an input; the new one keeps the inputs of the one before, so that commands with different ones do not take turns at it.
     */
    public void start() {
        State state = state();
        boolean current = state.image().equals(container.image().name());
        boolean sees = state.inputs().containsAll(container.mounted());
        if (state.running() && current && sees) {
            return;
        }
        container.image().obtain(shell, console, cache());
        List<Path> kept = state.inputs().stream().filter(Files::exists).toList();
        boolean stays = state.exists() && current && sees && kept.equals(state.inputs());
        if (state.exists() && !stays) {
            console.step("removing the container " + (current ? "that has other inputs" : "of the image before"), () -> {
                shell.run(Command.of(container.remove()));
            });
        }
        cache().folder(container.homeFolder().getFileName().toString());
        List<String> argv = stays ? container.restart() : container.with(kept).start();
        console.step("starting " + container.name(), () -> {
            shell.run(Command.of(argv), "see " + program() + " info");
        });
    }

    /** Runs build.java inside, with the variables of this process's environment that are its, and returns its exit code. */
    public int build(List<String> arguments, Container.Input input, Map<String, String> environment) {
        Path variables = new ContainerVariables(environment).write(cache());
        return run(run -> container.build(arguments, input, variables, run), List.of(List.of("rm", "-f", variables.toString())));
    }

    private Cache cache() {
        return new Cache(container.cache(), line -> { });
    }

    /**
     * Runs a command inside on this process's terminal and returns its exit code. Whatever ends this process ends what it started.
     *
     * @param argv the command line for a run that a file, which exists, stands for
     */
    public int run(Function<Path, List<String>> argv) {
        return run(argv, List.of());
    }

    private int run(Function<Path, List<String>> argv, List<List<String>> afterwards) {
        Path run = cache().temporary("run");
        Trees.replace(run, "");
        List<List<String>> cleanup = Stream.concat(Stream.of(container.end(run)), afterwards.stream()).toList();
        try (Guard guard = Guard.over(() -> shell.open(Command.of(argv.apply(run)), ProcessBuilder::inheritIO), shell, cleanup, container.name())) {
            return guard.join();
        }
    }

    /** Stops it when it runs. */
    public void stop() {
        if (state().running()) {
            shell.run(Command.of(container.stop()));
        }
    }

    /** Removes container and image where they exist. */
    public void remove() {
        if (state().exists()) {
            shell.run(Command.of(container.remove()));
        }
        if (container.image().isThere(shell)) {
            shell.run(Command.of(container.image().remove()));
        }
    }

    /** Asks the engine; an engine that does not work is a Failure (exit code 3). */
    public State state() {
        Result result = shell.attempt(Command.of(container.inspect()));
        if (result.exitCode() == 0) {
            List<String> lines = result.text().lines().toList();
            String[] words = lines.get(0).split(" ", 2);
            return new State(true, words[0].equals("true"), words[1], lines.stream().skip(1).map(Path::of).toList());
        }
        if (result.tail().stream().noneMatch(line -> line.toLowerCase(Locale.ROOT).contains("no such"))) {
            throw Failure.machine(program() + " does not work here: " + String.join(" ", result.tail()), "see that " + program() + " info works");
        }
        return new State(false, false, "", List.of());
    }

    private String program() {
        return container.image().engine().program();
    }
}
