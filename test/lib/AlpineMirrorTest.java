package lib;

import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.LinkOption;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.concurrent.TimeUnit;
import java.util.stream.Stream;
import lib.apk.Oracle;
import lib.apk.Snapshot;
import lib.tool.Cache;
import lib.tool.Console;
import lib.tool.Download;
import lib.tool.Shell;
import lib.tool.Tools;
import lib.tool.User;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Real packages on the real miniroot: the tree that phase 2 makes and the one that the real apk makes are the same, path by path. */
class AlpineMirrorTest {
    private static final List<String> PACKAGES = List.of("dhcpcd", "openssh", "e2fsprogs", "eudev", "dosfstools", "zstd", "pciutils", "jq", "sgdisk",
            "efibootmgr", "ca-certificates", "doas", "coreutils", "mdev-conf");
    private static final long EPOCH = 1_735_689_600L;

    @TempDir
    Path scratch;
    private final Shell shell = new Shell(Console.plain(System.err));
    private Path theirs;
    private Oracle oracle;

    @BeforeEach
    void installWithApk() throws IOException {
        assumeTrue(Oracle.isRoot(), "only root can compare owners");
        oracle = Oracle.unpackedInto(scratch.resolve("apk"), shell);
        theirs = oracle.miniroot(scratch.resolve("theirs"));
        Path mirror = TestProject.shared("alpine-mirror/v3.19");
        List<String> argv = new ArrayList<>(List.of("add"));
        argv.addAll(PACKAGES);
        Shell.Result result = oracle.install(theirs, List.of(mirror.resolve("main").toString(), mirror.resolve("community").toString()),
                oracle.folder().resolve("etc/apk/keys"), argv.toArray(String[]::new));
        assertThat(result.exitCode()).isZero();
        settle(theirs);
    }

    /** The one intended difference: the day of account changes is that of SOURCE_DATE_EPOCH. */
    private static void settle(Path root) throws IOException {
        Path shadow = root.resolve("etc/shadow");
        Files.writeString(shadow, Files.readString(shadow).replaceAll("(?m)^(dhcpcd:!:)\\d+:", "$1" + EPOCH / 86400 + ":"));
    }

    /** Installs into {@code root}; the other process of the test as an ordinary user does the same. */
    static void install(Path mirror, Path root, Path cache) {
        Console console = Console.plain(System.err);
        List<Config.Line> lines = PACKAGES.stream().map(name -> new Config.Line("packages.list", PACKAGES.indexOf(name) + 1, name)).toList();
        new Alpine(new Config.Alpine("3.19", "x86_64", List.of(mirror.toUri()), lines, List.of(), cache.resolve("keys"), EPOCH),
                BuildLock.Use.of(cache.resolve("build.lock"), BuildLock.Mode.USE),
                new Tools(console, new Shell(console), new Cache(cache, line -> { }), new Download(console, new Cache(cache, line -> { }), false)))
                .installInto(root);
    }

    /** In the user's namespace: installs and writes down what is there. */
    public static void main(String... folders) throws IOException {
        Path root = Path.of(folders[1]);
        install(Path.of(folders[0]), root, Path.of(folders[2]));
        StringBuilder text = new StringBuilder();
        Snapshot.of(root).forEach((path, what) -> text.append(path).append('\t').append(what).append('\n'));
        Files.writeString(Path.of(folders[3]), text);
    }

    @Test
    void as_root() {
        Path ours = scratch.resolve("ours");
        install(TestProject.shared("alpine-mirror"), ours, scratch.resolve("cache"));
        assertThat(Snapshot.differences(theirs, ours)).isEmpty();
        assertThat(ours.resolve("dev")).isEmptyDirectory();
        Shell.Result audit = oracle.apk(ours, List.of(), oracle.folder().resolve("etc/apk/keys"), "audit", "--system");
        assertThat(audit.text()).isEmpty();
        assertThat(audit.exitCode()).isZero();
    }

    @Test
    void as_an_ordinary_user() throws IOException {
        assumeTrue(User.isRoot() && Files.exists(Path.of("/etc/subuid")) && Files.exists(Path.of("/etc/subgid")), "only root can give a user subordinate ids");
        assumeTrue(shell.attempt(asNobody("true")).exitCode() == 0, "user namespaces are not allowed here");
        Path home = Files.createDirectory(scratch.resolve("home"));
        Files.setPosixFilePermissions(scratch, PosixFilePermissions.fromString("rwxr-xr-x"));
        shell.run("chown", "nobody", home.toString());
        Path snapshot = home.resolve("snapshot");
        shell.run(asNobody(Path.of(System.getProperty("java.home"), "bin", "java").toString(), "-Dsun.jnu.encoding=UTF-8", "-cp", readableClasses(),
                "lib.AlpineMirrorTest", TestProject.shared("alpine-mirror").toString(), home.resolve("root").toString(), home.resolve("cache").toString(),
                snapshot.toString()).in(home));
        Map<String, String> found = new TreeMap<>();
        for (String line : Files.readAllLines(snapshot, StandardCharsets.UTF_8)) {
            found.put(line.substring(0, line.indexOf('\t')), line.substring(line.indexOf('\t') + 1));
        }
        assertThat(found).containsExactlyInAnyOrderEntriesOf(Snapshot.of(theirs));
    }

    /** The command in a user namespace of nobody, whose subordinate ids are seen by this one process tree only. */
    private Shell.Command asNobody(String... argv) throws IOException {
        Path ranges = Files.writeString(scratch.resolve("ranges"), "nobody:200000:65536\n");
        List<String> all = new ArrayList<>(List.of("unshare", "--mount", "sh", "-c",
                "mount --bind \"$1\" /etc/subuid && mount --bind \"$1\" /etc/subgid && shift && exec runuser -u nobody -- \"$@\"", "sh", ranges.toString(),
                "unshare", "--map-root-user", "--map-auto", "--"));
        all.addAll(List.of(argv));
        return Shell.Command.of(all);
    }

    @Test
    void a_build_killed_at_any_moment_and_two_at_once_leave_a_good_cache() throws IOException, InterruptedException {
        Path mirror = TestProject.shared("alpine-mirror");
        Path cache = scratch.resolve("cache");
        for (int milliseconds : new int[] {700, 1100, 1600}) {
            Process process = build(mirror, scratch.resolve("killed" + milliseconds), cache);
            process.waitFor(milliseconds, TimeUnit.MILLISECONDS);
            process.destroyForcibly().waitFor();
        }
        List<Path> roots = List.of(scratch.resolve("one"), scratch.resolve("two"));
        List<Process> builds = new ArrayList<>();
        for (Path root : roots) {
            builds.add(build(mirror, root, cache));
        }
        for (Process process : builds) {
            int exitCode = process.waitFor();
            assertThat(exitCode).as(Files.readString(Path.of(roots.get(builds.indexOf(process)) + ".log"))).isZero();
        }
        for (Path root : roots) {
            assertThat(Snapshot.differences(theirs, root)).isEmpty();
        }
    }

    private Process build(Path mirror, Path root, Path cache) throws IOException {
        return new ProcessBuilder(Path.of(System.getProperty("java.home"), "bin", "java").toString(), "-Dsun.jnu.encoding=UTF-8", "-cp",
                System.getProperty("java.class.path"), "lib.AlpineMirrorTest", mirror.toString(), root.toString(), cache.toString(),
                root + ".snapshot").redirectErrorStream(true).redirectOutput(Path.of(root + ".log").toFile()).start();
    }

    /** The class path of this process, copied to where any user can read it. */
    private String readableClasses() throws IOException {
        Path folder = Files.createDirectory(scratch.resolve("classes"));
        List<String> copies = new ArrayList<>();
        for (String entry : System.getProperty("java.class.path").split(":")) {
            Path from = Path.of(entry);
            Path to = folder.resolve(copies.size() + "-" + from.getFileName());
            try (Stream<Path> files = Files.walk(from)) {
                for (Path file : files.toList()) {
                    Path target = to.resolve(from.relativize(file).toString());
                    Files.copy(file, Files.isDirectory(from) ? target : to, LinkOption.NOFOLLOW_LINKS);
                }
            }
            copies.add(to.toString());
        }
        return String.join(":", copies);
    }
}
