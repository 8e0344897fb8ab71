package lib;

import java.util.regex.Pattern;
import lib.tool.Failure;

/** What runit.java refuses of its options. */
record RunRefusals(RunOptions options) {
    /** The machine's folder: no path that leads out of vm/, or deeper than clean.java looks. */
    private static final Pattern NAME = Pattern.compile("[A-Za-z0-9][A-Za-z0-9_.-]*");

    void require() {
        requireName();
    }

    private void requireName() {
        if (!NAME.matcher(options.hardware.name).matches()) {
            throw Failure.usage("not a name for a machine: " + options.hardware.name, "letters, digits, _ . -, beginning with a letter or a digit; its folder is vm/NAME");
        }
    }
}
