package lib;

import com.sun.security.auth.module.UnixSystem;
import java.io.IOException;
import java.nio.file.FileAlreadyExistsException;
import java.nio.file.Files;
import java.nio.file.LinkOption;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.util.concurrent.TimeUnit;
import lib.tool.Console;
import lib.tool.Failure;
import lib.tool.ProcessStart;
import lib.tool.Trees;

/**
 * Where a component is compiled: a folder whose path is the same on every machine and for every user. cargo mixes the absolute path of a
 * path dependency outside of the workspace into the names of its symbols, and --remap-path-prefix does not reach there.
 *
 * <p>The folder belongs to one process at a time; what a killed process left is taken over.
 */
final class SourceFolder implements AutoCloseable {
    private static final Path PARENT = Path.of("/tmp");
    private static final long WRITING_MILLISECONDS = 2000;

    private final Path folder;

    private SourceFolder(Path folder) {
        this.folder = folder;
    }

    /** Waits until the folder for this commit is free, and takes it. */
    static SourceFolder claim(String name, String commit, Console console) {
        Path folder = PARENT.resolve("mos-builder-" + name + "-" + commit.substring(0, 12));
        boolean told = false;
        try {
            while (true) {
                try {
                    Files.createDirectory(folder, PosixFilePermissions.asFileAttribute(PosixFilePermissions.fromString("rwx------")));
                    Files.writeString(folder.resolve("holder"), identity(ProcessHandle.current().pid()));
                    return new SourceFolder(folder);
                } catch (FileAlreadyExistsException e) {
                    requireOwn(folder);
                    if (isAbandoned(folder)) {
                        Path away = folder.resolveSibling(folder.getFileName() + "." + ProcessHandle.current().pid() + "." + System.nanoTime());
                        Files.move(folder, away);
                        Trees.delete(away);
                    } else if (!told) {
                        console.detail(name + ": waiting for another build of the same commit");
                        told = true;
                    }
                }
                TimeUnit.MILLISECONDS.sleep(100);
            }
        } catch (IOException e) {
            throw Failure.io("cannot make the folder " + folder, e);
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw new Failure("interrupted while waiting for " + folder, "", e);
        }
    }

    private static void requireOwn(Path folder) throws IOException {
        if (Files.exists(folder, LinkOption.NOFOLLOW_LINKS) && (!Files.isDirectory(folder, LinkOption.NOFOLLOW_LINKS)
                || !Files.getAttribute(folder, "unix:uid", LinkOption.NOFOLLOW_LINKS).equals((int) new UnixSystem().getUid()))) {
            throw new Failure(folder + " belongs to somebody else", "wait for the other build, or remove it");
        }
    }

    private static boolean isAbandoned(Path folder) throws IOException {
        Path holder = folder.resolve("holder");
        if (!Files.exists(holder)) {
            return Files.exists(folder) && System.currentTimeMillis() - Files.getLastModifiedTime(folder).toMillis() > WRITING_MILLISECONDS;
        }
        String text = Files.readString(holder);
        return text.contains(" ") && !identity(Long.parseLong(text.split(" ")[0])).equals(text);
    }

    private static String identity(long pid) {
        return pid + " " + ProcessStart.of(pid).orElse("");
    }

    /** Where the sources go; not there yet. */
    Path source() {
        return folder.resolve("source");
    }

    @Override
    public void close() {
        Trees.delete(folder);
    }
}
