package lib.tool;

import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.net.ConnectException;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.time.Duration;
import java.util.Optional;
import java.util.Timer;
import java.util.TimerTask;
import java.util.concurrent.atomic.AtomicLong;
import java.util.function.Function;

/**
 * Brings one URL into one file. What was cut, stalled or answered with "try later" is tried again with a growing pause, and goes on where
 * it stopped when the server can do that; an answer such as 404 is final.
 */
final class Transfer {
    private static final int TRIES = 4;
    private static final int FIRST_PAUSE_MS = 300;

    private final Function<Boolean, HttpClient> clients;
    private final Console console;
    private final URI uri;
    private final Path part;
    private final long maxBytes;
    private final Duration stall;
    private String validator = "";

    /**
     * @param clients gives the client that speaks TLS and follows redirects (true), or the plain one (false)
     * @param stall how long a server may send nothing
     */
    Transfer(Function<Boolean, HttpClient> clients, Console console, URI uri, Path part, long maxBytes, Duration stall) {
        this.clients = clients;
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
        HttpRequest.Builder request = HttpRequest.newBuilder(uri).timeout(stall).header("User-Agent", "mos-builder");
        etag.filter(tag -> !tag.isEmpty()).ifPresent(tag -> request.header("If-None-Match", tag));
        if (have > 0) {
            request.header("Range", "bytes=" + have + "-");
            if (!validator.isEmpty()) {
                request.header("If-Range", validator);
            }
        }
        HttpResponse<InputStream> response = send(request.build());
        try (InputStream body = response.body()) {
            int status = response.statusCode();
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
            validator = response.headers().firstValue("ETag").filter(tag -> !tag.startsWith("W/")).orElse("");
            boolean append = status == 206 && response.headers().firstValue("Content-Range").orElse("").startsWith("bytes " + have + "-");
            if (status == 206 && !append) {
                Files.deleteIfExists(part);
                throw new IOException("the server sent another range than the one asked for");
            }
            copy(body, append ? have : 0, response.headers().firstValueAsLong("Content-Length").orElse(-1));
            return response.headers().firstValue("ETag");
        }
    }

    private HttpResponse<InputStream> send(HttpRequest request) throws IOException, InterruptedException {
        boolean plain = "http".equals(uri.getScheme());
        HttpResponse<InputStream> response = clients.apply(!plain).send(request, HttpResponse.BodyHandlers.ofInputStream());
        if (plain && response.statusCode() / 100 == 3 && response.statusCode() != 304) {
            response.body().close();
            return clients.apply(true).send(request, HttpResponse.BodyHandlers.ofInputStream());
        }
        return response;
    }

    private void copy(InputStream body, long start, long length) throws IOException {
        long total = length < 0 ? -1 : start + length;
        if (total > maxBytes) {
            throw tooLarge();
        }
        AtomicLong got = new AtomicLong(start);
        Timer watch = new Timer("stall watch", true);
        String name = uri.getPath().substring(uri.getPath().lastIndexOf('/') + 1);
        try (OutputStream out = start > 0 ? Files.newOutputStream(part, StandardOpenOption.CREATE, StandardOpenOption.APPEND) : Files.newOutputStream(part);
                Console.Progress bar = console.progress(name, total, "MiB", 1 << 20)) {
            watch.schedule(closing(body, got), stall.toMillis(), stall.toMillis());
            bar.add(start);
            byte[] buffer = new byte[1 << 16];
            for (int n = body.read(buffer); n >= 0; n = body.read(buffer)) {
                if (got.addAndGet(n) > maxBytes) {
                    throw tooLarge();
                }
                out.write(buffer, 0, n);
                bar.add(n);
            }
        } finally {
            watch.cancel();
        }
        if (total >= 0 && got.get() != total) {
            throw new IOException("cut after " + got + " of " + total + " bytes");
        }
    }

    /** Ends a transfer that has not moved since the last look. */
    private static TimerTask closing(InputStream body, AtomicLong got) {
        return new TimerTask() {
            private long before = -1;

            @Override
            public void run() {
                if (got.get() == before) {
                    try {
                        body.close();
                    } catch (IOException e) {
                        cancel();
                    }
                }
                before = got.get();
            }
        };
    }

    private Failure tooLarge() {
        return new Failure(uri + " is larger than the " + maxBytes + " bytes allowed for it", "the server sends something else than expected");
    }
}
