package lib.image;

import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.OutputStream;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.util.zip.GZIPOutputStream;

/** Cpio archives entry by entry, sound ones and such as no build would make; and a kernel around one. */
public final class TestArchive {
    private final ByteArrayOutputStream out = new ByteArrayOutputStream();
    private int inode;

    public TestArchive folder(String path, int permissions) {
        return entry(path, 0040000 | permissions, 0, 2, new byte[0]);
    }

    public TestArchive file(String path, int permissions, byte[] content) {
        return entry(path, 0100000 | permissions, 0, 1, content);
    }

    public TestArchive file(String path, int permissions, String content) {
        return file(path, permissions, content.getBytes(StandardCharsets.UTF_8));
    }

    public TestArchive link(String path, String target) {
        return entry(path, 0120777, 0, 1, target.getBytes(StandardCharsets.UTF_8));
    }

    public TestArchive device(String path, int permissions) {
        return entry(path, 0020000 | permissions, 0, 1, new byte[0]);
    }

    /** Any entry; user and group are {@code owner}. */
    public TestArchive entry(String path, int mode, int owner, int links, byte[] content) {
        return entry(path, mode, owner, links, ++inode, content);
    }

    public TestArchive entry(String path, int mode, int owner, int links, int number, byte[] content) {
        byte[] name = path.getBytes(StandardCharsets.UTF_8);
        StringBuilder header = new StringBuilder("070701");
        for (long field : new long[] {number, mode, owner, owner, links, 1, content.length, 0, 0, 5, 1, name.length + 1, 0}) {
            header.append(String.format("%08X", field));
        }
        out.writeBytes(header.toString().getBytes(StandardCharsets.US_ASCII));
        out.writeBytes(name);
        out.write(0);
        pad();
        out.writeBytes(content);
        pad();
        return this;
    }

    private void pad() {
        while (out.size() % 4 != 0) {
            out.write(0);
        }
    }

    /** The archive with its trailer. */
    public byte[] bytes() {
        return entry("TRAILER!!!", 0, 0, 1, 0, new byte[0]).out.toByteArray();
    }

    /** A bzImage as boot loaders see it, its kernel packed with gzip, with this initramfs where the kernel keeps it. */
    public static byte[] kernel(byte[] initramfs) throws IOException {
        ByteArrayOutputStream vmlinux = new ByteArrayOutputStream();
        vmlinux.writeBytes("code that mentions 070701 and \37\213\10 ".getBytes(StandardCharsets.ISO_8859_1));
        vmlinux.writeBytes(new byte[4096 - vmlinux.size()]);
        vmlinux.writeBytes(initramfs);
        vmlinux.writeBytes(new byte[(8 - vmlinux.size() % 8) % 8]);
        vmlinux.writeBytes(ByteBuffer.allocate(8).order(ByteOrder.LITTLE_ENDIAN).putLong(initramfs.length).array());
        vmlinux.writeBytes(new byte[1000]);
        ByteArrayOutputStream packed = new ByteArrayOutputStream();
        try (OutputStream gzip = new GZIPOutputStream(packed)) {
            vmlinux.writeTo(gzip);
        }
        ByteBuffer image = ByteBuffer.allocate(2048 + packed.size()).order(ByteOrder.LITTLE_ENDIAN);
        image.put(0, new byte[] {'M', 'Z'}).put(0x1f1, (byte) 1).putInt(0x202, 0x53726448).putShort(0x20e, (short) 0x200)
                .putInt(0x248, 1024).putInt(0x24c, packed.size());
        image.put(0x400, "6.1.2-test (somebody) #1\0".getBytes(StandardCharsets.US_ASCII)).put(2048, packed.toByteArray());
        return image.array();
    }
}
