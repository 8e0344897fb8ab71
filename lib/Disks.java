package lib;

import java.io.IOException;
import java.io.RandomAccessFile;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Optional;
import java.util.stream.IntStream;
import java.util.stream.Stream;
import lib.tool.ByteSize;
import lib.tool.Failure;
import lib.tool.Shell;
import lib.tool.Trees;

/**
 * Disks of a machine: files in its folder, which take only the room that the guest writes. Kept between runs.
 *
 * @param size bytes of a new disk
 * @param explicit the user said the size, so that a disk of another size is a mistake
 * @param format of new disks; a disk that is there keeps its own
 * @param anew no disk that is there stays
 */
public record Disks(Path folder, int count, long size, boolean explicit, Optional<Format> format, boolean anew, Shell shell) {
    /** How a disk is kept in its file: byte for byte, or in QEMU's format, which can be copied and compressed without its empty parts. */
    public enum Format {
        RAW, QCOW2;

        String word() {
            return name().toLowerCase(Locale.ROOT);
        }

        /** The format of a file that was made here, from its name. */
        static Format of(Path file) {
            return file.toString().endsWith(".qcow2") ? QCOW2 : RAW;
        }
    }

    private static final long SECTOR = 512;
    /** Fields of a qcow2 header, big-endian (QEMU, docs/interop/qcow2.txt): size of the disk; entries and place of its first table. */
    private static final int QCOW2_SIZE = 24;
    private static final int QCOW2_L1_ENTRIES = 36;
    private static final int QCOW2_L1_PLACE = 40;

    /** Bytes of a text such as 20G or 512M; a plain number counts bytes. */
    public static long parseSize(String text) {
        long bytes = ByteSize.parse(text).orElseThrow(() -> Failure.usage("not a size: " + text, "write a number with K, M, G or T, for example 20G"));
        if (bytes < SECTOR || bytes % SECTOR != 0) {
            throw Failure.usage("a disk cannot have " + text + " bytes", "give a multiple of 512, for example 20G");
        }
        return bytes;
    }

    /** The files in the order in which the guest sees them, also of disks that are not made yet. */
    public List<Path> files() {
        return IntStream.range(0, count).mapToObj(this::file).toList();
    }

    /** The disk's file as it is, else as it will be. */
    private Path file(int number) {
        return Stream.of(Format.values()).map(one -> file(number, one)).filter(this::stays).findFirst()
                .orElseGet(() -> file(number, format.orElse(Format.RAW)));
    }

    private boolean stays(Path file) {
        return !anew && Files.exists(file);
    }

    private Path file(int number, Format kind) {
        return folder.resolve("disk" + number + "." + kind.word());
    }

    /** The same; a Failure, before anything is done to a disk, when one is not as it is asked for or cannot be made. */
    public Disks require() {
        files().forEach(this::require);
        return this;
    }

    private void require(Path file) {
        if (!stays(file)) {
            if (Format.of(file) == Format.QCOW2 && Shell.which("qemu-img").isEmpty()) {
                throw Failure.machine("the program qemu-img is not installed, which makes qcow2 disks",
                        "apt-get install qemu-utils, apk add qemu-img or pacman -S qemu-img; --disk-format raw needs none");
            }
            return;
        }
        format.filter(wanted -> wanted != Format.of(file)).ifPresent(wanted -> {
            throw Failure.usage("the disk " + file + " is not in the format " + wanted.word(), "--reset makes the disks anew (what is on them is lost);"
                    + " without --disk-format they stay as they are");
        });
        if (explicit && size(file) != size) {
            throw Failure.usage("the disk " + file + " has " + size(file) + " bytes, not " + size,
                    "--reset makes the disks anew (what is on them is lost); without --disk-size they stay as they are");
        }
    }

    /** Makes the disks that are missing; all of them when none is to stay, and then deletes those beyond {@code count} too. */
    public void prepare() {
        if (anew) {
            there().forEach(Trees::delete);
        }
        files().stream().filter(file -> !Files.exists(file)).forEach(file -> Trees.replace(file, part -> make(part, Format.of(file))));
    }

    private void make(Path file, Format kind) throws IOException {
        if (kind == Format.RAW) {
            try (RandomAccessFile disk = new RandomAccessFile(file.toFile(), "rw")) {
                disk.setLength(size);
            }
            return;
        }
        shell.run("qemu-img", "create", "-q", "-f", "qcow2", file.toString(), Long.toString(size));
    }

    /** Bytes that the guest sees. */
    private static long size(Path file) {
        return Format.of(file) == Format.RAW ? file.toFile().length() : read(file, disk -> {
            disk.seek(QCOW2_SIZE);
            return disk.readLong();
        });
    }

    /** Disks that the guest has written to: they take room. */
    public List<Path> holdingData() {
        return there().stream().filter(this::holdsData).toList();
    }

    private boolean holdsData(Path file) {
        return Format.of(file) == Format.RAW ? !shell.output("stat", "-c", "%b", file.toString()).equals("0") : read(file, disk -> {
            disk.seek(QCOW2_L1_ENTRIES);
            int entries = disk.readInt();
            disk.seek(QCOW2_L1_PLACE);
            disk.seek(disk.readLong());
            boolean used = false;
            for (int i = 0; i < entries; i++) {
                used |= disk.readLong() != 0;
            }
            return used;
        });
    }

    private interface Reading<T> {
        T from(RandomAccessFile disk) throws IOException;
    }

    private static <T> T read(Path file, Reading<T> reading) {
        try (RandomAccessFile disk = new RandomAccessFile(file.toFile(), "r")) {
            return reading.from(disk);
        } catch (IOException e) {
            throw Failure.io("cannot read the disk " + file, e);
        }
    }

    /** All disks of the machine, also those beyond {@code count}. */
    private List<Path> there() {
        List<Path> there = new ArrayList<>();
        if (Files.isDirectory(folder)) {
            try (var found = Files.newDirectoryStream(folder, "disk*.{raw,qcow2}")) {
                found.forEach(there::add);
            } catch (IOException e) {
                throw Failure.io("cannot list the disks in " + folder, e);
            }
        }
        return there.stream().sorted().toList();
    }
}
