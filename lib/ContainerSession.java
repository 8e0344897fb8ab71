package lib;

import java.util.List;
import java.util.Locale;
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
        if (state.running() && state.image().equals(container.image())) {
            return;
        }
        Cache cache = new Cache(container.cache(), line -> { });
        if (!imageExists()) {
            console.step("building the image " + container.image(), () -> {
                shell.run(Command.of(container.buildImage(cache.folder("container-context"))), "--debug shows all that it prints");
            });
        }
        if (state.exists() && !state.image().equals(container.image())) {
            console.step("removing the container of the image before", () -> {
                shell.run(Command.of(container.remove()));
            });
            state = ABSENT;
        }
        cache.folder(container.home().getFileName().toString());
        List<String> argv = state.exists() ? container.restart() : container.start();
        console.step("starting " + container.name(), () -> {
            shell.run(Command.of(argv), "see " + program() + " info");
        });
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
        if (imageExists()) {
            shell.run(Command.of(container.removeImage()));
        }
    }

    private boolean imageExists() {
        return shell.attempt(Command.of(container.imageExists())).exitCode() == 0;
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
        return container.engine().program();
    }
}
