package lib.apk;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import lib.tool.Failure;
import lib.tool.Shell;
import lib.tool.Trees;

/**
 * Runs package scripts in a tree as apk does: {@code lib/apk/exec/NAME-VERSION.SCRIPT} with the versions (or folders) as arguments,
 * in the folder /, with umask 022 and nothing but PATH in the environment.
 *
 * <p>They see the tree and nothing else: mounts, processes and network are their own, /dev has the harmless nodes only, and all of
 * that is gone afterwards. Needs user id 0, of the machine or of a user namespace. In a tree for another processor they are emulated.
 */
final class Scripts {
    private static final String PATH = "/usr/sbin:/usr/bin:/sbin:/bin";
    private static final int NOT_PREPARED = 125;
    private static final List<String> UNSHARE = List.of("unshare", "--mount", "--net", "--pid", "--fork", "--kill-child");

    /** Names a library that moves the clock of the programs it is loaded into; build.java --verify sets it. */
    private static final String OTHER_CLOCK = "MOS_CLOCK";

    /**
     * The tree becomes the root by moving it over /, so that there is no way back out of a chroot. The shell, whose root is the old one,
     * makes way for the script: /proc/1/root would lead out. -n: no table of mounts is kept.
     */
    private static final String IN_TREE = """
            root=$1
            shift
            if [ -n "$BINFMT" ]; then
                mount -n -t binfmt_misc binfmt_misc "$root/dev" && printf '%s' "$BINFMT" > "$root/dev/register" || exit 125
            fi
            mount -n -t tmpfs -o mode=755,size=1m tmpfs "$root/dev" || exit 125
            for node in null zero full random urandom; do
                : > "$root/dev/$node" && mount -n --bind "/dev/$node" "$root/dev/$node" || exit 125
            done
            [ -d "$root/proc" ] && mount -n -t proc proc "$root/proc" 2> "$root/dev/null"
            [ -z "$CLOCK" ] || cp "$CLOCK" "$root/dev/clock.so" || exit 125
            mount -n --rbind "$root" "$root" && cd "$root" && mount -n --move . / || exit 125
            umask 022
            exec env -i PATH="$PATH" ${CLOCK:+LD_PRELOAD=/dev/clock.so} chroot . "$@"
            """;

    private final Tree tree;
    private final Shell shell;
    private Optional<Emulation> emulation = Optional.empty();

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
            // A new file: a link that an earlier package left there would lead out of the tree.
            Files.deleteIfExists(file);
            Files.write(file, content, StandardOpenOption.CREATE_NEW, StandardOpenOption.WRITE);
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
        List<String> program = new ArrayList<>(List.of(name));
        program.addAll(arguments);
        Shell.Result result = inTree(emulation(), program);
        if (result.exitCode() != 0) {
            requirePrepared(result);
            throw new Failure("script " + script + " of package " + one.pkg() + " ended with exit code " + result.exitCode() + indented(result),
                    "the build log has all of its output");
        }
    }

    private Shell.Result inTree(Emulation with, List<String> program) {
        List<String> argv = new ArrayList<>(UNSHARE);
        argv.addAll(List.of("sh", "-c", IN_TREE, "sh", tree.root().toString()));
        argv.addAll(program);
        return shell.attempt(Shell.Command.of(with.around(argv)).withOnly(Map.of("PATH", PATH, "BINFMT", with.registration(), "CLOCK", System.getenv().getOrDefault(OTHER_CLOCK, ""))).input(new byte[0]));
    }

    /** Asked once a tree, by running its shell: as it is (the machine may have an emulator for all), then with one of our own. */
    private Emulation emulation() {
        if (emulation.isEmpty()) {
            emulation = Optional.of(Emulation.foreign(tree.root()).map(this::emulation).orElse(Emulation.NONE));
        }
        return emulation.get();
    }

    private Emulation emulation(String arch) {
        List<String> nothing = List.of("/bin/sh", "-c", ":");
        Shell.Result plain = inTree(Emulation.NONE, nothing);
        if (plain.exitCode() == 0) {
            return Emulation.NONE;
        }
        requirePrepared(plain);
        Emulation own = Emulation.installed(arch).orElseThrow(() -> Emulation.impossible(arch, plain.tail()));
        Shell.Result emulated = inTree(own, nothing);
        if (emulated.exitCode() != 0) {
            throw Emulation.impossible(arch, emulated.tail());
        }
        return own;
    }

    private static String indented(Shell.Result result) {
        return result.tail().stream().map(line -> "\n    " + line).reduce("", String::concat);
    }

    private static void requirePrepared(Shell.Result result) {
        if (result.exitCode() == NOT_PREPARED || result.tail().stream().anyMatch(line -> line.startsWith("unshare:"))) {
            throw Failure.machine("package scripts cannot run here: namespaces of their own are not allowed" + indented(result),
                    "run as root or through unshare --map-root-user --map-auto; a container needs --cap-add SYS_ADMIN and a seccomp profile that allows unshare and mount");
        }
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
