package demo;

import java.io.ByteArrayOutputStream;
import java.nio.charset.StandardCharsets;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/**
 * One entry of a tar file (POSIX ustar with PAX records), written byte by byte: what apk calls a cut tar (no end of archive) and
 * entries that an archive library would correct on the way out ({@code ../x}, {@code /x}, a false checksum) must be possible.
 *
 * @param name path without leading {@code ./}; folders end with a slash
 * @param type ustar type flag: {@code 0} file, {@code 1} hard link, {@code 2} symbolic link, {@code 3} character device, {@code 5} folder
 * @param mode permission bits with setuid, setgid and sticky
 * @param owner owner and group
 * @param target where a link points to; empty for other types
 * @param content bytes of a regular file; empty for other types
 * @param device major and minor number of a device; zeros for other types
 * @param pax PAX records that belong to this entry
 * @param mtime seconds since 1970
 */
public record TarEntry(String name, char type, int mode, Owner owner, String target, byte[] content, List<Integer> device,
        Map<String, String> pax, long mtime) {
    private static final int BLOCK = 512;
    private static final int SHORT_NAME = 100;

    /** Numeric ids and names; readers prefer the names where the system knows them. */
    public record Owner(int uid, String user, int gid, String group) {
        public static final Owner ROOT = new Owner(0, "root", 0, "root");
    }

    public static TarEntry file(String name, int mode, byte[] content) {
        return new TarEntry(name, '0', mode, Owner.ROOT, "", content, List.of(0, 0), Map.of(), 0);
    }

    public static TarEntry file(String name, int mode, String text) {
        return file(name, mode, text.getBytes(StandardCharsets.UTF_8));
    }

    public static TarEntry folder(String name, int mode) {
        return new TarEntry(name.endsWith("/") ? name : name + "/", '5', mode, Owner.ROOT, "", new byte[0], List.of(0, 0), Map.of(), 0);
    }

    public static TarEntry symlink(String name, String target) {
        return new TarEntry(name, '2', 0777, Owner.ROOT, target, new byte[0], List.of(0, 0), Map.of(), 0);
    }

    /** A further name for the file {@code target}, which is a path from the root of the archive. */
    public static TarEntry hardLink(String name, String target) {
        return new TarEntry(name, '1', 0755, Owner.ROOT, target, new byte[0], List.of(0, 0), Map.of(), 0);
    }

    public static TarEntry characterDevice(String name, int mode, int major, int minor) {
        return new TarEntry(name, '3', mode, Owner.ROOT, "", new byte[0], List.of(major, minor), Map.of(), 0);
    }

    public TarEntry ownedBy(Owner other) {
        return new TarEntry(name, type, mode, other, target, content, device, pax, mtime);
    }

    public TarEntry at(long seconds) {
        return new TarEntry(name, type, mode, owner, target, content, device, pax, seconds);
    }

    /** With one more PAX record; an earlier one of the same key is replaced. */
    public TarEntry with(String key, String value) {
        Map<String, String> more = new LinkedHashMap<>(pax);
        more.put(key, value);
        return new TarEntry(name, type, mode, owner, target, content, device, more, mtime);
    }

    /** The entries without the two zero blocks that end an archive. */
    static byte[] cut(List<TarEntry> entries) {
        ByteArrayOutputStream tar = new ByteArrayOutputStream();
        entries.forEach(entry -> entry.writeTo(tar));
        return tar.toByteArray();
    }

    /** The entries and the end of the archive. */
    static byte[] whole(List<TarEntry> entries) {
        byte[] cut = cut(entries);
        return Arrays.copyOf(cut, cut.length + 2 * BLOCK);
    }

    private void writeTo(ByteArrayOutputStream tar) {
        Map<String, String> records = new LinkedHashMap<>(pax);
        if (bytes(name).length > SHORT_NAME) {
            records.putIfAbsent("path", name);
        }
        if (bytes(target).length > SHORT_NAME) {
            records.putIfAbsent("linkpath", target);
        }
        if (!records.isEmpty()) {
            ByteArrayOutputStream body = new ByteArrayOutputStream();
            records.forEach((key, value) -> body.writeBytes(paxRecord(key, value)));
            block(tar, header("PaxHeaders/" + name, 'x', 0644, body.size(), ""), body.toByteArray());
        }
        block(tar, header(name, type, mode, content.length, target), content);
    }

    /** {@code LENGTH KEY=VALUE\n}, where LENGTH counts itself too. */
    private static byte[] paxRecord(String key, String value) {
        byte[] rest = bytes(" " + key + "=" + value + "\n");
        int length = rest.length + 1;
        while (String.valueOf(length).length() + rest.length != length) {
            length = String.valueOf(length).length() + rest.length;
        }
        byte[] number = bytes(String.valueOf(length));
        byte[] whole = Arrays.copyOf(number, length);
        System.arraycopy(rest, 0, whole, number.length, rest.length);
        return whole;
    }

    private static void block(ByteArrayOutputStream tar, byte[] header, byte[] body) {
        tar.writeBytes(header);
        tar.writeBytes(body);
        tar.writeBytes(new byte[(BLOCK - body.length % BLOCK) % BLOCK]);
    }

    private byte[] header(String entryName, char entryType, int entryMode, int size, String link) {
        byte[] header = new byte[BLOCK];
        put(header, 0, SHORT_NAME, bytes(entryName));
        octal(header, 100, 8, entryMode);
        octal(header, 108, 8, owner.uid());
        octal(header, 116, 8, owner.gid());
        octal(header, 124, 12, size);
        octal(header, 136, 12, mtime);
        Arrays.fill(header, 148, 156, (byte) ' ');
        header[156] = (byte) entryType;
        put(header, 157, SHORT_NAME, bytes(link));
        put(header, 257, 8, bytes("ustar\00000"));
        put(header, 265, 32, bytes(owner.user()));
        put(header, 297, 32, bytes(owner.group()));
        octal(header, 329, 8, device.get(0));
        octal(header, 337, 8, device.get(1));
        int sum = 0;
        for (byte one : header) {
            sum += one & 0xff;
        }
        put(header, 148, 8, bytes(String.format("%06o\0 ", sum)));
        return header;
    }

    private static void octal(byte[] header, int offset, int width, long value) {
        put(header, offset, width, bytes(String.format("%0" + (width - 1) + "o", value)));
    }

    private static void put(byte[] header, int offset, int width, byte[] value) {
        System.arraycopy(value, 0, header, offset, Math.min(value.length, width));
    }

    private static byte[] bytes(String text) {
        return text.getBytes(StandardCharsets.UTF_8);
    }
}
