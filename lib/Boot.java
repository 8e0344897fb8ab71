package lib;

import java.io.IOException;
import java.io.InputStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.TimeUnit;
import java.util.function.Consumer;
import lib.BootCheck.Finding;
import lib.BootCheck.Verdict;
import lib.tool.Failure;
import lib.tool.Trees;

/**
 * One boot of a machine, watched on its serial console.
 *
 * @param echo gets every line of the guest, cleaned of escape sequences
 * @param answerSeconds a guest that has met its contract must also show a prompt within this time when Enter is pressed; 0: it need not
 */
public record Boot(BootContract contract, Consumer<String> echo, double answerSeconds) {
    /** Read on after the contract is met, so that a forbidden line right behind the last good one is still seen. */
    private static final long LINGER_MILLIS = 1000;
    /** A line without an end counts as a prompt when nothing follows for so long. */
    private static final long PROMPT_MILLIS = 100;
    /** How often Enter is pressed. */
    private static final double ENTER_SECONDS = 2;

    Boot(BootContract contract, Consumer<String> echo) {
        this(contract, echo, 0);
    }

    /**
     * How the boot went.
     *
     * @param seconds from the start of the hypervisor to the verdict
     * @param tail the last lines of the guest
     */
    public record Outcome(Verdict verdict, String why, double seconds, Timeline timeline, List<String> tail) {
        public boolean met() {
            return verdict == Verdict.MET;
        }

        /** Returns when the contract was met; else a Failure with its exit code, the reason and the last lines. */
        public void demand(Path log) {
            if (!met()) {
                throw new Failure(why + (tail.isEmpty() || verdict == Verdict.HYPERVISOR_FAILED ? "" : "\n  last lines of the guest:" + BootCheck.indented(tail)),
                        "everything that the guest said is in " + log).exit(verdict.exitCode);
            }
        }
    }

    /**
     * Reads the console until there is a verdict. The exit code of the hypervisor never counts as success: only what the guest says.
     *
     * @param hypervisor still running when this returns, unless it ended by itself
     * @param serial what the guest says
     * @param log what the hypervisor itself says
     */
    public Outcome watch(Process hypervisor, InputStream serial, Path log) {
        long start = System.nanoTime();
        BootCheck check = new BootCheck(contract);
        BlockingQueue<byte[]> chunks = pump(serial);
        SerialLines lines = new SerialLines();
        Optional<Finding> finding = Optional.empty();
        double met = -1;
        while (finding.isEmpty()) {
            byte[] chunk = poll(chunks);
            boolean ended = chunk != null && chunk.length == 0;
            double seconds = (System.nanoTime() - start) / 1e9;
            finding = chunk == null ? check.look(lines.partial(), seconds)
                    : take(ended ? List.of(lines.partial()) : lines.add(chunk, chunk.length), seconds, check);
            if (met < 0 && check.met()) {
                met = seconds;
            }
            if (finding.isEmpty() && met >= 0 && (ended || seconds >= met + LINGER_MILLIS / 1000.0)) {
                finding = answerSeconds > 0 ? answer(hypervisor, chunks, lines, check) : Optional.empty();
                if (finding.isEmpty()) {
                    return new Outcome(Verdict.MET, "", met, check.timeline(), check.tail());
                }
            }
            if (finding.isEmpty() && met < 0) {
                finding = ended ? Optional.of(check.ended(exitCode(hypervisor), said(log))) : check.at(seconds);
            }
        }
        return new Outcome(finding.get().verdict(), finding.get().why(), (System.nanoTime() - start) / 1e9, check.timeline(), check.tail());
    }

    /** Presses Enter until a prompt (a line without an end) stands behind what the guest printed for it. */
    private Optional<Finding> answer(Process hypervisor, BlockingQueue<byte[]> chunks, SerialLines lines, BootCheck check) {
        double from = System.nanoTime() / 1e9;
        double pressed = 0;
        boolean heard = false;
        while (System.nanoTime() / 1e9 < from + answerSeconds) {
            if (System.nanoTime() / 1e9 > pressed + ENTER_SECONDS) {
                pressed = System.nanoTime() / 1e9;
                press(hypervisor);
            }
            byte[] chunk = poll(chunks);
            if (chunk == null && heard && !lines.partial().isBlank()) {
                return Optional.empty();
            }
            if (chunk != null && chunk.length == 0) {
                break;
            }
            if (chunk != null) {
                heard = true;
                Optional<Finding> finding = take(lines.add(chunk, chunk.length), System.nanoTime() / 1e9 - from, check);
                if (finding.isPresent()) {
                    return finding;
                }
            }
        }
        return Optional.of(new Finding(Verdict.TIMEOUT, "the guest came as far as it must, but shows no prompt when Enter is pressed on its console"));
    }

    private static void press(Process hypervisor) {
        try {
            hypervisor.getOutputStream().write('\n');
            hypervisor.getOutputStream().flush();
        } catch (IOException e) {
            // it has ended, which its console says too
        }
    }

    private Optional<Finding> take(List<String> lines, double seconds, BootCheck check) {
        Optional<Finding> finding = Optional.empty();
        for (String line : lines) {
            echo.accept(line);
            Optional<Finding> one = check.line(line, seconds);
            finding = finding.isPresent() ? finding : one;
        }
        return finding;
    }

    private static int exitCode(Process hypervisor) {
        try {
            return hypervisor.waitFor();
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw new Failure("interrupted while watching the boot", "", e);
        }
    }

    private static List<String> said(Path log) {
        return Files.exists(log) ? Trees.read(log).lines().toList() : List.of();
    }

    private static byte[] poll(BlockingQueue<byte[]> chunks) {
        try {
            return chunks.poll(PROMPT_MILLIS, TimeUnit.MILLISECONDS);
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw new Failure("interrupted while watching the boot", "", e);
        }
    }

    /** Reads the stream in a thread of its own, since reading cannot be given a time limit; an empty chunk marks the end. */
    private static BlockingQueue<byte[]> pump(InputStream in) {
        BlockingQueue<byte[]> chunks = new LinkedBlockingQueue<>();
        Thread reader = new Thread(() -> {
            byte[] buffer = new byte[8192];
            try {
                for (int n = in.read(buffer); n > 0; n = in.read(buffer)) {
                    chunks.add(Arrays.copyOf(buffer, n));
                }
            } catch (IOException e) {
                // a pipe whose writer was killed has ended, like any other
            }
            chunks.add(new byte[0]);
        }, "serial console");
        reader.setDaemon(true);
        reader.start();
        return chunks;
    }
}
