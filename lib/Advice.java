package lib;

import com.github.luben.zstd.ZstdOutputStream;
import java.io.BufferedOutputStream;
import java.io.IOException;
import java.io.OutputStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.Locale;
import java.util.zip.Deflater;
import java.util.zip.GZIPOutputStream;
import lib.image.Xz;
import lib.tool.Cache;
import lib.tool.Columns;
import lib.tool.Console;
import lib.tool.Digest;
import lib.tool.Tools;

/**
 * Which way to pack an image is best for nodes that fetch it at a given speed and boot it.
 *
 * @param mbit speed of the download in million bits a second
 * @param ranked the fastest first
 */
public record Advice(double mbit, String accelerator, List<Choice> ranked) {
    private static final int ZSTD_LEVEL = 19;

    /** Ways to pack an initramfs; the words are those of the table. */
    public enum Packing {
        XZ("xz"), XZ_BCJ("xz + BCJ"), ZSTD("zstd -19"), GZIP("gzip -9");

        private final String title;

        Packing(String title) {
            this.title = title;
        }

        public String title() {
            return title;
        }

        /** The packed form of a plain archive, kept by its content. */
        public Path pack(Path cpio, Tools tools) {
            Cache.Key key = Cache.Key.of("advice", title).with("archive", Digest.sha256(cpio)).with("packing", title).with("recipe", 2);
            return tools.cache().get(key, target -> {
                switch (this) {
                    case XZ -> Files.write(target, Xz.pack(Files.readAllBytes(cpio), false, Runtime.getRuntime().availableProcessors()));
                    case XZ_BCJ -> Files.write(target, Xz.pack(Files.readAllBytes(cpio), true, Runtime.getRuntime().availableProcessors()));
                    case ZSTD -> copy(cpio, new ZstdOutputStream(new BufferedOutputStream(Files.newOutputStream(target)), ZSTD_LEVEL));
                    case GZIP -> copy(cpio, new GZIPOutputStream(new BufferedOutputStream(Files.newOutputStream(target))) {
                        {
                            def.setLevel(Deflater.BEST_COMPRESSION);
                        }
                    });
                }
            });
        }

        private static void copy(Path file, OutputStream out) throws IOException {
            try (out) {
                Files.copy(file, out);
            }
        }
    }

    /**
     * One way with what it costs.
     *
     * @param bytes of the whole image: the kernel and the packed initramfs
     * @param downloadSeconds at the given speed
     * @param totalSeconds download and boot
     */
    public record Choice(String packing, boolean upx, long bytes, long initramfs, double downloadSeconds, double unpackSeconds, double peakMiB, double startSeconds,
            double bootSeconds, double totalSeconds) {
        static Choice of(Packing packing, boolean upx, long kernel, long initramfs, BootMeasure.Measured boot, double mbit) {
            double download = (kernel + initramfs) * 8 / (mbit * 1e6);
            return new Choice(packing.title(), upx, kernel + initramfs, initramfs, download, boot.unpackSeconds(), boot.peakBytes() / 1048576.0, boot.startSeconds(),
                    boot.bootSeconds(), download + boot.bootSeconds());
        }
    }

    static Advice of(double mbit, String accelerator, List<Choice> choices) {
        List<Choice> ranked = new ArrayList<>(choices);
        ranked.sort(Comparator.comparing(Choice::totalSeconds).thenComparing(Choice::bytes));
        return new Advice(mbit, accelerator, List.copyOf(ranked));
    }

    /** For people. */
    public String table() {
        List<List<String>> rows = new ArrayList<>();
        rows.add(List.of("RANK", "INITRAMFS", "UPX", "IMAGE", "DOWNLOAD", "UNPACK", "PEAK", "START-UP", "BOOT", "TOTAL"));
        for (Choice one : ranked) {
            rows.add(List.of(Integer.toString(rows.size()), one.packing(), one.upx() ? "on" : "off", Console.mib(one.bytes()), seconds(one.downloadSeconds()),
                    seconds(one.unpackSeconds()), String.format(Locale.ROOT, "%.0f MiB", one.peakMiB()), seconds(one.startSeconds()), seconds(one.bootSeconds()),
                    seconds(one.totalSeconds())));
        }
        return Columns.aligned(rows) + String.format(Locale.ROOT, "download at %s Mbit/s; boots on QEMU, %s%n", Double.toString(mbit).replaceFirst("\\.0$", ""), accelerator);
    }

    private static String seconds(double seconds) {
        return String.format(Locale.ROOT, "%.2f s", seconds);
    }
}
