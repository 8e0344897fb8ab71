package lib;

import java.io.IOException;
import java.io.InputStream;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Locale;
import lib.tool.Failure;

/** What differs between the processors that a guest can have. */
public enum Architecture {
    X86_64("qemu-system-x86_64", "q35", "ttyS0", "BOOTX64.EFI"),
    AARCH64("qemu-system-aarch64", "virt", "ttyAMA0", "BOOTAA64.EFI");

    private static final int HEADER = 0x210;

    final String qemu;
    final String machine;
    final String console;
    final String removableName;

    /**
     * @param console the guest's name of the first serial port
     * @param removableName file in EFI/BOOT that firmware starts without being told (UEFI specification, 3.5.1.1)
     */
    Architecture(String qemu, String machine, String console, String removableName) {
        this.qemu = qemu;
        this.machine = machine;
        this.console = console;
        this.removableName = removableName;
    }

    /** By Alpine's name of it: x86_64, aarch64. */
    public static Architecture named(String name) {
        return valueOf(name.toUpperCase(Locale.ROOT));
    }

    /** What stands in front of the names of gcc, ld and strip that work for this processor: nothing where it is our own. */
    public String toolPrefix() {
        return isHost() ? "" : name().toLowerCase(Locale.ROOT) + "-linux-gnu-";
    }

    /** The processor that a kernel was made for, from its header; a file that no loader takes is a Failure. */
    public static Architecture of(Path kernel) {
        ByteBuffer header = header(kernel);
        String reason = "it is shorter than a kernel's header";
        if (header.limit() == HEADER) {
            if (header.getInt(0) == 0x464c457f) {
                return elf(kernel, header.getShort(0x12));
            }
            if (text(header, 0x202).equals("HdrS")) { // Documentation/arch/x86/boot.rst
                return X86_64;
            }
            if (text(header, 0x38).equals("ARMd") || text(header, 4).equals("zimg")) { // Documentation/arch/arm64/booting.rst
                return AARCH64;
            }
            reason = "it has neither the boot header of x86 (HdrS), nor that of arm64, nor is it an ELF vmlinux";
        }
        throw Failure.usage(kernel + " is not a Linux kernel: " + reason, "build one with build.java, or give another with --kernel FILE");
    }

    private static Architecture elf(Path kernel, short machine) {
        return switch (machine) {
            case 0x3e -> X86_64;
            case 0xb7 -> AARCH64;
            default -> throw Failure.usage(kernel + " is for another processor (ELF machine " + machine + ")", "x86_64 and aarch64 are supported");
        };
    }

    private static String text(ByteBuffer header, int offset) {
        byte[] bytes = new byte[4];
        header.get(offset, bytes);
        return new String(bytes, StandardCharsets.ISO_8859_1);
    }

    private static ByteBuffer header(Path kernel) {
        try (InputStream in = Files.newInputStream(kernel)) {
            return ByteBuffer.wrap(in.readNBytes(HEADER)).order(ByteOrder.LITTLE_ENDIAN);
        } catch (IOException e) {
            throw Failure.io("cannot read the kernel", e);
        }
    }

    /** The guest's name of its first serial port. */
    public String console() {
        return console;
    }

    /** Whether this is the processor that runs us, so that a guest could run on it without being translated. */
    public boolean isHost() {
        String host = System.getProperty("os.arch");
        return this == X86_64 ? host.equals("amd64") || host.equals("x86_64") : host.equals("aarch64");
    }
}
