package lib.apk;

import java.io.ByteArrayOutputStream;
import java.nio.charset.StandardCharsets;
import java.util.List;

/** lib/apk/db/scripts.tar as apk 2.14 writes it: GNU headers, mode 0755, root's, with the build time of the package. */
final class ScriptsTar {
    private static final int BLOCK = 512;
    private static final int LONGEST_NAME = 100;

    private ScriptsTar() { }

    /** @param packages in the order in which they were installed */
    static byte[] bytes(List<InstalledPackage> packages) {
        ByteArrayOutputStream tar = new ByteArrayOutputStream();
        for (InstalledPackage one : packages) {
            String time = one.pkg().field('t');
            for (String script : PackageFile.SCRIPTS) {
                byte[] content = one.scripts().get(script);
                if (content != null) {
                    entry(tar, one.pkg() + "." + one.pkg().checksum() + "." + script, content, time.isEmpty() ? 0 : Long.parseLong(time));
                }
            }
        }
        tar.writeBytes(new byte[2 * BLOCK]);
        return tar.toByteArray();
    }

    private static void entry(ByteArrayOutputStream tar, String name, byte[] content, long mtime) {
        byte[] bytes = name.getBytes(StandardCharsets.UTF_8);
        if (bytes.length > LONGEST_NAME) {
            tar.writeBytes(header("././@LongLink".getBytes(StandardCharsets.US_ASCII), bytes.length, 0, 'L'));
            tar.writeBytes(bytes);
            tar.writeBytes(new byte[-bytes.length & BLOCK - 1]);
        }
        tar.writeBytes(header(bytes, content.length, mtime, '0'));
        tar.writeBytes(content);
        tar.writeBytes(new byte[-content.length & BLOCK - 1]);
    }

    private static byte[] header(byte[] name, long size, long mtime, char type) {
        byte[] header = new byte[BLOCK];
        System.arraycopy(name, 0, header, 0, Math.min(name.length, LONGEST_NAME));
        put(header, 100, "0000755\0");
        put(header, 108, "0000000\0");
        put(header, 116, "0000000\0");
        put(header, 124, octal(size, 12));
        put(header, 136, octal(mtime, 12));
        put(header, 148, "        ");
        header[156] = (byte) type;
        put(header, 257, "ustar  ");
        put(header, 265, "root");
        put(header, 297, "root");
        int sum = 0;
        for (byte b : header) {
            sum += b & 0xff;
        }
        put(header, 148, octal(sum, 6) + "\0 ");
        return header;
    }

    private static void put(byte[] header, int at, String text) {
        System.arraycopy(text.getBytes(StandardCharsets.US_ASCII), 0, header, at, text.length());
    }

    private static String octal(long number, int digits) {
        String text = Long.toOctalString(number);
        return "0".repeat(digits - text.length()) + text;
    }
}
