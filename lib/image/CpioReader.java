package lib.image;

import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import lib.tool.Failure;

/** Reads cpio archives in the "newc" format; counterpart of {@link Cpio}. Format: Documentation/driver-api/early-userspace/buffer-format.rst. */
final class CpioReader {
    private static final int HEADER = 110;
    private static final String TRAILER = "TRAILER!!!";

    private final String name;
    private final byte[] bytes;
    private final int length;

    /** A header's fields, in the order of the format, and where the entry's parts are. */
    private record Header(long[] fields, String path, int start, int content, int end) {
        private int field(int index) {
            return (int) fields[index];
        }
    }

    private CpioReader(String name, byte[] bytes, int length) {
        this.name = name;
        this.bytes = bytes;
        this.length = length;
    }

    /** Where the archive ends that begins at {@code at}: behind its trailer. */
    static int end(String name, byte[] bytes, int at) {
        CpioReader reader = new CpioReader(name, bytes, bytes.length);
        int next = at;
        while (true) {
            Header header = reader.header(next);
            next = header.end();
            if (header.path().equals(TRAILER)) {
                return next;
            }
        }
    }

    /** All entries of all archives in the first {@code length} bytes, trailers included; of hard links, each has the content that one carries. */
    static List<CpioEntry> entries(String name, byte[] bytes, int length) {
        CpioReader reader = new CpioReader(name, bytes, length);
        List<CpioEntry> entries = new ArrayList<>();
        int first = 0;
        int at = reader.skipZeros(0);
        while (at < length) {
            Header header = reader.header(at);
            entries.add(reader.entry(header));
            at = header.end();
            if (header.path().equals(TRAILER)) {
                shareContent(entries.subList(first, entries.size()));
                first = entries.size();
                at = reader.skipZeros(at);
            }
        }
        return entries;
    }

    private int skipZeros(int from) {
        int at = from;
        while (at < length && bytes[at] == 0) {
            at++;
        }
        return at;
    }

    private Header header(int at) {
        if (at + HEADER > length || bytes[at] != '0' || bytes[at + 1] != '7' || bytes[at + 2] != '0' || bytes[at + 3] != '7' || bytes[at + 4] != '0') {
            throw damaged(at);
        }
        long[] fields = new long[13];
        for (int i = 0; i < fields.length; i++) {
            fields[i] = number(at + 6 + 8 * i);
        }
        long nameEnd = at + HEADER + fields[11];
        long content = nameEnd + 3 & ~3L;
        long end = content + fields[6] + 3 & ~3L;
        if (fields[11] == 0 || content + fields[6] > length) {
            throw damaged(at);
        }
        String path = new String(bytes, at + HEADER, (int) fields[11] - 1, StandardCharsets.UTF_8);
        return new Header(fields, path, at, (int) content, (int) Math.min(end, length));
    }

    private long number(int at) {
        try {
            return Long.parseLong(new String(bytes, at, 8, StandardCharsets.US_ASCII), 16);
        } catch (NumberFormatException e) {
            throw damaged(at);
        }
    }

    private Failure damaged(int at) {
        return new Failure(name + " holds no cpio archive at byte " + at + " of what it unpacks to", "build or fetch it again");
    }

    private CpioEntry entry(Header header) {
        return new CpioEntry(header.path(), header.field(1), header.field(2), header.field(3), header.field(0), header.field(4), header.fields()[5],
                header.field(9), header.field(10), header.start(), header.end(), new CpioEntry.Slice(bytes, header.content(), header.field(6)));
    }

    /** Hard links share an inode, and one of them carries the content. */
    private static void shareContent(List<CpioEntry> entries) {
        Map<Integer, CpioEntry.Slice> contents = new HashMap<>();
        entries.stream().filter(entry -> entry.links() > 1 && entry.isFile() && entry.size() > 0).forEach(entry -> contents.put(entry.inode(), entry.slice()));
        entries.replaceAll(entry -> entry.links() > 1 && entry.isFile() && entry.size() == 0 && contents.containsKey(entry.inode())
                ? entry.with(contents.get(entry.inode())) : entry);
    }

    static boolean isTrailer(CpioEntry entry) {
        return entry.path().equals(TRAILER);
    }
}
