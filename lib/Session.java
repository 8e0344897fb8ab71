package lib;

import java.util.List;
import java.util.function.Consumer;
import lib.tool.Console;
import lib.tool.Failure;
import lib.tool.Guard;
import lib.tool.Shell;
import lib.tool.Terminal;
import lib.tool.Trees;

/** One run of a machine, from its network to its end. */
public record Session(Hypervisor hypervisor, Claim claim, Shell shell, Console console) {
    /** Exit code for a hypervisor that failed. */
    private static final int FAILED = 7;

    private Machine machine() {
        return hypervisor.machine();
    }

    /** On this terminal, until the guest ends or the user quits. */
    public void onTerminal() {
        String status = hypervisor.describe() + "; quit with " + hypervisor.quitKey();
        console.say(status);
        try (Guard guard = start(Hypervisor.Serial.TERMINAL)) {
            if (guard.hasTerminal() && console.terminal()) {
                System.err.print(Terminal.title(status));
                System.err.flush();
            }
            int code = hypervisor.joinTerminal(guard, shell);
            if (code != 0) {
                throw new Failure(hypervisor.name() + " ended with exit code " + code, "its message is above").exit(FAILED);
            }
        }
    }

    /** As a test: the console is read until there is a verdict, then the guest is ended. */
    public Boot.Outcome watch(BootContract contract) {
        return watch(new Boot(contract, console::say), hypervisorProcess -> { });
    }

    /** @param begin done when the hypervisor's process has been started */
    Boot.Outcome watch(Boot boot, Consumer<Process> begin) {
        BootContract contract = boot.contract();
        console.say(hypervisor.describe() + "; contract: " + contract.source() + ", " + contract.must().size() + " lines within " + Seconds.text(contract.seconds()));
        try (Guard guard = start(Hypervisor.Serial.OUTPUT)) {
            begin.accept(guard.child());
            return boot.watch(guard.child(), hypervisor.console(guard), machine().hypervisorLog());
        }
    }

    /** In the background, until it is stopped or the guest ends. */
    public void inBackground() {
        List<List<String>> cleanup = prepare();
        try {
            ProcessHandle process = hypervisor.background(shell);
            claim.record(Claim.Running.of(hypervisor.name(), process, true, cleanup, hypervisor.describe()));
        } catch (Failure e) {
            undo(cleanup);
            throw e.exit(FAILED);
        }
        console.say(hypervisor.describe() + "; runs in the background: --attach, --status, --stop");
    }

    private Guard start(Hypervisor.Serial serial) {
        List<List<String>> cleanup = prepare();
        Guard guard = hypervisor.start(serial, shell, cleanup);
        claim.record(Claim.Running.of(hypervisor.name(), guard.child().toHandle(), false, cleanup, hypervisor.describe()));
        return guard;
    }

    /** Forgets what an earlier boot said, makes the network of the machine and returns the commands that undo it. */
    private List<List<String>> prepare() {
        Trees.delete(machine().bootLog());
        if (machine().network() instanceof Network.Tap tap) {
            Bridge bridge = new Bridge(tap, shell);
            // On record before it is there: whatever ends this process now, the next run removes it.
            claim.record(Claim.Running.of(hypervisor.name(), ProcessHandle.current(), false, bridge.disconnect(), hypervisor.describe()));
            try {
                bridge.connect();
            } catch (Failure e) {
                undo(bridge.disconnect());
                throw e;
            }
            return bridge.disconnect();
        }
        return List.of();
    }

    private void undo(List<List<String>> cleanup) {
        cleanup.forEach(command -> shell.attempt(Shell.Command.of(command)));
    }
}
