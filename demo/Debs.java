package demo;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.LinkOption;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Stream;
import lib.tool.Cache;
import lib.tool.Digest;
import lib.tool.Failure;
import lib.tool.Shell;
import lib.tool.Shell.Command;
import lib.tool.Tools;
import lib.tool.Trees;
import lib.tool.User;

/**
 * Packages of the Debian or Ubuntu that runs here, fetched by apt (which checks their signatures) and unpacked. They are fetched once:
 * newer versions come with a new release of the distribution or an emptied cache.
 *
 * @param folder holds a folder with the content of each package, and its version in {@code NAME.version}
 */
record Debs(Path folder) {
    private static final Path OS_RELEASE = Path.of("/etc/os-release");
    /** Debian's {@code [epoch:]upstream[-revision]}, of which the digits are kept. */
    private static final Pattern VERSION = Pattern.compile("(?:\\d+:)?(\\d+(?:\\.\\d+)*)[^-]*(?:-(\\d+).*)?");
    private static final int LINKS = 5;

    /** The named packages, from the cache or from apt. */
    static Debs fetch(List<String> names, Tools tools) {
        Cache.Key key = Cache.Key.of("demo-packages", names.get(0)).with("distribution", distribution())
                .with("packages", String.join(" ", names));
        return new Debs(tools.cache().get(key, target ->
                tools.console().step("fetching " + String.join(" ", names), () -> fetch(names, target, tools.shell()))));
    }

    /** Changes with each release of the distribution. */
    static String distribution() {
        return Digest.sha256(OS_RELEASE);
    }

    static void requirePrograms() {
        for (String program : List.of("apt-get", "dpkg-deb")) {
            if (Shell.which(program).isEmpty()) {
                throw Failure.machine("the demo is made of packages of Debian or Ubuntu, and there is no " + program + " here",
                        "run it on Debian or Ubuntu, or in a container of one; real builds need neither");
            }
        }
    }

    private static void fetch(List<String> names, Path target, Shell shell) {
        download(names, target, shell);
        try (Stream<Path> files = Files.list(target)) {
            for (Path deb : files.filter(file -> file.toString().endsWith(".deb")).toList()) {
                String name = deb.getFileName().toString().replaceFirst("_.*", "");
                shell.run("dpkg-deb", "--extract", deb.toString(), target.resolve(name).toString());
                Files.writeString(target.resolve(name + ".version"), shell.output("dpkg-deb", "--field", deb.toString(), "Version"));
                Files.delete(deb);
            }
        } catch (IOException e) {
            throw Failure.io("cannot unpack the packages in " + target, e);
        }
    }

    private static void download(List<String> names, Path target, Shell shell) {
        try {
            Files.createDirectories(target);
        } catch (IOException e) {
            throw Failure.io("cannot create " + target, e);
        }
        // Root's apt downloads as another user, who cannot write here.
        List<String> argv = new ArrayList<>(List.of("apt-get", "download", "-q", "-o", "APT::Sandbox::User=root"));
        argv.addAll(names);
        Command command = Command.of(argv).in(target);
        if (shell.attempt(command).exitCode() == 0) {
            return;
        }
        refresh(shell);
        Shell.Result again = shell.attempt(command);
        if (again.exitCode() != 0) {
            throw Failure.machine(Shell.failed(command, again, "").what(), refreshHint());
        }
    }

    /** A fresh machine or container has no lists of packages yet, or they are too old. Only root can change that. */
    static void refresh(Shell shell) {
        if (User.isRoot()) {
            shell.attempt(Command.of("apt-get", "update", "-q"));
        }
    }

    static String refreshHint() {
        return "refresh the lists of packages with: " + (User.isRoot() ? "" : "sudo ") + "apt-get update";
    }

    /** The version of a package in Alpine's form: {@code 1:1.35.0-4+deb12u1} is {@code 1.35.0-r4}. */
    String version(String name) {
        return alpineVersion(Trees.read(folder.resolve(name + ".version")).strip());
    }

    static String alpineVersion(String debian) {
        Matcher matcher = VERSION.matcher(debian);
        if (!matcher.matches()) {
            throw new Failure("not a version of a Debian package: " + debian, "");
        }
        return matcher.group(1) + "-r" + Optional.ofNullable(matcher.group(2)).orElse("0");
    }

    /** The regular file of this name in a package, wherever the distribution keeps it; links are followed inside the package. */
    Path file(String name, String fileName) {
        String wanted = fileName;
        for (int i = 0; i < LINKS; i++) {
            List<Path> found = named(name, wanted);
            Optional<Path> file = found.stream().filter(path -> Files.isRegularFile(path, LinkOption.NOFOLLOW_LINKS)).findFirst();
            if (file.isPresent()) {
                return file.get();
            }
            if (found.isEmpty()) {
                break;
            }
            wanted = target(found.get(0));
        }
        throw new Failure("the distribution's package " + name + " holds no file " + fileName,
                "this release of the distribution is not known to the demo");
    }

    private List<Path> named(String name, String fileName) {
        try (Stream<Path> all = Files.walk(folder.resolve(name))) {
            return all.filter(path -> path.getFileName().toString().equals(fileName) && !Files.isDirectory(path, LinkOption.NOFOLLOW_LINKS))
                    .sorted().toList();
        } catch (IOException e) {
            throw Failure.io("cannot read " + folder.resolve(name), e);
        }
    }

    private static String target(Path link) {
        try {
            return Files.readSymbolicLink(link).getFileName().toString();
        } catch (IOException e) {
            throw Failure.io("cannot read the link " + link, e);
        }
    }
}
