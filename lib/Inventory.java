package lib;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.Collection;
import java.util.List;
import java.util.Optional;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Stream;
import lib.tool.Failure;
import lib.tool.Shell;
import lib.tool.Shell.Command;
import lib.tool.Trees;

/** Which of the {@link Program}s this machine has, and in which version. */
public record Inventory(Shell shell, String rustTarget) {
    private static final Pattern DOTTED = Pattern.compile("\\d+(?:\\.\\d+)+");
    private static final Pattern PLAIN = Pattern.compile("\\b\\d+\\b");

    /**
     * What was found of one program.
     *
     * @param version empty when it is missing or does not tell
     * @param trouble why it cannot be used; empty when it can
     */
    public record Status(Program program, String version, String trouble) {
        public boolean usable() {
            return trouble.isEmpty();
        }
    }

    /** Looks for all of {@code programs}, side by side. */
    List<Status> check(Collection<Program> programs) {
        return programs.stream().sorted().toList().parallelStream().map(this::check).toList();
    }

    private Status check(Program program) {
        return switch (program.check()) {
            case HEADER -> present(program, header(program.title()));
            case EMULATOR -> Shell.which(program.title()).isPresent() ? version(program) : present(program, emulator(program.title().replace("-static", "")));
            case FILE -> present(program, program.command().stream().anyMatch(file -> Files.exists(Path.of(file))));
            case RUST_TARGET_INSTALLED -> present(program, rustLibrary());
            case VERSION -> Shell.which(program.title()).isEmpty() ? present(program, false) : version(program);
        };
    }

    private static Status present(Program program, boolean present) {
        return new Status(program, "", present ? "" : "missing");
    }

    private Status version(Program program) {
        Shell.Result result = shell.attempt(Command.of(program.command()).timeout(20));
        String text = String.join("\n", result.tail());
        if (text.contains("BusyBox")) {
            // Its programs know no --version; what they do is enough for a kernel build.
            return new Status(program, "", "");
        }
        Optional<String> version = version(text);
        if (result.exitCode() != 0 && !program.minimum().isEmpty()) {
            return new Status(program, "", "does not run: " + text.lines().findFirst().orElse("exit code " + result.exitCode()));
        }
        boolean old = !program.minimum().isEmpty() && version.isPresent() && compare(version.get(), program.minimum()) < 0;
        return new Status(program, version.orElse(""), old ? "version " + version.get() + " is too old, " + program.minimum() + " is needed" : "");
    }

    /** The version in what a program prints: the first number with dots, else the first number. */
    static Optional<String> version(String text) {
        return Stream.of(DOTTED, PLAIN).map(pattern -> pattern.matcher(text)).filter(Matcher::find).map(Matcher::group).findFirst();
    }

    /** Compares dotted numbers part by part; a missing part is 0. */
    static int compare(String a, String b) {
        int[] x = Arrays.stream(a.split("\\.")).mapToInt(Integer::parseInt).toArray();
        int[] y = Arrays.stream(b.split("\\.")).mapToInt(Integer::parseInt).toArray();
        int length = Math.max(x.length, y.length);
        return Arrays.compare(Arrays.copyOf(x, length), Arrays.copyOf(y, length));
    }

    /** In /usr/include, or in the folder of an architecture below it (Debian's multiarch). */
    private static boolean header(String name) {
        Path include = Path.of("/usr/include");
        try (Stream<Path> folders = Files.isDirectory(include) ? Files.list(include) : Stream.empty()) {
            return Stream.concat(Stream.of(include), folders.filter(folder -> folder.getFileName().toString().contains("-linux-")))
                    .anyMatch(folder -> Files.exists(folder.resolve(name)));
        } catch (IOException e) {
            throw Failure.io("cannot read " + include, e);
        }
    }

    /** QEMU's emulator under its other name, or one that the kernel was told of, which then runs all programs of that processor. */
    private static boolean emulator(String name) {
        Path registered = Path.of("/proc/sys/fs/binfmt_misc", name);
        return Shell.which(name).isPresent() || Files.isRegularFile(registered) && Trees.read(registered).startsWith("enabled");
    }

    private boolean rustLibrary() {
        if (Shell.which("rustc").isEmpty()) {
            return false;
        }
        Shell.Result result = shell.attempt(Command.of("rustc", "--print", "target-libdir", "--target", rustTarget));
        return result.exitCode() == 0 && Files.isDirectory(Path.of(result.text()));
    }
}
