package lib.tool;

import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.util.List;
import java.util.concurrent.CountDownLatch;
import java.util.function.Consumer;
import lib.tool.Shell.Command;

/** The terminal of this process, joined to the console of a guest. */
public final class Terminal {
    /** Ctrl-a, the key that QEMU and screen use too. */
    private static final int ESCAPE = 1;

    private Terminal() { }

    /**
     * Copies keys to the guest and its output to the screen, until the guest ends or the user types Ctrl-a d. The terminal is
     * raw meanwhile, so that Ctrl-C reaches the guest; it is as before when this returns, and also after kill -9.
     *
     * @return whether the user went away while the guest still runs
     */
    public static boolean join(UnixSocket guest, Shell shell, InputStream keys, OutputStream screen) {
        CountDownLatch over = new CountDownLatch(1);
        boolean[] detached = {false};
        try (Guard guard = Guard.overTerminal(shell)) {
            if (guard.hasTerminal()) {
                shell.interactive(Command.of(List.of("stty", "raw", "-echo")));
            }
            daemon("keys", () -> {
                detached[0] = copyKeys(keys, guest::write);
                if (detached[0]) {
                    over.countDown();
                }
            });
            daemon("screen", () -> {
                copy(guest, screen);
                over.countDown();
            });
            over.await();
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
        return detached[0];
    }

    private static void daemon(String name, Runnable work) {
        Thread thread = new Thread(work, name);
        thread.setDaemon(true);
        thread.start();
    }

    private static void copy(UnixSocket guest, OutputStream screen) {
        try {
            for (byte[] chunk = guest.chunk(); chunk.length > 0; chunk = guest.chunk()) {
                screen.write(chunk);
                screen.flush();
            }
        } catch (IOException e) {
            throw Failure.io("while writing to the terminal", e);
        }
    }

    /** Whether the keys ended with Ctrl-a d; Ctrl-a before any other key is passed on with it. */
    static boolean copyKeys(InputStream keys, Consumer<byte[]> guest) {
        try {
            boolean escaped = false;
            for (int key = keys.read(); key >= 0; key = keys.read()) {
                if (escaped && key == 'd') {
                    return true;
                }
                if (escaped) {
                    guest.accept(new byte[] {ESCAPE, (byte) key});
                } else if (key != ESCAPE) {
                    guest.accept(new byte[] {(byte) key});
                }
                escaped = !escaped && key == ESCAPE;
            }
            return false;
        } catch (IOException e) {
            return false;
        } catch (Failure e) {
            return false; // the guest ended between two keys
        }
    }
}
