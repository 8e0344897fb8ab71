package lib.tool;

import com.sun.net.httpserver.HttpExchange;
import com.sun.net.httpserver.HttpServer;
import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Optional;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.function.Function;

/** A web server on loopback, for guests of this computer: a port that nobody else reaches. */
public final class HttpFiles implements AutoCloseable {
    private final HttpServer server;
    private final ExecutorService threads;
    private final Function<String, Optional<Answer>> answers;
    private final AtomicInteger asked = new AtomicInteger();

    /**
     * What a path is answered with.
     *
     * @param length bytes that the head promises
     * @param sent bytes that are sent before the connection ends; all of them unless the answer is meant to be cut
     */
    public record Answer(int status, Body body, long length, long sent) {
        public static Answer of(int status, String text) {
            byte[] bytes = text.getBytes(StandardCharsets.UTF_8);
            return new Answer(status, () -> new java.io.ByteArrayInputStream(bytes), bytes.length, bytes.length);
        }

        public static Answer of(Path file) {
            return new Answer(200, () -> Files.newInputStream(file), file.toFile().length(), file.toFile().length());
        }

        /** The same, ended in the middle of its body. */
        public Answer cut() {
            return new Answer(status, body, length, length / 2);
        }
    }

    /** Where the bytes of an answer come from. */
    public interface Body {
        InputStream open() throws IOException;
    }

    /** Serves; {@code answers} is asked for each path, such as {@code /a/b}, and 404 is said where it is empty. */
    public HttpFiles(Function<String, Optional<Answer>> answers) {
        this.answers = answers;
        try {
            server = HttpServer.create(new InetSocketAddress(InetAddress.getLoopbackAddress(), 0), 20);
        } catch (IOException e) {
            throw Failure.io("cannot listen on loopback", e);
        }
        threads = Executors.newCachedThreadPool(task -> {
            Thread thread = new Thread(task, "http");
            thread.setDaemon(true);
            return thread;
        });
        server.setExecutor(threads);
        server.createContext("/", this::answer);
        server.start();
    }

    public int port() {
        return server.getAddress().getPort();
    }

    /** How often somebody asked for something. */
    public int asked() {
        return asked.get();
    }

    private void answer(HttpExchange exchange) throws IOException {
        try (exchange) {
            asked.incrementAndGet();
            Answer answer = answers.apply(exchange.getRequestURI().getPath()).orElse(Answer.of(404, "not found\n"));
            exchange.sendResponseHeaders(answer.status(), answer.length() == 0 || exchange.getRequestMethod().equals("HEAD") ? -1 : answer.length());
            if (exchange.getRequestMethod().equals("HEAD")) {
                return;
            }
            try (InputStream in = answer.body().open()) {
                send(in, exchange.getResponseBody(), answer.sent());
            }
        }
    }

    private static void send(InputStream in, OutputStream out, long bytes) throws IOException {
        byte[] buffer = new byte[65_536];
        for (long left = bytes; left > 0;) {
            int n = in.read(buffer, 0, (int) Math.min(left, buffer.length));
            if (n < 0) {
                throw new IOException("the file became shorter");
            }
            out.write(buffer, 0, n);
            left -= n;
        }
        out.flush();
    }

    @Override
    public void close() {
        server.stop(0);
        threads.shutdownNow();
    }
}
