package lib;

import java.io.IOException;
import java.io.RandomAccessFile;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Optional;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.IntStream;
import lib.tool.Failure;
import lib.tool.Shell;
import lib.tool.Trees;

/**
 * Disks of a machine: raw files in its folder, which take only the room that the guest writes. Kept between runs.
 *
 * @param size bytes of a new disk
 * @param explicit the user said the size, so that a disk of another size is a mistake
 */
public record Disks(Path folder, int count, long size, boolean explicit) {
    private static final Pattern SIZE = Pattern.compile("(\\d{1,12})([KMGT]?)(?:i?B)?", Pattern.CASE_INSENSITIVE);
    private static final long SECTOR = 512;

    /** Bytes of a text such as 20G or 512M; a plain number counts bytes. */
    public static long parseSize(String text) {
        Matcher matcher = SIZE.matcher(text.strip());
        if (!matcher.matches()) {
            throw Failure.usage("not a size: " + text, "write a number with K, M, G or T, for example 20G");
        }
        long bytes = Long.parseLong(matcher.group(1)) << (10 * " KMGT".indexOf(matcher.group(2).isEmpty() ? " " : matcher.group(2).toUpperCase()));
        if (bytes < SECTOR || bytes % SECTOR != 0) {
            throw Failure.usage("a disk cannot have " + text + " bytes", "give a multiple of 512, for example 20G");
        }
        return bytes;
    }

    private List<Path> files() {
        return IntStream.range(0, count).mapToObj(i -> folder.resolve("disk" + i + ".raw")).toList();
    }

    /** The files in the order in which the guest sees them; missing ones are made. */
    public List<Path> prepare() {
        files().forEach(this::prepare);
        return files();
    }

    private void prepare(Path file) {
        try {
            if (!Files.exists(file)) {
                Trees.replace(file, part -> {
                    try (RandomAccessFile disk = new RandomAccessFile(part.toFile(), "rw")) {
                        disk.setLength(size);
                    }
                });
            } else if (explicit && Files.size(file) != size) {
                throw Failure.usage("the disk " + file + " has " + Files.size(file) + " bytes, not " + size,
                        "--reset makes the disks anew (what is on them is lost); without --disk-size they stay as they are");
            }
        } catch (IOException e) {
            throw Failure.io("cannot make the disk " + file, e);
        }
    }

    /** Disks that the guest has written to: they take room. */
    public List<Path> holdingData(Shell shell) {
        return files().stream().filter(Files::exists)
                .filter(file -> !shell.output("stat", "-c", "%b", file.toString()).equals("0")).toList();
    }

    /** Deletes all disks of the machine, also those beyond {@code count}. */
    public void delete() {
        Optional.of(folder).filter(Files::isDirectory).ifPresent(existing -> {
            try (var found = Files.newDirectoryStream(existing, "disk*.raw")) {
                found.forEach(Trees::delete);
            } catch (IOException e) {
                throw Failure.io("cannot delete the disks in " + existing, e);
            }
        });
    }
}
