package lib;

import java.nio.file.Path;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import lib.tool.Cache;
import lib.tool.Console;
import lib.tool.Failure;
import lib.tool.Shell;
import lib.tool.Shell.Command;
import lib.tool.Shell.Result;

/** Brings a {@link Container} into a wanted state, whatever state it is in. */
public record ContainerSession(Container container, Shell shell, Console console) {

    /** What the engine knows of the container; {@code image} is empty when there is none. */
    public record State(boolean exists, boolean running, String image) {
        /** running, stopped or absent. */
        public String word() {
            return running ? "running" : exists ? "stopped" : "absent";
        }
    }

    private static final State ABSENT = new State(false, false, "");

    /** Builds the image when the Dockerfile or its arguments changed and starts the container; one of an older image is replaced. */
    public void start() {
        State state = state();
        if (state.running() && state.image().equals(container.image().name())) {
            return;
        }
        Cache cache = new Cache(container.cache(), line -> { });
        container.image().obtain(shell, console, cache);
        if (state.exists() && !state.image().equals(container.image().name())) {
            console.step("removing the container of the image before", () -> {
                shell.run(Command.of(container.remove()));
            });
            state = ABSENT;
        }
        cache.folder(container.homeFolder().getFileName().toString());
        List<String> argv = state.exists() ? container.restart() : container.start();
        console.step("starting " + container.name(), () -> {
            shell.run(Command.of(argv), "see " + program() + " info");
        });
    }

    /** A file with the variables for a build inside, which removes it. */
    public Path variables(Map<String, String> environment) {
        return new ContainerVariables(environment).write(new Cache(container.cache(), line -> { }));
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
            String[] words = result.text().split(" ", 2);
            return new State(true, words[0].equals("true"), words[1]);
        }
        if (result.tail().stream().noneMatch(line -> line.toLowerCase(Locale.ROOT).contains("no such"))) {
            throw Failure.machine(program() + " does not work here: " + String.join(" ", result.tail()), "see that " + program() + " info works");
        }
        return ABSENT;
    }

    private String program() {
        return container.image().engine().program();
    }
}
