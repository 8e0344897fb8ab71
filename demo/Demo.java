package demo;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.regex.Pattern;
import java.util.stream.Stream;
import lib.tool.Digest;
import lib.tool.Failure;
import lib.tool.Shell;
import lib.tool.Shell.Command;
import lib.tool.Tools;
import lib.tool.Trees;

/**
 * Inputs for a build without any of MOS' own: a small signed mirror made of the distribution's packages, a my_init in a git repository,
 * the distribution's kernel source, and a configuration that names them. All of it is in {@code .demo} of the workspace.
 *
 * <p>The static parts (demo/config, demo/packages, demo/my_init) are read from the project's folder: the nearest one with build.java and
 * demo/config, from the current folder or the workspace upwards. A script cannot ask where it is itself, and files packed into its jar
 * (//FILES) would have to be listed one by one and would be compiled anew after each edit.
 */
public final class Demo {
    private static final List<String> PARTS = List.of("mirror", "my_init", "kernel-source", "config");
    private static final String FETCHER = "usr/libexec/mos/runtime-fetch";
    private static final String GNU = Mirror.ARCH + "-unknown-linux-gnu";
    private static final String MUSL = Mirror.ARCH + "-unknown-linux-musl";
    /** Everything that makes the commit of the demo's my_init is fixed, so that it has the same name everywhere. */
    private static final Map<String, String> COMMIT = Map.of(
            "GIT_AUTHOR_NAME", "MOS Builder", "GIT_AUTHOR_EMAIL", "demo@localhost", "GIT_AUTHOR_DATE", "2025-01-01T00:00:00Z",
            "GIT_COMMITTER_NAME", "MOS Builder", "GIT_COMMITTER_EMAIL", "demo@localhost", "GIT_COMMITTER_DATE", "2025-01-01T00:00:00Z",
            "GIT_CONFIG_GLOBAL", "/dev/null", "GIT_CONFIG_NOSYSTEM", "1");

    private final Path sources;
    private final Path folder;
    private final Tools tools;

    Demo(Path sources, Path folder, Tools tools) {
        this.sources = sources;
        this.folder = folder;
        this.tools = tools;
    }

    /**
     * Makes what is missing or out of date in {@code workspace/.demo} and returns the configuration folder in it. What has been changed
     * by hand there stays until its source in the project changes. Needs apt-get, dpkg-deb and git; a machine that lacks one of them,
     * or is no x86_64, is a Failure with exit code 3.
     */
    public static Path prepare(Path workspace, Tools tools) {
        if (!System.getProperty("os.arch").equals("amd64")) {
            throw Failure.machine("the demo's kernel and packages are for x86_64, this machine is " + System.getProperty("os.arch"),
                    "real builds for other machines work: see README");
        }
        Debs.requirePrograms();
        Demo demo = new Demo(project(workspace).resolve("demo"), workspace.resolve(".demo"), tools);
        return tools.cache().locked("demo-" + Digest.sha256(demo.folder.toString()), demo::prepare);
    }

    Path prepare() {
        String rustTarget = rustTarget();
        String inputs = Digest.sha256(new Folder(sources).digest() + Digest.sha256(fetcher()) + Debs.distribution() + rustTarget);
        Path stamp = folder.resolve(".inputs");
        if (!isCurrent(stamp, inputs) || !PARTS.stream().allMatch(part -> Files.exists(folder.resolve(part)))) {
            Trees.delete(stamp);
            makeParts(rustTarget);
            Trees.replace(stamp, inputs);
        }
        return folder.resolve("config");
    }

    private void makeParts(String rustTarget) {
        Path mirror = new Mirror(sources, tools).cached();
        make("mirror", mirror.getFileName().toString(), new Folder(mirror)::copyTo);
        Folder myInit = new Folder(sources.resolve("my_init"));
        make("my_init", myInit.digest(), target -> commit(myInit, target));
        Path kernel = kernelSource();
        make("kernel-source", kernel + " " + kernel.toFile().length() + " " + kernel.toFile().lastModified(), target -> link(kernel, target));
        String settings = "\nKERNEL_SOURCE=\"kernel-source/" + kernel.getFileName() + "\"\nRUST_TARGET=\"" + rustTarget + "\"\n";
        Folder config = new Folder(sources.resolve("config"));
        make("config", Digest.sha256(config.digest() + settings + Digest.sha256(fetcher())), target -> {
            config.copyTo(target);
            Files.copy(fetcher(), Files.createDirectories(target.resolve("rootfs").resolve(FETCHER).getParent()).resolve(fetcher().getFileName()),
                    StandardCopyOption.COPY_ATTRIBUTES);
            Files.writeString(target.resolve("build.conf"), Trees.read(target.resolve("build.conf")) + settings);
        });
    }

    /** The demo fetches programs at run time as real images do. */
    private Path fetcher() {
        return sources.resolveSibling("config/rootfs").resolve(FETCHER);
    }

    static Path project(Path workspace) {
        return Stream.of(Path.of("").toAbsolutePath(), workspace.toAbsolutePath())
                .flatMap(start -> Stream.iterate(start, one -> one != null, Path::getParent))
                .filter(one -> Files.exists(one.resolve("build.java")) && Files.isDirectory(one.resolve("demo/config"))).findFirst()
                .orElseThrow(() -> Failure.usage("the project's folder demo/ is neither above the current folder nor above the workspace",
                        "run --demo in the folder that holds build.java"));
    }

    /** Work that makes one part of the demo at a path that does not exist yet. */
    private interface Maker {
        void make(Path target) throws IOException;
    }

    /** Makes one part anew unless it was made from the same inputs before. */
    private void make(String part, String inputs, Maker maker) {
        Path target = folder.resolve(part);
        Path stamp = folder.resolve("." + part + ".inputs");
        if (Files.exists(target) && isCurrent(stamp, inputs)) {
            return;
        }
        Path making = folder.resolve("." + part + ".making");
        try {
            Files.createDirectories(folder);
            Files.deleteIfExists(stamp);
            Trees.delete(making);
            maker.make(making);
            Trees.delete(target);
            Files.move(making, target, StandardCopyOption.ATOMIC_MOVE);
        } catch (IOException e) {
            throw Failure.io("cannot make the demo's " + part + " in " + target, e);
        }
        Trees.replace(stamp, inputs);
    }

    private static boolean isCurrent(Path stamp, String inputs) {
        return Files.exists(stamp) && Trees.read(stamp).equals(inputs);
    }

    private void commit(Folder myInit, Path target) throws IOException {
        myInit.copyTo(target);
        git(target, "init", "--quiet", "--initial-branch=main");
        git(target, "add", "--all");
        git(target, "-c", "commit.gpgSign=false", "commit", "--quiet", "--message=my_init of the demo");
    }

    private void git(Path where, String... words) {
        tools.shell().run(Command.of(Stream.concat(Stream.of("git"), Stream.of(words)).toList()).in(where).with(COMMIT));
    }

    /** The distribution's kernel source: installed already, or fetched once into the cache. */
    private Path kernelSource() {
        return tarball(Path.of("/usr/src"), 2).orElseGet(() -> {
            Path unpacked = Debs.fetch(List.of(kernelPackage()), tools).folder();
            return tarball(unpacked, 5).orElseThrow(() -> new Failure("there is no linux-source tarball in " + unpacked, "delete it and run again"));
        });
    }

    /** The file under its own name in a new folder, so that .demo holds all that the build reads (a container sees nothing else). */
    private static void link(Path file, Path folder) throws IOException {
        Path target = Files.createDirectories(folder).resolve(file.getFileName());
        try {
            Files.createLink(target, file);
        } catch (IOException | UnsupportedOperationException e) {
            // Another file system, or a file of another user.
            Files.copy(file, target);
        }
    }

    /** The tarball with the highest version at most {@code depth} folders below. */
    private static Optional<Path> tarball(Path below, int depth) {
        if (!Files.isDirectory(below)) {
            return Optional.empty();
        }
        try (Stream<Path> all = Files.find(below, depth, (file, attributes) ->
                attributes.isRegularFile() && file.getFileName().toString().matches("linux-source-[0-9.]+\\.tar\\.(xz|bz2|gz|zst)"))) {
            return all.max(java.util.Comparator.comparing(file -> padded(file.getFileName().toString())));
        } catch (IOException | java.io.UncheckedIOException e) {
            throw new Failure("cannot look for linux-source in " + below + ": " + e.getMessage(), "", e);
        }
    }

    /** The text with all numbers at the same length, so that 6.12 stands behind 6.1 when sorted. */
    private static String padded(String name) {
        return Pattern.compile("\\d+").matcher(name).replaceAll(number -> String.format("%06d", Integer.parseInt(number.group())));
    }

    /** linux-source-6.1 on Debian 12, 6.12 on Debian 13, ...: what the package linux-source depends on. */
    private String kernelPackage() {
        return tools.cache().locked("demo-kernel-name", () -> dependency().or(() -> {
            Debs.refresh(tools.shell());
            return dependency();
        }).orElseThrow(() -> Failure.machine("apt knows no package linux-source", Debs.refreshHint())));
    }

    private Optional<String> dependency() {
        return tools.shell().attempt(Command.of("apt-cache", "depends", "linux-source").with("LC_ALL", "C")).text().lines()
                .map(String::strip).filter(line -> line.startsWith("Depends: linux-source-")).map(line -> line.substring("Depends: ".length()))
                .findFirst();
    }

    /** The static target that this machine's Rust can compile for: musl's where it is installed, else the GNU library's. */
    private String rustTarget() {
        if (Shell.which("rustc").isEmpty()) {
            return GNU;
        }
        Shell.Result root = tools.shell().attempt(Command.of("rustc", "--print", "sysroot"));
        return root.exitCode() == 0 && Files.isDirectory(Path.of(root.text(), "lib/rustlib", MUSL, "lib")) ? MUSL : GNU;
    }
}
