package lib.image;

import java.io.IOException;
import java.io.OutputStream;
import java.nio.charset.StandardCharsets;
import java.util.Arrays;

/**
 * One name in a cpio archive.
 *
 * @param path as the archive has it
 * @param mode type and permission bits, as in stat(2)
 * @param inode the same for all hard links of a file
 * @param mtime seconds since 1970
 * @param major device numbers of a device node
 * @param start offset of its header in the unpacked archive; {@code end} is behind its padding
 * @param slice its content; that of a link is its target
 */
public record CpioEntry(String path, int mode, int uid, int gid, int inode, int links, long mtime, int major, int minor, long start, long end, Slice slice) {
    private static final int TYPE = 0170000;
    private static final int REGULAR = 0100000;
    private static final int FOLDER = 0040000;
    private static final int LINK = 0120000;
    private static final String TYPES = "?pc?d?b?-?l?s???";

    /** Bytes inside a larger array, which nobody changes. */
    record Slice(byte[] array, int from, int length) { }

    public boolean isFile() {
        return (mode & TYPE) == REGULAR;
    }

    public boolean isFolder() {
        return (mode & TYPE) == FOLDER;
    }

    public boolean isLink() {
        return (mode & TYPE) == LINK;
    }

    /** A device, pipe or socket. */
    public boolean isSpecial() {
        return !isFile() && !isFolder() && !isLink();
    }

    /** Bytes of the content. */
    public int size() {
        return slice.length();
    }

    /** Permission bits with setuid, setgid and sticky. */
    public int permissions() {
        return mode & 07777;
    }

    /** The target of a link. */
    public String target() {
        return text();
    }

    /** The content as UTF-8 text. */
    public String text() {
        return new String(slice.array(), slice.from(), slice.length(), StandardCharsets.UTF_8);
    }

    /** A copy of the content. */
    public byte[] bytes() {
        return Arrays.copyOfRange(slice.array(), slice.from(), slice.from() + slice.length());
    }

    /** A copy of at most the first {@code most} bytes. */
    public byte[] first(int most) {
        return Arrays.copyOfRange(slice.array(), slice.from(), slice.from() + Math.min(most, slice.length()));
    }

    /** Whether these bytes are somewhere in the content. */
    public boolean contains(byte[] words) {
        byte[] array = slice.array();
        int last = slice.from() + slice.length() - words.length;
        for (int i = slice.from(); i <= last; i++) {
            if (array[i] == words[0] && Arrays.equals(array, i, i + words.length, words, 0, words.length)) {
                return true;
            }
        }
        return false;
    }

    public void writeTo(OutputStream out) throws IOException {
        out.write(slice.array(), slice.from(), slice.length());
    }

    CpioEntry with(Slice content) {
        return new CpioEntry(path, mode, uid, gid, inode, links, mtime, major, minor, start, end, content);
    }

    /** Type and permissions as ls(1) shows them: {@code -rwsr-xr-x}. */
    public String modeText() {
        StringBuilder text = new StringBuilder().append(TYPES.charAt((mode & TYPE) >> 12));
        for (int shift = 6; shift >= 0; shift -= 3) {
            int bits = mode >> shift & 7;
            boolean special = (mode & (shift == 6 ? 04000 : shift == 3 ? 02000 : 01000)) != 0;
            char plain = (bits & 1) != 0 ? 'x' : '-';
            char marked = shift == 0 ? 't' : 's';
            text.append((bits & 4) != 0 ? 'r' : '-').append((bits & 2) != 0 ? 'w' : '-')
                    .append(!special ? plain : plain == 'x' ? marked : Character.toUpperCase(marked));
        }
        return text.toString();
    }
}
