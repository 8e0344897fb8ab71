package lib;

import java.io.InputStream;
import java.util.List;
import lib.tool.Guard;
import lib.tool.Shell;

/** A program that runs one machine. */
public interface Hypervisor {
    /** Where the serial console goes. */
    enum Serial {
        /** To the terminal that runit.java runs on. */
        TERMINAL,
        /** To {@link #console}, for reading only. */
        OUTPUT,
        /** To the machine's console socket, with the process in the background. */
        SOCKET
    }

    /** The word by which people choose it. */
    String name();

    Machine machine();

    /** For the status line. */
    String describe();

    /** What to type on the terminal to end the machine. */
    String quitKey();

    /** Starts the machine under a guard, with its console on the terminal or readable. */
    Guard start(Serial serial, Shell shell, List<List<String>> cleanup);

    /** The console of a machine that was started with {@link Serial#OUTPUT}. */
    InputStream console(Guard started);

    /** Returns when the guest has ended or the user has quit: the exit code of the hypervisor. */
    int joinTerminal(Guard started, Shell shell);

    /** Starts the machine so that it runs on when this process ends. */
    ProcessHandle background(Shell shell);
}
