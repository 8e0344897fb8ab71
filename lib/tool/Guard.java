package lib.tool;

import java.io.IOException;
import java.io.OutputStream;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.TimeUnit;
import java.util.function.Supplier;
import lib.tool.Shell.Command;

/**
 * Cleans up after one child process, whatever becomes of this one. A small shell waits on a pipe from here: when the pipe ends
 * (Ctrl-C, crash, even kill -9) it ends the child, restores the terminal and runs the cleanup commands.
 */
public final class Guard implements AutoCloseable {
    /**
     * Arguments: pid of the child and saved terminal settings (each may be empty), then one cleanup command each, its words
     * parted by the unit separator. The signals of the terminal are ignored, because they reach the whole foreground group; TTOU
     * because stty runs in the background by then.
     */
    private static final String SCRIPT = """
            trap '' INT HUP TERM QUIT TTOU
            set -f
            IFS=$(printf '\\037')
            read -r word
            pid=$1; terminal=$2; shift 2
            if [ -n "$pid" ] && [ "$word" != ended ]; then
              kill "$pid"
              tries=0
              while kill -0 "$pid" && [ $tries -lt 20 ]; do
                case $(cat "/proc/$pid/stat") in *") Z "*) break;; esac # dead, but nobody waits for it
                sleep 0.1
                tries=$((tries + 1))
              done
              kill -9 "$pid"
            fi
            if [ -n "$terminal" ]; then stty "$terminal" < /dev/tty; printf '%s' "$RESET" > /dev/tty; fi
            for command; do $command; done
            """;

    /**
     * A script for sh that ends all that inherited {@code VARIABLE=VALUE}, its argument: politely, so that a build ends its own children,
     * after eight seconds for good.
     */
    public static final String END_MARKED = """
            ours() {
              for one in /proc/[0-9]*; do if grep -qsF "$1" "$one/environ"; then echo "${one#/proc/}"; fi; done
            }
            kill $(ours "$1")
            tries=0
            while [ -n "$(ours "$1")" ] && [ $tries -lt 80 ]; do sleep 0.1; tries=$((tries + 1)); done
            kill -9 $(ours "$1")
            """;

    private static final String SEPARATOR = "\037";
    /** Variable in the guard's environment, by which a later run finds one that still has to clean up. */
    public static final String MARK = "MOS_GUARD";
    /** What firmware and guests leave switched on or off: colours, wrapping of lines, the cursor (ECMA-48; DEC modes 7 and 25); the title. */
    private static final String RESET = "\033[0m\033[?7h\033[?25h\033[23;0t";

    private final Optional<Process> child;
    private final Process watcher;
    private final boolean terminal;

    private Guard(Optional<Process> child, String settings, Shell shell, List<List<String>> cleanup, String mark) {
        List<String> argv = new ArrayList<>(List.of("sh", "-c", SCRIPT, "guard", child.map(one -> Long.toString(one.pid())).orElse(""), settings));
        cleanup.forEach(command -> argv.add(String.join(SEPARATOR, command)));
        this.child = child;
        this.terminal = !settings.isEmpty();
        this.watcher = shell.release(Command.of(argv).with(MARK, mark).with("RESET", RESET),
                streams -> streams.redirectOutput(ProcessBuilder.Redirect.DISCARD).redirectError(ProcessBuilder.Redirect.DISCARD));
    }

    /**
     * @param start starts the child; called when the terminal's settings are known, since the child may change them at once
     * @param cleanup argument lists, run in turn without regard to their exit codes
     * @param mark value of {@link #MARK} in the guard's environment
     */
    public static Guard over(Supplier<Process> start, Shell shell, List<List<String>> cleanup, String mark) {
        String settings = Terminal.stty(shell, "-g");
        return new Guard(Optional.of(start.get()), settings, shell, cleanup, mark);
    }

    /** Watches over no child: the cleanup runs when this process closes it or ends in whatever way. */
    public static Guard afterwards(Shell shell, List<List<String>> cleanup, String mark) {
        return new Guard(Optional.empty(), "", shell, cleanup, mark);
    }

    /** Only restores the terminal. */
    public static Guard overTerminal(Shell shell) {
        return new Guard(Optional.empty(), Terminal.stty(shell, "-g"), shell, List.of(), "");
    }

    /** Whether standard input is a terminal, so that there are settings to restore. */
    public boolean hasTerminal() {
        return terminal;
    }

    /** The process that is watched over. */
    public Process child() {
        return child.orElseThrow();
    }

    /** Waits for the end of the child and returns its exit code. */
    public int join() {
        try {
            return child().waitFor();
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw new Failure("interrupted while waiting for process " + child().pid(), "", e);
        }
    }

    /** Ends the child if it still runs, then cleans up; returns when all is done. */
    @Override
    public void close() {
        child.filter(Process::isAlive).ifPresent(Shell::end);
        try (OutputStream pipe = watcher.getOutputStream()) {
            pipe.write("ended\n".getBytes(StandardCharsets.UTF_8));
        } catch (IOException e) {
            throw Failure.io("cannot clean up after the machine", e);
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
