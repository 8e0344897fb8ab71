///usr/bin/env jbang "$0" "$@" ; exit $?
//JAVA 17+
//SOURCES ../lib/**.java
//MAIN PackagesBench
//SOURCES FileServer.java
//SOURCES Cost.java

import java.io.BufferedReader;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.InputStreamReader;
import java.io.PrintStream;
import java.lang.management.ManagementFactory;
import java.net.URI;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import lib.Alpine;
import lib.BuildLock;
import lib.Config;
import lib.tool.Cache;
import lib.tool.ClassArchive;
import lib.tool.Cli;
import lib.tool.Console;
import lib.tool.Download;
import lib.tool.Failure;
import lib.tool.Shell;
import lib.tool.Tools;
import lib.tool.Trees;
import picocli.CommandLine.Command;
import picocli.CommandLine.Option;

/**
 * Installs the same packages from a mirror on the loopback with the real apk and with this project, caches empty, and compares: seconds
 * on the clock, and seconds of the processors with all children. The server is a process of its own that counts for nobody.
 *
 * <p>This project is measured twice: in a new JVM each time, from the first line of main to the last (loading classes and compiling them
 * count, the start of the JVM does not), and in one JVM that did it before.
 */
@Command(name = "bench/packages.java",
        description = "Miniroot and packages from a loopback HTTP mirror: seconds of the real apk and of this project.")
final class PackagesBench implements Cli.Script {
    static final List<String> PACKAGES = List.of("dhcpcd", "openssh", "e2fsprogs", "eudev", "dosfstools", "zstd", "pciutils", "jq", "sgdisk",
            "efibootmgr");

    @Option(names = "--mirror", defaultValue = "../shared/alpine-mirror", description = "folder of a real Alpine 3.19 mirror (${DEFAULT-VALUE})")
    Path mirror;

    @Option(names = "--rounds", defaultValue = "5", description = "measurements of each, of which the best counts (${DEFAULT-VALUE})")
    int rounds;

    @Option(names = {"-h", "--help"}, usageHelp = true, description = "show this text")
    boolean help;

    @Override
    public boolean debug() {
        return false;
    }

    @Override
    public Integer call() throws IOException {
        Path tarball = mirror.resolve("v3.19/releases/x86_64/alpine-minirootfs-3.19.4-x86_64.tar.gz").toAbsolutePath();
        if (!Files.exists(tarball)) {
            throw Failure.usage("there is no " + tarball, "give a mirror with --mirror DIR");
        }
        Path scratch = Files.createTempDirectory("packages-bench");
        Shell shell = new Shell(Console.plain(new PrintStream(new ByteArrayOutputStream())));
        Process server = shell.start(Shell.Command.of(java("MirrorServer", mirror.toAbsolutePath().toString())));
        try {
            URI place = URI.create(address(server));
            shell.run("tar", "xzf", tarball.toString(), "-C", Files.createDirectory(scratch.resolve("apk")).toString());
            List<Cost> theirs = new ArrayList<>();
            List<Cost> cold = new ArrayList<>();
            List<Cost> warm = new ArrayList<>();
            Installing.install(place, Files.createDirectory(scratch.resolve("first")));
            ClassArchive.keep(Console.stderr(false));
            for (int n = 1; n <= rounds; n++) {
                // Nothing is deleted before the end: file systems avoid what was in use a minute ago, which makes new files slow.
                Path round = Files.createDirectory(scratch.resolve("round" + n));
                theirs.add(Cost.of(() -> apk(shell, place, tarball, scratch.resolve("apk"), round.resolve("theirs"))));
                cold.add(Cost.parse(shell.output(java("Installing", place.toString(), round.resolve("cold").toString()).toArray(String[]::new))));
                warm.add(Cost.of(() -> Installing.install(place, round.resolve("warm"))));
                System.out.println("round " + n + ": real apk " + theirs.get(n - 1) + "; this project in a new JVM " + cold.get(n - 1) + ", in a warm one "
                        + warm.get(n - 1));
            }
            Cost apk = Cost.best(theirs);
            System.out.println("best of " + rounds + ": real apk " + apk);
            System.out.println("this project in a new JVM, from main on: " + Cost.best(cold) + ", ratio " + Cost.best(cold).to(apk));
            System.out.println("this project in a warm JVM: " + Cost.best(warm) + ", ratio " + Cost.best(warm).to(apk));
        } finally {
            server.destroy();
            Trees.delete(scratch);
        }
        return 0;
    }

    /** A JVM with the options and classes of this one, which it finds in an archive as every script does from its second start on. */
    private static List<String> java(String main, String... arguments) {
        List<String> argv = new ArrayList<>(List.of(Path.of(System.getProperty("java.home"), "bin/java").toString()));
        argv.addAll(ManagementFactory.getRuntimeMXBean().getInputArguments().stream().filter(option -> !option.startsWith("-XX:DumpLoadedClassList=")).toList());
        argv.addAll(ClassArchive.options());
        argv.addAll(List.of("-cp", System.getProperty("java.class.path"), main));
        argv.addAll(List.of(arguments));
        return argv;
    }

    private static String address(Process server) throws IOException {
        return new BufferedReader(new InputStreamReader(server.getInputStream(), StandardCharsets.UTF_8)).readLine();
    }

    private static void apk(Shell shell, URI place, Path tarball, Path mini, Path root) {
        shell.run("mkdir", root.toString());
        shell.run("tar", "xzf", tarball.toString(), "-C", root.toString());
        List<String> argv = new ArrayList<>(List.of(mini.resolve("lib/ld-musl-x86_64.so.1").toString(), "--library-path",
                mini.resolve("lib") + ":" + mini.resolve("usr/lib"), mini.resolve("sbin/apk").toString(), "--root", root.toString(), "--arch", "x86_64",
                "--keys-dir", mini.resolve("etc/apk/keys").toString(), "--repositories-file", "/dev/null", "--no-cache", "--no-progress",
                "-X", place + "/v3.19/community", "-X", place + "/v3.19/main", "add"));
        argv.addAll(PACKAGES);
        shell.run(Shell.Command.of(argv));
    }

    public static void main(String... args) {
        Cli.main(new PackagesBench(), args);
    }
}

/** The mirror on the loopback; prints its port. */
final class MirrorServer {
    private MirrorServer() { }

    public static void main(String... args) throws IOException {
        FileServer server = FileServer.of(Path.of(args[0]));
        System.out.println(server.uri());
    }
}

/** This project's way, into an absent root with an absent cache; prints what it cost. */
final class Installing {
    private Installing() { }

    static void install(URI place, Path scratch) {
        Path root = scratch.resolve("root");
        Path cacheFolder = scratch.resolve("cache");
        try (Console console = Console.plain(new PrintStream(new ByteArrayOutputStream()))) {
            Cache cache = new Cache(cacheFolder, line -> { });
            List<Config.Line> lines = new ArrayList<>();
            PackagesBench.PACKAGES.forEach(name -> lines.add(new Config.Line("packages.list", lines.size() + 1, name)));
            new Alpine(new Config.Alpine("3.19.4", "x86_64", List.of(place), lines, List.of(), scratch.resolve("keys"), 1_735_689_600L),
                    BuildLock.Use.of(cacheFolder.resolve("build.lock"), BuildLock.Mode.USE),
                    new Tools(console, new Shell(console), cache, new Download(console, cache, false))).installInto(root);
        }
    }

    public static void main(String... args) {
        System.out.println(Cost.of(() -> install(URI.create(args[0]), Path.of(args[1]))));
    }
}
