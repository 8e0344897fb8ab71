package lib.tool;

//DEPS me.tongfei:progressbar:0.10.1

import me.tongfei.progressbar.ProgressBar;

/** A running bar; closing it takes it off the screen. */
public final class Progress implements AutoCloseable {
    private final ProgressBar bar;

    /** @param bar null for one that is never drawn */
    Progress(ProgressBar bar) {
        this.bar = bar;
    }

    /** A bar that is never drawn. */
    public static Progress none() {
        return new Progress(null);
    }

    public void add(long units) {
        if (bar != null) {
            bar.stepBy(units);
        }
    }

    public void to(long units, long max) {
        if (bar != null) {
            bar.maxHint(max).stepTo(units);
        }
    }

    @Override
    public void close() {
        if (bar != null) {
            bar.close();
        }
    }
}
