package lib.apk;

import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;

/**
 * A package as a stanza of an index or of the installed database describes it. Its identity is its checksum.
 *
 * <p>An index has 23,000 stanzas of which a build looks at a hundred, so that lines which the resolver does not need at once stay
 * bytes until they are asked for.
 */
public final class Package {
    private final byte[] text;
    private final int from;
    private final int to;
    private final String name;
    private final String version;
    private final String checksum;
    private final int priority;
    private final boolean provides;
    private final boolean installIf;
    private final List<Repository> repositories = new ArrayList<>(1);
    private boolean installed;
    private boolean locked;
    private List<Dependency> depends;
    private List<Dependency> providesList;
    private List<Dependency> installIfList;

    /** @param text holds the stanza's lines from {@code from} (inclusive) to {@code to} (exclusive) */
    private Package(byte[] text, int from, int to, String name, String version, String checksum, int priority, boolean provides,
            boolean installIf) {
        this.text = text;
        this.from = from;
        this.to = to;
        this.name = name;
        this.version = version;
        this.checksum = checksum;
        this.priority = priority;
        this.provides = provides;
        this.installIf = installIf;
    }

    /** Reads the stanza; one without name, version or checksum, or with a name that cannot be a file name, is an IllegalArgumentException. */
    static Package parse(byte[] text, int from, int to) {
        String name = null;
        String version = null;
        String checksum = null;
        int priority = 0;
        boolean provides = false;
        boolean installIf = false;
        for (int line = from; line < to; ) {
            int end = lineEnd(text, line, to);
            if (end - line >= 2 && text[line + 1] == ':') {
                switch (text[line]) {
                    case 'P' -> name = string(text, line + 2, end);
                    case 'V' -> version = string(text, line + 2, end);
                    case 'C' -> checksum = string(text, line + 2, end);
                    case 'k' -> priority = number(string(text, line + 2, end));
                    case 'p' -> provides = true;
                    case 'i' -> installIf = true;
                    default -> { }
                }
            }
            line = end + 1;
        }
        if (name == null || version == null || checksum == null) {
            throw new IllegalArgumentException("a package without " + (name == null ? "name" : version == null ? "version: " + name
                    : "checksum: " + name));
        }
        if (!safe(name) || !safe(version)) {
            throw new IllegalArgumentException("not a package name and version: \"" + name + "\" \"" + version + "\"");
        }
        return new Package(text, from, to, name, version, checksum, priority, provides, installIf);
    }

    private static int lineEnd(byte[] text, int from, int to) {
        int end = from;
        while (end < to && text[end] != '\n') {
            end++;
        }
        return end;
    }

    private static String string(byte[] text, int from, int to) {
        return new String(text, from, to - from, StandardCharsets.UTF_8);
    }

    private static int number(String text) {
        try {
            return Integer.parseInt(text.strip());
        } catch (NumberFormatException e) {
            throw new IllegalArgumentException("not a number: \"" + text + "\"", e);
        }
    }

    /** Names become file names and script names, here and in the tree. */
    private static boolean safe(String word) {
        for (int i = 0; i < word.length(); i++) {
            char c = word.charAt(i);
            if (c <= ' ' || c == '/' || c == 0x7f) {
                return false;
            }
        }
        return !word.isEmpty() && word.charAt(0) != '.';
    }

    /** The rest of the line that begins with {@code key:}; empty when there is none. */
    public String field(char key) {
        for (int line = from; line < to; ) {
            int end = lineEnd(text, line, to);
            if (text[line] == key && end - line >= 2 && text[line + 1] == ':') {
                return string(text, line + 2, end);
            }
            line = end + 1;
        }
        return "";
    }

    public String name() {
        return name;
    }

    public String version() {
        return version;
    }

    /** {@code Q1} and the base64 of the SHA-1 over the compressed control part. */
    public String checksum() {
        return checksum;
    }

    /** The architecture as the index says, which is also the folder that the file is in. */
    public String arch() {
        return field('A');
    }

    public String origin() {
        return field('o');
    }

    public String license() {
        return field('L');
    }

    /** Bytes of the .apk file as the index says. */
    public long size() {
        return bytes('S');
    }

    /** Bytes of the installed files as the index says. */
    public long installedSize() {
        return bytes('I');
    }

    /** Whether it is more than a name: apk only records a package whose installed size is 0, without a look at its file. */
    public boolean hasFiles() {
        return installedSize() > 0;
    }

    private long bytes(char key) {
        String value = field(key);
        try {
            return value.isEmpty() ? 0 : Long.parseLong(value);
        } catch (NumberFormatException e) {
            throw new lib.tool.Failure("package " + this + ": " + key + ":" + value + " is not a size", "the index is broken", e);
        }
    }

    /** {@code provider_priority}: 0 when the package has none. */
    int priority() {
        return priority;
    }

    /** {@code D:} in its order. */
    public synchronized List<Dependency> depends() {
        if (depends == null) {
            depends = Dependency.list(field('D'));
        }
        return depends;
    }

    /** {@code p:} in its order; an entry with {@code =version} is a versioned one. */
    synchronized List<Dependency> provides() {
        if (providesList == null) {
            providesList = provides ? Dependency.list(field('p')) : List.of();
        }
        return providesList;
    }

    /** {@code i:}: all must be met for the package to be installed by itself. */
    synchronized List<Dependency> installIf() {
        if (installIfList == null) {
            installIfList = installIf ? Dependency.list(field('i')) : List.of();
        }
        return installIfList;
    }

    /** Where it can be fetched from, in the order of the repositories; empty for one that is only installed. */
    public List<Repository> repositories() {
        return repositories;
    }

    void addRepository(Repository repository) {
        if (!repositories.contains(repository)) {
            repositories.add(repository);
        }
    }

    /** Whether it is in the tree before this transaction. */
    boolean installed() {
        return installed;
    }

    void markInstalled() {
        installed = true;
    }

    /** Whether it is preferred to other versions: it is in the tree already, or the lock names it. */
    boolean preferred() {
        return installed || locked;
    }

    void markLocked() {
        locked = true;
    }

    /** Its lines in the index. */
    String lines() {
        return string(text, from, to);
    }

    /** Name of its file in a repository. */
    public String fileName() {
        return name + "-" + version + ".apk";
    }

    /** {@code name-version}. */
    @Override
    public String toString() {
        return name + "-" + version;
    }
}
