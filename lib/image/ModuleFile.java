package lib.image;

import com.github.luben.zstd.ZstdInputStream;
import java.io.ByteArrayInputStream;
import java.io.IOException;
import java.io.InputStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.zip.GZIPInputStream;
import lib.tool.Failure;
import org.tukaani.xz.XZInputStream;

/**
 * A kernel module: what it says about itself, and which symbols it offers and uses. Files that end in .xz, .gz or .zst are unpacked.
 *
 * @param path relative to lib/modules/RELEASE, as it is on disk
 * @param name as the kernel knows it: with _ and without suffix
 * @param info the .modinfo section in file order; keys repeat
 * @param exports symbols that other modules can use
 * @param imports symbols that it needs from the kernel or other modules, in the order of its symbol table
 */
public record ModuleFile(String path, String name, List<Map.Entry<String, String>> info, Set<String> exports, Set<String> imports) {
    private static final String CHECKSUM = "__crc_";

    /** @param folder lib/modules/RELEASE */
    public static ModuleFile read(Path folder, String path) {
        Path file = folder.resolve(path);
        return parse(path, file.toString(), unpacked(file));
    }

    /** The same from a module's unpacked bytes; {@code file} stands for them in errors. */
    public static ModuleFile parse(String path, String file, byte[] bytes) {
        Elf elf = Elf.parse(file, bytes);
        List<Map.Entry<String, String>> info = elf.strings(".modinfo").stream().map(ModuleFile::entry).toList();
        Set<String> exports = new LinkedHashSet<>();
        Set<String> imports = new LinkedHashSet<>();
        for (Elf.Symbol symbol : elf.symbols()) {
            if (symbol.name().startsWith(CHECKSUM)) {
                exports.add(symbol.name().substring(CHECKSUM.length()));
            } else if (symbol.section() == 0 && !symbol.name().isEmpty()) {
                imports.add(symbol.name().startsWith(".") ? symbol.name().substring(1) : symbol.name());
            }
        }
        if (exports.isEmpty()) {
            // Without CONFIG_MODVERSIONS there are no checksums, only the names.
            exports.addAll(elf.strings("__ksymtab_strings"));
        }
        return new ModuleFile(path, nameOf(path), info, exports, imports);
    }

    /** The module's name by its file: {@code kernel/drivers/usb/host/xhci-pci.ko.xz} is xhci_pci. */
    public static String nameOf(String path) {
        String file = path.substring(path.lastIndexOf('/') + 1);
        return file.replaceFirst("\\.ko(\\.xz|\\.gz|\\.zst)?$", "").replace('-', '_');
    }

    /** The path without a suffix that says how it is packed. */
    public static String unpackedPath(String path) {
        return path.replaceFirst("\\.(xz|gz|zst)$", "");
    }

    static boolean isModule(String path) {
        return unpackedPath(path).endsWith(".ko");
    }

    /** Values of a key, in file order. */
    public List<String> values(String key) {
        return info.stream().filter(entry -> entry.getKey().equals(key)).map(Map.Entry::getValue).toList();
    }

    /** The module's bytes, unpacked. */
    public static byte[] unpacked(Path file) {
        try {
            byte[] bytes = Files.readAllBytes(file);
            String name = file.toString();
            if (!name.endsWith(".xz") && !name.endsWith(".gz") && !name.endsWith(".zst")) {
                return bytes;
            }
            InputStream packed = new ByteArrayInputStream(bytes);
            try (InputStream in = name.endsWith(".xz") ? new XZInputStream(packed) : name.endsWith(".gz") ? new GZIPInputStream(packed) : new ZstdInputStream(packed)) {
                return in.readAllBytes();
            }
        } catch (IOException e) {
            throw Failure.io("cannot read the module " + file, e);
        }
    }

    private static Map.Entry<String, String> entry(String text) {
        int equals = text.indexOf('=');
        return equals < 0 ? Map.entry(text, "") : Map.entry(text.substring(0, equals), text.substring(equals + 1));
    }
}
