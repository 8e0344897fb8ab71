package lib.image;

import java.io.ByteArrayInputStream;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.InputStream;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.util.Arrays;
import java.util.Optional;
import java.util.zip.GZIPInputStream;
import lib.tool.Failure;
import org.tukaani.xz.LZMAInputStream;
import org.tukaani.xz.SingleXZInputStream;

/**
 * A Linux kernel as it is booted: where its packed part is, and the initramfs inside that.
 *
 * <p>Read are bzImage (Documentation/arch/x86/boot.rst: payload_offset), EFI zboot images (drivers/firmware/efi/libstub/zboot-header.S),
 * and kernels that are not packed. The initramfs is found by its end: behind it, at the next multiple of eight, the kernel keeps its
 * length (usr/initramfs_data.S), so that a look-alike elsewhere cannot be taken for it.
 */
public final class KernelImage {
    private static final int MOST_BYTES = 1 << 30;
    private static final int XZ_MEMORY_KIB = 256 << 10;
    private static final int BOOT_SECTOR_MAGIC = 0x202;
    private static final int HDRS = 0x53726448;
    /** Most programs append the unpacked length to the payload (scripts/Makefile.lib, size_append); gzip has its own. */
    private static final int APPENDED_SIZE = 4;
    private static final byte[] BANNER = "Linux version ".getBytes(StandardCharsets.US_ASCII);

    private final String name;
    private final byte[] file;
    private final ByteBuffer data;
    private byte[] unpacked = {};

    private KernelImage(String name, byte[] file) {
        this.name = name;
        this.file = file;
        data = ByteBuffer.wrap(file).order(ByteOrder.LITTLE_ENDIAN);
    }

    /**
     * The kernel in these bytes; empty when they are none.
     *
     * @param name stands for the file in errors
     */
    public static Optional<KernelImage> of(String name, byte[] file) {
        KernelImage image = new KernelImage(name, file);
        return image.isBzImage() || image.isZboot() || image.isArm64() || Elf.isElf(file) ? Optional.of(image) : Optional.empty();
    }

    private boolean isBzImage() {
        return file.length > 0x264 && data.getInt(BOOT_SECTOR_MAGIC) == HDRS;
    }

    private boolean isZboot() {
        return file.length > 64 && file[0] == 'M' && file[1] == 'Z' && new String(file, 4, 4, StandardCharsets.ISO_8859_1).equals("zimg");
    }

    private boolean isArm64() {
        return file.length > 64 && new String(file, 0x38, 4, StandardCharsets.ISO_8859_1).equals("ARMd");
    }

    /** What {@code uname -r} prints: from the header of a bzImage, else from the banner inside (init/version.c); empty without either. */
    public Optional<String> release() {
        if (!isBzImage()) {
            return banner();
        }
        int pointer = data.getShort(0x20e) & 0xffff;
        return pointer == 0 ? Optional.empty() : Optional.of(word(file, pointer + 0x200));
    }

    private Optional<String> banner() {
        byte[] kernel = unpacked();
        for (int from = 0; from + BANNER.length < kernel.length; from++) {
            int after = from + BANNER.length;
            if (kernel[after] >= '0' && kernel[after] <= '9' && Arrays.equals(kernel, from, after, BANNER, 0, BANNER.length)) {
                return Optional.of(word(kernel, after));
            }
        }
        return Optional.empty();
    }

    private static String word(byte[] text, int from) {
        int to = from;
        while (to < text.length && text[to] != 0 && text[to] != ' ') {
            to++;
        }
        return new String(text, from, to - from, StandardCharsets.US_ASCII);
    }

    /** The initramfs as it was linked in, packed as it was; empty when there is none. */
    public Optional<byte[]> initramfs() {
        byte[] kernel = unpacked();
        ByteBuffer view = ByteBuffer.wrap(kernel).order(ByteOrder.LITTLE_ENDIAN);
        // INIT_RAM_FS of include/asm-generic/vmlinux.lds.h aligns it to four bytes.
        for (int from = 0; from + 16 <= kernel.length; from += 4) {
            if (PackedArchive.begins(kernel, from)) {
                long length = length(view, from);
                if (length > 0) {
                    return Optional.of(Arrays.copyOfRange(kernel, from, Math.toIntExact(from + length)));
                }
            }
        }
        return Optional.empty();
    }

    /** The length of what begins at {@code from}, when the word behind it says so; 0 when no word does. */
    private static long length(ByteBuffer kernel, int from) {
        for (int at = from + 7 & ~7; at + 8 <= kernel.capacity(); at += 8) {
            long word = kernel.getLong(at);
            if (word > 0 && word <= at - from && word > at - from - 8) {
                return word;
            }
        }
        return 0;
    }

    private byte[] unpacked() {
        if (!isZboot() && !isBzImage()) {
            return file;
        }
        if (unpacked.length == 0) {
            int start = ((file[0x1f1] & 0xff) + 1) * 512;
            unpacked = isZboot() ? unpacked(data.getInt(8), data.getInt(12)) : unpacked(start + data.getInt(0x248), data.getInt(0x24c));
        }
        return unpacked;
    }

    private byte[] unpacked(int from, int length) {
        if (from < 0 || length < 8 || from + length > file.length) {
            throw new Failure(name + " is a damaged or truncated kernel", "build or fetch it again");
        }
        byte[] payload = Arrays.copyOfRange(file, from, from + length);
        ByteArrayOutputStream out = new ByteArrayOutputStream(length * 4);
        try (InputStream in = open(payload)) {
            byte[] buffer = new byte[1 << 16];
            for (int n = in.read(buffer); n >= 0; n = in.read(buffer)) {
                out.write(buffer, 0, n);
                if (out.size() > MOST_BYTES) {
                    throw new IOException("more than 1 GiB");
                }
            }
            return out.toByteArray();
        } catch (IOException e) {
            throw new Failure(name + " is a kernel whose packed part is damaged: " + e.getMessage(), "build or fetch it again", e);
        }
    }

    private InputStream open(byte[] payload) throws IOException {
        InputStream rest = new ByteArrayInputStream(payload, 0, payload.length - APPENDED_SIZE);
        return switch (Compressed.format(payload)) {
            case "gzip" -> new GZIPInputStream(new ByteArrayInputStream(payload));
            case "xz" -> new SingleXZInputStream(rest, XZ_MEMORY_KIB);
            case "zstd" -> new com.github.luben.zstd.ZstdInputStream(rest);
            default -> {
                if (payload[0] == 0x5d && payload[1] == 0) {
                    yield new LZMAInputStream(rest);
                }
                throw new Failure(name + " is a kernel packed in a way that is not read here", "CONFIG_KERNEL_GZIP, _XZ, _ZSTD and _LZMA are");
            }
        };
    }
}
