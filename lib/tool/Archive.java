package lib.tool;

//DEPS org.apache.commons:commons-compress:1.27.1

import java.io.BufferedInputStream;
import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.nio.file.FileAlreadyExistsException;
import java.nio.file.Files;
import java.nio.file.LinkOption;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.nio.file.attribute.BasicFileAttributeView;
import java.nio.file.attribute.BasicFileAttributes;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.Set;
import java.util.function.Predicate;
import java.util.zip.GZIPInputStream;
import org.apache.commons.compress.archivers.tar.TarArchiveEntry;
import org.apache.commons.compress.archivers.tar.TarArchiveInputStream;
import org.tukaani.xz.XZInputStream;

/**
 * Unpacks tar archives, plain or packed with gzip or xz, so that nothing lands outside the folder: no absolute names, no {@code ..}, no
 * way through a link that the archive brought, no hard link to anything but a file that it brought.
 */
public final class Archive {
    private static final int XZ_MEMORY_KIB = 256 << 10;

    private final Path file;
    private final Path into;
    private final Limits limits;
    private final Predicate<String> wanted;
    private final Set<Path> folders = new HashSet<>();
    private final Map<Path, TarArchiveEntry> attributes = new LinkedHashMap<>();
    private long entries;
    private long bytes;

    /**
     * How an archive is unpacked.
     *
     * @param owners numeric owners are set, and setuid bits kept; needs user id 0
     * @param strip leading parts taken off each name; names that have no more are left out
     * @param bytes most expanded bytes allowed, against bombs
     * @param entries most entries allowed
     */
    public record Limits(boolean owners, int strip, long bytes, long entries) {
        /** Files for this user: no owners, at most 8 GiB in a million entries. */
        public static final Limits SOURCES = new Limits(false, 0, 8L << 30, 1_000_000);
        /** A root tree: with owners, at most 2 GiB in a hundred thousand entries. */
        public static final Limits ROOT_TREE = new Limits(true, 0, 2L << 30, 100_000);

        /** The same without the first {@code count} parts of each name. */
        public Limits strip(int count) {
            return new Limits(owners, count, bytes, entries);
        }
    }

    private Archive(Path file, Path into, Limits limits, Predicate<String> wanted) {
        this.wanted = wanted;
        this.file = file;
        this.into = into.toAbsolutePath().normalize();
        this.limits = limits;
    }

    /** Unpacks {@code file} into the folder {@code into}, which is created; what is wrong with an archive is a Failure that names it. */
    public static void extract(Path file, Path into, Limits limits) {
        extract(file, into, limits, name -> true);
    }

    /** Unpacks the entries whose names (without {@code ./} and the stripped parts) {@code wanted} accepts. */
    public static void extract(Path file, Path into, Limits limits, Predicate<String> wanted) {
        Archive archive = new Archive(file, into, limits, wanted);
        try {
            Files.createDirectories(archive.into);
            archive.folders.add(archive.into);
            try (InputStream in = open(file); TarArchiveInputStream tar = new TarArchiveInputStream(in, "UTF-8")) {
                for (TarArchiveEntry entry = tar.getNextEntry(); entry != null; entry = tar.getNextEntry()) {
                    archive.entry(entry, tar);
                }
            }
            archive.finishFolders();
        } catch (IOException | IllegalArgumentException e) {
            throw e instanceof IOException io && (io instanceof java.nio.file.FileSystemException || String.valueOf(io.getMessage()).contains("No space"))
                    ? Failure.io("while unpacking " + file, io)
                    : new Failure(file + " is a damaged archive: " + e.getMessage(), "fetch it again, or from another place", e);
        }
    }

    /** The tar stream, by the first bytes of the file. */
    private static InputStream open(Path file) throws IOException {
        InputStream in = new BufferedInputStream(Files.newInputStream(file), 1 << 16);
        in.mark(8);
        byte[] magic = in.readNBytes(6);
        in.reset();
        if (magic.length == 6 && (magic[0] & 0xff) == 0x1f && (magic[1] & 0xff) == 0x8b) {
            return new GZIPInputStream(in, 1 << 16);
        }
        boolean xz = magic.length == 6 && (magic[0] & 0xff) == 0xfd && magic[1] == '7' && magic[2] == 'z' && magic[3] == 'X';
        return xz ? new XZInputStream(in, XZ_MEMORY_KIB) : in;
    }

    private void entry(TarArchiveEntry entry, InputStream content) throws IOException {
        if (++entries > limits.entries()) {
            throw new IOException("more than the " + limits.entries() + " entries allowed");
        }
        String name = stripped(entry.getName());
        if (name.isEmpty() || entry.isGlobalPaxHeader() || !wanted.test(name)) {
            return;
        }
        if (entry.isCharacterDevice() || entry.isBlockDevice() || entry.isFIFO()) {
            throw new IOException(entry.getName() + " is neither file, folder nor link");
        }
        Path place = place(name);
        if (entry.isDirectory()) {
            folder(place);
            attributes.put(place, entry);
            return;
        }
        folder(place.getParent());
        if (Files.exists(place, LinkOption.NOFOLLOW_LINKS)) {
            if (Files.isDirectory(place, LinkOption.NOFOLLOW_LINKS)) {
                throw new IOException(entry.getName() + " is a folder already");
            }
            Files.delete(place);
        }
        if (entry.isSymbolicLink()) {
            Files.createSymbolicLink(place, Path.of(entry.getLinkName()));
            owner(place, entry);
        } else if (entry.isLink()) {
            Files.createLink(place, hardLinkTarget(entry));
        } else {
            write(place, content);
            finish(place, entry);
        }
    }

    private String stripped(String name) {
        String rest = name;
        while (rest.startsWith("./")) {
            rest = rest.substring(2);
        }
        for (int i = 0; i < limits.strip(); i++) {
            int slash = rest.indexOf('/');
            rest = slash < 0 ? "" : rest.substring(slash + 1);
        }
        rest = rest.endsWith("/") ? rest.substring(0, rest.length() - 1) : rest;
        return rest.equals(".") ? "" : rest;
    }

    private Path place(String name) throws IOException {
        for (String part : name.split("/", -1)) {
            if (part.isEmpty() || part.equals(".") || part.equals("..") || part.indexOf('\0') >= 0) {
                throw new IOException("unsafe name \"" + name + "\"");
            }
        }
        return into.resolve(name);
    }

    /** Makes sure that the place is a real folder all the way down. */
    private void folder(Path place) throws IOException {
        if (folders.contains(place)) {
            return;
        }
        folder(place.getParent());
        try {
            Files.createDirectory(place);
        } catch (FileAlreadyExistsException e) {
            if (!Files.isDirectory(place, LinkOption.NOFOLLOW_LINKS)) {
                throw new IOException(into.relativize(place) + " is used as a folder, but it is a file or a link", e);
            }
        }
        folders.add(place);
    }

    private Path hardLinkTarget(TarArchiveEntry entry) throws IOException {
        Path target = place(stripped(entry.getLinkName()));
        if (!folders.contains(target.getParent())) {
            throw new NoSuchFileException(entry.getName() + " links to " + entry.getLinkName() + ", which is not in the archive");
        }
        if (!Files.readAttributes(target, BasicFileAttributes.class, LinkOption.NOFOLLOW_LINKS).isRegularFile()) {
            throw new IOException(entry.getName() + " is a hard link to " + entry.getLinkName() + ", which is not a file");
        }
        return target;
    }

    private void write(Path place, InputStream content) throws IOException {
        byte[] buffer = new byte[1 << 15];
        try (OutputStream out = Files.newOutputStream(place, StandardOpenOption.CREATE_NEW, StandardOpenOption.WRITE)) {
            for (int n = content.read(buffer); n >= 0; n = content.read(buffer)) {
                bytes += n;
                if (bytes > limits.bytes()) {
                    throw new IOException("expands to more than the " + limits.bytes() + " bytes allowed");
                }
                out.write(buffer, 0, n);
            }
        }
    }

    /** Sets what is not so already: a look costs a tenth of a change. Returns the mode that the place has then; -1 when that is not known. */
    private int owner(Path place, TarArchiveEntry entry) throws IOException {
        if (!limits.owners()) {
            return -1;
        }
        Map<String, Object> now = Files.readAttributes(place, "unix:uid,gid,mode", LinkOption.NOFOLLOW_LINKS);
        int uid = (int) entry.getLongUserId();
        int gid = (int) entry.getLongGroupId();
        if (now.get("uid").equals(uid) && now.get("gid").equals(gid)) {
            return (Integer) now.get("mode") & 07777;
        }
        Files.setAttribute(place, "unix:uid", uid, LinkOption.NOFOLLOW_LINKS);
        Files.setAttribute(place, "unix:gid", gid, LinkOption.NOFOLLOW_LINKS);
        return -1;
    }

    private void finish(Path place, TarArchiveEntry entry) throws IOException {
        int mode = entry.getMode() & (limits.owners() ? 07777 : 0777);
        if (owner(place, entry) != mode) {
            Files.setAttribute(place, "unix:mode", mode, LinkOption.NOFOLLOW_LINKS);
        }
        Files.getFileAttributeView(place, BasicFileAttributeView.class, LinkOption.NOFOLLOW_LINKS)
                .setTimes(entry.getLastModifiedTime(), null, null);
    }

    /** Folders get their modes last, so that one without write permission can be filled. */
    private void finishFolders() throws IOException {
        for (Map.Entry<Path, TarArchiveEntry> folder : attributes.entrySet()) {
            finish(folder.getKey(), folder.getValue());
        }
    }
}
