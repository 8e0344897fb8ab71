package lib.apk;

import java.util.ArrayList;
import java.util.Collection;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Set;

/** Which folders start the trigger of a package. */
final class Triggers {
    private Triggers() { }

    /**
     * The trigger's arguments: absolute folders that match one of its patterns, in apk's order.
     *
     * @param fresh the package was installed in this transaction: every folder counts, else only those in {@code changed}
     * @param changed folders of packages that came or went, also those that are not there any more
     */
    static List<String> folders(Collection<InstalledPackage> packages, List<String> patterns, boolean fresh, Set<String> changed) {
        Set<String> known = new LinkedHashSet<>();
        packages.forEach(one -> known.addAll(one.folders().keySet()));
        known.addAll(changed);
        List<String> matching = new ArrayList<>();
        for (String folder : known) {
            if ((fresh || changed.contains(folder)) && patterns.stream().anyMatch(pattern -> matches(pattern, "/" + folder))) {
                matching.add(folder);
            }
        }
        List<String> arguments = new ArrayList<>();
        new ApkHash<>(matching, folder -> folder).forEach(folder -> arguments.add("/" + folder));
        return arguments;
    }

    /** fnmatch(3) with FNM_PATHNAME: {@code *} and {@code ?} do not cross a slash. */
    static boolean matches(String pattern, String path) {
        return matches(pattern, 0, path, 0);
    }

    private static boolean matches(String pattern, int p, String path, int at) {
        while (p < pattern.length()) {
            char c = pattern.charAt(p);
            if (c == '*') {
                for (int end = at; end <= path.length(); end++) {
                    if (matches(pattern, p + 1, path, end)) {
                        return true;
                    }
                    if (end < path.length() && path.charAt(end) == '/') {
                        return false;
                    }
                }
                return false;
            }
            if (at == path.length()) {
                return false;
            }
            int close = c == '[' ? pattern.indexOf(']', p + 2) : -1;
            if (close > 0) {
                if (path.charAt(at) == '/' || !inSet(pattern.substring(p + 1, close), path.charAt(at))) {
                    return false;
                }
                p = close;
            } else if (c == '?' ? path.charAt(at) == '/' : c != path.charAt(at)) {
                return false;
            }
            p++;
            at++;
        }
        return at == path.length();
    }

    private static boolean inSet(String set, char c) {
        boolean negated = set.charAt(0) == '!' || set.charAt(0) == '^';
        for (int i = negated ? 1 : 0; i < set.length(); i++) {
            boolean range = i + 2 < set.length() && set.charAt(i + 1) == '-';
            if (range ? set.charAt(i) <= c && c <= set.charAt(i + 2) : set.charAt(i) == c) {
                return !negated;
            }
            i += range ? 2 : 0;
        }
        return negated;
    }
}
