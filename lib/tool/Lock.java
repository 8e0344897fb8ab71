package lib.tool;

import java.io.IOException;
import java.io.RandomAccessFile;
import java.nio.channels.FileChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Optional;
import lib.tool.Cache.Work;

/**
 * A file that one process at a time works under. Not that it is there counts but that it is locked (fcntl(2)), so that a process which
 * ends in whatever way leaves no lock behind. It may be removed by the process that holds it.
 */
public record Lock(Path file) {

    /** Does {@code work} while the file is locked; {@code whenBusy} is called once, before waiting, when another process holds it. */
    public <T> T hold(Runnable whenBusy, Work<T> work) throws IOException {
        Runnable told = whenBusy;
        while (true) {
            Files.createDirectories(file.toAbsolutePath().getParent());
            try (RandomAccessFile open = new RandomAccessFile(file.toFile(), "rw")) {
                Optional<Object> opened = identity();
                if (open.getChannel().tryLock() == null) {
                    told.run();
                    told = () -> { };
                    await(open.getChannel());
                }
                // Whoever held it may have removed it; another process may hold its successor.
                if (opened.isPresent() && opened.equals(identity())) {
                    return work.run();
                }
            }
        }
    }

    /** Device and inode; empty when there is no such file. */
    private Optional<Object> identity() throws IOException {
        return Files.exists(file) ? Optional.of(Files.getAttribute(file, "unix:dev") + " " + Files.getAttribute(file, "unix:ino")) : Optional.empty();
    }

    /**
     * Asks again and again instead of waiting in the kernel: POSIX locks belong to the whole process, so that two processes whose threads
     * wait for one another's locks look like a deadlock (EDEADLK) where there is none.
     */
    private void await(FileChannel channel) throws IOException {
        while (channel.tryLock() == null) {
            try {
                Thread.sleep(20);
            } catch (InterruptedException e) {
                Thread.currentThread().interrupt();
                throw new Failure("interrupted while waiting for " + file, "", e);
            }
        }
    }
}
