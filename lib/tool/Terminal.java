package lib.tool;

import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.nio.charset.StandardCharsets;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.atomic.AtomicReference;
import java.util.function.Consumer;
import lib.tool.Shell.Command;

/** The terminal of this process, joined to the console of a guest. */
public final class Terminal {
    /** Ctrl-a, the key that QEMU and screen use too. */
    private static final int ESCAPE = 1;

    private Terminal() { }

    /** How wide the terminal on standard input is; 0 when there is none, or when it does not know. */
    public static int columns(Shell shell) {
        String[] size = stty(shell, "size").split(" ");
        return size.length == 2 && size[1].matches("\\d{1,6}") ? Integer.parseInt(size[1]) : 0;
    }

    /**
     * What goes to a terminal to give its window a title: whatever a guest does to the screen, it stays readable. The one before is kept
     * on the terminal's own stack, from which {@link Guard} takes it back (XTWINOPS 22 and 23 of xterm; others ignore them).
     */
    public static String title(String text) {
        return "\033[22;0t\033]0;" + text.replaceAll("\\p{Cntrl}", " ") + "\007";
    }

    /** What {@code stty} says of the terminal on standard input; empty when that is not a terminal. */
    static String stty(Shell shell, String option) {
        if (System.console() == null || Shell.which("stty").isEmpty()) {
            return "";
        }
        try {
            Process stty = shell.open(Command.of("stty", option),
                    streams -> streams.redirectInput(ProcessBuilder.Redirect.INHERIT).redirectError(ProcessBuilder.Redirect.DISCARD));
            String answer = new String(stty.getInputStream().readAllBytes(), StandardCharsets.UTF_8).strip();
            return stty.waitFor() == 0 ? answer : "";
        } catch (IOException e) {
            return "";
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            return "";
        }
    }

    /**
     * Copies keys to the guest and its output to the screen, until the guest ends or the user types Ctrl-a and one of the
     * {@code leaving} keys. The terminal is raw meanwhile, so that Ctrl-C reaches the guest; it is as before when this returns, and
     * also after kill -9.
     *
     * @return the key by which the user left; empty when the guest has ended
     */
    public static Optional<Character> join(Peer guest, Shell shell, InputStream keys, OutputStream screen, String leaving) {
        CountDownLatch over = new CountDownLatch(1);
        AtomicReference<Character> left = new AtomicReference<>();
        try (Guard guard = Guard.overTerminal(shell)) {
            if (guard.hasTerminal()) {
                shell.interactive(Command.of(List.of("stty", "raw", "-echo")));
            }
            daemon("keys", () -> {
                copyKeys(keys, guest::write, leaving).ifPresent(key -> {
                    left.set(key);
                    over.countDown();
                });
            });
            daemon("screen", () -> {
                copy(guest, screen);
                over.countDown();
            });
            over.await();
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
        return Optional.ofNullable(left.get());
    }

    private static void daemon(String name, Runnable work) {
        Thread thread = new Thread(work, name);
        thread.setDaemon(true);
        thread.start();
    }

    private static void copy(Peer guest, OutputStream screen) {
        try {
            for (byte[] chunk = guest.chunk(); chunk.length > 0; chunk = guest.chunk()) {
                screen.write(chunk);
                screen.flush();
            }
        } catch (IOException e) {
            throw Failure.io("while writing to the terminal", e);
        }
    }

    /** The key after Ctrl-a by which the user left; Ctrl-a before any other key is passed on with it. */
    static Optional<Character> copyKeys(InputStream keys, Consumer<byte[]> guest, String leaving) {
        try {
            boolean escaped = false;
            for (int key = keys.read(); key >= 0; key = keys.read()) {
                if (escaped && leaving.indexOf(key) >= 0) {
                    return Optional.of((char) key);
                }
                if (escaped) {
                    guest.accept(new byte[] {ESCAPE, (byte) key});
                } else if (key != ESCAPE) {
                    guest.accept(new byte[] {(byte) key});
                }
                escaped = !escaped && key == ESCAPE;
            }
            return Optional.empty();
        } catch (IOException e) {
            return Optional.empty();
        } catch (Failure e) {
            return Optional.empty(); // the guest ended between two keys
        }
    }
}
