package lib;

import com.fasterxml.jackson.databind.JsonNode;
import java.io.IOException;
import java.nio.channels.FileChannel;
import java.nio.channels.FileLock;
import java.nio.channels.OverlappingFileLockException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.time.Instant;
import java.util.Optional;
import lib.tool.Failure;
import lib.tool.Json;
import lib.tool.Trees;

/**
 * The right to run the machine of one folder: a file lock, which ends with this process however that ends, and a record of the
 * hypervisor's process, by which the next run recognises one that still runs.
 */
public final class Claim implements AutoCloseable {
    /** How long a hypervisor may take to end after the runit.java that it belonged to was killed. */
    private static final long LEFTOVER_MILLIS = 5000;

    private final Path folder;
    private final FileChannel channel;

    private Claim(Path folder, FileChannel channel) {
        this.folder = folder;
        this.channel = channel;
    }

    /**
     * What is known of a machine that was started.
     *
     * @param started when the hypervisor's process was started, in milliseconds since 1970; tells it from another that got its pid
     * @param detached it runs in the background until it is stopped
     * @param summary for --status
     */
    public record Running(String hypervisor, long pid, long started, boolean detached, String summary) {
        public static Running of(String hypervisor, ProcessHandle process, boolean detached, String summary) {
            return new Running(hypervisor, process.pid(), started(process), detached, summary);
        }

        /** The process, when it still runs and is the same one. */
        public Optional<ProcessHandle> process() {
            return ProcessHandle.of(pid).filter(ProcessHandle::isAlive).filter(handle -> started(handle) == started);
        }

        private static long started(ProcessHandle process) {
            return process.info().startInstant().map(Instant::toEpochMilli).orElse(0L);
        }
    }

    /** Claims the folder, which is made when missing; a Failure says who runs the machine already. */
    public static Claim of(String name, Path folder) {
        try {
            Files.createDirectories(folder);
            FileChannel channel = FileChannel.open(folder.resolve("lock"), StandardOpenOption.CREATE, StandardOpenOption.WRITE);
            if (lock(channel).isEmpty()) {
                channel.close();
                throw taken(name, "by another runit.java");
            }
            Claim claim = new Claim(folder, channel);
            running(folder).ifPresent(left -> claim.endLeftover(name, left));
            return claim;
        } catch (IOException e) {
            throw Failure.io("cannot use the folder " + folder, e);
        }
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
        left.process().ifPresent(process -> {
            process.destroy();
            try {
                process.onExit().get(LEFTOVER_MILLIS, java.util.concurrent.TimeUnit.MILLISECONDS);
            } catch (java.util.concurrent.TimeoutException | java.util.concurrent.ExecutionException e) {
                process.destroyForcibly();
            } catch (InterruptedException e) {
                Thread.currentThread().interrupt();
            }
        });
    }

    /** The machine of this folder, if it runs. */
    public static Optional<Running> running(Path folder) {
        Path file = folder.resolve("state.json");
        if (!Files.exists(file)) {
            return Optional.empty();
        }
        JsonNode node = Json.read(file);
        return Optional.of(new Running(node.path("hypervisor").asText(), node.path("pid").asLong(), node.path("started").asLong(),
                node.path("detached").asBoolean(), node.path("summary").asText())).filter(running -> running.process().isPresent());
    }

    /** Writes down who runs the machine. */
    public void record(Running running) {
        Trees.replace(folder.resolve("state.json"), Json.pretty(running));
    }

    @Override
    public void close() {
        try {
            channel.close();
        } catch (IOException e) {
            throw Failure.io("cannot release " + folder, e);
        }
    }
}
