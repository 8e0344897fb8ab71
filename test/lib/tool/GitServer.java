package lib.tool;

import com.sun.net.httpserver.HttpExchange;
import com.sun.net.httpserver.HttpServer;
import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.io.PrintStream;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;

/** Git's own smart HTTP server on loopback: {@code git http-backend} behind a CGI bridge (git-http-backend(1), RFC 3875). */
public final class GitServer implements AutoCloseable {
    private static final byte[] HEAD_END = {'\r', '\n', '\r', '\n'};

    private final HttpServer server;
    private final ExecutorService workers = Executors.newCachedThreadPool();
    private final Path root;
    private final boolean smart;
    /** Method, path and query of each request. */
    private final List<String> requests = new CopyOnWriteArrayList<>();

    private GitServer(Path root, boolean smart) throws IOException {
        this.root = root;
        this.smart = smart;
        server = HttpServer.create(new InetSocketAddress(InetAddress.getLoopbackAddress(), 0), 0);
        server.setExecutor(workers);
        server.createContext("/", this::answer);
        server.start();
    }

    /** Serves the repositories below {@code root}. */
    public static GitServer smart(Path root) throws IOException {
        return new GitServer(root, true);
    }

    /** The same as plain files (git update-server-info makes them): such a server can neither be shallow nor filter. */
    public static GitServer dumb(Path root) throws IOException {
        return new GitServer(root, false);
    }

    public String url(String path) {
        return "http://127.0.0.1:" + server.getAddress().getPort() + "/" + path;
    }

    public List<String> requests() {
        return requests;
    }

    private void answer(HttpExchange exchange) throws IOException {
        requests.add(exchange.getRequestMethod() + " " + exchange.getRequestURI());
        try (exchange) {
            if (exchange.getRequestURI().getPath().startsWith("/private/")) {
                exchange.getResponseHeaders().add("WWW-Authenticate", "Basic realm=\"git\"");
                exchange.sendResponseHeaders(401, -1);
                return;
            }
            byte[] body = exchange.getRequestBody().readAllBytes();
            Path errors = Path.of("/dev/null");
            Process process = new Shell(Console.plain(new PrintStream(OutputStream.nullOutputStream())))
                    .open(Shell.Command.of("git", "http-backend").with(environment(exchange, body.length)), streams -> streams.redirectError(errors.toFile()));
            try (OutputStream in = process.getOutputStream()) {
                in.write(body);
            } catch (IOException e) {
                // The backend answers some requests without reading them.
            }
            send(exchange, process.getInputStream());
        }
    }

    private Map<String, String> environment(HttpExchange exchange, int length) {
        Map<String, String> cgi = new HashMap<>(Map.of("GIT_PROJECT_ROOT", root.toString(), "GIT_HTTP_EXPORT_ALL", "1",
                "PATH_INFO", exchange.getRequestURI().getPath(), "QUERY_STRING", Optional.ofNullable(exchange.getRequestURI().getRawQuery()).orElse(""),
                "REQUEST_METHOD", exchange.getRequestMethod(), "REMOTE_ADDR", "127.0.0.1", "CONTENT_LENGTH", String.valueOf(length)));
        Map.of("Content-Type", "CONTENT_TYPE", "Content-Encoding", "HTTP_CONTENT_ENCODING", "Git-Protocol", "GIT_PROTOCOL").forEach((header, variable) ->
                Optional.ofNullable(exchange.getRequestHeaders().getFirst(header)).ifPresent(value -> cgi.put(variable, value)));
        if (!smart) {
            cgi.put("QUERY_STRING", "");
            cgi.put("GIT_CONFIG_COUNT", "1");
            cgi.put("GIT_CONFIG_KEY_0", "http.uploadpack");
            cgi.put("GIT_CONFIG_VALUE_0", "false");
        }
        return cgi;
    }

    /** Turns the header lines of the CGI answer into those of HTTP. */
    private static void send(HttpExchange exchange, InputStream answer) throws IOException {
        byte[] all = answer.readAllBytes();
        int end = 0;
        while (end + 4 <= all.length && !java.util.Arrays.equals(all, end, end + 4, HEAD_END, 0, 4)) {
            end++;
        }
        int status = 200;
        for (String line : new String(all, 0, end, StandardCharsets.ISO_8859_1).split("\r\n")) {
            String[] header = line.split(": ", 2);
            if (header[0].equals("Status")) {
                status = Integer.parseInt(header[1].substring(0, 3));
            } else if (header.length == 2) {
                exchange.getResponseHeaders().add(header[0], header[1]);
            }
        }
        int body = Math.min(all.length, end + 4);
        exchange.sendResponseHeaders(status, all.length == body ? -1 : all.length - body);
        exchange.getResponseBody().write(all, body, all.length - body);
    }

    @Override
    public void close() {
        server.stop(0);
        workers.shutdownNow();
    }
}
