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

    /** A way to the server on which something happens to requests. */
    public record Way(FaultyProxy proxy) implements AutoCloseable {
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

    /** Something happens before the request of that number is passed on, and nothing is passed on after it. */
    public static Way killing(int port, int at, Runnable kill) {
        return new Way(new FaultyProxy(port, (request, before) -> {
            if (request.number() < at) {
                return Fault.NONE;
            }
            if (request.number() == at) {
                kill.run();
            }
            return Fault.CUT;
        }));
    }

    /** Requests that match, written as {@code PUT /path?query}, are forbidden. */
    public static Way denying(int port, String requests) {
        return new Way(new FaultyProxy(port, (request, before) -> request.toString().matches(requests) ? Fault.DENIED : Fault.NONE));
    }

    public static void put(String url, byte[] bytes) {
        Curl.run("PUT", url, bytes).requireStatus(200);
    }
}
