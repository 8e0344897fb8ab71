package lib.tool;

import java.util.function.Predicate;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/**
 * What git tells of its progress on stderr (git-fetch(1), --progress), such as {@code Receiving objects:  45% (450/1000), 1.20 MiB}: takes
 * these lines, each of which replaces the one before on a terminal, and draws those about objects that come as a bar.
 */
record GitProgress(Progress bar) implements Predicate<String> {
    private static final Pattern LINE = Pattern.compile("(?:remote: )?(\\w+) \\w+: +(?:\\d+% \\((\\d+)/(\\d+)\\).*|\\d+(?:, done\\.)?\\s*)");

    @Override
    public boolean test(String line) {
        Matcher m = LINE.matcher(line);
        if (!m.matches()) {
            return false;
        }
        // A pack of few objects is unpacked while it comes.
        if (m.group(2) != null && m.group(1).matches("Receiving|Unpacking")) {
            bar.to(Long.parseLong(m.group(2)), Long.parseLong(m.group(3)));
        }
        return true;
    }
}
