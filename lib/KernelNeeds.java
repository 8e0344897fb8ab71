package lib;

import java.io.IOException;
import java.io.InputStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import lib.tool.Failure;
import lib.tool.Shell;

/** What every image needs of its kernel, whatever config/kernel.config says: a console, file systems, the initramfs, a way to be booted. */
final class KernelNeeds {
    /** Wishes that kernel.config may overrule: signatures with a key made at build time would make every build differ. */
    static final Map<String, String> POLICY = Map.of("CONFIG_MODULE_SIG", "n");

    private static final List<String> EVERYWHERE = List.of("BLK_DEV_INITRD", "BINFMT_ELF", "BINFMT_SCRIPT", "MULTIUSER", "PRINTK", "TTY", "DEVTMPFS", "TMPFS",
            "PROC_FS", "SYSFS", "PCI", "EFI", "EFI_STUB");
    private static final List<String> X86 = List.of("64BIT", "ACPI", "SERIAL_8250", "SERIAL_8250_CONSOLE", "HYPERVISOR_GUEST", "PVH");
    private static final List<String> ARM = List.of("ACPI", "SERIAL_AMBA_PL011", "SERIAL_AMBA_PL011_CONSOLE");

    private KernelNeeds() { }

    /** Options that must be built in, each with its value. */
    static Map<String, String> of(String arch, Config.Compression compression) {
        List<String> names = new ArrayList<>(EVERYWHERE);
        boolean x86 = arch.equals("x86_64");
        names.addAll(x86 ? X86 : ARM);
        switch (compression) {
            case XZ -> names.addAll(x86 ? List.of("RD_XZ", "XZ_DEC_X86") : List.of("RD_XZ"));
            case ZSTD -> names.add("RD_ZSTD");
            case GZIP -> names.add("RD_GZIP");
            case NONE -> { }
        }
        Map<String, String> needs = new LinkedHashMap<>();
        names.forEach(name -> needs.put("CONFIG_" + name, "y"));
        return needs;
    }

    /**
     * Options that the build itself decides. The initramfs is named relative to the object folder: an absolute path would tie the
     * configuration to this machine, and one with {@code .cpio.} in a folder's name is misread (usr/Makefile).
     */
    static Map<String, String> fixed(String localVersion, Config.Compression compression) {
        Map<String, String> fixed = new LinkedHashMap<>();
        fixed.put("CONFIG_LOCALVERSION", "\"" + localVersion + "\"");
        fixed.put("CONFIG_LOCALVERSION_AUTO", "n");
        fixed.put("CONFIG_INITRAMFS_SOURCE", "\"" + inside(compression) + "\"");
        if (compression == Config.Compression.NONE) {
            fixed.put("CONFIG_INITRAMFS_COMPRESSION_NONE", "y");
        }
        return fixed;
    }

    /**
     * What firmware inside the kernel takes. Its folder is named relative to the source, both being in the cache: the configuration is
     * then the same on every machine. Releases before 6.6 ask for each maker's microcode on its own.
     */
    static List<KernelConfig.Request> linking(LinkedFirmware firmware, Path source) {
        String who = firmware.askedBy();
        return List.of(new KernelConfig.Request("CONFIG_FW_LOADER", "y", false, who),
                new KernelConfig.Request("CONFIG_EXTRA_FIRMWARE", "\"" + String.join(" ", firmware.names()) + "\"", false, who),
                new KernelConfig.Request("CONFIG_EXTRA_FIRMWARE_DIR", "\"" + source.relativize(firmware.folder()) + "\"", false, who),
                new KernelConfig.Request("CONFIG_MICROCODE", "y", false, who),
                new KernelConfig.Request("CONFIG_MICROCODE_INTEL", "y", true, who),
                new KernelConfig.Request("CONFIG_MICROCODE_AMD", "y", true, who));
    }

    /** Anything behind {@code .cpio.} says "packed already"; without it the kernel's build would pack the file itself. */
    private static String inside(Config.Compression compression) {
        return compression == Config.Compression.NONE ? "embedded/initramfs.cpio" : "embedded/initramfs.cpio.packed";
    }

    /** Where the configuration expects the initramfs in the object folder. */
    static Path initramfs(Path objects, Path configuration) {
        return objects.resolve(KernelConfig.values(configuration).get("CONFIG_INITRAMFS_SOURCE").replace("\"", ""));
    }

    /** Fails (exit code 2) when the configuration lacks what the image needs, or when its builds could not be repeated. */
    static void require(Map<String, String> needs, Map<String, String> values, KernelConfig wanted) {
        List<String> lines = new ArrayList<>();
        needs.forEach((symbol, value) -> {
            if (!value.equals(values.getOrDefault(symbol, "n"))) {
                String where = wanted.requests().stream().filter(request -> request.symbol().equals(symbol)).findFirst()
                        .map(KernelConfig.Request::where).orElse("every image");
                lines.add(where + ": every image needs " + symbol + "=" + value + ", it became " + values.getOrDefault(symbol, "n"));
            }
        });
        if (values.getOrDefault("CONFIG_MODULE_SIG", "n").equals("y") && "\"certs/signing_key.pem\"".equals(values.get("CONFIG_MODULE_SIG_KEY"))) {
            lines.add("CONFIG_MODULE_SIG=y with a key made during the build gives other bytes in each build: set CONFIG_MODULE_SIG_KEY to a PEM file of yours");
        }
        if (!lines.isEmpty()) {
            throw Failure.usage("the kernel configuration cannot make a bootable image:\n  " + String.join("\n  ", lines), "correct these lines in config/kernel.config");
        }
    }

    /** Fails when the program that the configuration packs the kernel with is not installed. */
    static void requireCompressor(Map<String, String> values) {
        Map.of("CONFIG_KERNEL_GZIP", "gzip", "CONFIG_KERNEL_XZ", "xz", "CONFIG_KERNEL_ZSTD", "zstd", "CONFIG_KERNEL_LZ4", "lz4",
                "CONFIG_KERNEL_LZMA", "lzma", "CONFIG_KERNEL_LZO", "lzop", "CONFIG_KERNEL_BZIP2", "bzip2").forEach((symbol, program) -> {
                    if (values.getOrDefault(symbol, "n").equals("y") && Shell.which(program).isEmpty()) {
                        throw Failure.machine(symbol + "=y needs the program " + program + ", which is not installed",
                                "install it, or choose CONFIG_KERNEL_GZIP=y in the kernel configuration");
                    }
                });
    }

    /** How a file is packed, by its first bytes. */
    static Config.Compression compressionOf(Path file) {
        byte[] start;
        try (InputStream in = Files.newInputStream(file)) {
            start = in.readNBytes(4);
        } catch (IOException e) {
            throw Failure.io("cannot read " + file, e);
        }
        int magic = start.length < 4 ? 0 : (start[0] & 0xff) << 8 | start[1] & 0xff;
        return switch (magic) {
            case 0xfd37 -> Config.Compression.XZ;
            case 0x28b5 -> Config.Compression.ZSTD;
            case 0x1f8b -> Config.Compression.GZIP;
            case 0x3037 -> Config.Compression.NONE;
            default -> throw new Failure(file + " is neither a cpio archive nor packed with xz, zstd or gzip", "");
        };
    }
}
