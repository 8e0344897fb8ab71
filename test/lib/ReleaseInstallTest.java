package lib;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import com.sun.net.httpserver.HttpServer;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.OutputStream;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.stream.IntStream;
import java.util.zip.GZIPOutputStream;
import java.util.zip.ZipEntry;
import java.util.zip.ZipOutputStream;
import lib.tool.Digest;
import lib.tool.Failure;
import lib.tool.Shell;
import lib.tool.Tools;
import lib.tool.Trees;
import org.junit.jupiter.api.Assumptions;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class ReleaseInstallTest {
    private static final String LINE = "release:tool:file:tool:1.0:install";

    @TempDir
    Path folder;
    private Tools tools;
    private RootTree root;
    private Path program;
    private BuildLock.Use lock;

    @BeforeEach
    void program() throws IOException {
        tools = TestTools.in(folder);
        root = new RootTree(Files.createDirectories(folder.resolve("root")));
        lock = BuildLock.Use.of(folder.resolve("build.lock"), BuildLock.Mode.USE);
        program = Files.write(folder.resolve("tool"), elf(62, 2, 2, false));
    }

    @Test
    void a_release_is_installed_from_an_archive_or_as_it_is() throws IOException {
        Assumptions.assumeTrue(Shell.which("zstd").isPresent() && Shell.which("xz").isPresent(), "zstd or xz is not installed");
        Files.createDirectories(folder.resolve("bin"));
        Files.copy(program, folder.resolve("bin/hello"));
        try (OutputStream out = new GZIPOutputStream(Files.newOutputStream(folder.resolve("tool.gz")))) {
            Files.copy(program, out);
        }
        tar("-czf", "tool.tar.gz");
        tar("-cJf", "tool.tar.xz");
        tar("--zstd", "-cf", "tool.tar.zst");
        try (ZipOutputStream zip = new ZipOutputStream(Files.newOutputStream(folder.resolve("tool.zip")))) {
            zip.putNextEntry(new ZipEntry("bin/hello"));
            Files.copy(program, zip);
            zip.putNextEntry(new ZipEntry("README"));
        }

        install("release:a:file:tool:1.0:install:rename=renamed", "release:b:file:tool.gz:1.0:install",
                "release:c:file:tool.tar.xz:1.0:install:path=bin/hello:install=/opt/c/run", "release:d:tool.tar.gz:1.0:install",
                "release:hello:file:tool.tar.zst:1.0:install", "release z file:tool.zip 1.0 install_z path=bin/hello");

        for (String path : List.of("usr/bin/renamed", "usr/bin/b", "opt/c/run", "usr/bin/d", "usr/bin/hello", "usr/bin/z")) {
            assertThat(folder.resolve("root").resolve(path)).hasSameBinaryContentAs(program).isExecutable();
        }
        assertThatThrownBy(() -> install("release:x:file:tool.zip:1.0:install")).hasMessageContaining("which file of the archive")
                .extracting(e -> ((Failure) e).hint()).asString().contains("README bin/hello");
    }

    @Test
    void another_name_takes_another_program_of_the_same_archive() throws IOException {
        Files.createDirectories(folder.resolve("bin"));
        Files.copy(program, folder.resolve("bin/one"));
        Files.write(folder.resolve("bin/two"), elf(62, 2, 3, false));
        tar("-czf", "pack.tar.gz");
        install("release:one:file:pack.tar.gz:1.0:install:install=/usr/bin/tool");
        assertThat(folder.resolve("root/usr/bin/tool")).hasSameBinaryContentAs(folder.resolve("bin/one"));

        install("release:two:file:pack.tar.gz:1.0:install:install=/usr/bin/tool");
        assertThat(folder.resolve("root/usr/bin/tool")).hasSameBinaryContentAs(folder.resolve("bin/two"));
    }

    @Test
    void a_release_with_other_bytes_than_its_sha256_is_refused() {
        assertThatThrownBy(() -> install(LINE + ":sha256=" + "0".repeat(64))).hasMessageContaining("wrong checksum")
                .hasMessageContaining("expected " + "0".repeat(64)).hasMessageContaining("found    " + Digest.sha256(program));
        install(LINE + ":sha256=" + Digest.sha256(program).toUpperCase(java.util.Locale.ROOT));
    }

    @Test
    void a_release_whose_bytes_changed_is_an_error_that_shows_both_hashes() throws IOException {
        install(LINE);
        String before = Digest.sha256(program);
        Files.write(program, elf(62, 2, 3, false));
        String after = Digest.sha256(program);

        for (BuildLock.Mode mode : BuildLock.Mode.values()) {
            assertThatThrownBy(() -> components(BuildLock.Use.of(lock.file(), mode), LINE).installInto(root)).hasMessageContaining("has other bytes than before")
                    .hasMessageContaining("locked " + before).hasMessageContaining("found  " + after)
                    .extracting(e -> ((Failure) e).hint()).asString().contains("--update-lock=tool");
        }
        components(new BuildLock.Use(lock.file(), BuildLock.Mode.UPDATE, java.util.Optional.of("tool")), LINE).installInto(root);
        assertThat(BuildLock.read(lock.file()).entry("components", "tool").orElseThrow().path("sha256").asText()).isEqualTo(after);
        install(LINE);
    }

    @Test
    void a_server_is_asked_once_and_again_only_for_a_cold_cache(@TempDir Path other) throws IOException {
        AtomicInteger requests = new AtomicInteger();
        HttpServer server = HttpServer.create(new InetSocketAddress(InetAddress.getLoopbackAddress(), 0), 0);
        server.createContext("/", exchange -> {
            requests.incrementAndGet();
            byte[] bytes = Files.readAllBytes(program);
            exchange.sendResponseHeaders(200, bytes.length);
            exchange.getResponseBody().write(bytes);
            exchange.close();
        });
        server.start();
        try {
            String line = "release tool http://127.0.0.1:" + server.getAddress().getPort() + "/tool 1.0 install";
            install(line);
            install(line);
            assertThat(requests).hasValue(1);

            Files.write(program, elf(62, 2, 3, false));
            assertThatThrownBy(() -> new Components(sources(line), toolchain("x86_64"), lock, TestTools.in(other), false, 1).installInto(root))
                    .hasMessageContaining("has other bytes than before").hasMessageContaining("found  " + Digest.sha256(program));
            server.stop(0);
            install(line);
        } finally {
            server.stop(0);
        }
    }

    @Test
    void offline_a_release_that_was_never_fetched_is_one_clear_error(@TempDir Path other) {
        Tools offline = TestTools.in(other, new ByteArrayOutputStream(), true);

        assertThatThrownBy(() -> new Components(sources("release:x:https://127.0.0.1:1/x:1:install"), toolchain("x86_64"), lock, offline, true, 1).installInto(root))
                .hasMessageContaining("--offline forbids").hasMessageContaining("https://127.0.0.1:1/x");
    }

    @Test
    void what_cannot_run_in_the_image_is_refused() throws IOException {
        refuses(new byte[0], "is empty");
        refuses("#!/bin/sh\n".getBytes(java.nio.charset.StandardCharsets.US_ASCII), "is not a program: it has no ELF header");
        refuses(elf(183, 2, 2, false), "is for another machine: ELF machine 183 with 64 bits");
        refuses(elf(62, 2, 1, false), "is not executable");
        refuses(elf(62, 2, 2, true), "is not static: it needs /lib/ld.so");
        assertThat(folder.resolve("root/usr/bin/tool")).doesNotExist();
    }

    @Test
    void the_version_of_a_program_is_asked_as_nobody_without_a_network() throws IOException {
        assertThat(version("echo tool 1.2.3-rc1 of today")).isIn("1.2.3-rc1", "");
        Assumptions.assumeFalse(version("echo 1.0").isEmpty(), "this machine does not allow namespaces");
        assertThat(version("echo tool; exit 1")).isEmpty();
        assertThat(version("echo no number")).isEmpty();
        assertThat(version("exec sleep 60")).isEmpty();
        assertThat(version("read line && exit 1; echo v1.$(grep -c : /proc/net/dev)")).isEqualTo("1.1");
        assertThat(version("echo 1.$$")).isEqualTo("1.1");
        assertThat(new ProgramCheck("riscv64-unknown-linux-musl", tools).version(program)).isEmpty();
    }

    private String version(String script) throws IOException {
        Path file = Files.writeString(folder.resolve("script"), "#!/bin/sh\n[ \"$1\" = --version ] || exit 2\n" + script + "\n");
        return new ProgramCheck(toolchain(System.getProperty("os.arch").replace("amd64", "x86_64")).target(), tools).version(file);
    }

    private void refuses(byte[] content, String why) throws IOException {
        Files.write(program, content);
        Trees.delete(lock.file());
        assertThatThrownBy(() -> install(LINE)).hasMessageContaining("sources.conf:1: tool " + why);
    }

    /** The smallest ELF file with one segment: a loadable one, or the name of a loader. */
    private static byte[] elf(int machine, int bits, int type, boolean dynamic) {
        ByteBuffer file = ByteBuffer.allocate(160).order(ByteOrder.LITTLE_ENDIAN);
        file.put(new byte[] {0x7f, 'E', 'L', 'F', (byte) bits, 1, 1}).position(16);
        file.putShort((short) type).putShort((short) machine).putInt(1).putLong(0x400000).putLong(64).putLong(0).putInt(0).putShort((short) 64)
                .putShort((short) 56).putShort((short) 1).putShort((short) 64).putShort((short) 0).putShort((short) 0);
        file.putInt(dynamic ? 3 : 1).putInt(5).putLong(120).putLong(0).putLong(0).putLong(16).putLong(16).putLong(1);
        file.put("/lib/ld.so\0".getBytes(java.nio.charset.StandardCharsets.US_ASCII));
        return file.array();
    }

    private void tar(String... arguments) {
        List<String> argv = java.util.stream.Stream.of(List.of("tar"), List.of(arguments), List.of("-C", folder.toString(), "bin")).flatMap(List::stream).toList();
        tools.shell().run(Shell.Command.of(argv).in(folder));
    }

    private List<Components.Built> install(String... lines) {
        return components(lock, lines).installInto(root);
    }

    private Components components(BuildLock.Use use, String... lines) {
        return new Components(sources(lines), toolchain("x86_64"), use, tools, false, 2);
    }

    private static List<Source> sources(String... lines) {
        return Source.all(IntStream.range(0, lines.length).mapToObj(i -> new Config.Line("sources.conf", i + 1, lines[i])).toList(), "x86_64");
    }

    private Config.Toolchain toolchain(String machine) {
        return new Config.Toolchain(machine + "-unknown-linux-musl", folder, 1_700_000_000L);
    }
}
