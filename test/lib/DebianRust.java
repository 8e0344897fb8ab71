package lib;

import static org.junit.jupiter.api.Assumptions.assumeTrue;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.regex.Pattern;
import java.util.stream.Stream;
import lib.tool.Cache;
import lib.tool.Console;
import lib.tool.Shell;
import lib.tool.Shell.Command;
import lib.tool.Trees;

/**
 * The Rust of the Debian that runs here with a standard library for another processor: packages that apt fetches and nobody installs.
 * Tests are skipped, with the reason, where it cannot.
 */
public final class DebianRust {
    private static final Pattern NEEDED = Pattern.compile("rustc|cargo|libstd-rust-[0-9.]+|lib(llvm|git2|http-parser|mbed|ssh2|curl).*", Pattern.CASE_INSENSITIVE);

    private DebianRust() { }

    /**
     * A folder with rustc and cargo, to be the first one of PATH.
     *
     * @param arch Debian's name of the other processor, such as arm64
     */
    public static Path binaries(String arch) {
        assumeTrue(Shell.which("apt-get").isPresent() && Shell.which("dpkg-deb").isPresent(), "Rust's library for another processor comes from Debian's packages");
        Shell shell = new Shell(Console.plain(System.err));
        return new Cache(Cache.defaultFolder(System.getenv()), line -> { })
                .get(Cache.Key.of("test-rust", arch).with("arch", arch).with("system", Trees.read(Path.of("/etc/os-release"))), target -> make(arch, target, shell)).resolve("bin");
    }

    /** With lists of its own, since this machine's know one processor only. */
    private static List<String> apt(Path folder, String arch, String... words) {
        List<String> argv = new ArrayList<>(List.of(words[0], "-q", "-o", "APT::Architectures::=amd64", "-o", "APT::Architectures::=" + arch,
                "-o", "Dir::State::lists=" + folder.resolve("lists"), "-o", "Dir::Cache=" + folder, "-o", "APT::Sandbox::User=root"));
        argv.addAll(List.of(words).subList(1, words.length));
        return argv;
    }

    private static void make(String arch, Path target, Shell shell) throws IOException {
        Path apt = target.resolve("apt");
        Files.createDirectories(apt.resolve("lists/partial"));
        Shell.Result update = shell.attempt(Command.of(apt(apt, arch, "apt-get", "update")));
        assumeTrue(update.exitCode() == 0, "apt-get cannot update: " + String.join(" ", update.tail()));
        List<String> words = new ArrayList<>(List.of("apt-get", "download", "libstd-rust-dev:" + arch));
        shell.output(apt(apt, arch, "apt-cache", "depends", "--recurse", "--no-recommends", "--no-suggests", "--no-conflicts", "--no-breaks", "--no-replaces",
                "--no-enhances", "rustc", "cargo").toArray(String[]::new)).lines().filter(name -> NEEDED.matcher(name).matches() && !name.contains("dev")).forEach(words::add);
        Path download = Files.createDirectories(target.resolve("download"));
        Shell.Result result = shell.attempt(Command.of(apt(apt, arch, words.toArray(String[]::new))).in(download));
        assumeTrue(result.exitCode() == 0, "apt-get cannot download Rust for " + arch + ": " + String.join(" ", result.tail()));
        try (Stream<Path> files = Files.list(download)) {
            files.forEach(file -> shell.run("dpkg-deb", "--extract", file.toString(), target.toString()));
        }
        Trees.delete(download);
        Trees.delete(apt);
        Files.createDirectories(target.resolve("bin"));
        for (String program : List.of("rustc", "cargo")) {
            // By its own place: the folder gets its final name when it is complete.
            Path script = Files.writeString(target.resolve("bin").resolve(program), "#!/bin/sh\nhere=$(dirname \"$(dirname \"$0\")\")\n"
                    + "LD_LIBRARY_PATH=$here/usr/lib/x86_64-linux-gnu exec \"$here/usr/bin/" + program + "\" \"$@\"\n");
            assumeTrue(script.toFile().setExecutable(true), "programs cannot be made executable here");
        }
    }
}
