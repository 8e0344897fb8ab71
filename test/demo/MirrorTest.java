package demo;

import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.stream.Stream;
import lib.tool.Digest;
import lib.tool.Shell;
import lib.tool.Tools;
import lib.tool.User;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** The mirror in the eyes of the real apk. */
class MirrorTest {
    @TempDir
    Path scratch;

    private final Path sources = RealApk.project().resolve("demo");
    private final SigningKey key = SigningKey.generate("mos-builder-demo.rsa.pub");
    private Tools tools;
    private Path mirror;

    @BeforeEach
    void makeMirror() {
        assumeTrue(Shell.which("apt-get").isPresent() && Shell.which("dpkg-deb").isPresent(), "the mirror is made of packages of Debian or Ubuntu");
        assumeTrue(System.getProperty("os.arch").equals("amd64"), "the mirror is for x86_64");
        tools = DemoTest.tools();
        mirror = written("mirror");
    }

    private Path written(String name) {
        Mirror made = new Mirror(sources, tools);
        made.write(scratch.resolve(name), made.debs(), key);
        return scratch.resolve(name).resolve("v1.0");
    }

    private Path miniroot() throws IOException, InterruptedException {
        Path root = Files.createDirectories(scratch.resolve("root"));
        RealApk.Run tar = RealApk.run(List.of("tar", "xpzf", mirror.resolve("releases/x86_64/alpine-minirootfs-1.0.0-x86_64.tar.gz").toString(),
                "-C", root.toString()));
        assertThat(tar.exitCode()).as(tar.text()).isZero();
        return root;
    }

    private RealApk.Run apk(Path root, String... arguments) throws IOException, InterruptedException {
        List<String> all = Stream.concat(Stream.of("--root", root.toString(), "--keys-dir", root.resolve("etc/apk/keys").toString(),
                "--repository", mirror.resolve("main").toString(), "--repository", mirror.resolve("community").toString()), Stream.of(arguments)).toList();
        return RealApk.unpackedInto(scratch).apk(all.toArray(String[]::new));
    }

    @Test
    void the_real_apk_finds_the_minirootfs_consistent() throws Exception {
        Path root = miniroot();
        assertThat(apk(root, "audit", "--system").text()).isEmpty();
        assertThat(apk(root, "info").text().lines().sorted()).containsExactly("alpine-baselayout", "alpine-baselayout-data", "alpine-keys",
                "alpine-release", "busybox", "busybox-binsh");
        RealApk.Run fix = apk(root, "fix", "--simulate");
        assertThat(fix.text()).as("nothing to repair").startsWith("OK:");
        assertThat(Files.readString(root.resolve("etc/shadow"))).contains("root:::0");
        assertThat(Files.readSymbolicLink(root.resolve("sbin/modprobe"))).hasToString("/bin/busybox");
    }

    @Test
    void the_real_apk_chooses_by_priority_and_condition() throws Exception {
        RealApk.Run add = apk(miniroot(), "add", "--simulate", "jq", "demo-www");
        assertThat(add.text()).contains("Installing www-theme-dark (1.0-r0)").contains("Installing demo-www-jq (1.2-r0)")
                .contains("Installing libc6 ").doesNotContain("www-theme-plain");
        assertThat(add.text().indexOf("oniguruma")).as(add.text()).isBetween(0, add.text().indexOf("jq-libs"));
        assertThat(apk(scratch.resolve("root"), "add", "--simulate", "demo-www").text()).doesNotContain("demo-www-jq");
    }

    @Test
    void the_real_apk_installs_all_and_what_is_installed_runs() throws Exception {
        assumeTrue(User.isRoot(), "package scripts run in a changed root: root is needed");
        Path root = miniroot();
        RealApk.Run add = apk(root, "add", "demo-facts");
        assertThat(add.exitCode()).as(add.text()).isZero();
        assertThat(apk(root, "audit", "--system").text()).isEmpty();
        assertThat(Files.readString(root.resolve("srv/www/index.html"))).contains("It boots").contains("facts.json");
        assertThat(root.resolve("srv/www/version.txt")).hasContent("demo-www 1.2-r0");
        assertThat(root.resolve("srv/www/style.css")).content().contains("color: white");
        assertThat(Files.getAttribute(root.resolve("srv/www"), "unix:uid")).isEqualTo(800);
        assertThat(Files.getAttribute(root.resolve("etc/shadow"), "unix:gid")).isEqualTo(42);
        RealApk.Run facts = RealApk.run(List.of("chroot", root.toString(), "/usr/bin/demo-facts", "/tmp/facts.json"));
        assertThat(facts.text()).contains("\"release\":\"1.0.0\"");
        assertThat(facts.exitCode()).isZero();
    }

    @Test
    void the_same_inputs_give_the_same_bytes() throws Exception {
        assertThat(digests(written("again"))).hasSizeGreaterThan(15).isEqualTo(digests(mirror));
    }

    private static Map<String, String> digests(Path folder) throws IOException {
        Map<String, String> digests = new TreeMap<>();
        try (Stream<Path> all = Files.walk(folder)) {
            all.filter(Files::isRegularFile).forEach(file -> digests.put(folder.relativize(file).toString(), Digest.sha256(file)));
        }
        return digests;
    }
}
