package lib.tool;

import java.io.IOException;
import java.io.OutputStream;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.TimeUnit;
import lib.tool.Shell.Command;

/**
 * Cleans up after one child process, whatever becomes of this one. A small shell waits on a pipe from here: when the pipe ends
 * (Ctrl-C, crash, even kill -9) it ends the child, restores the terminal and runs the cleanup commands.
 */
public final class Guard implements AutoCloseable {
    /**
     * Arguments: pid of the child, saved terminal settings (may be empty), then one cleanup command each. The signals of the
     * terminal are ignored, because they reach the whole foreground group; TTOU because stty runs in the background by then.
     */
    private static final String SCRIPT = """
            trap '' INT HUP TERM QUIT TTOU
            set -f
            read -r word
            pid=$1; terminal=$2; shift 2
            if [ "$word" != ended ]; then
              kill "$pid"
              tries=0
              while kill -0 "$pid" && [ $tries -lt 20 ]; do sleep 0.1; tries=$((tries + 1)); done
              kill -9 "$pid"
            fi
            if [ -n "$terminal" ]; then stty "$terminal" < /dev/tty; fi
            for command; do $command; done
            """;

    private final Process child;
    private final Process watcher;

    private Guard(Process child, Process watcher) {
        this.child = child;
        this.watcher = watcher;
    }

    /** @param cleanup argument lists, run in turn without regard to their exit codes; their words may not hold blanks */
    public static Guard over(Process child, Shell shell, List<List<String>> cleanup) {
        List<String> argv = new ArrayList<>(List.of("sh", "-c", SCRIPT, "guard", Long.toString(child.pid()), terminalSettings(shell)));
        cleanup.forEach(command -> argv.add(String.join(" ", command)));
        return new Guard(child, shell.release(Command.of(argv),
                streams -> streams.redirectOutput(ProcessBuilder.Redirect.DISCARD).redirectError(ProcessBuilder.Redirect.DISCARD)));
    }

    public Process child() {
        return child;
    }

    /** Waits for the end of the child and returns its exit code. */
    public int join() {
        try {
            return child.waitFor();
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw new Failure("interrupted while waiting for process " + child.pid(), "", e);
        }
    }

    /** What {@code stty -g} says of the terminal on standard input; empty when that is not a terminal. */
    private static String terminalSettings(Shell shell) {
        if (System.console() == null || Shell.which("stty").isEmpty()) {
            return "";
        }
        try {
            Process stty = shell.open(Command.of("stty", "-g"),
                    streams -> streams.redirectInput(ProcessBuilder.Redirect.INHERIT).redirectError(ProcessBuilder.Redirect.DISCARD));
            String settings = new String(stty.getInputStream().readAllBytes(), StandardCharsets.UTF_8).strip();
            return stty.waitFor() == 0 ? settings : "";
        } catch (IOException e) {
            return "";
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            return "";
        }
    }

    /** Ends the child if it still runs, then cleans up; returns when all is done. */
    @Override
    public void close() {
        if (child.isAlive()) {
            Shell.end(child);
        }
        try (OutputStream pipe = watcher.getOutputStream()) {
            pipe.write("ended\n".getBytes(StandardCharsets.UTF_8));
        } catch (IOException e) {
            throw Failure.io("cannot clean up after " + child.pid(), e);
        }
        try {
            if (!watcher.waitFor(10, TimeUnit.SECONDS)) {
                watcher.destroyForcibly();
            }
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
    }
}
