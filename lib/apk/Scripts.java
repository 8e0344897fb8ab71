package lib.apk;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import lib.tool.Failure;
import lib.tool.Shell;
import lib.tool.Trees;

/**
 * Runs package scripts in a tree as apk does: {@code lib/apk/exec/NAME-VERSION.SCRIPT} with the versions (or folders) as arguments,
 * in the folder /, with umask 022 and nothing but PATH in the environment.
 *
 * <p>They see the tree and nothing else: mounts, processes and network are their own, /dev has the harmless nodes only, and all of
 * that is gone afterwards. Needs user id 0, of the machine or of a user namespace.
 */
final class Scripts {
    private static final String PATH = "/usr/sbin:/usr/bin:/sbin:/bin";
    private static final int NOT_PREPARED = 125;
    private static final List<String> UNSHARE = List.of("unshare", "--mount", "--net", "--pid", "--fork", "--kill-child");

    /** The tree becomes the root by moving it over /, so that there is no way back out of a chroot. -n: no table of mounts is kept. */
    private static final String IN_TREE = """
            root=$1
            shift
            mount -n -t tmpfs -o mode=755,size=1m tmpfs "$root/dev" || exit 125
            for node in null zero full random urandom; do
                : > "$root/dev/$node" && mount -n --bind "/dev/$node" "$root/dev/$node" || exit 125
            done
            [ -d "$root/proc" ] && mount -n -t proc proc "$root/proc" 2> "$root/dev/null"
            mount -n --rbind "$root" "$root" && cd "$root" && mount -n --move . / || exit 125
            umask 022
            env -i PATH="$PATH" chroot . "$@"
            """;

    private final Tree tree;
    private final Shell shell;

    Scripts(Tree tree, Shell shell) {
        this.tree = tree;
        this.shell = shell;
    }

    /** Runs one script of a package when it has it; any exit code but 0 is a Failure that names both. */
    void run(InstalledPackage one, String script, List<String> arguments) {
        byte[] content = one.scripts().get(script);
        if (content == null) {
            return;
        }
        String name = "lib/apk/exec/" + one.pkg() + "." + script;
        try {
            Path folder = tree.folder("lib/apk/exec");
            Path file = folder.resolve(one.pkg() + "." + script);
            Files.createDirectories(tree.root().resolve("dev"));
            Files.write(file, content);
            Tree.apply(file, new Tree.Metadata(0, 0, 0755, -1), false);
            try {
                execute(one, script, name, arguments);
            } finally {
                Files.deleteIfExists(file);
                tree.forget();
            }
        } catch (IOException e) {
            throw Failure.io("while running " + script + " of package " + one.pkg(), e);
        }
    }

    private void execute(InstalledPackage one, String script, String name, List<String> arguments) {
        List<String> argv = new ArrayList<>(UNSHARE);
        argv.addAll(List.of("sh", "-c", IN_TREE, "sh", tree.root().toString(), name));
        argv.addAll(arguments);
        Shell.Command command = Shell.Command.of(argv).withOnly(Map.of("PATH", PATH)).input(new byte[0]);
        Shell.Result result = shell.attempt(command);
        if (result.exitCode() == 0) {
            return;
        }
        String lines = result.tail().stream().map(line -> "\n    " + line).reduce("", String::concat);
        if (result.exitCode() == NOT_PREPARED || result.tail().stream().anyMatch(line -> line.startsWith("unshare:"))) {
            throw Failure.machine("package scripts cannot run here: namespaces of their own are not allowed" + lines,
                    "run as root or through unshare --map-root-user --map-auto; a container needs --cap-add SYS_ADMIN and a seccomp profile that allows unshare and mount");
        }
        throw new Failure("script " + script + " of package " + one.pkg() + " ended with exit code " + result.exitCode() + lines,
                "the build log has all of its output");
    }

    /** The folder that scripts are put into while they run, as apk leaves it: for root only. */
    static void prepare(Tree tree) throws IOException {
        Path folder = tree.root().resolve("lib/apk/exec");
        if (!Files.isDirectory(folder)) {
            Trees.delete(folder);
            Files.createDirectories(folder);
            Tree.apply(folder, new Tree.Metadata(0, 0, 0700, -1), false);
        }
    }
}
