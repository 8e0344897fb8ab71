package lib;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import com.sun.net.httpserver.HttpServer;
import java.io.IOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.URI;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Map;
import java.util.Optional;
import lib.tool.Digest;
import lib.tool.Failure;
import lib.tool.Shell;
import lib.tool.Tools;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class KernelSourceTest {
    @TempDir
    Path temp;

    private Tools tools;
    private Path configuration;

    @BeforeEach
    void tools() throws IOException {
        tools = TestTools.in(temp);
        configuration = Files.writeString(Files.createDirectories(temp.resolve("config")).resolve("kernel.config"), "CONFIG_A=y\n");
    }

    private KernelSource source(Path tarball) {
        return new KernelSource(new Config.Kernel("6.12.1", Optional.of(tarball.toUri()), "-test", configuration, "x86_64", 1735689600L), tools);
    }

    private Path tarball(String makefile) throws IOException {
        Path tree = Files.createDirectories(temp.resolve("linux-source"));
        Files.writeString(tree.resolve("Makefile"), makefile);
        Files.writeString(tree.resolve("hello.c"), "int hello = 1;\n");
        Path tarball = temp.resolve("linux.tar.gz");
        tools.shell().run("tar", "-czf", tarball.toString(), "-C", temp.toString(), "linux-source");
        return tarball;
    }

    private static final String MAKEFILE = "VERSION = 6\nPATCHLEVEL = 12\nSUBLEVEL = 7\nEXTRAVERSION =\n";

    private void patch(String name, String old, String now) throws IOException {
        Files.writeString(Files.createDirectories(configuration.resolveSibling("kernel-patches")).resolve(name),
                "--- a/hello.c\n+++ b/hello.c\n@@ -1 +1 @@\n-int hello = " + old + ";\n+int hello = " + now + ";\n");
    }

    @Test
    void unpacks_once_and_reads_the_version() throws IOException {
        KernelSource source = source(tarball(MAKEFILE));
        KernelSource.Tree first = source.unpacked();
        assertThat(first.version()).isEqualTo("6.12.7");
        assertThat(first.folder().resolve("hello.c")).hasContent("int hello = 1;\n");
        assertThat(source.unpacked()).isEqualTo(first);
        assertThat(tools.cache().misses()).containsExactly("kernel-source linux");
    }

    @ParameterizedTest
    @ValueSource(strings = {"-z gz", "-j bz2", "-J xz", "--zstd zst"})
    void tarballs_may_be_packed_as_distributions_do_it(String packing) throws IOException {
        String[] words = packing.split(" ");
        assumeTrue(Shell.which(Map.of("gz", "gzip", "bz2", "bzip2", "xz", "xz", "zst", "zstd").get(words[1])).isPresent(), "the program for ." + words[1] + " is not installed");
        tarball(MAKEFILE);
        Path packed = temp.resolve("linux-source-6.12.0.tar." + words[1]);
        tools.shell().run("tar", "-c", words[0], "-f", packed.toString(), "-C", temp.toString(), "linux-source");
        assertThat(source(packed).unpacked().version()).isEqualTo("6.12.7");
    }

    @Test
    void patches_apply_in_name_order_and_make_another_source() throws IOException {
        assumeTrue(Shell.which("patch").isPresent(), "patch is not installed");
        Path tarball = tarball(MAKEFILE);
        KernelSource.Tree plain = source(tarball).unpacked();
        patch("10-first.patch", "1", "2");
        patch("20-second.patch", "2", "3");
        KernelSource.Tree patched = source(tarball).unpacked();
        assertThat(patched.folder().resolve("hello.c")).hasContent("int hello = 3;\n");
        assertThat(Files.getLastModifiedTime(patched.folder().resolve("hello.c")).toInstant().getEpochSecond()).isEqualTo(1735689600L);
        assertThat(patched.key()).isNotEqualTo(plain.key());
        assertThat(plain.folder().resolve("hello.c")).hasContent("int hello = 1;\n");
    }

    @Test
    void a_patch_that_does_not_apply_is_named_and_leaves_no_source_behind() throws IOException {
        assumeTrue(Shell.which("patch").isPresent(), "patch is not installed");
        patch("30-wrong.patch", "7", "8");
        KernelSource source = source(tarball(MAKEFILE));
        assertThatThrownBy(source::unpacked).isInstanceOfSatisfying(Failure.class, failure -> assertThat(failure.what()).contains("30-wrong.patch does not apply", "hello.c"));
        assertThat(temp.resolve("cache/kernel-source")).doesNotExist();
    }

    @Test
    void something_else_than_a_kernel_is_refused() throws IOException {
        KernelSource other = source(tarball("all:\n\techo no kernel\n"));
        assertThatThrownBy(other::unpacked).isInstanceOf(Failure.class).hasMessageContaining("is not the source of a Linux kernel");
        KernelSource text = source(Files.writeString(temp.resolve("text.tar.xz"), "no tarball at all\n".repeat(100)));
        assertThatThrownBy(text::unpacked).isInstanceOf(Failure.class).hasMessageContaining("tar ended with exit code");
    }

    @Test
    void a_tarball_that_was_cut_is_refused() throws IOException {
        Path tarball = tarball(MAKEFILE + "#" + "x".repeat(9000));
        byte[] whole = Files.readAllBytes(tarball);
        Files.write(tarball, java.util.Arrays.copyOf(whole, whole.length / 2));
        KernelSource source = source(tarball);
        assertThatThrownBy(source::unpacked).isInstanceOf(Failure.class).hasMessageContaining("tar ended with exit code");
    }

    @Test
    void the_lock_pins_the_tarball() throws IOException {
        Path file = temp.resolve("build.lock");
        Path tarball = tarball(MAKEFILE);
        assertThatThrownBy(() -> locked(tarball, file, BuildLock.Mode.LOCKED).tarball()).isInstanceOf(Failure.class).hasMessageContaining("says nothing about");
        String sha256 = locked(tarball, file, BuildLock.Mode.USE).tarball().sha256();
        assertThat(file).content().contains("\"kernel\": {\"sha256\":\"" + sha256 + "\",\"source\":\"linux.tar.gz\"}");
        assertThat(locked(tarball, file, BuildLock.Mode.LOCKED).tarball().sha256()).isEqualTo(sha256);

        tarball(MAKEFILE + "# changed\n");
        assertThatThrownBy(() -> locked(tarball, file, BuildLock.Mode.USE).tarball()).isInstanceOf(Failure.class).hasMessageContaining("expected SHA-256 " + sha256);
        assertThat(locked(tarball, file, BuildLock.Mode.UPDATE).tarball().sha256()).isNotEqualTo(sha256);
        assertThat(file).content().doesNotContain(sha256);
    }

    private KernelSource locked(Path tarball, Path lock, BuildLock.Mode mode) {
        return new KernelSource(source(tarball).config(), Optional.of(BuildLock.Use.of(lock, mode)), tools);
    }

    @Test
    void a_release_must_have_the_checksum_that_is_published_beside_it() throws IOException {
        Path release = Files.move(tarball(MAKEFILE), temp.resolve("linux-6.12.7.tar.gz"));
        String sha256 = Digest.sha256(release);
        assertThat(source(release).tarball().sha256()).isEqualTo(sha256);
        Path sums = Files.writeString(temp.resolve("sha256sums.asc"), sha256 + "  linux-6.12.7.tar.gz\n");
        assertThat(source(release).tarball().sha256()).isEqualTo(sha256);

        Files.writeString(sums, "0".repeat(64) + "  linux-6.12.7.tar.gz\n");
        KernelSource other = source(release);
        assertThatThrownBy(other::tarball).isInstanceOf(Failure.class).hasMessageContaining("is not the file that sha256sums.asc beside it names");
        Files.writeString(sums, "0".repeat(64) + "  linux-6.12.8.tar.gz\n");
        assertThatThrownBy(other::tarball).isInstanceOf(Failure.class).hasMessageContaining("sha256sums.asc has no linux-6.12.7.tar.gz");
    }

    @Test
    void a_copy_of_kernel_orgs_folders_is_checked_like_the_original() throws IOException {
        Path release = Files.move(tarball(MAKEFILE), temp.resolve("linux-6.12.7.tar.gz"));
        Path sums = temp.resolve("sha256sums.asc");
        HttpServer server = HttpServer.create(new InetSocketAddress(InetAddress.getLoopbackAddress(), 0), 0);
        server.createContext("/", exchange -> {
            Path file = temp.resolve(exchange.getRequestURI().getPath().replaceFirst(".*/", ""));
            byte[] body = Files.exists(file) ? Files.readAllBytes(file) : new byte[0];
            exchange.sendResponseHeaders(Files.exists(file) ? 200 : 404, body.length == 0 ? -1 : body.length);
            exchange.getResponseBody().write(body);
            exchange.close();
        });
        server.start();
        try {
            URI origin = URI.create("http://127.0.0.1:" + server.getAddress().getPort() + "/v6.x/linux-6.12.7.tar.gz");
            KernelSource source = new KernelSource(new Config.Kernel("6.12.7", Optional.of(origin), "-test", configuration, "x86_64", 1735689600L), tools);
            assertThat(source.tarball().sha256()).isEqualTo(Digest.sha256(release));
            Files.writeString(sums, "0".repeat(64) + "  linux-6.12.7.tar.gz\n");
            assertThatThrownBy(source::tarball).isInstanceOf(Failure.class).hasMessageContaining("0".repeat(64));
            Files.writeString(sums, Digest.sha256(release) + "  linux-6.12.7.tar.gz\n");
            assertThat(source.unpacked().version()).isEqualTo("6.12.7");
        } finally {
            server.stop(0);
        }
    }

    @Test
    void finds_the_published_checksum_of_one_release() {
        String sums = "-----BEGIN PGP SIGNED MESSAGE-----\nHash: SHA256\n\n" + "a".repeat(64) + "  linux-6.12.1.tar.gz\n" + "b".repeat(64)
                + "  linux-6.12.1.tar.xz\n" + "c".repeat(64) + "  linux-6.12.10.tar.xz\n-----BEGIN PGP SIGNATURE-----\n";
        assertThat(KernelSource.published(sums, "linux-6.12.1.tar.xz")).contains("b".repeat(64));
        assertThat(KernelSource.published(sums, "linux-6.12.2.tar.xz")).isEmpty();
    }
}
