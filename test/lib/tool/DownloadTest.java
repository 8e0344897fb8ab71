package lib.tool;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import com.sun.net.httpserver.HttpExchange;
import com.sun.net.httpserver.HttpServer;
import com.sun.net.httpserver.HttpsConfigurator;
import com.sun.net.httpserver.HttpsServer;
import java.io.IOException;
import java.io.OutputStream;
import java.net.InetSocketAddress;
import java.net.Proxy;
import java.net.URI;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.KeyStore;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.concurrent.Executors;
import javax.net.ssl.KeyManagerFactory;
import javax.net.ssl.SSLContext;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Against a server on this machine that misbehaves in all ways that servers do. */
class DownloadTest {
    @TempDir
    Path scratch;
    private final byte[] content = new byte[300_000];
    private final List<String> asked = java.util.Collections.synchronizedList(new ArrayList<>());
    private HttpServer server;
    private Download download;

    /** Answers the number-th request for a path. */
    private interface Behaviour {
        void answer(HttpExchange exchange, int number) throws IOException;
    }

    @BeforeEach
    void start() throws IOException {
        new Random(1).nextBytes(content);
        server = HttpServer.create(new InetSocketAddress("127.0.0.1", 0), 0);
        server.setExecutor(Executors.newCachedThreadPool());
        server.start();
        download = download(false);
    }

    @AfterEach
    void stop() {
        server.stop(0);
    }

    private Download download(boolean offline) {
        return download(offline, Map.of());
    }

    private Download download(boolean offline, Map<String, String> environment) {
        Console console = Console.plain(System.err);
        return new Download(console, new Cache(scratch.resolve("cache"), line -> { }), offline, Duration.ofSeconds(1), environment);
    }

    private URI serve(String path, Behaviour behaviour) {
        int[] count = {0};
        server.createContext(path, exchange -> {
            asked.add(path + " " + exchange.getRequestHeaders().getFirst("Range"));
            try (exchange) {
                behaviour.answer(exchange, ++count[0]);
            }
        });
        return URI.create("http://127.0.0.1:" + server.getAddress().getPort() + path);
    }

    /** Sends the whole, or the rest that was asked for. */
    private void good(HttpExchange exchange) throws IOException {
        String range = exchange.getRequestHeaders().getFirst("Range");
        int from = range == null ? 0 : Integer.parseInt(range.substring("bytes=".length(), range.length() - 1));
        if (range != null) {
            exchange.getResponseHeaders().set("Content-Range", "bytes " + from + "-" + (content.length - 1) + "/" + content.length);
        }
        exchange.sendResponseHeaders(range == null ? 200 : 206, content.length - from);
        exchange.getResponseBody().write(content, from, content.length - from);
    }

    private void cutAt(HttpExchange exchange, int bytes) throws IOException {
        exchange.sendResponseHeaders(200, content.length);
        OutputStream out = exchange.getResponseBody();
        out.write(content, 0, bytes);
        out.flush();
        throw new IOException("cut");
    }

    private Download.Checksum checksum() {
        return Download.Checksum.sha256(Digest.sha256(content));
    }

    @Test
    void goes_on_where_it_was_cut() {
        URI uri = serve("/cut", (exchange, n) -> {
            if (n == 1) {
                cutAt(exchange, 100_000);
            }
            good(exchange);
        });
        assertThat(download.verified(List.of(uri), checksum(), 1 << 20)).hasBinaryContent(content);
        assertThat(asked.get(0)).isEqualTo("/cut null");
        assertThat(asked.get(1)).startsWith("/cut bytes=").isNotEqualTo("/cut bytes=0-");
    }

    @Test
    void starts_anew_when_the_server_cannot_go_on() {
        URI uri = serve("/norange", (exchange, n) -> {
            if (n == 1) {
                cutAt(exchange, 100_000);
            }
            exchange.sendResponseHeaders(200, content.length);
            exchange.getResponseBody().write(content);
        });
        assertThat(download.verified(List.of(uri), checksum(), 1 << 20)).hasBinaryContent(content);
    }

    @Test
    void tries_again_after_503_and_after_a_stall() {
        URI uri = serve("/busy", (exchange, n) -> {
            if (n == 1) {
                exchange.sendResponseHeaders(503, -1);
            } else if (n == 2) {
                exchange.sendResponseHeaders(200, content.length);
                exchange.getResponseBody().write(content, 0, 1000);
                exchange.getResponseBody().flush();
                pause(5_000);
            } else {
                good(exchange);
            }
        });
        assertThat(download.verified(List.of(uri), checksum(), 1 << 20)).hasBinaryContent(content);
        assertThat(asked).hasSize(3);
    }

    private static void pause(long milliseconds) {
        try {
            Thread.sleep(milliseconds);
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
    }

    @Test
    void the_next_mirror_answers_when_one_lacks_the_file_or_has_other_bytes() {
        URI missing = serve("/missing", (exchange, n) -> exchange.sendResponseHeaders(404, -1));
        URI wrong = serve("/wrong", (exchange, n) -> {
            exchange.sendResponseHeaders(200, 5);
            exchange.getResponseBody().write("wrong".getBytes());
        });
        URI right = serve("/right", (exchange, n) -> good(exchange));
        assertThat(download.verified(List.of(scratch.resolve("nothing").toUri(), missing, wrong, right), checksum(), 1 << 20)).hasBinaryContent(content);
        assertThat(asked).containsExactly("/missing null", "/wrong null", "/right null");
    }

    @Test
    void wrong_bytes_are_a_failure_that_names_the_file_and_are_not_kept() {
        URI wrong = serve("/wrong", (exchange, n) -> {
            exchange.sendResponseHeaders(200, 5);
            exchange.getResponseBody().write("wrong".getBytes());
        });
        for (int i = 0; i < 2; i++) {
            assertThatThrownBy(() -> download.verified(List.of(wrong), checksum(), 1 << 20)).isInstanceOf(Failure.class).hasMessageContaining("/wrong")
                    .hasMessageContaining("wrong checksum");
        }
        assertThat(asked).hasSize(2);
    }

    @Test
    void more_bytes_than_allowed_are_refused_announced_or_not() {
        URI announced = serve("/large", (exchange, n) -> good(exchange));
        URI silent = serve("/silent", (exchange, n) -> {
            exchange.sendResponseHeaders(200, 0);
            exchange.getResponseBody().write(content);
        });
        assertThatThrownBy(() -> download.latest(announced, 1000)).isInstanceOf(Failure.class).hasMessageContaining("larger than the 1000 bytes");
        assertThatThrownBy(() -> download.latest(silent, 1000)).isInstanceOf(Failure.class).hasMessageContaining("larger than the 1000 bytes");
    }

    @Test
    void asks_only_whether_there_is_a_newer_version() {
        URI uri = serve("/index", (exchange, n) -> {
            exchange.getResponseHeaders().set("ETag", "\"1\"");
            if ("\"1\"".equals(exchange.getRequestHeaders().getFirst("If-None-Match"))) {
                exchange.sendResponseHeaders(304, -1);
            } else {
                good(exchange);
            }
        });
        Path first = download.latest(uri, 1 << 20);
        assertThat(download.latest(uri, 1 << 20)).isEqualTo(first).hasBinaryContent(content);
        assertThat(download(true).latest(uri, 1 << 20)).hasBinaryContent(content);
        assertThat(asked).hasSize(2);
    }

    @Test
    void follows_a_redirect() {
        URI target = serve("/target", (exchange, n) -> good(exchange));
        URI uri = serve("/moved", (exchange, n) -> {
            exchange.getResponseHeaders().set("Location", target.toString());
            exchange.sendResponseHeaders(302, -1);
        });
        assertThat(download.verified(List.of(uri), checksum(), 1 << 20)).hasBinaryContent(content);
    }

    @Test
    void offline_says_what_is_missing() {
        URI uri = URI.create("http://127.0.0.1:9/nothing");
        assertThatThrownBy(() -> download(true).verified(List.of(uri), checksum(), 10)).isInstanceOf(Failure.class).hasMessageContaining("--offline");
    }

    @Test
    void a_file_that_is_not_accepted_sends_it_to_the_next_mirror() {
        URI wrong = serve("/a", (exchange, n) -> {
            exchange.sendResponseHeaders(200, 3);
            exchange.getResponseBody().write("bad".getBytes());
        });
        URI right = serve("/b", (exchange, n) -> good(exchange));
        for (int i = 0; i < 2; i++) {
            long size = download.accepted("kind", "key", List.of(wrong, right), 1 << 20, file -> {
                if (file.toFile().length() < 10) {
                    throw new Failure("no good", "");
                }
                return file.toFile().length();
            });
            assertThat(size).isEqualTo(content.length);
        }
        assertThat(asked).hasSize(2);
    }

    @Test
    void uses_the_proxy_of_the_environment() throws IOException {
        HttpConnections.Proxies proxies = new HttpConnections.Proxies(Map.of("http_proxy", "http://127.0.0.1:3128", "no_proxy", "example.org,.example.net"));
        assertThat(proxies.select(URI.create("http://mirror.test/x")).get(0).address()).isEqualTo(new InetSocketAddress("127.0.0.1", 3128));
        assertThat(proxies.select(URI.create("https://mirror.test/x"))).containsExactly(Proxy.NO_PROXY);
        assertThat(proxies.select(URI.create("http://www.example.org/x"))).containsExactly(Proxy.NO_PROXY);
        assertThat(proxies.select(URI.create("http://example.net/x"))).containsExactly(Proxy.NO_PROXY);
    }

    @Test
    void fetches_through_the_proxy() {
        List<String> lines = java.util.Collections.synchronizedList(new ArrayList<>());
        URI proxy = serve("/file", (exchange, n) -> {
            lines.add(exchange.getRequestMethod() + " " + exchange.getRequestURI());
            good(exchange);
        });
        Download through = download(false, Map.of("http_proxy", "http://" + proxy.getAuthority()));

        assertThat(through.verified(List.of(URI.create("http://mirror.test/file")), checksum(), 1 << 20)).hasBinaryContent(content);
        assertThat(lines).containsExactly("GET http://mirror.test/file");
    }

    @Test
    void trusts_a_certificate_of_ones_own_and_without_it_no_stranger() throws Exception {
        Path keys = scratch.resolve("keys.p12");
        Path pem = scratch.resolve("ca.pem");
        keytool("-genkeypair", "-alias", "a", "-keyalg", "EC", "-dname", "CN=localhost", "-ext", "san=ip:127.0.0.1", "-storepass", "changeit",
                "-keystore", keys.toString());
        keytool("-exportcert", "-rfc", "-alias", "a", "-storepass", "changeit", "-keystore", keys.toString(), "-file", pem.toString());
        KeyManagerFactory managers = KeyManagerFactory.getInstance(KeyManagerFactory.getDefaultAlgorithm());
        managers.init(KeyStore.getInstance(keys.toFile(), "changeit".toCharArray()), "changeit".toCharArray());
        SSLContext context = SSLContext.getInstance("TLS");
        context.init(managers.getKeyManagers(), null, null);
        HttpsServer secure = HttpsServer.create(new InetSocketAddress("127.0.0.1", 0), 0);
        secure.setHttpsConfigurator(new HttpsConfigurator(context));
        secure.createContext("/file", exchange -> {
            try (exchange) {
                good(exchange);
            }
        });
        secure.start();
        try {
            List<URI> place = List.of(URI.create("https://127.0.0.1:" + secure.getAddress().getPort() + "/file"));
            assertThatThrownBy(() -> download.verified(place, checksum(), 1 << 20)).isInstanceOf(Failure.class).hasMessageContaining(place.get(0).toString());
            assertThat(download(false, Map.of("SSL_CERT_FILE", pem.toString())).verified(place, checksum(), 1 << 20)).hasBinaryContent(content);
        } finally {
            secure.stop(0);
        }
    }

    private static void keytool(String... arguments) throws IOException, InterruptedException {
        List<String> argv = new ArrayList<>(List.of(Path.of(System.getProperty("java.home"), "bin", "keytool").toString()));
        argv.addAll(List.of(arguments));
        assertThat(new ProcessBuilder(argv).redirectErrorStream(true).redirectOutput(ProcessBuilder.Redirect.DISCARD).start().waitFor()).isZero();
    }

    @Test
    void fewer_bytes_than_announced_are_not_taken_for_the_whole() {
        URI uri = serve("/short", (exchange, n) -> cutAt(exchange, 1000));

        assertThatThrownBy(() -> download.latest(uri, 1 << 20)).isInstanceOf(Failure.class).hasMessageContaining("cannot fetch " + uri)
                .hasMessageContaining("of 300000 bytes");
        assertThat(asked).hasSizeGreaterThan(2);
    }

    @Test
    void several_threads_that_want_one_file_fetch_it_once() {
        URI uri = serve("/once", (exchange, n) -> good(exchange));
        List<Path> files = java.util.stream.IntStream.range(0, 8).parallel().mapToObj(i -> download.verified(List.of(uri), checksum(), 1 << 20)).toList();
        assertThat(files).allSatisfy(file -> assertThat(file).hasBinaryContent(content));
        assertThat(asked).hasSize(1);
        assertThat(Files.exists(files.get(0))).isTrue();
    }
}
