package lib;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import lib.image.Elf;
import lib.tool.Failure;
import lib.tool.Shell;
import lib.tool.Shell.Command;
import lib.tool.Tools;
import lib.tool.Trees;
import lib.tool.User;

/**
 * What a component has to be: a program that runs in the image before any library is there.
 *
 * @param target Rust target triple
 */
record ProgramCheck(String target, Tools tools) {
    private static final Pattern VERSION = Pattern.compile("\\b[vV]?(\\d+(\\.\\d+)+\\S*)");
    private static final int SECONDS = 3;
    private static final String NOBODY = "65534";

    /** ELF of the target's class and machine, without interpreter and libraries; anything else is a Failure that names the line. */
    void require(Source source, Path program) {
        if (program.toFile().length() == 0) {
            throw fault(source, "is empty");
        }
        if (!Elf.isElf(program)) {
            throw fault(source, "is not a program: it has no ELF header");
        }
        Elf elf = Elf.read(program);
        if (elf.bits() != 64 || elf.machine() != machine()) {
            throw fault(source, "is for another machine: ELF machine " + elf.machine() + " with " + elf.bits() + " bits, wanted " + machine() + " with 64 bits for " + target);
        }
        if (elf.type() != Elf.EXECUTABLE && elf.type() != Elf.SHARED || elf.segments().isEmpty()) {
            throw fault(source, "is not executable: ELF type " + elf.type());
        }
        elf.interpreter().ifPresent(interpreter -> {
            throw new Failure(fault(source, "is not static: it needs " + interpreter).what(), "build it for a musl target, or with +crt-static");
        });
        if (!elf.needed().isEmpty()) {
            throw fault(source, "is not static: it needs " + String.join(" ", elf.needed()));
        }
    }

    private static Failure fault(Source source, String what) {
        return new Failure(source.where() + ": " + source.name() + " " + what, "what " + source.url() + " delivers cannot run in the image");
    }

    private int machine() {
        return target.startsWith("aarch64") ? Elf.AARCH64 : Elf.X86_64;
    }

    /**
     * The version that the program prints for {@code --version}; empty when it prints none. A program that does not know the option may
     * do anything (a PID 1 may mount and reboot), so it runs as nobody in namespaces of its own, without a network and with closed
     * standard input, for three seconds at most; where this machine does not allow that, it does not run.
     */
    String version(Path program) {
        if (!target.startsWith(System.getProperty("os.arch").replace("amd64", "x86_64") + "-") || Shell.which("unshare").isEmpty()) {
            return "";
        }
        Path folder = null;
        try {
            folder = Files.createTempDirectory("mos-version");
            Files.setPosixFilePermissions(folder, PosixFilePermissions.fromString("rwxr-xr-x"));
            Path copy = Files.copy(program, folder.resolve("program"));
            Files.setPosixFilePermissions(copy, PosixFilePermissions.fromString("r-xr-xr-x"));
            Shell.Result result = tools.shell().attempt(Command.of(argv(copy)).in(folder).withOnly(Map.of("PATH", "/usr/sbin:/usr/bin:/sbin:/bin", "LC_ALL", "C"))
                    .timeout(SECONDS));
            Matcher version = VERSION.matcher(result.exitCode() == 0 ? result.text().lines().findFirst().orElse("") : "");
            return version.find() ? version.group(1) : "";
        } catch (IOException e) {
            throw Failure.io("cannot run " + program + " --version", e);
        } catch (Failure e) {
            return "";
        } finally {
            if (folder != null) {
                Trees.delete(folder);
            }
        }
    }

    private static List<String> argv(Path program) {
        List<String> argv = new ArrayList<>(List.of("unshare", "--net", "--pid", "--kill-child", "--mount", "--ipc", "--uts"));
        argv.addAll(User.isRoot() ? List.of("--setgid", NOBODY, "--setuid", NOBODY) : List.of("--user"));
        argv.addAll(List.of("--", program.toString(), "--version"));
        return argv;
    }
}
