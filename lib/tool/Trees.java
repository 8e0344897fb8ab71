package lib.tool;

import java.io.IOException;
import java.nio.channels.FileChannel;
import java.nio.file.FileVisitResult;
import java.nio.file.Files;
import java.nio.file.LinkOption;
import java.nio.file.Path;
import java.nio.file.SimpleFileVisitor;
import java.nio.file.StandardCopyOption;
import java.nio.file.StandardOpenOption;
import java.nio.file.attribute.BasicFileAttributes;
import java.nio.file.attribute.PosixFilePermissions;

/** Whole folders and whole files: delete, measure, replace atomically. Links are never followed. */
public final class Trees {
    private Trees() { }

    /** Deletes a file or folder with all that is in it; nothing happens when it is not there. */
    public static void delete(Path path) {
        if (!Files.exists(path, LinkOption.NOFOLLOW_LINKS)) {
            return;
        }
        try {
            Files.walkFileTree(path, new SimpleFileVisitor<>() {
                @Override
                public FileVisitResult preVisitDirectory(Path folder, BasicFileAttributes attributes) throws IOException {
                    if (!Files.isWritable(folder) || !Files.isExecutable(folder)) {
                        Files.setPosixFilePermissions(folder, PosixFilePermissions.fromString("rwx------"));
                    }
                    return FileVisitResult.CONTINUE;
                }

                @Override
                public FileVisitResult visitFile(Path file, BasicFileAttributes attributes) throws IOException {
                    Files.delete(file);
                    return FileVisitResult.CONTINUE;
                }

                @Override
                public FileVisitResult postVisitDirectory(Path folder, IOException e) throws IOException {
                    Files.delete(folder);
                    return FileVisitResult.CONTINUE;
                }
            });
        } catch (IOException e) {
            throw Failure.io("cannot delete " + path, e);
        }
    }

    /** Bytes of all regular files below {@code path}, but for what other owners let nobody look at and what goes meanwhile. */
    public static long size(Path path) {
        long[] sum = {0};
        try {
            Files.walkFileTree(path, new SimpleFileVisitor<>() {
                @Override
                public FileVisitResult visitFile(Path file, BasicFileAttributes attributes) {
                    sum[0] += attributes.isRegularFile() ? attributes.size() : 0;
                    return FileVisitResult.CONTINUE;
                }

                @Override
                public FileVisitResult visitFileFailed(Path file, IOException e) {
                    return FileVisitResult.CONTINUE;
                }
            });
        } catch (IOException e) {
            throw Failure.io("cannot measure " + path, e);
        }
        return sum[0];
    }

    /** Writes the new content of a file. */
    @FunctionalInterface
    public interface Writer {
        void write(Path part) throws IOException;
    }

    /**
     * Replaces {@code file}: its new content is written to {@code file.part}, synced to disk and renamed, so that the old content
     * stays until the new one is complete. Parent folders are created.
     */
    public static void replace(Path file, Writer writer) {
        Path part = file.resolveSibling(file.getFileName() + ".part");
        try {
            Files.createDirectories(file.toAbsolutePath().getParent());
            try {
                writer.write(part);
                try (FileChannel channel = FileChannel.open(part, StandardOpenOption.WRITE)) {
                    channel.force(true);
                }
                Files.move(part, file, StandardCopyOption.ATOMIC_MOVE, StandardCopyOption.REPLACE_EXISTING);
            } finally {
                Files.deleteIfExists(part);
            }
        } catch (IOException e) {
            throw Failure.io("cannot write " + file, e);
        }
    }

    /** Replaces a file by this text. */
    public static void replace(Path file, String text) {
        replace(file, part -> Files.writeString(part, text));
    }

    /** The whole text of a UTF-8 file. */
    public static String read(Path file) {
        try {
            return Files.readString(file);
        } catch (java.nio.charset.MalformedInputException e) {
            throw Failure.usage(file + " is not UTF-8 text", "save it as UTF-8");
        } catch (IOException e) {
            throw Failure.io("cannot read " + file, e);
        }
    }
}
