package lib;

import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.HashMap;
import java.util.Map;
import lib.FaultyProxy.Fault;

/** What tests of the script need from this package. */
public final class PublishingTests {
    private PublishingTests() { }

    /** A new Ed25519 key pair in PEM files. */
    public static void keys(Path secret, Path open) throws IOException {
        SigningTest.keys(secret, open);
    }

    /** A way to the server on which something happens before the request of that number is passed on. */
    public record Killing(FaultyProxy proxy) implements AutoCloseable {
        public String endpoint() {
            return proxy.endpoint().toString();
        }

        public long requests() {
            return proxy.log().size();
        }

        @Override
        public void close() throws IOException {
            proxy.close();
        }
    }

    public static Killing killing(int port, int at, Runnable kill) {
        return new Killing(new FaultyProxy(port, (request, before) -> {
            if (request.number() < at) {
                return Fault.NONE;
            }
            if (request.number() == at) {
                kill.run();
            }
            return Fault.CUT;
        }));
    }

    public static void put(String url, byte[] bytes) {
        Curl.run("PUT", url, bytes).requireStatus(200);
    }

    /** Publishes an image with the prefix {@code mos}. */
    public static void publish(S3Server server, String bucket, Path image) throws IOException {
        Map<String, String> environment = new HashMap<>(S3Server.environment(server.endpoint(), bucket));
        environment.put("S3_PREFIX", "mos");
        Store store = Store.read(Path.of("/nonexistent/rfs.conf"), environment).orElseThrow();
        Path folder = Files.createTempDirectory("publish");
        try {
            new Upload(store, TestTools.in(folder, new ByteArrayOutputStream(), false)).publish(image, "kernel", Upload.Mode.NORMAL);
        } finally {
            lib.tool.Trees.delete(folder);
        }
    }
}
