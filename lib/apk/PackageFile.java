package lib.apk;

import java.io.ByteArrayInputStream;
import java.io.IOException;
import java.io.InputStream;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.file.Path;
import java.security.MessageDigest;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Base64;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import lib.tool.Digest;
import lib.tool.Failure;

/**
 * An .apk file whose every byte was checked before anything of it is used: the control part is the one that the signed index names
 * ({@code C:}), the data part the one that the control part names (datahash), and each entry is one that may be installed.
 *
 * @param scripts by name without the dot ({@code post-install}), in the order of the archive
 * @param entries what is to be installed, in the order of the archive
 */
public final class PackageFile implements AutoCloseable {
    /** Scripts that are kept in the installed database, in its order. */
    static final List<String> SCRIPTS = List.of("pre-install", "post-install", "pre-deinstall", "post-deinstall", "pre-upgrade", "post-upgrade",
            "trigger");
    private static final int LARGEST_CONTROL = 32 << 20;
    /** Expanded data may be larger than what the signed index promises (headers, holes in files), but not by any factor. */
    private static final long SPARE_DATA = 64L << 20;
    private static final int LARGEST_FACTOR = 8;
    private static final int MOST_ENTRIES = 1_000_000;
    /** Expanded data of at most this size stays in memory, so that it has to be expanded once only. */
    private static final int KEPT = 48 << 20;
    private static final String CHECKSUM = "APK-TOOLS.checksum.SHA1";

    private final FileChannel channel;
    private final Package pkg;
    private final Map<String, byte[]> scripts = new LinkedHashMap<>();
    private final List<Item> items = new ArrayList<>();
    private PackageInfo info;
    private long dataStart;
    /** Null when it is too large to keep. */
    private ByteArrayInputStream expanded;

    /** An entry and the {@code Q1} checksum for the database (empty: none; a hard link's is its target's). */
    record Item(TarReader.Entry entry, String checksum) { }

    private PackageFile(FileChannel channel, Package pkg) {
        this.channel = channel;
        this.pkg = pkg;
    }

    /**
     * Checks {@code file} against what the index says of {@code pkg}; any difference is a Failure that names the file. The file stays open,
     * so that what was checked is what will be installed whatever happens to its name.
     */
    public static PackageFile verified(Path file, Package pkg) {
        FileChannel channel = null;
        try {
            channel = FileChannel.open(file);
            PackageFile result = new PackageFile(channel, pkg);
            result.readControl(result.controlStart());
            result.checkData();
            result.scan();
            return result;
        } catch (IOException e) {
            close(channel);
            throw new Failure("package " + pkg.fileName() + " is damaged: " + e.getMessage() + "\n  file: " + file,
                    "nothing of it was installed; try again or use another mirror", e);
        }
    }

    private static void close(FileChannel channel) {
        try {
            if (channel != null) {
                channel.close();
            }
        } catch (IOException e) {
            throw new IllegalStateException("closing a file that is only read", e);
        }
    }

    @Override
    public void close() {
        close(channel);
    }

    private IOException refuse(String why) {
        return new IOException(why);
    }

    /** Behind the signature, when there is one: the signed index vouches for the rest, so that it does not matter here. */
    private long controlStart() throws IOException {
        try (GzipMember member = new GzipMember(channel, 0, LARGEST_CONTROL)) {
            Optional<TarReader.Entry> first = new TarReader(member).next();
            return first.isPresent() && first.get().name().startsWith(".SIGN.") ? member.end() : 0;
        }
    }

    private void readControl(long start) throws IOException {
        byte[] tar;
        try (GzipMember member = new GzipMember(channel, start, LARGEST_CONTROL)) {
            tar = member.readAllBytes();
            dataStart = member.end();
        }
        String checksum = "Q1" + Base64.getEncoder().encodeToString(digest("SHA-1", start, dataStart));
        if (!checksum.equals(pkg.checksum())) {
            throw refuse("it is not the package of the index: its checksum is " + checksum + ", the index says " + pkg.checksum());
        }
        TarReader reader = new TarReader(new ByteArrayInputStream(tar));
        for (Optional<TarReader.Entry> entry = reader.next(); entry.isPresent(); entry = reader.next()) {
            String name = entry.get().name();
            if (name.equals(".PKGINFO")) {
                info = PackageInfo.parse(reader.content(LARGEST_CONTROL));
            } else if (name.startsWith(".") && SCRIPTS.contains(name.substring(1))) {
                scripts.put(name.substring(1), reader.content(LARGEST_CONTROL));
            }
        }
        if (info == null) {
            throw refuse("it has no .PKGINFO");
        }
        if (!info.get("pkgname").equals(pkg.name()) || !info.get("pkgver").equals(pkg.version())) {
            throw refuse(".PKGINFO calls it " + info.get("pkgname") + "-" + info.get("pkgver"));
        }
    }

    private void checkData() throws IOException {
        String found = Digest.hex(digest("SHA-256", dataStart, channel.size()));
        if (!found.equals(info.get("datahash"))) {
            throw refuse("its data has the SHA-256 " + found + ", .PKGINFO says " + (info.get("datahash").isEmpty() ? "nothing" : info.get("datahash")));
        }
    }

    private byte[] digest(String algorithm, long from, long to) throws IOException {
        MessageDigest digest = Digest.instance(algorithm);
        ByteBuffer buffer = ByteBuffer.allocate(1 << 16);
        for (long at = from; at < to; ) {
            buffer.clear().limit((int) Math.min(buffer.capacity(), to - at));
            int n = channel.read(buffer, at);
            if (n < 0) {
                throw new IOException("the file became shorter while it was read");
            }
            at += n;
            digest.update(buffer.flip());
        }
        return digest.digest();
    }

    /** Reads all of the data part once: every entry has to be one that may be installed, every content the one that its header states. */
    private void scan() throws IOException {
        try (GzipMember member = data()) {
            InputStream in = member;
            if (pkg.installedSize() <= KEPT && channel.size() - dataStart <= KEPT) {
                expanded = keep(member);
                in = expanded == null ? data() : expanded;
            }
            entries(new TarReader(in));
            if (expanded == null && in != member) {
                in.close();
            }
            if (member.end() != channel.size()) {
                throw refuse("there are " + (channel.size() - member.end()) + " bytes behind its data");
            }
        }
    }

    /** The data part from its start. */
    private GzipMember data() throws IOException {
        return new GzipMember(channel, dataStart, SPARE_DATA + LARGEST_FACTOR * Math.max(0, pkg.installedSize()));
    }

    /** All expanded bytes; null when they are more than expected of a package of this size. */
    private ByteArrayInputStream keep(InputStream in) throws IOException {
        // Headers and padding make it larger than the files.
        byte[] bytes = new byte[(int) pkg.installedSize() / 8 * 9 + (1 << 16)];
        int size = in.readNBytes(bytes, 0, bytes.length);
        while (size == bytes.length) {
            if (size > 2 * KEPT) {
                return null;
            }
            bytes = Arrays.copyOf(bytes, 2 * size);
            size += in.readNBytes(bytes, size, size);
        }
        return new ByteArrayInputStream(bytes, 0, size);
    }

    private void entries(TarReader reader) throws IOException {
        Map<String, String> checksums = new LinkedHashMap<>();
        Set<String> names = new HashSet<>();
        Set<String> folders = new HashSet<>(Set.of(""));
        MessageDigest sha1 = Digest.instance("SHA-1");
        for (Optional<TarReader.Entry> next = reader.next(); next.isPresent(); next = reader.next()) {
            TarReader.Entry entry = next.get();
            if (skipped(entry.name())) {
                continue;
            }
            EntryRules.check(entry, names, folders, checksums);
            byte[] sum = switch (entry.type()) {
                case FILE -> content(reader, sha1);
                case SYMLINK -> sha1.digest(entry.link().getBytes(java.nio.charset.StandardCharsets.UTF_8));
                default -> null;
            };
            String stated = entry.pax().get(CHECKSUM);
            if (sum != null && stated != null && !stated.equals(Digest.hex(sum))) {
                throw refuse(entry.name() + " has not the content that its header states");
            }
            String checksum = sum != null ? "Q1" + Base64.getEncoder().encodeToString(sum)
                    : entry.type() == TarReader.Type.HARD_LINK ? checksums.get(entry.link()) : "";
            if (entry.type() == TarReader.Type.FILE) {
                checksums.put(entry.name(), checksum);
            }
            items.add(new Item(entry, checksum));
            if (items.size() > MOST_ENTRIES) {
                throw refuse("it has more than " + MOST_ENTRIES + " entries");
            }
        }
    }

    /** Names that apk passes over: those that begin with a dot at the top, and the place holders of empty folders. */
    static boolean skipped(String name) {
        String base = name.substring(name.lastIndexOf('/') + 1);
        return name.startsWith(".") && !name.startsWith("./") && !name.startsWith("..") || base.length() > 6 && base.startsWith(".keep_");
    }

    private static byte[] content(TarReader reader, MessageDigest digest) throws IOException {
        byte[] buffer = new byte[1 << 14];
        for (int n = reader.read(buffer, 0, buffer.length); n >= 0; n = reader.read(buffer, 0, buffer.length)) {
            digest.update(buffer, 0, n);
        }
        return digest.digest();
    }

    /** Work on one entry while its content can be read. */
    @FunctionalInterface
    interface Visitor {
        void visit(Item item, TarReader content) throws IOException;
    }

    /** Goes through the entries once more, in their order, now with their content at hand. */
    void visit(Visitor visitor) throws IOException {
        if (expanded != null) {
            expanded.reset();
        }
        try (InputStream in = expanded == null ? data() : expanded) {
            TarReader reader = new TarReader(in);
            for (Item item : items) {
                Optional<TarReader.Entry> entry = reader.next();
                while (entry.isPresent() && skipped(entry.get().name())) {
                    entry = reader.next();
                }
                visitor.visit(item, reader);
            }
        }
    }

    PackageInfo info() {
        return info;
    }

    Map<String, byte[]> scripts() {
        return scripts;
    }

    List<Item> items() {
        return items;
    }
}
