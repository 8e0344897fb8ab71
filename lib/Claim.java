package lib;

import java.io.IOException;
import java.nio.channels.FileChannel;
import java.nio.channels.FileLock;
import java.nio.channels.OverlappingFileLockException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.time.Duration;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.locks.LockSupport;
import lib.tool.Failure;
import lib.tool.Guard;
import lib.tool.Json;
import lib.tool.ProcessStart;
import lib.tool.Shell;
import lib.tool.Trees;

/**
 * The right to run the machine of one folder: a file lock, which ends with this process however that ends, and a record of the
 * hypervisor's process, by which the next run recognises one that still runs.
 */
public final class Claim implements AutoCloseable {
    /** How long a hypervisor may take to end after the runit.java that it belonged to was killed. */
    /** The record of a machine that was started. */
    private static final String STATE = "state.json";
    private static final Duration LEFTOVER = Duration.ofSeconds(5);

    private final Path folder;
    private final FileChannel channel;

    private Claim(Path folder, FileChannel channel) {
        this.folder = folder;
        this.channel = channel;
    }

    /**
     * What is known of a machine that was started.
     *
     * @param started the {@link ProcessStart} of the hypervisor's process; empty when it had ended by then
     * @param detached it runs in the background until it is stopped
     * @param cleanup commands that remove what the machine has on this computer, such as its TAP device
     * @param summary for --status
     */
    public record Running(String hypervisor, long pid, String started, boolean detached, List<List<String>> cleanup, String summary) {
        public static Running of(String hypervisor, ProcessHandle process, boolean detached, List<List<String>> cleanup, String summary) {
            return new Running(hypervisor, process.pid(), ProcessStart.of(process.pid()).orElse(""), detached, cleanup, summary);
        }

        /** The process, when it still runs and is the same one. */
        public Optional<ProcessHandle> process() {
            return ProcessHandle.of(pid).filter(handle -> ProcessStart.isOf(pid, started));
        }

        /** Waits for the end of the process; false when it still runs after this time. */
        public boolean endsWithin(Duration limit) {
            long end = System.nanoTime() + limit.toNanos();
            while (process().isPresent()) {
                if (System.nanoTime() > end) {
                    return false;
                }
                LockSupport.parkNanos(20_000_000);
            }
            return true;
        }
    }

    /** Claims the folder, which is made when missing, and removes what a run that was killed left behind; a Failure says who has it. */
    public static Claim of(String name, Path folder, Shell shell) {
        Claim claim = open(folder).orElseThrow(() -> taken(name, "by another runit.java"));
        claim.removeLeftover(name, shell);
        return claim;
    }

    /** Removes what a machine that has ended left behind, as its next run would; false when none is on record, or somebody runs it. */
    static boolean clear(String name, Path folder, Shell shell) {
        Optional<Claim> claim = state(folder).flatMap(left -> open(folder));
        claim.ifPresent(one -> {
            one.removeLeftover(name, shell);
            one.close();
        });
        return claim.isPresent();
    }

    /** Empty when another process has the lock. */
    private static Optional<Claim> open(Path folder) {
        try {
            Files.createDirectories(folder);
            FileChannel channel = FileChannel.open(folder.resolve("lock"), StandardOpenOption.CREATE, StandardOpenOption.WRITE);
            if (lock(channel).isPresent()) {
                return Optional.of(new Claim(folder, channel));
            }
            channel.close();
            return Optional.empty();
        } catch (IOException e) {
            throw Failure.io("cannot use the folder " + folder, e);
        }
    }

    private void removeLeftover(String name, Shell shell) {
        // It has to be done before what it removes is made anew.
        Shell.endOrphans(Guard.MARK, folder.toString(), LEFTOVER);
        running(folder).ifPresent(left -> endLeftover(name, left));
        Shell.endOrphans(Machine.MARK, folder.toString());
        state(folder).ifPresent(left -> left.cleanup().forEach(command -> shell.attempt(Shell.Command.of(command))));
        Trees.delete(folder.resolve(STATE));
    }

    private static Optional<FileLock> lock(FileChannel channel) throws IOException {
        try {
            return Optional.ofNullable(channel.tryLock());
        } catch (OverlappingFileLockException e) {
            return Optional.empty();
        }
    }

    private static Failure taken(String name, String by) {
        return new Failure("the machine " + name + " is run " + by, "stop it with runit.java --stop, or run another beside it with --name NAME");
    }

    private void endLeftover(String name, Running left) {
        if (left.detached()) {
            close();
            throw taken(name, "in the background (process " + left.pid() + ")");
        }
        left.process().ifPresent(ProcessHandle::destroy);
        if (!left.endsWithin(LEFTOVER)) {
            left.process().ifPresent(ProcessHandle::destroyForcibly);
            left.endsWithin(LEFTOVER);
        }
    }

    /** The machine of this folder, if it runs. */
    public static Optional<Running> running(Path folder) {
        return state(folder).filter(running -> running.process().isPresent());
    }

    private static Optional<Running> state(Path folder) {
        Path file = folder.resolve(STATE);
        return Files.exists(file) ? Optional.of(Json.read(file, Running.class)) : Optional.empty();
    }

    /** Writes down who runs the machine. */
    public void record(Running running) {
        Trees.replace(folder.resolve(STATE), Json.pretty(running));
    }

    /** Ends the claim; a machine in the background stays on record. */
    @Override
    public void close() {
        if (state(folder).filter(Running::detached).isEmpty()) {
            Trees.delete(folder.resolve(STATE));
        }
        try {
            channel.close();
        } catch (IOException e) {
            throw Failure.io("cannot release " + folder, e);
        }
    }
}
