package lib;

import java.io.IOException;
import java.nio.file.Path;
import java.util.List;
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

        /** Numbers of the requests that change something. */
        public List<Integer> writes() {
            return proxy.log().stream().filter(FaultyProxy.Request::write).map(FaultyProxy.Request::number).toList();
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
}
