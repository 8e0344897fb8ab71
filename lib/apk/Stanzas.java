package lib.apk;

import java.util.ArrayList;
import java.util.List;
import java.util.stream.IntStream;
import lib.tool.Failure;

/** The packages of an index, whose stanzas are divided by empty lines; read by all processors, since an index has ten megabytes. */
public final class Stanzas {
    private Stanzas() { }

    /** @param source names the index in errors */
    public static List<Package> read(byte[] text, String source) {
        int parts = Runtime.getRuntime().availableProcessors();
        int[] borders = IntStream.rangeClosed(0, parts).map(part -> border(text, (int) ((long) text.length * part / parts))).toArray();
        return IntStream.range(0, parts).parallel().mapToObj(part -> read(text, borders[part], borders[part + 1], source)).flatMap(List::stream).toList();
    }

    /** Behind the first empty line at or after {@code from}. */
    private static int border(byte[] text, int from) {
        if (from == 0) {
            return 0;
        }
        for (int i = from - 1; i + 1 < text.length; i++) {
            if (text[i] == '\n' && text[i + 1] == '\n') {
                return i + 2;
            }
        }
        return text.length;
    }

    private static List<Package> read(byte[] text, int from, int to, String source) {
        List<Package> packages = new ArrayList<>();
        int start = from;
        for (int i = from; i <= to; i++) {
            if (i == to || text[i] == '\n' && (i + 1 == to || text[i + 1] == '\n')) {
                if (i > start) {
                    packages.add(stanza(text, start, i, source));
                }
                i++;
                start = i + 1;
            }
        }
        return packages;
    }

    private static Package stanza(byte[] text, int from, int to, String source) {
        try {
            Package pkg = Package.parse(text, from, to);
            pkg.provides();
            pkg.installIf();
            return pkg;
        } catch (IllegalArgumentException e) {
            throw new Failure(source + ": " + e.getMessage(), "the index is broken; use another mirror", e);
        }
    }
}
