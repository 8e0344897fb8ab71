package lib;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.LinkOption;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.stream.Stream;
import lib.image.Elf;
import lib.tool.Failure;

/**
 * The ELF files of a root tree, each named once however many hard links it has, in the order of their paths.
 *
 * @param jobs how many files are worked on at once
 */
record ElfTree(List<Path> files, int jobs) {
    static ElfTree of(Path root, int jobs) {
        Map<Object, Path> byInode = new LinkedHashMap<>();
        try (Stream<Path> all = Files.walk(root)) {
            for (Path file : (Iterable<Path>) all.filter(path -> Files.isRegularFile(path, LinkOption.NOFOLLOW_LINKS)).sorted()::iterator) {
                if (Elf.isElf(file)) {
                    byInode.putIfAbsent(Files.getAttribute(file, "unix:ino", LinkOption.NOFOLLOW_LINKS), file);
                }
            }
        } catch (IOException e) {
            throw Failure.io("cannot read " + root, e);
        }
        return new ElfTree(List.copyOf(byInode.values()), jobs);
    }

    /** Finds the smaller form of a file: a path in the cache. */
    @FunctionalInterface
    interface Smaller {
        Path of(Path file) throws IOException;
    }

    /** Replaces each file by its smaller form where that is smaller; returns the bytes saved. */
    long shrink(Smaller smaller) {
        ExecutorService workers = Executors.newFixedThreadPool(Math.max(1, jobs));
        try {
            List<Future<Long>> running = new ArrayList<>();
            files.forEach(file -> running.add(workers.submit(() -> replace(file, smaller.of(file)))));
            long saved = 0;
            for (Future<Long> one : running) {
                saved += one.get();
            }
            return saved;
        } catch (ExecutionException e) {
            throw e.getCause() instanceof Failure f ? f : new Failure("while making files of the image smaller: " + e.getCause(), "", e.getCause());
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw new Failure("interrupted while making files of the image smaller", "", e);
        } finally {
            workers.shutdownNow();
        }
    }

    /** The file keeps its inode (hard links), owner and mode. Writing may clear setuid bits, so the mode is set again. */
    private static long replace(Path file, Path content) throws IOException {
        long saved = Files.size(file) - Files.size(content);
        if (saved <= 0) {
            return 0;
        }
        Object mode = Files.getAttribute(file, "unix:mode", LinkOption.NOFOLLOW_LINKS);
        Files.write(file, Files.readAllBytes(content), StandardOpenOption.WRITE, StandardOpenOption.TRUNCATE_EXISTING);
        Files.setAttribute(file, "unix:mode", (Integer) mode & 07777, LinkOption.NOFOLLOW_LINKS);
        return saved;
    }
}
