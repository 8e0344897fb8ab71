package lib.image;

import java.io.IOException;
import java.io.OutputStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.FileVisitResult;
import java.nio.file.Files;
import java.nio.file.LinkOption;
import java.nio.file.Path;
import java.nio.file.SimpleFileVisitor;
import java.nio.file.attribute.BasicFileAttributes;
import java.util.Arrays;
import java.util.Comparator;
import java.util.HashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;

/**
 * Writes a cpio archive in the "newc" format that the kernel unpacks as its initramfs.
 *
 * <p>The bytes depend on names, types, modes, owners, link structure and contents only: entries have one order, inode numbers are
 * given in that order, every time stamp is the one asked for. Hard links share an inode and carry their data on the last name, as
 * cpio itself writes them. Device nodes need not exist on disk: they are given as extra entries.
 *
 * <p>The order is one that packs well: folders, links and devices by name, so that a folder comes before what is in it; then files that
 * are no machine code by their extension; then libraries and kernel modules, then programs, by file name, which puts those of one project
 * side by side. Programs change most often: an archive with other ones begins as it did, and Xz packs only what is behind the difference.
 * Format: Documentation/driver-api/early-userspace/buffer-format.rst of the kernel.
 */
public final class Cpio {
    private static final int TYPE = 0170000;
    private static final int REGULAR = 0100000;
    private static final int FOLDER = 0040000;
    private static final int LINK = 0120000;
    private static final int CHARACTER_DEVICE = 0020000;

    private Cpio() { }

    /** A character device that is not on disk: path relative to the root, permission bits, major and minor number. */
    public record Device(String path, int permissions, int major, int minor) { }

    /** One name in the archive; {@code inode} tells which names are hard links of each other, empty for a single name. */
    private record Entry(String name, int mode, int uid, int gid, String inode, int major, int minor, Path file, long size) {
        private boolean isRegular() {
            return (mode & TYPE) == REGULAR;
        }

        private String fileName() {
            return name.substring(name.lastIndexOf('/') + 1);
        }

        /** 0: no data of its own, 1: data, 2: libraries and kernel modules, 3: programs, which change most often. */
        private int kind() {
            return !isRegular() ? 0 : !Elf.isElf(file) ? 1 : fileName().matches(".*\\.(so|ko)(\\..*)?") ? 2 : 3;
        }

        /** What files that look alike have in common. */
        private String family(int kind) {
            return kind == 0 ? name : kind == 1 ? fileName().substring(Math.max(0, fileName().lastIndexOf('.'))) : fileName();
        }
    }

    /** An entry with its place in the order, worked out once. */
    private record Placed(Entry entry, int kind, String family) {
        private static final Comparator<String> BYTES = (a, b) -> Arrays.compareUnsigned(a.getBytes(StandardCharsets.UTF_8),
                b.getBytes(StandardCharsets.UTF_8));
        private static final Comparator<Placed> ORDER = Comparator.comparingInt(Placed::kind).thenComparing(Placed::family, BYTES)
                .thenComparing(placed -> placed.entry().name(), BYTES);
    }

    /**
     * Writes the tree below {@code root}, with {@code devices} added (their folders too, where the tree lacks them).
     *
     * @param epoch seconds since 1970 for every entry
     */
    public static void write(Path root, List<Device> devices, long epoch, OutputStream out) throws IOException {
        Map<String, Entry> entries = scan(root);
        for (Device device : devices) {
            String folder = device.path().substring(0, Math.max(0, device.path().lastIndexOf('/')));
            if (!folder.isEmpty()) {
                entries.putIfAbsent(folder, new Entry(folder, FOLDER | 0755, 0, 0, "", 0, 0, null, 0));
            }
            entries.put(device.path(), new Entry(device.path(), CHARACTER_DEVICE | device.permissions(), 0, 0, "", device.major(),
                    device.minor(), null, 0));
        }
        Map<String, Integer> links = new HashMap<>();
        entries.values().stream().filter(entry -> !entry.inode().isEmpty()).forEach(entry -> links.merge(entry.inode(), 1, Integer::sum));
        Writer writer = new Writer(out, epoch);
        Map<String, Integer> inodes = new HashMap<>();
        Map<String, Integer> left = new HashMap<>(links);
        int next = 0;
        for (Entry entry : ordered(entries)) {
            int names = links.getOrDefault(entry.inode(), 1);
            if (names == 1) {
                writer.entry(entry, ++next, (entry.mode() & TYPE) == FOLDER ? 2 : 1, entry.size());
                continue;
            }
            if (!inodes.containsKey(entry.inode())) {
                inodes.put(entry.inode(), ++next);
            }
            boolean last = left.merge(entry.inode(), -1, Integer::sum) == 0;
            writer.entry(entry, inodes.get(entry.inode()), names, last ? entry.size() : 0);
        }
        writer.end();
    }

    private static List<Entry> ordered(Map<String, Entry> entries) {
        return entries.values().stream().map(entry -> {
            int kind = entry.kind();
            return new Placed(entry, kind, entry.family(kind));
        }).sorted(Placed.ORDER).map(Placed::entry).toList();
    }

    /** All paths below the root by name. */
    private static Map<String, Entry> scan(Path root) throws IOException {
        Map<String, Entry> entries = new HashMap<>();
        Files.walkFileTree(root, new SimpleFileVisitor<>() {
            @Override
            public FileVisitResult preVisitDirectory(Path folder, BasicFileAttributes attributes) throws IOException {
                return folder.equals(root) ? FileVisitResult.CONTINUE : visitFile(folder, attributes);
            }

            @Override
            public FileVisitResult visitFile(Path file, BasicFileAttributes attributes) throws IOException {
                Entry entry = entry(root, file);
                entries.put(entry.name(), entry);
                return FileVisitResult.CONTINUE;
            }
        });
        return entries;
    }

    private static Entry entry(Path root, Path file) throws IOException {
        Map<String, Object> unix = Files.readAttributes(file, "unix:mode,uid,gid,nlink,ino,dev,size", LinkOption.NOFOLLOW_LINKS);
        int mode = (Integer) unix.get("mode");
        int type = mode & TYPE;
        if (type != REGULAR && type != FOLDER && type != LINK) {
            throw new IOException(file + " is neither a file nor a folder nor a link");
        }
        String inode = type == REGULAR && (Integer) unix.get("nlink") > 1 ? unix.get("dev") + ":" + unix.get("ino") : "";
        long size = type == REGULAR ? (Long) unix.get("size") : type == LINK ? target(file).length : 0;
        return new Entry(root.relativize(file).toString(), mode, (Integer) unix.get("uid"), (Integer) unix.get("gid"), inode, 0, 0, file, size);
    }

    private static byte[] target(Path link) throws IOException {
        return Files.readSymbolicLink(link).toString().getBytes(StandardCharsets.UTF_8);
    }

    private static final class Writer {
        private final OutputStream out;
        private final long epoch;
        private long written;

        private Writer(OutputStream out, long epoch) {
            this.out = out;
            this.epoch = epoch;
        }

        private void entry(Entry entry, int inode, int links, long size) throws IOException {
            if (size > 0xffffffffL) {
                throw new IOException(entry.name() + " is larger than 4 GiB, which cpio cannot hold");
            }
            header(entry.name(), inode, entry.mode(), entry.uid(), entry.gid(), links, epoch, size, 0, 0, entry.major(), entry.minor());
            if (size > 0 && (entry.mode() & TYPE) == LINK) {
                bytes(target(entry.file()));
            } else if (size > 0) {
                long copied = Files.copy(entry.file(), out);
                if (copied != size) {
                    throw new IOException(entry.file() + " changed while it was read");
                }
                written += copied;
            }
            pad(4);
        }

        private void end() throws IOException {
            header("TRAILER!!!", 0, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0);
            pad(512);
            out.flush();
        }

        /** ino, mode, uid, gid, nlink, mtime, filesize, devmajor, devminor, rdevmajor, rdevminor; then the name's length and a zero checksum. */
        private void header(String name, long... fields) throws IOException {
            byte[] path = name.getBytes(StandardCharsets.UTF_8);
            StringBuilder text = new StringBuilder(110).append("070701");
            for (long field : fields) {
                hex(text, field);
            }
            hex(text, path.length + 1);
            hex(text, 0);
            bytes(text.toString().getBytes(StandardCharsets.US_ASCII));
            bytes(path);
            bytes(new byte[1]);
            pad(4);
        }

        private static void hex(StringBuilder text, long field) {
            String digits = Long.toHexString(field & 0xffffffffL).toUpperCase(Locale.ROOT);
            text.append("0".repeat(8 - digits.length())).append(digits);
        }

        private void bytes(byte[] data) throws IOException {
            out.write(data);
            written += data.length;
        }

        private void pad(int unit) throws IOException {
            bytes(new byte[(int) ((unit - written % unit) % unit)]);
        }
    }
}
