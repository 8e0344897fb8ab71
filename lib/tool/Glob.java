package lib.tool;

import java.util.regex.Pattern;
import java.util.regex.PatternSyntaxException;

/** Shell patterns as regular expressions: {@code ?}, {@code *}, {@code [abc]}, {@code [!a-c]} and backslash; see glob(7). */
public final class Glob {
    private Glob() { }

    /** Whether the text has a character that makes it a pattern. */
    public static boolean isGlob(String text) {
        return text.matches(".*[*?\\[].*");
    }

    /** A pattern over paths: {@code *} and {@code ?} stay inside a folder's name, {@code **} does not. */
    public static Pattern path(String glob) {
        return compile(glob, true);
    }

    /** A pattern over any text, as fnmatch(3) without flags reads it: {@code *} takes slashes too. Module aliases are such patterns. */
    public static Pattern text(String glob) {
        return compile(glob, false);
    }

    private static Pattern compile(String glob, boolean path) {
        StringBuilder regex = new StringBuilder();
        for (int i = 0; i < glob.length(); i++) {
            char c = glob.charAt(i);
            int close = c == '[' ? glob.indexOf(']', i + 2) : -1;
            if (c == '*' && path && glob.startsWith("**", i)) {
                regex.append(".*");
                i++;
            } else if (c == '*') {
                regex.append(path ? "[^/]*" : ".*");
            } else if (c == '?') {
                regex.append(path ? "[^/]" : ".");
            } else if (close > 0) {
                regex.append('[').append(set(glob.substring(i + 1, close))).append(']');
                i = close;
            } else {
                boolean escaped = c == '\\' && i + 1 < glob.length();
                regex.append(Pattern.quote(String.valueOf(escaped ? glob.charAt(++i) : c)));
            }
        }
        try {
            return Pattern.compile(regex.toString(), Pattern.DOTALL);
        } catch (PatternSyntaxException e) {
            throw Failure.usage("not a pattern: " + glob, "a pattern is made of * ? and [sets]");
        }
    }

    private static String set(String inside) {
        String escaped = inside.replaceAll("[\\[\\\\&^]", "\\\\$0");
        return inside.startsWith("!") || inside.startsWith("^") ? "^" + escaped.replaceFirst("^\\\\?[!^]", "") : escaped;
    }
}
