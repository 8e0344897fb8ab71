package lib.apk;

import java.util.ArrayList;
import java.util.List;

/**
 * A dependency atom, {@code [!]name[@tag][op version]}, as it stands in the world file, in {@code D:} and in {@code i:} lines.
 *
 * @param name what is asked for: a package, or anything that packages provide ({@code so:libz.so.1}, {@code cmd:jq}, {@code /bin/sh})
 * @param accepts the results of a version comparison that satisfy the atom, a sum of {@link #EQUAL}, {@link #LESS},
 *         {@link #GREATER} and {@link #FUZZY}
 * @param version empty when any will do
 * @param conflict the atom is satisfied when nothing matches it
 * @param tag repository tag without the {@code @}; empty when there is none
 */
public record Dependency(String name, int accepts, String version, boolean conflict, String tag) {
    static final int EQUAL = 1;
    static final int LESS = 2;
    static final int GREATER = 4;
    static final int FUZZY = 8;
    private static final int ANY = EQUAL | LESS | GREATER;
    private static final int CHECKSUM = LESS | GREATER;

    /** Reads one atom; an atom without a name, with an unknown operator or with a malformed version is an IllegalArgumentException. */
    public static Dependency parse(String text) {
        boolean conflict = text.startsWith("!");
        int start = conflict ? 1 : 0;
        int end = start;
        while (end < text.length() && "<>=~".indexOf(text.charAt(end)) < 0) {
            end++;
        }
        int version = end;
        int accepts = 0;
        for (; version < text.length() && "<>=~".indexOf(text.charAt(version)) >= 0; version++) {
            accepts |= switch (text.charAt(version)) {
                case '<' -> LESS;
                case '>' -> GREATER;
                case '~' -> FUZZY | EQUAL;
                default -> EQUAL;
            };
        }
        String name = text.substring(start, end);
        int at = name.lastIndexOf('@');
        String tag = at < 0 ? "" : name.substring(at + 1);
        name = at < 0 ? name : name.substring(0, at);
        String wanted = text.substring(version);
        if (name.isEmpty() || at >= 0 && tag.isEmpty()) {
            throw new IllegalArgumentException("no name in \"" + text + "\"");
        }
        if (accepts == 0) {
            return new Dependency(name, ANY, "", conflict, tag);
        }
        if (accepts != CHECKSUM && !Version.valid(wanted)) {
            throw new IllegalArgumentException("not a version: \"" + wanted + "\"");
        }
        return new Dependency(name, accepts, wanted, conflict, tag);
    }

    /** The atoms of a line, separated by blanks. Those that apk cannot read either stay unsatisfiable: see {@link #unreadable}. */
    static List<Dependency> list(String text) {
        List<Dependency> atoms = new ArrayList<>();
        int start = 0;
        for (int i = 0; i <= text.length(); i++) {
            if (i == text.length() || text.charAt(i) == ' ') {
                if (i > start) {
                    String atom = text.substring(start, i);
                    try {
                        atoms.add(parse(atom));
                    } catch (IllegalArgumentException e) {
                        atoms.add(unreadable(atom));
                    }
                }
                start = i + 1;
            }
        }
        return atoms;
    }

    /** An atom that nothing can satisfy; its name, which no package can have, is the text itself. */
    private static Dependency unreadable(String text) {
        return new Dependency(text, ANY, "", false, "");
    }

    /** Whether a provider of {@link #name} in {@code provided} version (null: without one) by a package satisfies the atom. */
    boolean satisfiedBy(String provided, Package by) {
        if (accepts == ANY) {
            return !conflict;
        }
        if (accepts == CHECKSUM) {
            return by.checksum().equals(version) != conflict;
        }
        return provided == null ? conflict : compares(provided) != conflict;
    }

    /** Whether {@code candidate} stands in the wanted relation to the atom's version. */
    private boolean compares(String candidate) {
        if ((accepts & FUZZY) != 0 && Version.fuzzyEqual(candidate, version)) {
            return true;
        }
        int order = Version.compare(candidate, version);
        int result = order < 0 ? LESS : order > 0 ? GREATER : EQUAL;
        return (accepts & result) != 0;
    }

    /** The operator as it is written. */
    private String operator() {
        if (accepts == CHECKSUM) {
            return "><";
        }
        String sign = ((accepts & GREATER) != 0 ? ">" : "") + ((accepts & LESS) != 0 ? "<" : "");
        return sign + ((accepts & FUZZY) != 0 ? "~" : (accepts & EQUAL) != 0 ? "=" : "");
    }

    /** Equality is written out: that of a record is put together at run time, which takes as long as to look at a thousand atoms. */
    @Override
    public boolean equals(Object other) {
        return other instanceof Dependency that && name.equals(that.name) && accepts == that.accepts && version.equals(that.version)
                && conflict == that.conflict && tag.equals(that.tag);
    }

    @Override
    public int hashCode() {
        return name.hashCode();
    }

    /** The atom as it is written in the world file. */
    @Override
    public String toString() {
        return (conflict ? "!" : "") + name + (tag.isEmpty() ? "" : "@" + tag) + (accepts == ANY ? "" : operator() + version);
    }
}
