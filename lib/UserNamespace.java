package lib;

import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import lib.tool.Failure;
import lib.tool.Shell;
import lib.tool.Shell.Command;
import lib.tool.User;

/**
 * Root without root: an ordinary user runs this same program again in a user namespace in which the user is uid 0 and the user's
 * subordinate ids (subuid(5)) are the other owners of files. Package scripts and ownership need that.
 */
public record UserNamespace(Shell shell) {
    /** Set in the environment of the inner run, so that it does not start another one. */
    private static final String INSIDE = "MOS_USER_NAMESPACE";

    /** Whether this process's root is only the root of a namespace that {@link #reenter} made: the machine's own files are not its own. */
    public static boolean isInside() {
        return System.getenv(INSIDE) != null;
    }

    /** The inner run's exit code, when this process is not root; empty when it is and can go on by itself. */
    public Optional<Integer> reenter() {
        if (User.isRoot() || isInside()) {
            return Optional.empty();
        }
        String user = System.getProperty("user.name");
        for (String file : List.of("/etc/subuid", "/etc/subgid")) {
            requireRange(Path.of(file), user);
        }
        if (Shell.which("newuidmap").isEmpty() || Shell.which("unshare").isEmpty()) {
            throw Failure.machine("an ordinary user needs the programs unshare and newuidmap to build an image",
                    "install uidmap (Debian, Ubuntu), shadow-uidmap (Alpine) or shadow (Arch), or run as root");
        }
        List<String> argv = new ArrayList<>(List.of("unshare", "--user", "--map-root-user", "--map-auto", "--mount", "--"));
        argv.addAll(ownCommand());
        Command command = Command.of(argv).with(Map.of(INSIDE, "1"));
        Command probe = Command.of("unshare", "--user", "--map-root-user", "--map-auto", "true");
        Shell.Result result = shell.attempt(probe);
        if (result.exitCode() != 0) {
            throw Failure.machine("this kernel does not let " + user + " make a user namespace: " + String.join(" ", result.tail()),
                    "as root: sysctl -w kernel.unprivileged_userns_clone=1 kernel.apparmor_restrict_unprivileged_userns=0 (those that exist), or build as root");
        }
        return Optional.of(shell.interactive(command));
    }

    private static void requireRange(Path file, String user) {
        boolean found = Files.exists(file) && lib.tool.Trees.read(file).lines().anyMatch(line -> line.startsWith(user + ":"));
        if (!found) {
            throw Failure.machine(file + " gives " + user + " no subordinate ids, which a build as an ordinary user needs",
                    "as root: usermod --add-subuids 100000-165535 --add-subgids 100000-165535 " + user);
        }
    }

    /** The command line of this very process, unshortened. */
    private static List<String> ownCommand() {
        try {
            String[] words = new String(Files.readAllBytes(Path.of("/proc/self/cmdline")), StandardCharsets.UTF_8).split("\0", -1);
            List<String> argv = new ArrayList<>(Arrays.asList(words).subList(0, words.length - 1));
            argv.set(0, ProcessHandle.current().info().command().orElse(argv.get(0)));
            return argv;
        } catch (java.io.IOException e) {
            throw Failure.io("cannot read /proc/self/cmdline", e);
        }
    }
}
