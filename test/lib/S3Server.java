package lib;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.net.HttpURLConnection;
import java.net.ServerSocket;
import java.net.URI;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import lib.tool.Console;
import lib.tool.S3;

/**
 * A real S3 server (S3Proxy with SigV4) in a process of its own, so that its libraries stay off this class path. One for all tests,
 * ended with them; each test takes a new bucket.
 */
public final class S3Server {
    public static final String ACCESS = "AKIDTESTS";
    public static final String SECRET = "very-secret-7f3a9c";
    /** Answers 412 when a condition of a write does not hold. */
    private static final String VERSION = "3.3.0";

    private final int port;
    private final int securePort;
    private final Path folder;
    private final AtomicInteger buckets = new AtomicInteger();

    private static final class Shared {
        static final S3Server SERVER = start("");
    }

    private S3Server(int port, int securePort, Path folder) {
        this.port = port;
        this.securePort = securePort;
        this.folder = folder;
    }

    public static S3Server shared() {
        return Shared.SERVER;
    }

    public int port() {
        return port;
    }

    public URI endpoint() {
        return URI.create("http://127.0.0.1:" + port);
    }

    /** The same server by https, with a certificate that only {@link #certificate()} vouches for. */
    public URI secureEndpoint() {
        return URI.create("https://127.0.0.1:" + securePort);
    }

    public Path certificate() {
        return folder.resolve("ca.pem");
    }

    /** What the server said. */
    public String log() {
        return lib.tool.Trees.read(folder.resolve("log"));
    }

    /** A new empty bucket. */
    public String bucket() {
        String name = "bucket-" + buckets.incrementAndGet();
        Curl.run("PUT", endpoint() + "/" + name, new byte[0]).requireStatus(200);
        return name;
    }

    /** Settings for a bucket, seen through {@code endpoint}. */
    public Store store(URI endpoint, String bucket) {
        return Store.read(Path.of("/nonexistent/rfs.conf"), environment(endpoint, bucket)).orElseThrow();
    }

    public static Map<String, String> environment(URI endpoint, String bucket) {
        return Map.of("S3_ENDPOINT", endpoint.toString(), "S3_BUCKET", bucket, "S3_PREFIX", "mos/images", "S3_ACCESS_KEY", ACCESS,
                "S3_SECRET_KEY", SECRET, "S3_TIMEOUT", "3");
    }

    public S3 client(URI endpoint, String bucket, Console console) {
        return new S3(new S3.Place(endpoint, "us-east-1", bucket, ACCESS, SECRET, S3.Style.AUTO, Optional.empty(), Duration.ofSeconds(3)), console);
    }

    /** A server of its own that takes the bucket from the host name: {@code BUCKET.domain}. */
    public static S3Server withHostNames(String domain) {
        return start("s3proxy.virtual-host=" + domain + "\n");
    }

    private static S3Server start(String more) {
        try {
            Path folder = Files.createTempDirectory("s3server");
            S3Server server = new S3Server(freePort(), freePort(), folder);
            run(folder, Path.of(System.getProperty("java.home"), "bin/keytool").toString(), "-genkeypair", "-alias", "s3", "-keyalg", "RSA", "-keystore",
                    "keys.jks", "-storepass", "password", "-keypass", "password", "-dname", "CN=s3", "-ext", "san=ip:127.0.0.1,dns:localhost", "-validity", "9");
            run(folder, Path.of(System.getProperty("java.home"), "bin/keytool").toString(), "-exportcert", "-rfc", "-alias", "s3", "-keystore", "keys.jks",
                    "-storepass", "password", "-file", "ca.pem");
            Files.writeString(folder.resolve("s3proxy.conf"), """
                    s3proxy.authorization=aws-v4
                    s3proxy.endpoint=http://127.0.0.1:%d
                    s3proxy.secure-endpoint=https://127.0.0.1:%d
                    s3proxy.keystore-path=%s
                    s3proxy.keystore-password=password
                    s3proxy.identity=%s
                    s3proxy.credential=%s
                    s3proxy.maximum-timeskew=900
                    jclouds.provider=transient-nio2
                    jclouds.identity=local
                    jclouds.credential=local
                    """.formatted(server.port, server.securePort, folder.resolve("keys.jks"), ACCESS, SECRET) + more);
            Process process = new ProcessBuilder(Path.of(System.getProperty("java.home"), "bin/java").toString(), "-Xmx512m", "-XX:TieredStopAtLevel=1",
                    "-XX:+UseSerialGC", "-jar", jar(folder).toString(), "--properties", "s3proxy.conf").directory(folder.toFile())
                    .redirectErrorStream(true).redirectOutput(folder.resolve("log").toFile()).start();
            Runtime.getRuntime().addShutdownHook(new Thread(() -> {
                process.destroyForcibly();
                lib.tool.Trees.delete(folder);
            }));
            server.await(process);
            return server;
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    private static int freePort() throws IOException {
        try (ServerSocket socket = new ServerSocket(0)) {
            return socket.getLocalPort();
        }
    }

    private void await(Process process) throws IOException {
        long end = System.nanoTime() + TimeUnit.SECONDS.toNanos(60);
        while (true) {
            try {
                HttpURLConnection connection = (HttpURLConnection) endpoint().toURL().openConnection();
                connection.getResponseCode();
                return;
            } catch (IOException e) {
                if (!process.isAlive() || System.nanoTime() > end) {
                    throw new IOException("the S3 server does not start: " + log(), e);
                }
            }
            try {
                Thread.sleep(50);
            } catch (InterruptedException e) {
                Thread.currentThread().interrupt();
                throw new IOException(e);
            }
        }
    }

    /** The server's jar with everything in it; the project's launcher fetches it with JBang. */
    private static Path jar(Path folder) throws IOException {
        Path launcher = Path.of("").toAbsolutePath();
        while (launcher != null && !Files.isExecutable(launcher.resolve("jbang"))) {
            launcher = launcher.getParent();
        }
        Files.writeString(folder.resolve("Empty.java"), "class Empty { }\n");
        List<String> lines = run(folder, (launcher == null ? "jbang" : launcher.resolve("jbang").toString()), "info", "classpath", "--deps-only", "--deps",
                "org.gaul:s3proxy:" + VERSION + ":jar-with-dependencies@fatjar", "Empty.java");
        return Path.of(lines.get(lines.size() - 1));
    }

    private static List<String> run(Path folder, String... argv) throws IOException {
        Process process = new ProcessBuilder(argv).directory(folder.toFile()).redirectError(folder.resolve("stderr").toFile()).start();
        List<String> lines = new ArrayList<>(new String(process.getInputStream().readAllBytes(), java.nio.charset.StandardCharsets.UTF_8).lines().toList());
        try {
            if (process.waitFor() != 0) {
                throw new IOException(String.join(" ", argv) + ": " + lines + Files.readString(folder.resolve("stderr")));
            }
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw new IOException(e);
        }
        return lines;
    }
}
