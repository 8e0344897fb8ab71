package lib.tool;

import java.io.FilterInputStream;
import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.net.ConnectException;
import java.net.HttpURLConnection;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.time.Duration;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.Optional;
import java.util.Timer;
import java.util.TimerTask;
import java.util.concurrent.atomic.AtomicLong;
import java.util.function.Function;
import java.util.function.Supplier;

/**
 * Brings one URL into one file. What was cut, stalled or answered with "try later" is tried again with a growing pause, and goes on where
 * it stopped when the server can do that; an answer such as 404 is final.
 */
final class Transfer {
    private static final int TRIES = 4;
    private static final int FIRST_PAUSE_MS = 300;

    private final Supplier<HttpClient> client;
    private final Map<String, String> environment;
    private final Console console;
    private final URI uri;
    private final Path part;
    private final long maxBytes;
    private final Duration stall;
    private String validator = "";

    /**
     * @param client the client that speaks TLS and follows redirects, asked for when one is needed
     * @param environment names the proxy
     * @param stall how long a server may send nothing
     */
    Transfer(Supplier<HttpClient> client, Map<String, String> environment, Console console, URI uri, Path part, long maxBytes, Duration stall) {
        this.client = client;
        this.environment = environment;
        this.console = console;
        this.uri = uri;
        this.part = part;
        this.maxBytes = maxBytes;
        this.stall = stall;
    }

    /** Fetches into the file. With an ETag of an earlier version nothing is written when that is still the newest. Returns the ETag. */
    Optional<String> fetch(Optional<String> etag) {
        for (int n = 1; ; n++) {
            try {
                return attempt(etag);
            } catch (IOException e) {
                String reason = e.getMessage() != null ? e.getMessage() : e instanceof ConnectException ? "no connection" : e.getClass().getSimpleName();
                if (n == TRIES) {
                    throw new Failure("cannot fetch " + uri + ": " + reason, "check the network and the URL, or use --offline with a warm cache", e);
                }
                console.log("fetching " + uri + " again: " + reason);
                pause((long) FIRST_PAUSE_MS << n - 1);
            } catch (InterruptedException e) {
                Thread.currentThread().interrupt();
                throw new Failure("interrupted while fetching " + uri, "", e);
            }
        }
    }

    private static void pause(long milliseconds) {
        try {
            Thread.sleep(milliseconds);
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
    }

    private Optional<String> attempt(Optional<String> etag) throws IOException, InterruptedException {
        long have = Files.exists(part) ? Files.size(part) : 0;
        Map<String, String> headers = new LinkedHashMap<>(Map.of("User-Agent", "mos-builder"));
        etag.filter(tag -> !tag.isEmpty()).ifPresent(tag -> headers.put("If-None-Match", tag));
        if (have > 0) {
            headers.put("Range", "bytes=" + have + "-");
            if (!validator.isEmpty()) {
                headers.put("If-Range", validator);
            }
        }
        Answer answer = send(headers);
        try (InputStream body = answer.body()) {
            int status = answer.status();
            if (status == 304 && etag.isPresent()) {
                return etag;
            }
            if (status >= 500 || status == 429 || status == 408 || status == 416) {
                if (status == 416) {
                    Files.deleteIfExists(part);
                }
                throw new IOException("the server answered " + status);
            }
            if (status != 200 && status != 206) {
                throw new Failure("cannot fetch " + uri + ": the server answered " + status, status == 404 ? "check the URL; a mirror may lack the file" : "");
            }
            validator = answer.header("ETag").filter(tag -> !tag.startsWith("W/")).orElse("");
            boolean append = status == 206 && answer.header("Content-Range").orElse("").startsWith("bytes " + have + "-");
            if (status == 206 && !append) {
                Files.deleteIfExists(part);
                throw new IOException("the server sent another range than the one asked for");
            }
            copy(body, append ? have : 0, answer.header("Content-Length").filter(text -> text.matches("\\d{1,18}")).map(Long::parseLong).orElse(-1L));
            return answer.header("ETag");
        }
    }

    /** What a server answered; {@code headers} gives the first value of a header. */
    private record Answer(int status, Function<String, Optional<String>> headers, InputStream body) {
        Optional<String> header(String name) {
            return headers.apply(name);
        }
    }

    private Answer send(Map<String, String> headers) throws IOException, InterruptedException {
        if ("http".equals(uri.getScheme())) {
            Answer answer = sendPlain(headers);
            if (answer.status() / 100 != 3 || answer.status() == 304) {
                return answer;
            }
            answer.body().close();
        }
        HttpRequest.Builder request = HttpRequest.newBuilder(uri).timeout(stall);
        headers.forEach(request::header);
        HttpResponse<InputStream> response = client.get().send(request.build(), HttpResponse.BodyHandlers.ofInputStream());
        return new Answer(response.statusCode(), response.headers()::firstValue, new Watched(response.body(), stall));
    }

    private Answer sendPlain(Map<String, String> headers) throws IOException {
        HttpURLConnection connection = HttpConnections.plain(uri, environment, stall);
        headers.forEach(connection::setRequestProperty);
        int status = connection.getResponseCode();
        InputStream body = status >= 400 ? connection.getErrorStream() : connection.getInputStream();
        return new Answer(status, name -> Optional.ofNullable(connection.getHeaderField(name)), body == null ? InputStream.nullInputStream() : body);
    }

    private void copy(InputStream body, long start, long length) throws IOException, InterruptedException {
        long total = length < 0 ? -1 : start + length;
        if (total > maxBytes) {
            throw tooLarge();
        }
        long got = start;
        String name = uri.getPath().substring(uri.getPath().lastIndexOf('/') + 1);
        try (OutputStream out = start > 0 ? Files.newOutputStream(part, StandardOpenOption.CREATE, StandardOpenOption.APPEND) : Files.newOutputStream(part);
                Progress bar = console.progress(name, total, "MiB", 1 << 20)) {
            bar.add(start);
            byte[] buffer = new byte[1 << 16];
            for (int n = body.read(buffer); n >= 0; n = body.read(buffer)) {
                got += n;
                if (got > maxBytes) {
                    throw tooLarge();
                }
                out.write(buffer, 0, n);
                bar.add(n);
                if (Thread.interrupted()) {
                    throw new InterruptedException();
                }
            }
        }
        if (total >= 0 && got != total) {
            throw new IOException("cut after " + got + " of " + total + " bytes");
        }
    }

    /** A stream that is ended when nothing has come through it for a while: java.net.http has a limit for the headers only. */
    private static final class Watched extends FilterInputStream {
        private final Timer watch = new Timer("stall watch", true);
        private final AtomicLong moves = new AtomicLong();

        Watched(InputStream in, Duration stall) {
            super(in);
            watch.schedule(new TimerTask() {
                private long before = -1;

                @Override
                public void run() {
                    if (moves.get() == before) {
                        try {
                            in.close();
                        } catch (IOException e) {
                            cancel();
                        }
                    }
                    before = moves.get();
                }
            }, stall.toMillis(), stall.toMillis());
        }

        @Override
        public int read(byte[] into, int offset, int length) throws IOException {
            int n = super.read(into, offset, length);
            moves.incrementAndGet();
            return n;
        }

        @Override
        public void close() throws IOException {
            watch.cancel();
            super.close();
        }
    }

    private Failure tooLarge() {
        return new Failure(uri + " is larger than the " + maxBytes + " bytes allowed for it", "the server sends something else than expected");
    }
}
