package lib.tool;

import java.io.PrintStream;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;

/**
 * The phases of a build as a table at the foot of a terminal: times, sizes and bars fill in while it runs, and lines that are printed
 * meanwhile scroll by above it. Drawn with cursor movements of ECMA-48; the line below the table belongs to steps and progress bars.
 */
final class LiveTable implements AutoCloseable {
    /** Columns that a row takes; narrower terminals would wrap it, which the cursor movements do not expect. */
    static final int WIDTH = 76;
    private static final int BAR = 20;
    private static final int REFRESH_MS = 200;
    private static final String SPIN = "|/-\\";

    private final PrintStream err;
    private final boolean colour;
    private final List<Row> rows = new ArrayList<>();
    private final Thread clock = new Thread(this::tick, "live table");
    private boolean closed;

    /** A phase: not begun, running or ended. */
    private static final class Row {
        private final String title;
        private long start;
        private double seconds = -1;
        private long bytes;

        Row(String title) {
            this.title = title;
        }

        boolean begun() {
            return start != 0;
        }

        double seconds() {
            return seconds >= 0 || !begun() ? Math.max(0, seconds) : (System.nanoTime() - start) / 1e9;
        }
    }

    /** Draws the table with nothing filled in. */
    LiveTable(PrintStream err, boolean colour, List<String> titles) {
        this.err = err;
        this.colour = colour;
        titles.forEach(title -> rows.add(new Row(title)));
        rows.forEach(row -> err.println(text(row)));
        err.flush();
        clock.setDaemon(true);
        clock.start();
    }

    synchronized void begin(String title) {
        rows.stream().filter(row -> row.title.equals(title)).forEach(row -> row.start = System.nanoTime());
        redraw();
    }

    /** @param bytes what the phase left behind; 0 when it made nothing that has a size */
    synchronized void end(String title, double seconds, long bytes) {
        rows.stream().filter(row -> row.title.equals(title)).forEach(row -> {
            row.seconds = seconds;
            row.bytes = bytes;
        });
        redraw();
    }

    /** A line that scrolls by above the table. */
    synchronized void above(String line) {
        StringBuilder text = new StringBuilder("\r\033[" + rows.size() + "A\033[J" + line + "\n");
        rows.forEach(row -> text.append(text(row)).append('\n'));
        err.print(text);
        err.flush();
    }

    /** The table stays as it is, and what follows is printed below it. */
    @Override
    public synchronized void close() {
        closed = true;
        err.print("\r\033[K");
        err.flush();
        notifyAll();
    }

    private synchronized void tick() {
        try {
            while (!closed) {
                wait(REFRESH_MS);
                if (!closed) {
                    redraw();
                }
            }
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
    }

    /** The rows only: the cursor comes back to where it was in the line below them. */
    private void redraw() {
        StringBuilder text = new StringBuilder("\0337\033[" + rows.size() + "A\r");
        rows.forEach(row -> text.append(text(row)).append("\033[K\r\n"));
        err.print(text.append("\0338"));
        err.flush();
    }

    private String text(Row row) {
        double total = Math.max(rows.stream().mapToDouble(Row::seconds).sum(), 0.001);
        int filled = (int) Math.round(row.seconds() / total * BAR);
        String mark = row.seconds >= 0 ? "*" : row.begun() ? SPIN.charAt((int) (System.nanoTime() / 100_000_000 % SPIN.length())) + "" : " ";
        String time = row.begun() ? String.format(Locale.ROOT, "%7.1f s", row.seconds()) : "";
        String line = String.format(Locale.ROOT, " %-29s%9s  %-" + BAR + "s%14s", row.title, time, (colour ? "\u2588" : "#").repeat(filled),
                row.bytes > 0 ? Console.mib(row.bytes) : "");
        if (!colour) {
            return mark + line;
        }
        return row.begun() && row.seconds < 0 ? "\033[1m" + mark + line + "\033[0m" : "\033[32m" + mark + "\033[0m" + line;
    }
}
