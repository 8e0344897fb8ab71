package lib;

//DEPS com.github.luben:zstd-jni:1.5.6-9

import com.github.luben.zstd.ZstdOutputStream;
import java.io.BufferedOutputStream;
import java.io.IOException;
import java.io.OutputStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.DigestOutputStream;
import java.security.MessageDigest;
import java.util.List;
import java.util.function.Supplier;
import java.util.zip.GZIPOutputStream;
import lib.image.Cpio;
import lib.tool.Ahead;
import lib.tool.Cache;
import lib.tool.Console;
import lib.tool.Digest;
import lib.tool.Failure;
import lib.tool.Tools;
import lib.tool.Trees;

/**
 * Phase 6, first half: the root tree becomes one compressed cpio archive. All of it is our own code, no outside program's, so that the
 * bytes are the same on every machine.
 *
 * @param guest whose kernel unpacks it: xz's filter for x86 code is built into kernels for x86 only
 * @param jobs how many threads pack side by side
 */
public record Initramfs(Config.Budget budget, Architecture guest, Tools tools, int jobs) {
    /** Stands for the program that packs; the same in two versions of it only when they give the same bytes. */
    static final int RECIPE = 8;
    /** Made as headers in the archive, never on disk; the kernel opens /dev/console for PID 1 before anything is mounted. */
    private static final List<Cpio.Device> DEVICES = List.of(
            new Cpio.Device("dev/console", 0600, 5, 1), new Cpio.Device("dev/null", 0666, 1, 3), new Cpio.Device("dev/zero", 0666, 1, 5),
            new Cpio.Device("dev/random", 0666, 1, 8), new Cpio.Device("dev/urandom", 0666, 1, 9), new Cpio.Device("dev/kmsg", 0600, 1, 11),
            new Cpio.Device("dev/tty", 0666, 5, 0), new Cpio.Device("dev/ttyS0", 0620, 4, 64), new Cpio.Device("dev/tty1", 0620, 4, 1));

    /**
     * The finished archive.
     *
     * @param file in the cache: copy it, do not change it
     * @param unpackedBytes length of the cpio archive
     */
    public record Packed(Path file, String sha256, long bytes, long unpackedBytes) { }

    /**
     * Packs the tree; answered from the cache when a tree with the same names, modes, owners and contents was packed before.
     */
    public Packed pack(Path root) {
        Path cpio = tools.cache().temporary("initramfs.cpio");
        try (PackingProcess process = new PackingProcess(tools, jobs)) {
            String digest = tools.console().step("cpio of the root tree", () -> archive(root, cpio),
                    sha -> "cpio archive of " + Console.mib(size(cpio)) + " (sha256 " + sha.substring(0, 12) + ")");
            Path packed = tools.console().step("compress", () -> compress(cpio, digest, process), file -> budget.compression().fileName() + " " + Console.mib(size(file)));
            return new Packed(packed, Digest.sha256(packed), size(packed), size(cpio));
        } finally {
            Trees.delete(cpio);
        }
    }

    private String archive(Path root, Path cpio) {
        MessageDigest digest = Digest.newSha256();
        try (OutputStream out = new BufferedOutputStream(new DigestOutputStream(Files.newOutputStream(cpio), digest), 1 << 18)) {
            Cpio.write(root, DEVICES, budget.epoch(), out);
        } catch (IOException e) {
            throw Failure.io("while packing " + root, e);
        }
        return Digest.hex(digest.digest());
    }

    private Path compress(Path cpio, String digest, PackingProcess process) {
        Cache.Key key = Cache.Key.of("initramfs", "initramfs").with("tree", digest).with("compression", budget.compression()).with("guest", guest)
                .with("recipe", RECIPE);
        return tools.cache().get(key, folder -> {
            Files.createDirectory(folder);
            Path target = folder.resolve(budget.compression().fileName());
            switch (budget.compression()) {
                case XZ -> process.xz(cpio, guest == Architecture.X86_64, target);
                case ZSTD -> copy(cpio, new ZstdOutputStream(Files.newOutputStream(target), 19));
                case GZIP -> copy(cpio, new GZIPOutputStream(Files.newOutputStream(target)));
                case NONE -> Files.copy(cpio, target);
            }
        }).resolve(budget.compression().fileName());
    }

    private static void copy(Path file, OutputStream out) throws IOException {
        try (out) {
            Files.copy(file, out);
        }
    }

    /** Packs both trees to see how large they become; answered from the cache like {@link #pack}. */
    public PackedSizes packedSizes(Path root, Supplier<Path> other) {
        try (PackingProcess process = new PackingProcess(tools, jobs)) {
            Ahead<Long> first = Ahead.begin(() -> packedSize(root, process));
            long second;
            try {
                second = packedSize(other.get(), process);
            } finally {
                first.settle();
            }
            return new PackedSizes(first.get(), second);
        }
    }

    private long packedSize(Path root, PackingProcess process) {
        Path cpio = tools.cache().temporary("initramfs.cpio");
        try {
            return size(compress(cpio, archive(root, cpio), process));
        } finally {
            Trees.delete(cpio);
        }
    }

    private static long size(Path file) {
        return file.toFile().length();
    }
}
