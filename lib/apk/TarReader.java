package lib.apk;

import java.io.EOFException;
import java.io.IOException;
import java.io.InputStream;
import java.nio.ByteBuffer;
import java.nio.charset.CharacterCodingException;
import java.nio.charset.StandardCharsets;
import java.util.HashMap;
import java.util.Map;
import java.util.Optional;

/**
 * Reads ustar archives with PAX and GNU long-name records, as packages and indexes are (POSIX.1-2001 pax, section "ustar
 * Interchange Format"). Strict: header checksums are checked, names have to be UTF-8 without control characters.
 */
final class TarReader {
    private static final int BLOCK = 512;
    private static final int LONGEST_RECORD = 1 << 20;

    private final InputStream in;
    private final byte[] block = new byte[BLOCK];
    private long remaining;
    private int padding;

    TarReader(InputStream in) {
        this.in = in;
    }

    /** Kinds of entries. */
    enum Type { FILE, HARD_LINK, SYMLINK, CHARACTER_DEVICE, BLOCK_DEVICE, FOLDER, FIFO }

    /**
     * A header.
     *
     * @param name as in the archive, a folder's without the slash behind it
     * @param mode the twelve permission bits
     * @param link target of a link, else empty
     * @param size bytes of content
     * @param mtime seconds since 1970
     * @param pax further records by their key, such as {@code APK-TOOLS.checksum.SHA1}
     */
    record Entry(String name, Type type, int mode, int uid, int gid, String user, String group, String link, long size, long mtime,
            Map<String, String> pax) { }

    /** The next entry; empty at the end of the archive or of the stream. */
    Optional<Entry> next() throws IOException {
        skipContent();
        Map<String, String> pax = new HashMap<>();
        while (true) {
            if (!fill()) {
                return Optional.empty();
            }
            checkHeader();
            char type = (char) (block[156] & 0xff);
            long size = number(124, 12);
            switch (type) {
                case 'x' -> pax(record(size), pax);
                case 'g' -> record(size);
                case 'L' -> pax.put("path", text(trimmed(record(size))));
                case 'K' -> pax.put("linkpath", text(trimmed(record(size))));
                default -> {
                    return Optional.of(entry(type, size, pax));
                }
            }
        }
    }

    private Entry entry(char flag, long headerSize, Map<String, String> pax) throws IOException {
        String name = pax.containsKey("path") ? pax.get("path") : name();
        Type type = switch (flag) {
            case '0', '\0', '7' -> name.endsWith("/") ? Type.FOLDER : Type.FILE;
            case '1' -> Type.HARD_LINK;
            case '2' -> Type.SYMLINK;
            case '3' -> Type.CHARACTER_DEVICE;
            case '4' -> Type.BLOCK_DEVICE;
            case '5' -> Type.FOLDER;
            case '6' -> Type.FIFO;
            default -> throw new IOException("entry " + name + " has the unknown type '" + flag + "'");
        };
        long size = pax.containsKey("size") ? decimal(pax.get("size")) : headerSize;
        if (type != Type.FILE && size != 0) {
            throw new IOException("entry " + name + " is no file but has " + size + " bytes of content");
        }
        remaining = size;
        padding = (int) (-size & BLOCK - 1);
        while (name.length() > 1 && name.endsWith("/")) {
            name = name.substring(0, name.length() - 1);
        }
        return new Entry(name, type, (int) number(100, 8) & 07777, (int) number(108, 8), (int) number(116, 8), field(265, 32), field(297, 32),
                pax.containsKey("linkpath") ? pax.get("linkpath") : field(157, 100), size, number(136, 12), pax);
    }

    private String name() throws IOException {
        boolean ustar = block[257] == 'u' && block[262] == 0;
        String prefix = ustar ? field(345, 155) : "";
        return prefix.isEmpty() ? field(0, 100) : prefix + "/" + field(0, 100);
    }

    /** Content of the current entry. */
    int read(byte[] into, int offset, int length) throws IOException {
        if (remaining == 0) {
            return -1;
        }
        int n = in.read(into, offset, (int) Math.min(length, remaining));
        if (n < 0) {
            throw new EOFException("the archive ends in the middle of an entry");
        }
        remaining -= n;
        return n;
    }

    /** All of the current entry's content; more than {@code limit} bytes are an error. */
    byte[] content(int limit) throws IOException {
        if (remaining > limit) {
            throw new IOException("an entry of " + remaining + " bytes where " + limit + " are allowed");
        }
        byte[] bytes = new byte[(int) remaining];
        int got = 0;
        while (got < bytes.length) {
            got += read(bytes, got, bytes.length - got);
        }
        return bytes;
    }

    private void skipContent() throws IOException {
        long skip = remaining + padding;
        byte[] waste = new byte[(int) Math.min(skip, 1 << 14)];
        while (skip > 0) {
            int n = in.read(waste, 0, (int) Math.min(waste.length, skip));
            if (n < 0) {
                throw new EOFException("the archive ends in the middle of an entry");
            }
            skip -= n;
        }
        remaining = 0;
        padding = 0;
    }

    /** Reads one block; false at the end of the stream or at a block of zeros, which ends an archive. */
    private boolean fill() throws IOException {
        int got = in.readNBytes(block, 0, BLOCK);
        if (got == 0) {
            return false;
        }
        if (got < BLOCK) {
            throw new EOFException("the archive ends in the middle of a header");
        }
        for (byte b : block) {
            if (b != 0) {
                return true;
            }
        }
        return false;
    }

    private void checkHeader() throws IOException {
        int sum = 0;
        for (int i = 0; i < BLOCK; i++) {
            sum += i >= 148 && i < 156 ? ' ' : block[i] & 0xff;
        }
        if (sum != number(148, 8)) {
            throw new IOException("damaged archive: the checksum of a header is wrong");
        }
    }

    private byte[] record(long size) throws IOException {
        if (size > LONGEST_RECORD) {
            throw new IOException("an extended header of " + size + " bytes");
        }
        byte[] bytes = in.readNBytes((int) size);
        if (bytes.length < size) {
            throw new EOFException("the archive ends in the middle of an extended header");
        }
        in.skipNBytes(-size & BLOCK - 1);
        return bytes;
    }

    /** {@code LENGTH KEY=VALUE\n}, LENGTH counting the whole record. */
    private static void pax(byte[] records, Map<String, String> into) throws IOException {
        for (int at = 0; at < records.length; ) {
            int blank = at;
            while (blank < records.length && records[blank] != ' ') {
                blank++;
            }
            long length = decimal(new String(records, at, Math.min(blank, records.length) - at, StandardCharsets.ISO_8859_1));
            int end = (int) Math.min(at + length, Integer.MAX_VALUE);
            int equals = blank + 1;
            while (equals < end && equals < records.length && records[equals] != '=') {
                equals++;
            }
            if (end > records.length || end <= equals || records[end - 1] != '\n') {
                throw new IOException("damaged extended header");
            }
            String key = new String(records, blank + 1, equals - blank - 1, StandardCharsets.ISO_8859_1);
            byte[] value = java.util.Arrays.copyOfRange(records, equals + 1, end - 1);
            into.put(key, key.startsWith("SCHILY.xattr.") ? new String(value, StandardCharsets.ISO_8859_1) : text(value));
            at = end;
        }
    }

    private static byte[] trimmed(byte[] bytes) {
        int end = bytes.length;
        while (end > 0 && bytes[end - 1] == 0) {
            end--;
        }
        return java.util.Arrays.copyOf(bytes, end);
    }

    private String field(int from, int length) throws IOException {
        int end = from;
        while (end < from + length && block[end] != 0) {
            end++;
        }
        return text(java.util.Arrays.copyOfRange(block, from, end));
    }

    private static String text(byte[] bytes) throws IOException {
        boolean plain = true;
        for (byte b : bytes) {
            if (b >= 0 && b < ' ' || b == 0x7f) {
                throw new IOException("a control character in \"" + new String(bytes, StandardCharsets.UTF_8).replaceAll("\\p{Cntrl}", "?") + "\"");
            }
            plain &= b >= 0;
        }
        if (plain) {
            return new String(bytes, StandardCharsets.ISO_8859_1);
        }
        try {
            return StandardCharsets.UTF_8.newDecoder().decode(ByteBuffer.wrap(bytes)).toString();
        } catch (CharacterCodingException e) {
            throw new IOException("a name that is not UTF-8: \"" + new String(bytes, StandardCharsets.UTF_8) + "\"", e);
        }
    }

    private static long decimal(String digits) throws IOException {
        if (digits.isEmpty() || digits.length() > 15 || !digits.chars().allMatch(c -> c >= '0' && c <= '9')) {
            throw new IOException("not a number in an extended header: \"" + digits + "\"");
        }
        return Long.parseLong(digits);
    }

    /** Octal digits, blanks or zero bytes around them; larger numbers as base 256 with the highest bit set. */
    private long number(int from, int length) throws IOException {
        if ((block[from] & 0x80) != 0) {
            long value = block[from] & 0x7f;
            for (int i = from + 1; i < from + length; i++) {
                if (value >>> 47 != 0) {
                    throw new IOException("a number in a header is too large");
                }
                value = value << 8 | block[i] & 0xff;
            }
            return value;
        }
        long value = 0;
        for (int i = from; i < from + length && !(block[i] == 0 && value > 0); i++) {
            if (block[i] >= '0' && block[i] <= '7') {
                value = value << 3 | block[i] - '0';
            } else if (block[i] != ' ' && block[i] != 0) {
                throw new IOException("not a number in a header");
            }
        }
        return value;
    }
}
