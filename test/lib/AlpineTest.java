package lib;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import com.sun.net.httpserver.HttpServer;
import demo.ApkPackage;
import demo.ApkWriter;
import demo.SigningKey;
import demo.TarEntry;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.PrintStream;
import java.net.InetSocketAddress;
import java.net.URI;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.TreeMap;
import lib.BuildLock.Mode;
import lib.apk.Plan;
import lib.tool.Cache;
import lib.tool.Console;
import lib.tool.Download;
import lib.tool.Failure;
import lib.tool.Shell;
import lib.tool.Tools;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Phase 2 on the real mirror where it is there, and on a small one made here: miniroot without programs, two branches of packages. */
class AlpineTest {
    @TempDir
    Path scratch;
    private final ByteArrayOutputStream screen = new ByteArrayOutputStream();
    private final SigningKey key = SigningKey.generate("test.rsa.pub");
    private final ApkWriter writer = new ApkWriter(key);
    private final Map<String, String> stanzas = new TreeMap<>();
    private Path mirror;

    @BeforeEach
    void mirror() throws IOException {
        assumeTrue("root".equals(System.getProperty("user.name")), "installing needs user id 0");
        mirror = scratch.resolve("mirror");
        Path keys = Files.createDirectories(scratch.resolve("mini/etc/apk/keys"));
        Files.createDirectories(scratch.resolve("mini/lib/apk/db"));
        Files.writeString(scratch.resolve("mini/etc/apk/world"), "");
        Files.writeString(scratch.resolve("mini/lib/apk/db/installed"), "");
        Files.writeString(keys.resolve("test.rsa.pub"), key.publicPem());
        Path releases = Files.createDirectories(mirror.resolve("v3.19/releases/x86_64"));
        for (String release : List.of("3.19.3", "3.19.10")) {
            Path tarball = releases.resolve("alpine-minirootfs-" + release + "-x86_64.tar.gz");
            shell().run("tar", "czf", tarball.toString(), "-C", scratch.resolve("mini").toString(), ".");
            Files.writeString(Path.of(tarball + ".sha256"), lib.tool.Digest.sha256(tarball) + "  " + tarball.getFileName() + "\n");
        }
        put("community");
        put("main", hello("1.0-r0"), pkg("libx", "1-r0").with("provides", "so:libx.so.1=1").with(TarEntry.file("usr/lib/libx.so.1", 0755, "x")).tidy());
    }

    private static ApkPackage pkg(String name, String version) {
        return ApkPackage.of(name, version, "x86_64", 1_700_000_000).with("license", "MIT").with("origin", name);
    }

    private static ApkPackage hello(String version) {
        return pkg("hello", version).with("depend", "so:libx.so.1").with(TarEntry.file("usr/bin/hello", 0755, version)).tidy();
    }

    private void put(String repository, ApkPackage... packages) {
        Path folder = mirror.resolve("v3.19/" + repository + "/x86_64");
        Map<String, String> lines = repository.equals("main") ? stanzas : new TreeMap<>();
        for (ApkPackage one : packages) {
            ApkWriter.Apk apk = writer.write(one);
            write(folder.resolve(one.name() + "-" + one.version() + ".apk"), apk.bytes());
            lines.put(one.name(), writer.stanza(one, apk));
        }
        write(folder.resolve("APKINDEX.tar.gz"), writer.index(repository, List.copyOf(lines.values())));
    }

    private static void write(Path file, byte[] bytes) {
        try {
            Files.createDirectories(file.getParent());
            Files.write(file, bytes);
        } catch (IOException e) {
            throw new IllegalStateException(e);
        }
    }

    private Console console() {
        return Console.plain(new PrintStream(screen, true, StandardCharsets.UTF_8));
    }

    private Shell shell() {
        return new Shell(console());
    }

    private Alpine alpine(URI place, String version, Mode mode, String... packages) {
        return alpine(List.of(place), version, new BuildLock.Use(scratch.resolve("build.lock"), mode, Optional.empty()), false, packages);
    }

    private Alpine alpine(List<URI> places, String version, BuildLock.Use use, boolean offline, String... packages) {
        List<Config.Line> lines = new ArrayList<>();
        for (String text : packages) {
            lines.add(new Config.Line("config/packages.list", lines.size() + 1, text));
        }
        Cache cache = new Cache(scratch.resolve("cache"), line -> { });
        return new Alpine(new Config.Alpine(version, "x86_64", places, lines, List.of(), scratch.resolve("keys"), 1_735_689_600L), use,
                new Tools(console(), shell(), cache, new Download(console(), cache, offline)));
    }

    private Alpine local(Mode mode, String... packages) {
        return alpine(mirror.toUri(), "3.19", mode, packages);
    }

    private Path root() {
        Path root = scratch.resolve("root");
        lib.tool.Trees.delete(root);
        return root;
    }

    @Test
    void a_branch_is_its_newest_release_and_everything_installed_is_listed() {
        Path root = root();
        Alpine.Installed installed = local(Mode.USE, "hello").installInto(root);
        assertThat(installed.release()).isEqualTo("3.19.10");
        assertThat(installed.packages()).extracting(Alpine.InstalledPackage::name).containsExactly("hello", "libx");
        assertThat(installed.packages().get(0).files()).containsExactly("usr/bin/hello");
        assertThat(installed.packages().get(0).license()).isEqualTo("MIT");
        assertThat(installed.packages().get(0).repository()).isEqualTo("main");
        assertThat(root.resolve("usr/bin/hello")).hasContent("1.0-r0");
        assertThat(root.resolve("etc/apk/world")).hasContent("hello");
    }

    @Test
    void the_plan_gives_reasons_and_installs_nothing() {
        Plan plan = local(Mode.USE, "hello").plan();
        assertThat(plan.steps()).extracting(Plan.Step::reason).containsExactly("hello needs so:libx.so.1", "packages.list:1 asks for hello");
        assertThat(scratch.resolve("build.lock")).doesNotExist();
    }

    @Test
    void the_lock_keeps_versions_until_it_is_updated() {
        local(Mode.USE, "hello").installInto(root());
        String lock = lib.tool.Trees.read(scratch.resolve("build.lock"));
        assertThat(lock).contains("\n    {\"name\":\"hello\",\"version\":\"1.0-r0\",\"repository\":\"main\",\"checksum\":\"Q1");
        put("main", pkg("more", "1-r0").with(TarEntry.file("more", 0644, "m")));
        local(Mode.USE, "hello").installInto(root());
        assertThat(lib.tool.Trees.read(scratch.resolve("build.lock"))).isEqualTo(lock);
        local(Mode.LOCKED, "hello").installInto(root());
        assertThatThrownBy(() -> local(Mode.LOCKED, "hello", "more").plan()).isInstanceOf(Failure.class)
                .hasMessageContaining("disagree: not locked: more");
        local(Mode.USE, "hello", "more").installInto(root());
        assertThat(screen.toString(StandardCharsets.UTF_8)).contains("+ more 1-r0");
        put("main", hello("2.0-r0"));
        local(Mode.UPDATE, "hello", "more").installInto(root());
        assertThat(screen.toString(StandardCharsets.UTF_8)).contains("hello 1.0-r0 -> 2.0-r0");
        assertThat(scratch.resolve("root/usr/bin/hello")).hasContent("2.0-r0");
    }

    @Test
    void one_name_is_updated_and_the_others_stay() {
        local(Mode.USE, "hello").installInto(root());
        put("community", hello("2.0-r0"), pkg("libx", "2-r0").with("provides", "so:libx.so.1=2").with(TarEntry.file("usr/lib/libx.so.1", 0755, "y")).tidy());
        BuildLock.Use use = new BuildLock.Use(scratch.resolve("build.lock"), Mode.UPDATE, Optional.of("hello"));

        Alpine.Installed installed = alpine(List.of(mirror.toUri()), "3.19", use, false, "hello").installInto(root());

        assertThat(installed.packages()).extracting(one -> one.name() + " " + one.version() + " " + one.repository())
                .containsExactly("hello 2.0-r0 community", "libx 1-r0 main");
        assertThat(screen.toString(StandardCharsets.UTF_8)).contains("hello 1.0-r0 -> 2.0-r0").doesNotContain("libx 1-r0 ->");
    }

    @Test
    void the_release_stays_until_it_is_updated_itself() throws IOException {
        assertThat(local(Mode.USE, "hello").installInto(root()).release()).isEqualTo("3.19.10");
        Path releases = mirror.resolve("v3.19/releases/x86_64");
        Path newer = Files.copy(releases.resolve("alpine-minirootfs-3.19.10-x86_64.tar.gz"), releases.resolve("alpine-minirootfs-3.19.11-x86_64.tar.gz"));
        Files.writeString(Path.of(newer + ".sha256"), lib.tool.Digest.sha256(newer) + "  " + newer.getFileName() + "\n");

        for (String name : List.of("hello", "alpine")) {
            BuildLock.Use use = new BuildLock.Use(scratch.resolve("build.lock"), Mode.UPDATE, Optional.of(name));
            assertThat(alpine(List.of(mirror.toUri()), "3.19", use, false, "hello").installInto(root()).release()).isEqualTo(name.equals("hello") ? "3.19.10" : "3.19.11");
        }
        assertThat(BuildLock.read(scratch.resolve("build.lock")).section("alpine").orElseThrow().path("release").asText()).isEqualTo("3.19.11");
    }

    @Test
    void what_is_locked_stays_when_the_index_has_moved_on_and_lines_have_moved() {
        local(Mode.USE, "hello").installInto(root());
        put("main", hello("2.0-r0"));

        BuildLock.Use use = BuildLock.Use.of(scratch.resolve("build.lock"), Mode.LOCKED);
        List<Config.Line> moved = List.of(new Config.Line("config/packages.list", 7, "hello"));
        Config.Alpine config = new Config.Alpine("3.19", "x86_64", List.of(mirror.toUri()), moved, List.of(), scratch.resolve("keys"), 1_735_689_600L);
        Alpine.Installed installed = new Alpine(config, use, TestTools.in(scratch)).installInto(root());

        assertThat(installed.packages()).extracting(one -> one.name() + " " + one.version() + " " + one.reason())
                .containsExactly("hello 1.0-r0 packages.list:7 asks for hello", "libx 1-r0 hello needs so:libx.so.1");
    }

    @Test
    void a_relative_path_in_repositories_starts_at_the_folder_that_holds_config() {
        Config.Line line = new Config.Line("config/repositories", 1, "@own packages");
        Config.Alpine config = new Config.Alpine("3.19", "x86_64", List.of(mirror.toUri()), List.of(), List.of(line), scratch.resolve("workspace/config/keys"), 0);

        assertThat(new Alpine(config, BuildLock.Use.of(scratch.resolve("build.lock"), Mode.USE), new Tools(console(), shell(), null, null)).repositories())
                .last().satisfies(own -> assertThat(own.places()).containsExactly(scratch.resolve("workspace/packages").toUri()));
    }

    @Test
    void another_name_than_that_of_a_package_leaves_the_packages_as_they_are() {
        local(Mode.USE, "hello").installInto(root());
        put("community", hello("2.0-r0"));
        BuildLock.Use use = new BuildLock.Use(scratch.resolve("build.lock"), Mode.UPDATE, Optional.of("my_init"));

        assertThat(alpine(List.of(mirror.toUri()), "3.19", use, false, "hello").plan().packages()).extracting(one -> one.name() + " " + one.version())
                .contains("hello 1.0-r0");
    }

    @Test
    void unknown_packages_and_malformed_lines_name_their_line() {
        assertThatThrownBy(() -> local(Mode.USE, "hello", "hallo").plan()).hasMessageContaining("packages.list:2: asks for hallo");
        assertThatThrownBy(() -> local(Mode.USE, "hello=bogus").plan()).hasMessageContaining("config/packages.list:1").hasMessageContaining("not a version");
    }

    @Test
    void openrc_is_refused_with_the_reason() {
        put("main", pkg("openrc", "1-r0").with(TarEntry.file("sbin/openrc", 0755, "x")).tidy(),
                pkg("service", "1-r0").with("depend", "openrc").with(TarEntry.file("x", 0644, "x")));
        assertThatThrownBy(() -> local(Mode.USE, "service").installInto(root())).isInstanceOf(Failure.class).hasMessageContaining("service needs openrc");
        assertThat(scratch.resolve("root")).doesNotExist();
    }

    @Test
    void a_wrong_miniroot_and_a_tampered_package_leave_no_tree() throws IOException {
        Path sum = mirror.resolve("v3.19/releases/x86_64/alpine-minirootfs-3.19.3-x86_64.tar.gz.sha256");
        Files.writeString(sum, "0".repeat(64) + "  x\n");
        assertThatThrownBy(() -> alpine(mirror.toUri(), "3.19.3", Mode.USE, "hello").installInto(root())).hasMessageContaining("wrong checksum");
        Path file = mirror.resolve("v3.19/main/x86_64/hello-1.0-r0.apk");
        byte[] bytes = Files.readAllBytes(file);
        bytes[bytes.length - 20] ^= 1;
        Files.write(file, bytes);
        assertThatThrownBy(() -> local(Mode.USE, "hello").installInto(root())).hasMessageContaining("hello-1.0-r0.apk");
        assertThat(scratch.resolve("root")).doesNotExist();
        assertThat(scratch.resolve("build.lock")).doesNotExist();
    }

    @Test
    void fetches_over_http_and_then_works_offline() throws IOException {
        HttpServer server = HttpServer.create(new InetSocketAddress("127.0.0.1", 0), 0);
        server.createContext("/", exchange -> {
            Path file = mirror.resolve(exchange.getRequestURI().getPath().substring(1));
            byte[] bytes = Files.isRegularFile(file) ? Files.readAllBytes(file) : new byte[0];
            exchange.sendResponseHeaders(Files.isRegularFile(file) ? 200 : 404, bytes.length == 0 ? -1 : bytes.length);
            exchange.getResponseBody().write(bytes);
            exchange.close();
        });
        server.start();
        URI place = URI.create("http://127.0.0.1:" + server.getAddress().getPort());
        URI dead = URI.create("http://127.0.0.1:9/");
        BuildLock.Use use = BuildLock.Use.of(scratch.resolve("build.lock"), Mode.USE);
        try {
            alpine(List.of(place, dead), "3.19.3", use, false, "hello").installInto(root());
        } finally {
            server.stop(0);
        }
        alpine(List.of(place), "3.19.3", use, true, "hello").installInto(root());
        assertThat(scratch.resolve("root/usr/bin/hello")).hasContent("1.0-r0");
    }

    @Test
    void a_failing_script_is_named_and_its_output_shown() {
        put("main", pkg("broken", "1-r0").withScript("post-install", "#!/nothing\n").with(TarEntry.folder("dev", 0755)).with(TarEntry.file("x", 0644, "x")));
        assertThatThrownBy(() -> local(Mode.USE, "broken").installInto(root())).isInstanceOf(Failure.class)
                .hasMessageContaining("post-install of package broken-1-r0").hasMessageContaining("exit code 127");
        assertThat(scratch.resolve("build.lock")).doesNotExist();
    }
}
