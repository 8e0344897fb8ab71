package lib;

import static org.junit.jupiter.api.Assumptions.assumeTrue;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Optional;
import java.util.stream.Stream;
import lib.image.ModuleIndex;
import lib.tool.Cache;
import lib.tool.Console;
import lib.tool.Shell;
import lib.tool.Shell.Command;

/** A kernel package of the Debian that runs here, unpacked, with indexes of its modules; apt fetches it once. Tests are skipped where that cannot be. */
public final class DebianKernel {
    private final Path folder;
    private final String release;

    private DebianKernel(Path folder, String release) {
        this.folder = folder;
        this.release = release;
    }

    /** @param metapackage such as linux-image-amd64 (all drivers, 400 MB unpacked) or linux-image-cloud-amd64 */
    public static DebianKernel of(String metapackage) {
        assumeTrue(Shell.which("apt-get").isPresent() && Shell.which("dpkg-deb").isPresent(), "the modules come from Debian's packages");
        Shell shell = new Shell(Console.plain(System.err));
        Optional<String> name = shell.attempt(Command.of("apt-cache", "depends", metapackage).with("LC_ALL", "C")).text().lines().map(String::strip)
                .filter(line -> line.startsWith("Depends: linux-image-")).map(line -> line.substring("Depends: ".length())).findFirst();
        assumeTrue(name.isPresent(), "this distribution has no package " + metapackage);
        Path folder = new Cache(Cache.defaultFolder(System.getenv()), line -> { })
                .get(Cache.Key.of("test-kernel", metapackage).with("package", name.get()).with("modules", "indexed"), target -> unpack(name.get(), target, shell));
        return new DebianKernel(folder, name.get().replaceFirst("linux-image-", ""));
    }

    private static void unpack(String name, Path target, Shell shell) throws IOException {
        Path download = Files.createDirectories(target.resolve("download"));
        // Root's apt downloads as another user, who cannot write here.
        Shell.Result result = shell.attempt(Command.of("apt-get", "download", "-q", "-o", "APT::Sandbox::User=root", name).in(download));
        assumeTrue(result.exitCode() == 0, "apt-get cannot download " + name + ": " + String.join(" ", result.tail()));
        try (Stream<Path> files = Files.list(download)) {
            shell.run("dpkg-deb", "--extract", files.findFirst().orElseThrow().toString(), target.toString());
        }
        lib.tool.Trees.delete(download);
        // Debian makes the indexes when the package is installed.
        ModuleIndex.write(target.resolve("lib/modules").resolve(name.replaceFirst("linux-image-", "")));
    }

    public String release() {
        return release;
    }

    /** Holds lib/modules/RELEASE. */
    public Path modules() {
        return folder;
    }

    /** The kernel itself. */
    public Path image() {
        return folder.resolve("boot/vmlinuz-" + release);
    }

    public Path config() {
        return folder.resolve("boot/config-" + release);
    }
}
