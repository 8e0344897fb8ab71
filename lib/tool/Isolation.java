package lib.tool;

import java.util.ArrayList;
import java.util.List;
import lib.tool.Shell.Command;

/** Takes the network away from commands that have no business with it: compilers and the build scripts that they run. */
public final class Isolation {
    private static final List<String> UNSHARE = List.of("unshare", "--net", "--");

    private Isolation() { }

    /**
     * The command in a network namespace of its own, where this process may make one: as root, on the machine, in a user namespace or
     * in a container; else the command as it is.
     */
    public static Command withoutNetwork(Command command, Shell shell) {
        if (!User.isRoot() || Shell.which("unshare").isEmpty() || shell.attempt(Command.of("unshare", "--net", "--", "true")).exitCode() != 0) {
            return command;
        }
        List<String> argv = new ArrayList<>(UNSHARE);
        argv.addAll(command.argv());
        return command.with(argv);
    }
}
