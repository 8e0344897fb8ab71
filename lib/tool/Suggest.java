package lib.tool;

import java.util.Collection;
import java.util.Comparator;
import java.util.Optional;

/** Did-you-mean: the known word nearest to a mistyped one. */
public final class Suggest {
    private Suggest() { }

    /** The nearest of {@code known} when it is near enough: at most a third of the word's letters changed. */
    public static Optional<String> closest(String word, Collection<String> known) {
        return known.stream().filter(candidate -> !candidate.equals(word))
                .min(Comparator.comparingInt((String candidate) -> distance(word, candidate)).thenComparing(candidate -> candidate))
                .filter(candidate -> distance(word, candidate) <= Math.max(1, Math.max(word.length(), candidate.length()) / 3));
    }

    /** {@code did you mean X?}, or {@code otherwise} when nothing is near. */
    public static String hint(String word, Collection<String> known, String otherwise) {
        return closest(word, known).map(near -> "did you mean " + near + "?").orElse(otherwise);
    }

    /** Optimal string alignment distance: insertions, deletions, changes and swaps of neighbours, letter case ignored. */
    static int distance(String a, String b) {
        String x = a.toLowerCase(java.util.Locale.ROOT);
        String y = b.toLowerCase(java.util.Locale.ROOT);
        int[][] d = new int[x.length() + 1][y.length() + 1];
        for (int i = 0; i <= x.length(); i++) {
            for (int j = 0; j <= y.length(); j++) {
                if (i == 0 || j == 0) {
                    d[i][j] = i + j;
                    continue;
                }
                int change = x.charAt(i - 1) == y.charAt(j - 1) ? 0 : 1;
                d[i][j] = Math.min(Math.min(d[i - 1][j] + 1, d[i][j - 1] + 1), d[i - 1][j - 1] + change);
                if (i > 1 && j > 1 && x.charAt(i - 1) == y.charAt(j - 2) && x.charAt(i - 2) == y.charAt(j - 1)) {
                    d[i][j] = Math.min(d[i][j], d[i - 2][j - 2] + 1);
                }
            }
        }
        return d[x.length()][y.length()];
    }
}
