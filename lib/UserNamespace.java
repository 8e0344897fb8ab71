package lib;

import com.sun.security.auth.module.UnixSystem;
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
import lib.tool.Trees;
import lib.tool.User;

/**
 * Root without root: an ordinary user runs this same program again in a user namespace in which the user is uid 0 and the user's
 * subordinate ids (subuid(5)) are the other owners of files. Package scripts and ownership need that.
 */
public record UserNamespace(Shell shell) {
    /** Set in the environment of the inner run, so that it does not start another one. */
    private static final String INSIDE = "MOS_USER_NAMESPACE";

    /** Where useradd(8) begins to hand out subordinate ids, and how many a user gets. */
    private static final long FIRST = 100_000;
    private static final long RANGE = 65_536;

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
        lacking().ifPresent(failure -> {
            throw failure;
        });
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

    /** What this user lacks to be root in a namespace: subordinate ids, or the programs that map them. */
    static Optional<Failure> lacking() {
        for (Path file : List.of(Path.of("/etc/subuid"), Path.of("/etc/subgid"))) {
            String text = Files.exists(file) ? Trees.read(file) : "";
            if (!hasRange(text, System.getProperty("user.name"), new UnixSystem().getUid())) {
                return Optional.of(noRange(file, text, System.getProperty("user.name")));
            }
        }
        return Shell.which("newuidmap").isPresent() && Shell.which("unshare").isPresent() ? Optional.empty()
                : Optional.of(Failure.machine("an ordinary user needs the programs unshare and newuidmap to build an image",
                        "install uidmap (Debian, Ubuntu), shadow-subids (Alpine), shadow (Arch) or shadow-utils (Fedora), or run as root"));
    }

    /** Whether a file as subuid(5) describes it gives ids to this user, who may be named by name or number. */
    static boolean hasRange(String text, String user, long uid) {
        return text.lines().map(line -> line.split(":")).anyMatch(words -> words.length == 3 && (words[0].equals(user) || words[0].equals(Long.toString(uid))));
    }

    /** Names the first range of 65536 ids that no line of the file takes. */
    private static Failure noRange(Path file, String text, String user) {
        long first = firstFree(text);
        String range = first + "-" + (first + RANGE - 1);
        return Failure.machine(file + " gives " + user + " no subordinate ids, which a build as an ordinary user needs", "as root: usermod --add-subuids " + range
                + " --add-subgids " + range + " " + user + " (or add the line " + user + ":" + first + ":" + RANGE + " to /etc/subuid and /etc/subgid)");
    }

    static long firstFree(String text) {
        return text.lines().map(line -> line.split(":")).filter(words -> words.length == 3 && words[1].matches("\\d+") && words[2].matches("\\d+"))
                .mapToLong(words -> Long.parseLong(words[1]) + Long.parseLong(words[2])).reduce(FIRST, Math::max);
    }

    /** How this very program was started, without the words that its user gave. */
    static List<String> ownProgram() {
        List<String> all = ownCommand();
        return all.subList(0, all.indexOf(System.getProperty("sun.java.command").split(" ")[0]) + 1);
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
