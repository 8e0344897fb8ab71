package lib.apk;

import static org.junit.jupiter.api.Assumptions.assumeTrue;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import lib.TestProject;
import lib.tool.Shell;

/** The real apk of a minirootfs, run without chroot through that system's own loader, as ../shared/apk-oracle/apk.sh does. */
public final class Oracle {
    static final String MINIROOT = "alpine-mirror/v3.19/releases/x86_64/alpine-minirootfs-3.19.4-x86_64.tar.gz";

    private final Shell shell;
    private final Path folder;

    private Oracle(Shell shell, Path folder) {
        this.shell = shell;
        this.folder = folder;
    }

    /** Unpacks the minirootfs into {@code folder}; the test is skipped where there is none, or where it cannot run. */
    public static Oracle unpackedInto(Path folder, Shell shell) {
        Path archive = TestProject.shared(MINIROOT);
        assumeTrue(System.getProperty("os.arch").equals("amd64"), "the real apk is a program for x86_64");
        Oracle oracle = new Oracle(shell, folder);
        oracle.miniroot(folder);
        return oracle;
    }

    public static boolean isRoot() {
        return "root".equals(System.getProperty("user.name"));
    }

    /** Unpacks a fresh miniroot. */
    public Path miniroot(Path into) {
        try {
            Files.createDirectories(into);
        } catch (IOException e) {
            throw new IllegalStateException(e);
        }
        shell.run("tar", "xzf", TestProject.shared(MINIROOT).toString(), "-C", into.toString());
        return into;
    }

    public Path folder() {
        return folder;
    }

    /** Runs apk over {@code root} with the repositories (folders) in their order; network and cache are off. */
    public Shell.Result apk(Path root, List<String> repositories, Path keys, String... arguments) {
        try {
            Path list = Files.createTempFile("repositories", ".txt");
            Files.write(list, repositories);
            List<String> argv = new ArrayList<>(List.of(folder.resolve("lib/ld-musl-x86_64.so.1").toString(), "--library-path",
                    folder.resolve("lib") + ":" + folder.resolve("usr/lib"), folder.resolve("sbin/apk").toString(), "--root", root.toString(),
                    "--arch", "x86_64", "--keys-dir", keys.toString(), "--repositories-file", list.toString(), "--no-network", "--no-cache",
                    "--no-progress"));
            argv.addAll(List.of(arguments));
            Shell.Result result = shell.attempt(Shell.Command.of(argv).withOnly(Map.of("PATH", "/usr/sbin:/usr/bin:/sbin:/bin")));
            Files.delete(list);
            return result;
        } catch (IOException e) {
            throw new IllegalStateException(e);
        }
    }

    /** Installs as root with /dev/null in place while scripts run, as a build does. */
    public Shell.Result install(Path root, List<String> repositories, Path keys, String... arguments) {
        boolean made = !Files.exists(root.resolve("dev/null"));
        if (made) {
            shell.run("mknod", "-m", "666", root.resolve("dev/null").toString(), "c", "1", "3");
        }
        Shell.Result result = apk(root, repositories, keys, arguments);
        if (made) {
            shell.run("rm", root.resolve("dev/null").toString());
        }
        return result;
    }
}
