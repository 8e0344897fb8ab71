package lib;

import java.io.IOException;
import java.io.OutputStream;
import java.io.RandomAccessFile;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.Map;
import java.util.Optional;
import java.util.function.BooleanSupplier;
import lib.Claim.Running;
import lib.tool.Console;
import lib.tool.Failure;
import lib.tool.Shell;
import lib.tool.Shell.Command;
import lib.tool.Peer;
import lib.tool.Terminal;
import lib.tool.UnixSocket;

/** A machine that runs already, seen from another runit.java: what it does, its console, its end. */
public record Background(String name, Path folder, Shell shell, Console console) {
    private static final Duration CONNECT = Duration.ofSeconds(5);
    /** What somebody who attaches is shown of what was said before, in bytes. */
    private static final int HISTORY = 2000;

    /** For --status; {@code counters} is what the hypervisor counts for each device, where it does. */
    public record Status(String name, boolean running, String hypervisor, long pid, String guest, boolean detached, String summary,
            Map<String, Object> counters) {
        @Override
        public String toString() {
            return running ? summary + "\n  guest " + guest + ", process " + pid + (detached ? ", console: runit.java --attach" : ", on a terminal")
                    : "machine " + name + " does not run";
        }
    }

    public Status status() {
        return Claim.running(folder).map(running -> new Status(name, true, running.hypervisor(), running.pid(),
                control(running).state(), running.detached(), running.summary(), control(running).counters()))
                .orElse(new Status(name, false, "", 0, "gone", false, "", Map.of()));
    }

    private Control control(Running running) {
        return running.hypervisor().equals("ch") ? new ChApi(Machine.control(folder)) : new Qmp(Machine.control(folder));
    }

    private Running running() {
        return Claim.running(folder).orElseThrow(() -> new Failure("machine " + name + " does not run",
                "start it with runit.java --detach; --name chooses another"));
    }

    /** Joins this terminal to the console until the guest ends or the user types Ctrl-a d. */
    public void attach(OutputStream screen) {
        Running running = running();
        if (!running.detached()) {
            throw new Failure("machine " + name + " has its console on another terminal (process " + running.pid() + ")",
                    "only machines that were started with --detach can be attached to");
        }
        console.say(running.summary() + "; leave with Ctrl-a d, end the machine with Ctrl-a x");
        try (Peer peer = peer(running)) {
            screen.write(history());
            screen.flush();
            // QEMU ends itself on Ctrl-a x
            Optional<Character> key = Terminal.join(peer, shell, System.in, screen, running.hypervisor().equals("ch") ? "dx" : "d");
            if (key.equals(Optional.of('x'))) {
                control(running).unplug();
            }
            console.say(key.equals(Optional.of('d')) ? "left; the machine runs on" : "the machine has ended");
        } catch (IOException e) {
            throw Failure.io("cannot show the console of " + name, e);
        }
    }

    private Peer peer(Running running) {
        if (running.hypervisor().equals("ch")) {
            return new ChApi(Machine.control(folder)).console();
        }
        return UnixSocket.connect(Machine.console(folder), CONNECT).orElseThrow(() -> new Failure("machine " + name + " has just ended", ""));
    }

    private byte[] history() throws IOException {
        if (!Files.exists(Machine.bootLog(folder))) {
            return new byte[0];
        }
        try (RandomAccessFile log = new RandomAccessFile(Machine.bootLog(folder).toFile(), "r")) {
            log.seek(Math.max(0, log.length() - HISTORY));
            byte[] last = new byte[(int) (log.length() - log.getFilePointer())];
            log.readFully(last);
            return last;
        }
    }

    /**
     * Ends the machine: asks the guest by its power button, then pulls the plug, then ends the hypervisor's process. Of one that has
     * ended by itself it removes what is left.
     *
     * @param patience how long the guest may take to power off
     */
    public void stop(Duration patience) {
        if (Claim.running(folder).isEmpty() && Claim.clear(name, folder, shell)) {
            console.say("machine " + name + " had ended by itself; what it left behind is removed");
            return;
        }
        Running running = running();
        Control control = control(running);
        ProcessHandle process = running.process().orElseThrow();
        boolean over = step("the guest powers off", running, control::powerButton, patience)
                || step("the hypervisor ends the machine", running, control::unplug, CONNECT)
                || step("the hypervisor's process ends", running, process::destroy, CONNECT)
                || step("the hypervisor's process is killed", running, process::destroyForcibly, CONNECT);
        if (!over || !Claim.clear(name, folder, shell)) {
            running.cleanup().forEach(command -> shell.attempt(Command.of(command)));
        }
        if (!over) {
            throw new Failure("process " + running.pid() + " of machine " + name + " does not end", "");
        }
    }

    private boolean step(String what, Running running, BooleanSupplier request, Duration patience) {
        boolean taken;
        try {
            taken = request.getAsBoolean();
        } catch (Failure e) {
            taken = false;
        }
        if (running.endsWithin(taken ? patience : Duration.ZERO)) {
            console.detail(what);
            return true;
        }
        return false;
    }
}
