///usr/bin/env jbang "$0" "$@" ; exit $?
//JAVA 17+
//SOURCES ../lib/**.java
//RUNTIME_OPTIONS -Dsun.jnu.encoding=UTF-8 -XX:+UseSerialGC -XX:TieredStopAtLevel=1 -Xmn384m

import com.sun.net.httpserver.HttpServer;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.PrintStream;
import java.net.InetSocketAddress;
import java.net.URI;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.concurrent.Executors;
import java.util.stream.Stream;
import lib.Alpine;
import lib.BuildLock;
import lib.Config;
import lib.tool.Cache;
import lib.tool.Cli;
import lib.tool.Console;
import lib.tool.Download;
import lib.tool.Failure;
import lib.tool.Shell;
import lib.tool.Tools;
import lib.tool.Trees;
import picocli.CommandLine.Command;
import picocli.CommandLine.Option;

/** Installs the same packages from a mirror on the loopback once with the real apk and once with this project, caches empty, and compares. */
@Command(name = "bench/packages.java", description = "Miniroot and packages from a loopback HTTP mirror: seconds of the real apk and of this project.")
final class PackagesBench implements Cli.Script {
    private static final List<String> PACKAGES = List.of("dhcpcd", "openssh", "e2fsprogs", "eudev", "dosfstools", "zstd", "pciutils", "jq", "sgdisk",
            "efibootmgr");

    @Option(names = "--mirror", defaultValue = "../shared/alpine-mirror", description = "folder of a real Alpine 3.19 mirror (${DEFAULT-VALUE})")
    Path mirror;

    @Option(names = "--rounds", defaultValue = "3", description = "measurements of each (${DEFAULT-VALUE})")
    int rounds;

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
        HttpServer server = serve();
        try (Console console = Console.plain(new PrintStream(new ByteArrayOutputStream()))) {
            Shell shell = new Shell(console);
            URI place = URI.create("http://127.0.0.1:" + server.getAddress().getPort());
            shell.run("tar", "xzf", tarball.toString(), "-C", Files.createDirectory(scratch.resolve("apk")).toString());
            for (int n = 1; n <= rounds; n++) {
                double ours = seconds(() -> install(place, scratch));
                double theirs = seconds(() -> apk(shell, place, tarball, scratch));
                System.out.printf(Locale.ROOT, "round %d%s: real apk %.2f s, this project %.2f s, ratio %.2f%n", n, n == 1 ? " (cold JVM)" : "",
                        theirs, ours, ours / theirs);
            }
        } finally {
            server.stop(0);
            Trees.delete(scratch);
        }
        return 0;
    }

    private static double seconds(Runnable work) {
        long start = System.nanoTime();
        work.run();
        return (System.nanoTime() - start) / 1e9;
    }

    private HttpServer serve() throws IOException {
        System.setProperty("sun.net.httpserver.nodelay", "true");
        HttpServer server = HttpServer.create(new InetSocketAddress("127.0.0.1", 0), 0);
        server.setExecutor(Executors.newFixedThreadPool(8, work -> {
            Thread thread = new Thread(work);
            thread.setDaemon(true);
            return thread;
        }));
        server.createContext("/", exchange -> {
            try (exchange) {
                Path file = mirror.resolve(exchange.getRequestURI().getPath().substring(1));
                if (Files.isRegularFile(file)) {
                    exchange.sendResponseHeaders(200, Files.size(file));
                    Files.copy(file, exchange.getResponseBody());
                } else {
                    exchange.sendResponseHeaders(404, -1);
                }
            }
        });
        server.start();
        return server;
    }

    private static void install(URI place, Path scratch) {
        Path root = scratch.resolve("root");
        Path cacheFolder = scratch.resolve("cache");
        Stream.of(root, cacheFolder).forEach(Trees::delete);
        try (Console console = Console.plain(new PrintStream(new ByteArrayOutputStream()))) {
            Cache cache = new Cache(cacheFolder, line -> { });
            List<Config.Line> lines = new ArrayList<>();
            PACKAGES.forEach(name -> lines.add(new Config.Line("packages.list", lines.size() + 1, name)));
            new Alpine(new Config.Alpine("3.19.4", "x86_64", List.of(place), lines, List.of(), scratch.resolve("keys"), 1_735_689_600L),
                    BuildLock.Use.of(cacheFolder.resolve("build.lock"), BuildLock.Mode.USE),
                    new Tools(console, new Shell(console), cache, new Download(console, cache, false))).installInto(root);
        }
    }

    private static void apk(Shell shell, URI place, Path tarball, Path scratch) {
        Path root = scratch.resolve("root");
        Path mini = scratch.resolve("apk");
        Trees.delete(root);
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
