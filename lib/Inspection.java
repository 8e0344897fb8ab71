package lib;

import java.io.IOException;
import java.io.OutputStream;
import java.nio.file.Files;
import java.nio.file.LinkOption;
import java.nio.file.Path;
import java.nio.file.attribute.FileTime;
import java.nio.file.attribute.PosixFilePermission;
import java.nio.file.attribute.PosixFilePermissions;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Comparator;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import lib.image.CpioEntry;
import lib.image.FinishedImage;
import lib.tool.Columns;
import lib.tool.Failure;

/** Looks into a finished vmlinuz.efi or initramfs: lists it, shows one file, unpacks it. Needs no privilege. */
public record Inspection(FinishedImage image) {
    private static final int OWNER_BITS = 0600;

    public static Inspection of(Path file) {
        return new Inspection(FinishedImage.open(file));
    }

    /**
     * A line of the listing.
     *
     * @param mode as ls(1) shows it
     * @param packed bytes that it takes of the packed initramfs
     * @param target of a link; empty for the rest
     */
    public record Listed(String path, String mode, int uid, int gid, long size, long packed, String target) { }

    /** What was unpacked: how many files, folders and links, and the device nodes that were left out. */
    public record Extracted(Path folder, int entries, List<String> leftOut) { }

    /** The entries at and below a path, by name; the whole image for an empty one. */
    public List<Listed> list(String path) {
        Map<String, CpioEntry> found = below(path);
        List<Listed> lines = new ArrayList<>();
        for (int i = 0; i < image.entries().size(); i++) {
            CpioEntry entry = image.entries().get(i);
            String name = FinishedImage.plain(entry.path());
            if (found.get(name) == entry) {
                boolean device = entry.isSpecial();
                lines.add(new Listed(name.isEmpty() ? "." : name, entry.modeText(), entry.uid(), entry.gid(), entry.size(), image.shares().get(i),
                        entry.isLink() ? entry.target() : device ? entry.major() + ":" + entry.minor() : ""));
            }
        }
        lines.sort(Comparator.comparing(Listed::path));
        return lines;
    }

    /** The listing for people. */
    public static String table(List<Listed> lines) {
        List<List<String>> rows = new ArrayList<>(List.of(List.of("MODE", "OWNER", "BYTES", "PACKED", "PATH")));
        lines.forEach(line -> rows.add(List.of(line.mode(), line.uid() + ":" + line.gid(), Long.toString(line.size()), Long.toString(line.packed()),
                visible(line.path()) + (line.target().isEmpty() ? "" : " -> " + visible(line.target())))));
        return Columns.aligned(rows);
    }

    /** Control characters would reach the terminal. */
    private static String visible(String text) {
        return text.replaceAll("\\p{Cntrl}", "?");
    }

    /** The file that a path leads to, when it leads to one. */
    public Optional<CpioEntry> file(String path) {
        return image.file(path);
    }

    /** Writes a file's content. */
    public void cat(CpioEntry file, OutputStream out) {
        try {
            file.writeTo(out);
            out.flush();
        } catch (IOException e) {
            throw Failure.io("cannot write the content of " + file.path(), e);
        }
    }

    private Map<String, CpioEntry> below(String path) {
        String real = image.resolve(path, true).orElseThrow(() -> new Failure("there is no /" + FinishedImage.plain(path) + " in " + image.name(),
                "image.java inspect FILE lists what there is"));
        if (real.isEmpty()) {
            return image.byPath();
        }
        Map<String, CpioEntry> found = new LinkedHashMap<>();
        Optional.ofNullable(image.byPath().get(real)).ifPresent(entry -> found.put(real, entry));
        found.putAll(image.byPath().subMap(real + "/", true, real + "0", false));
        return found;
    }

    /**
     * Unpacks what is at and below {@code path} into a folder that is made for it, paths as in the image. Files belong to this user,
     * without setuid bits; device nodes are left out. A name that would land elsewhere is a Failure before anything is written.
     *
     * @param into must be empty or absent
     */
    public Extracted extract(String path, Path into) {
        Path folder = into.toAbsolutePath().normalize();
        Map<String, CpioEntry> wanted = below(path);
        image.entries().forEach(entry -> requireSafe(entry, folder));
        requireEmpty(folder);
        List<String> leftOut = new ArrayList<>();
        try {
            Files.createDirectories(folder);
            for (Map.Entry<String, CpioEntry> one : wanted.entrySet()) {
                if (one.getValue().isSpecial()) {
                    leftOut.add(one.getKey());
                } else if (!one.getValue().isLink()) {
                    write(one.getValue(), folder.resolve(one.getKey()));
                }
            }
            // Links last, so that nothing is ever written through one.
            for (Map.Entry<String, CpioEntry> one : wanted.entrySet()) {
                if (one.getValue().isLink()) {
                    Path link = folder.resolve(one.getKey());
                    Files.createDirectories(link.getParent());
                    Files.createSymbolicLink(link, Path.of(one.getValue().target()));
                }
            }
        } catch (IOException e) {
            throw Failure.io("while unpacking " + image.name() + " into " + folder, e);
        }
        return new Extracted(folder, wanted.size() - leftOut.size(), leftOut);
    }

    private void requireSafe(CpioEntry entry, Path folder) {
        boolean climbs = Arrays.asList(entry.path().split("/")).contains("..");
        if (climbs || entry.path().startsWith("/") || entry.path().indexOf('\0') >= 0 || !folder.resolve(FinishedImage.plain(entry.path())).normalize().startsWith(folder)) {
            throw new Failure(image.name() + " holds an unsafe path: " + visible(entry.path()), "nothing was unpacked; do not trust this file");
        }
        for (String parent = parent(FinishedImage.plain(entry.path())); !parent.isEmpty(); parent = parent(parent)) {
            CpioEntry above = image.byPath().get(parent);
            if (above != null && !above.isFolder()) {
                throw new Failure(image.name() + " holds an unsafe path: " + visible(entry.path()) + " is below " + parent + ", which is no folder",
                        "nothing was unpacked; do not trust this file");
            }
        }
    }

    private static String parent(String path) {
        return path.substring(0, Math.max(0, path.lastIndexOf('/')));
    }

    private static void requireEmpty(Path folder) {
        if (Files.exists(folder, LinkOption.NOFOLLOW_LINKS) && (!Files.isDirectory(folder) || folder.toFile().list().length > 0)) {
            throw Failure.usage(folder + " is not an empty folder", "give --extract a folder that is not there yet");
        }
    }

    private static void write(CpioEntry entry, Path target) throws IOException {
        if (entry.isFolder()) {
            Files.createDirectories(target);
            Files.setPosixFilePermissions(target, PosixFilePermissions.fromString(permissions(entry.permissions() | OWNER_BITS | 0100)));
            return;
        }
        Files.createDirectories(target.getParent());
        try (OutputStream out = Files.newOutputStream(target)) {
            entry.writeTo(out);
        }
        Set<PosixFilePermission> bits = PosixFilePermissions.fromString(permissions(entry.permissions() | OWNER_BITS));
        Files.setPosixFilePermissions(target, bits);
        Files.setLastModifiedTime(target, FileTime.fromMillis(entry.mtime() * 1000));
    }

    private static String permissions(int mode) {
        StringBuilder text = new StringBuilder();
        for (int bit = 8; bit >= 0; bit--) {
            text.append((mode >> bit & 1) != 0 ? "rwxrwxrwx".charAt(8 - bit) : '-');
        }
        return text.toString();
    }

    /** A text of what the file is, for stderr. */
    public String describe() {
        return image.name() + ": " + image.release().map(release -> "Linux " + release + " with an initramfs").orElse("an initramfs") + " of "
                + image.archiveBytes() + " bytes packed, " + image.unpackedBytes() + " unpacked, " + image.entries().size() + " entries";
    }
}
