package lib.image;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Deque;
import java.util.List;
import java.util.Map;
import java.util.NavigableMap;
import java.util.Optional;
import java.util.TreeMap;
import java.util.concurrent.atomic.AtomicReference;
import java.util.function.Supplier;
import lib.tool.Failure;

/**
 * What a finished file holds: a bootable kernel with its initramfs inside, or an initramfs alone. Nothing is written, no privilege is
 * needed; all of it is in memory.
 *
 * @param bytes length of the file
 * @param release of the kernel; empty for an initramfs alone
 * @param archiveBytes length of the packed initramfs
 * @param unpackedBytes what it unpacks to
 * @param entries in the order of the archive, without trailers
 * @param shares what each entry takes of the packed initramfs, in bytes; their sum is {@code archiveBytes}
 */
public record FinishedImage(String name, long bytes, Optional<String> release, long archiveBytes, long unpackedBytes, List<CpioEntry> entries,
        List<Long> shares, NavigableMap<String, CpioEntry> byPath) {
    private static final int MAX_LINKS = 40;

    /** Reads a file. */
    public static FinishedImage open(Path file) {
        if (!Files.isRegularFile(file)) {
            throw Failure.usage("there is no file " + file, "give a vmlinuz.efi or an initramfs.cpio.xz");
        }
        try {
            return parse(file.toString(), Files.readAllBytes(file));
        } catch (IOException e) {
            throw Failure.io("cannot read " + file, e);
        }
    }

    /** Reads a file when it is asked for the first time, and only then. */
    public static Supplier<FinishedImage> later(Path file) {
        AtomicReference<FinishedImage> opened = new AtomicReference<>();
        return () -> opened.updateAndGet(before -> before == null ? open(file) : before);
    }

    /** The same for bytes; {@code name} stands for them in errors. */
    public static FinishedImage parse(String name, byte[] file) {
        Optional<KernelImage> kernel = PackedArchive.begins(file, 0) ? Optional.empty() : KernelImage.of(name, file);
        if (kernel.isEmpty() && !PackedArchive.begins(file, 0)) {
            throw Failure.usage(name + " is neither a kernel nor an initramfs", "give a vmlinuz.efi or an initramfs.cpio.xz");
        }
        byte[] archive = kernel.map(one -> one.initramfs().orElseThrow(() -> new Failure(name + " is a kernel without an initramfs inside",
                "give the initramfs itself"))).orElse(file);
        PackedArchive packed = PackedArchive.unpack(name, archive);
        List<CpioEntry> all = CpioReader.entries(name, packed.bytes(), packed.length());
        if (all.stream().noneMatch(entry -> !CpioReader.isTrailer(entry))) {
            throw new Failure(name + " holds no files", "build it again");
        }
        List<CpioEntry> entries = new ArrayList<>();
        List<Long> shares = new ArrayList<>();
        long charged = 0;
        for (int i = 0; i < all.size(); i++) {
            // Trailers, headers of streams and padding go to the entry before them.
            boolean last = i + 1 == all.size();
            long upTo = last ? archive.length : packed.packedUpTo(all.get(i).end());
            if (CpioReader.isTrailer(all.get(i)) && !shares.isEmpty()) {
                shares.set(shares.size() - 1, shares.get(shares.size() - 1) + upTo - charged);
            } else {
                entries.add(all.get(i));
                shares.add(upTo - charged);
            }
            charged = upTo;
        }
        NavigableMap<String, CpioEntry> byPath = new TreeMap<>();
        entries.forEach(entry -> byPath.put(plain(entry.path()), entry));
        return new FinishedImage(name, file.length, kernel.flatMap(KernelImage::release), archive.length, packed.length(), List.copyOf(entries),
                List.copyOf(shares), byPath);
    }

    /** A path without {@code ./} or slashes in front and slashes behind. */
    public static String plain(String path) {
        return path.replaceFirst("^(\\./|/)+", "").replaceFirst("/+$", "").replaceFirst("^\\.$", "");
    }

    /** What is at the path, links on the way followed, the last part not. */
    public Optional<CpioEntry> at(String path) {
        return resolve(path, false).map(byPath::get);
    }

    /** What the path leads to, all links followed. */
    public Optional<CpioEntry> reached(String path) {
        return resolve(path, true).map(byPath::get);
    }

    /** The file that a path leads to. */
    public Optional<CpioEntry> file(String path) {
        return reached(path).filter(CpioEntry::isFile);
    }

    /** Names in a folder of the image with what they lead to; none when there is no such folder. */
    public Map<String, CpioEntry> in(String folder) {
        Map<String, CpioEntry> found = new TreeMap<>();
        resolve(folder, true).ifPresent(real -> {
            String prefix = real.isEmpty() ? "" : real + "/";
            byPath.tailMap(prefix, false).entrySet().stream().takeWhile(entry -> entry.getKey().startsWith(prefix))
                    .filter(entry -> entry.getKey().indexOf('/', prefix.length()) < 0)
                    .forEach(entry -> found.put(entry.getKey().substring(prefix.length()), entry.getValue()));
        });
        return found;
    }

    /**
     * Follows a path inside the image: absolute targets start at its top, {@code ..} never leaves it.
     *
     * @return the place without links in it; empty when nothing is there or links go in circles
     */
    public Optional<String> resolve(String path, boolean followLast) {
        Deque<String> parts = new ArrayDeque<>(Arrays.asList(path.split("/")));
        String at = "";
        int links = 0;
        while (!parts.isEmpty()) {
            String part = parts.removeFirst();
            if (part.isEmpty() || part.equals(".")) {
                continue;
            }
            if (part.equals("..")) {
                at = at.substring(0, Math.max(0, at.lastIndexOf('/')));
                continue;
            }
            String next = at.isEmpty() ? part : at + "/" + part;
            CpioEntry entry = byPath.get(next);
            if (entry == null) {
                return Optional.empty();
            }
            if (!entry.isLink() || parts.isEmpty() && !followLast) {
                at = next;
                continue;
            }
            if (++links > MAX_LINKS) {
                return Optional.empty();
            }
            at = entry.target().startsWith("/") ? "" : at;
            String[] more = entry.target().split("/");
            for (int i = more.length - 1; i >= 0; i--) {
                parts.addFirst(more[i]);
            }
        }
        return Optional.of(at);
    }
}
