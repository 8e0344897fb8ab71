package lib;

import java.util.Locale;

/** Seconds as people read them. */
final class Seconds {
    private Seconds() { }

    /** With one decimal: {@code 5.3 s}. */
    static String text(double seconds) {
        return String.format(Locale.ROOT, "%.1f s", seconds);
    }
}
