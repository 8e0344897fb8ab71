package lib.tool;

import java.io.IOException;
import java.io.PrintStream;
import java.io.PrintWriter;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.Locale;
import java.util.function.Function;
import java.util.function.Supplier;
import java.util.function.ToLongFunction;
import me.tongfei.progressbar.ConsoleProgressBarConsumer;
import me.tongfei.progressbar.ProgressBarBuilder;
import me.tongfei.progressbar.ProgressBarStyle;

/**
 * What people see, on stderr: phase headings, step lines with seconds, progress bars; and the log file behind them.
 *
 * <p>On a terminal bars are drawn and colours used (not with NO_COLOR set); elsewhere each step is one plain line when it ends.
 */
public final class Console implements AutoCloseable {
    private final PrintStream err;
    private final boolean terminal;
    private final boolean colour;
    private final boolean debug;
    private final long started = System.nanoTime();
    private final List<Span> spans = Collections.synchronizedList(new ArrayList<>());
    private PrintWriter log;
    private LiveTable table;
    private String phase = "";
    private boolean quiet;

    /**
     * A phase (its step is empty) or a step of it, on the clock of this console.
     *
     * @param start seconds since the console was made
     * @param bytes what a phase left behind; 0 for a step, or when there is nothing that has a size
     */
    public record Span(String phase, String step, double start, double seconds, long bytes) { }

    private Console(PrintStream err, boolean terminal, boolean debug) {
        this.err = err;
        this.terminal = terminal;
        this.colour = terminal && System.getenv("NO_COLOR") == null && !"dumb".equals(System.getenv("TERM"));
        this.debug = debug;
    }

    /** The console of this process: stderr, which counts as a terminal when the process has one. */
    public static Console stderr(boolean debug) {
        boolean terminal = System.console() != null && Files.exists(Path.of("/proc/self/fd/2"))
                && isTerminal(Path.of("/proc/self/fd/2"));
        return new Console(new PrintStream(new java.io.FileOutputStream(java.io.FileDescriptor.err), true, StandardCharsets.UTF_8),
                terminal, debug);
    }

    /** A console that prints plain lines into {@code out}; for tests. */
    public static Console plain(PrintStream out) {
        return new Console(out, false, false);
    }

    private static boolean isTerminal(Path fd) {
        try {
            String target = fd.toRealPath().toString();
            return target.startsWith("/dev/pts/") || target.startsWith("/dev/tty") || target.equals("/dev/console");
        } catch (IOException e) {
            return false;
        }
    }

    /** Lines given to {@link #log} from now on go to {@code file}, which is begun anew. */
    public Console logTo(Path file) {
        try {
            Files.createDirectories(file.toAbsolutePath().getParent());
            log = new PrintWriter(Files.newBufferedWriter(file), true);
            return this;
        } catch (IOException e) {
            throw Failure.io("cannot write the log " + file, e);
        }
    }

    /** With --quiet: failures only; the log has the rest. */
    public Console quiet(boolean on) {
        quiet = on;
        return this;
    }

    public boolean debug() {
        return debug;
    }

    public boolean terminal() {
        return terminal;
    }

    /** Shows all phases at once, as a table that fills at the foot of the screen, where there is a terminal that can. */
    public void table(List<String> headings, int columns) {
        if (terminal && !debug && !quiet && columns >= LiveTable.WIDTH && !"dumb".equals(System.getenv("TERM"))) {
            table = new LiveTable(err, colour, headings);
        }
    }

    /** Heading of a phase: {@code 2/6 Alpine Base}. */
    public static String heading(int number, int of, String title) {
        return number + "/" + of + " " + title;
    }

    /**
     * Runs one phase under a heading such as {@code 2/6 Alpine Base} and keeps its times for {@link #spans}.
     *
     * @param bytes asked when it is done: the size of what is there by then
     */
    public <T> T phase(int number, int of, String title, Supplier<T> work, ToLongFunction<T> bytes) {
        phase = title;
        String heading = heading(number, of, title);
        say((colour ? "\033[1m" : "") + heading + (colour ? "\033[0m" : ""));
        if (table != null) {
            table.begin(heading);
        }
        long start = System.nanoTime();
        T result = work.get();
        Span span = new Span(title, "", (start - started) / 1e9, since(start), bytes.applyAsLong(result));
        spans.add(span);
        if (table != null) {
            table.end(heading, span.seconds(), span.bytes());
        }
        return result;
    }

    /** Phases and steps that have ended so far, in that order. */
    public List<Span> spans() {
        return List.copyOf(spans);
    }

    /** Runs {@code work} and prints one indented line with its seconds when it is done. */
    public <T> T step(String doing, Supplier<T> work) {
        return step(doing, work, done -> doing);
    }

    /** The same; {@code done} makes the closing line from the result ("20 packages installed"). */
    public <T> T step(String doing, Supplier<T> work, Function<T, String> done) {
        long start = System.nanoTime();
        hint(doing);
        T result = work.get();
        double seconds = since(start);
        String text = done.apply(result);
        spans.add(new Span(phase, text, (start - started) / 1e9, seconds, 0));
        // Not by String.format, which would first load what it knows of languages.
        String rounded = Double.toString(Math.round(seconds * 10) / 10.0);
        say("  " + text + " ".repeat(7 - Math.min(rounded.length(), 6) + Math.max(0, 60 - text.length())) + rounded + " s");
        return result;
    }

    /** A step that returns nothing. */
    public void step(String doing, Runnable work) {
        step(doing, () -> {
            work.run();
            return null;
        });
    }

    /** An indented line. */
    public void detail(String text) {
        say("  " + text);
    }

    /** A line on stderr, and in the log. */
    public synchronized void say(String line) {
        if (table != null) {
            table.above(line);
        } else if (!quiet) {
            err.println(terminal ? "\r\033[K" + line : line);
        }
        log(line.replaceAll("\033\\[[0-9;]*m", ""));
    }

    /** A line for the log only; with --debug on stderr too. */
    public synchronized void log(String line) {
        if (log != null) {
            log.println(line);
        }
    }

    /** A line of a child process: log, and stderr with --debug. */
    public synchronized void output(String line) {
        log(line);
        if (debug) {
            err.println(line);
        }
    }

    /** A line below everything: what came of the whole work. */
    public synchronized void summary(String line) {
        closeTable();
        say(line);
    }

    /** A failure as the user sees it: what, hint, and with --debug the stack trace. */
    public synchronized void failure(Throwable e) {
        closeTable();
        quiet = false;
        String red = colour ? "\033[31m" : "";
        String plain = colour ? "\033[0m" : "";
        if (e instanceof Failure f) {
            say(red + "error: " + plain + f.what());
            if (!f.hint().isEmpty()) {
                say("hint: " + f.hint());
            }
        } else {
            say(red + "error: " + plain + "this is a defect of the program: " + e);
            say("hint: run again with --debug and report the stack trace");
        }
        java.io.StringWriter trace = new java.io.StringWriter();
        e.printStackTrace(new PrintWriter(trace));
        trace.toString().lines().forEach(debug ? this::say : this::log);
    }

    private synchronized void hint(String doing) {
        if (terminal && !quiet) {
            err.print("\r\033[K  " + doing + " ...");
            err.flush();
        }
    }

    /** Whether bars are seen. */
    boolean drawsBars() {
        return terminal && !quiet;
    }

    /**
     * A bar for work of {@code max} units ({@code unitSize} of them make one {@code unitName}, for example 1 MiB); drawn on a
     * terminal only. A negative {@code max} means that the length is not known.
     */
    public Progress progress(String label, long max, String unitName, long unitSize) {
        if (!drawsBars()) {
            return Progress.none();
        }
        return new Progress(new ProgressBarBuilder().setTaskName("  " + label).setInitialMax(max)
                .setUnit(unitName, unitSize).showSpeed().setStyle(colour ? ProgressBarStyle.COLORFUL_UNICODE_BLOCK : ProgressBarStyle.ASCII)
                .setUpdateIntervalMillis(200).clearDisplayOnFinish()
                .setConsumer(new ConsoleProgressBarConsumer(err)).build());
    }

    /** Bytes as people read them: {@code 6.28 MiB}. */
    public static String mib(long bytes) {
        return String.format(Locale.ROOT, "%.2f MiB", bytes / 1048576.0);
    }

    private static double since(long start) {
        return (System.nanoTime() - start) / 1e9;
    }

    private void closeTable() {
        if (table != null) {
            table.close();
            table = null;
        }
    }

    @Override
    public void close() {
        closeTable();
        if (log != null) {
            log.close();
        }
    }
}
