package lib;

import com.sun.net.httpserver.HttpExchange;
import com.sun.net.httpserver.HttpServer;
import java.io.IOException;
import java.io.OutputStream;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.Executors;
import java.util.concurrent.atomic.AtomicInteger;

/**
 * A bucket that everyone may read: objects of the real S3 server without its credentials, and whatever goes wrong between a bucket
 * and a node. Ranges are answered as S3 answers them.
 */
public final class RuntimeServer implements AutoCloseable {
    /** What happens to one answer. */
    public enum Fault {
        NONE,
        /** 503 */
        BUSY,
        /** The connection ends after half of the bytes. */
        CUT,
        /** A bit is wrong. */
        CORRUPT,
        /** The answer of the next bucket. */
        FORGED
    }

    private final HttpServer server;
    private final List<String> buckets;
    private final Map<String, AtomicInteger> seen = new ConcurrentHashMap<>();
    private final Map<String, List<Fault>> faults = new ConcurrentHashMap<>();
    private final AtomicInteger stage = new AtomicInteger();
    private final List<String> log = new CopyOnWriteArrayList<>();

    /** @param buckets URLs as {@link Curl} reads them: the first is shown until somebody asks for {@code /next}, then the second, ... */
    public RuntimeServer(List<String> buckets) throws IOException {
        this.buckets = List.copyOf(buckets);
        server = HttpServer.create(new InetSocketAddress(InetAddress.getLoopbackAddress(), 0), 20);
        server.setExecutor(Executors.newCachedThreadPool(task -> {
            Thread thread = new Thread(task);
            thread.setDaemon(true);
            return thread;
        }));
        server.createContext("/", this::answer);
        server.start();
    }

    public int port() {
        return server.getAddress().getPort();
    }

    /** The first requests whose path ends so are answered with these faults, one each. */
    public void fail(String end, Fault... list) {
        faults.put(end, List.of(list));
        seen.put(end, new AtomicInteger());
    }

    /** Path, range and fault of every answer. */
    public List<String> log() {
        return List.copyOf(log);
    }

    private void answer(HttpExchange exchange) throws IOException {
        try (exchange) {
            String path = exchange.getRequestURI().getPath();
            if (path.equals("/next")) {
                stage.incrementAndGet();
                send(exchange, 200, "ok\n".getBytes(java.nio.charset.StandardCharsets.UTF_8), 3);
                return;
            }
            Fault fault = faults.entrySet().stream().filter(one -> path.endsWith(one.getKey())).findFirst().map(one -> {
                int number = seen.get(one.getKey()).getAndIncrement();
                return number < one.getValue().size() ? one.getValue().get(number) : Fault.NONE;
            }).orElse(Fault.NONE);
            String range = exchange.getRequestHeaders().getFirst("Range");
            log.add(path + " " + (range == null ? "" : range) + " " + fault);
            if (fault == Fault.BUSY) {
                send(exchange, 503, new byte[0], 0);
                return;
            }
            Curl.Answer found = Curl.get(buckets.get(fault == Fault.FORGED ? stage.get() + 1 : stage.get()) + path);
            if (found.status() != 200) {
                send(exchange, found.status(), new byte[0], 0);
                return;
            }
            byte[] whole = found.body();
            int from = range == null ? 0 : Integer.parseInt(range.replaceAll("bytes=(\\d+)-.*", "$1"));
            byte[] body = Arrays.copyOfRange(whole, from, whole.length);
            if (from > 0) {
                exchange.getResponseHeaders().set("Content-Range", "bytes " + from + "-" + (whole.length - 1) + "/" + whole.length);
            }
            if (fault == Fault.CORRUPT) {
                body[body.length / 2] ^= 1;
            }
            send(exchange, from > 0 ? 206 : 200, body, fault == Fault.CUT ? body.length / 2 : body.length);
        }
    }

    /** Sends so many bytes of the body that the head promises. */
    private static void send(HttpExchange exchange, int status, byte[] body, int bytes) throws IOException {
        exchange.sendResponseHeaders(status, body.length == 0 ? -1 : body.length);
        OutputStream out = exchange.getResponseBody();
        out.write(body, 0, bytes);
        out.flush();
    }

    @Override
    public void close() {
        server.stop(0);
    }
}
