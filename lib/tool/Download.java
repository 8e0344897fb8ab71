package lib.tool;

import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.nio.file.StandardOpenOption;
import java.time.Duration;
import java.util.List;
import java.util.Optional;
import java.util.function.Function;

/**
 * Files from http:, https:, file: and plain paths. Downloads land in the cache; files of this machine are used where they are.
 *
 * <p>A file whose digest is known beforehand is fetched once and kept by that digest. One whose digest is not known (an index, a
 * checksum file) is asked for again in each run by a conditional request. With {@code offline} only the cache and local files answer.
 */
public final class Download {
    private static final int TRIES = 4;
    private final Console console;
    private final Cache cache;
    private final boolean offline;
    private HttpClient client;

    public Download(Console console, Cache cache, boolean offline) {
        this.console = console;
        this.cache = cache;
        this.offline = offline;
    }

    /** A digest that a file must have: JCA algorithm name and lower-case hexadecimal. */
    public record Checksum(String algorithm, String hex) {
        public static Checksum sha256(String hex) {
            return new Checksum("SHA-256", hex.toLowerCase(java.util.Locale.ROOT));
        }
    }

    /** A URL or path as the user wrote it; a relative path starts at {@code base}. */
    public static URI uri(String text, Path base) {
        if (text.startsWith("http:") || text.startsWith("https:")) {
            return URI.create(text);
        }
        String path = text.startsWith("file:") ? text.substring("file:".length()).replaceFirst("^//(?=/)", "") : text;
        return base.resolve(path).toAbsolutePath().normalize().toUri();
    }

    /** The same place with {@code /name} behind its path. */
    public static URI child(URI folder, String name) {
        return URI.create(folder.toString().replaceAll("/+$", "") + "/" + name);
    }

    /**
     * The file at the first of {@code mirrors} that has it, with this digest and at most {@code maxBytes} long. Other bytes are a
     * Failure and are not kept.
     */
    public Path verified(List<URI> mirrors, Checksum expected, long maxBytes) {
        Path kept = cache.folder("download").resolve(expected.hex());
        if (Files.exists(kept)) {
            return kept;
        }
        if (mirrors.get(0).getScheme().equals("file")) {
            Path file = local(mirrors.get(0), maxBytes);
            check(mirrors.get(0), file, expected);
            return file;
        }
        return cache.locked("download-" + expected.hex(), () -> {
            if (!Files.exists(kept)) {
                Path part = cache.folder("tmp").resolve(expected.hex() + ".part");
                fetchAny(mirrors, part, maxBytes);
                try {
                    check(mirrors.get(0), part, expected);
                    Files.move(part, kept, StandardCopyOption.ATOMIC_MOVE);
                } finally {
                    Files.deleteIfExists(part);
                }
            }
            return kept;
        });
    }

    /** The newest version of a file whose digest is not known; offline, the version that was fetched last. */
    public Path latest(URI uri, long maxBytes) {
        if (uri.getScheme().equals("file")) {
            return local(uri, maxBytes);
        }
        Path kept = cache.folder("latest").resolve(Digest.sha256(uri.toString()));
        Path validator = kept.resolveSibling(kept.getFileName() + ".etag");
        if (offline) {
            if (!Files.exists(kept)) {
                throw new Failure(uri + " is not in the cache and --offline forbids fetching it", "run once without --offline");
            }
            return kept;
        }
        return cache.locked("latest-" + kept.getFileName(), () -> {
            Path part = cache.temporary("latest");
            try {
                Optional<String> etag = Files.exists(validator) && Files.exists(kept) ? Optional.of(Files.readString(validator)) : Optional.empty();
                Optional<String> newer = retried(uri, () -> fetch(uri, part, maxBytes, etag));
                if (Files.exists(part)) {
                    Files.move(part, kept, StandardCopyOption.REPLACE_EXISTING);
                    Files.writeString(validator, newer.orElse(""));
                }
                return kept;
            } finally {
                Files.deleteIfExists(part);
            }
        });
    }

    /** The newest version at the first of {@code mirrors} that has it. */
    public Path latest(List<URI> mirrors, long maxBytes) {
        Failure last = null;
        for (URI mirror : mirrors) {
            try {
                return latest(mirror, maxBytes);
            } catch (Failure e) {
                last = e;
            }
        }
        throw last;
    }

    /**
     * A file whose digest is not known but which can be judged: {@code judge} turns it into a value or throws a Failure, after which the
     * next mirror is asked. What was accepted is kept in the cache under {@code key} and is judged again when it is used again.
     *
     * @param kind folder of the cache
     * @param key letters, digits and . _ - that stand for the content
     */
    public <T> T accepted(String kind, String key, List<URI> mirrors, long maxBytes, Function<Path, T> judge) {
        if (mirrors.get(0).getScheme().equals("file")) {
            return judge.apply(local(mirrors.get(0), maxBytes));
        }
        Path kept = cache.folder(kind).resolve(key);
        return cache.locked(kind + "-" + key, () -> {
            if (Files.exists(kept)) {
                return judge.apply(kept);
            }
            Failure last = null;
            for (URI mirror : mirrors) {
                Path part = cache.temporary(key);
                try {
                    fetchAny(List.of(mirror), part, maxBytes);
                    T result = judge.apply(part);
                    Files.move(part, kept, StandardCopyOption.ATOMIC_MOVE);
                    return result;
                } catch (Failure e) {
                    last = e;
                } finally {
                    Files.deleteIfExists(part);
                }
            }
            throw last;
        });
    }

    private static Path local(URI uri, long maxBytes) {
        Path file = Path.of(uri);
        if (!Files.isRegularFile(file)) {
            throw new Failure("there is no file " + file, "check the path, or the mirror it belongs to");
        }
        if (file.toFile().length() > maxBytes) {
            throw new Failure(file + " is larger than the " + maxBytes + " bytes allowed for it", "");
        }
        return file;
    }

    private static void check(URI uri, Path file, Checksum expected) {
        String found = Digest.of(expected.algorithm(), file);
        if (!found.equals(expected.hex())) {
            throw new Failure(uri + " has the wrong checksum\n  expected " + expected.algorithm() + " " + expected.hex() + "\n  found    "
                    + expected.algorithm() + " " + found, "the file was changed or cut on its way; try again or use another mirror");
        }
    }

    private void fetchAny(List<URI> mirrors, Path part, long maxBytes) {
        if (offline) {
            throw new Failure(mirrors.get(0) + " is not in the cache and --offline forbids fetching it", "run once without --offline");
        }
        Failure last = null;
        for (URI mirror : mirrors) {
            try {
                retried(mirror, () -> fetch(mirror, part, maxBytes, Optional.empty()));
                return;
            } catch (Failure e) {
                last = e;
            }
        }
        throw last;
    }

    @FunctionalInterface
    private interface Attempt {
        Optional<String> run() throws IOException, InterruptedException;
    }

    /** Network errors are tried again with a growing pause; an answer such as 404 is final. */
    private Optional<String> retried(URI uri, Attempt attempt) {
        for (int n = 1; ; n++) {
            try {
                return attempt.run();
            } catch (IOException e) {
                if (n == TRIES) {
                    String reason = e.getMessage() == null ? e.getClass().getSimpleName() : e.getMessage();
                    throw new Failure("cannot fetch " + uri + ": " + reason, "check the network and the URL, or use --offline with a warm cache", e);
                }
                pause(250L << n);
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

    /** One request; what {@code part} already holds is resumed. Nothing is written for "304 not modified". Returns the ETag. */
    private Optional<String> fetch(URI uri, Path part, long maxBytes, Optional<String> etag) throws IOException, InterruptedException {
        long have = Files.exists(part) ? Files.size(part) : 0;
        HttpRequest.Builder request = HttpRequest.newBuilder(uri).timeout(Duration.ofMinutes(1)).header("User-Agent", "mos-builder");
        etag.filter(tag -> !tag.isEmpty()).ifPresent(tag -> request.header("If-None-Match", tag));
        if (have > 0) {
            request.header("Range", "bytes=" + have + "-");
        }
        HttpResponse<InputStream> response = client().send(request.build(), HttpResponse.BodyHandlers.ofInputStream());
        try (InputStream body = response.body()) {
            int status = response.statusCode();
            if (status == 304 && etag.isPresent()) {
                return etag;
            }
            if (status == 416) {
                Files.deleteIfExists(part);
                throw new IOException("the server cannot resume");
            }
            if (status >= 500 || status == 429) {
                throw new IOException("the server answered " + status);
            }
            if (status != 200 && status != 206) {
                throw new Failure("cannot fetch " + uri + ": the server answered " + status, status == 404 ? "check the URL; a mirror may lack the file" : "");
            }
            boolean append = status == 206;
            long length = response.headers().firstValueAsLong("Content-Length").orElse(-1);
            long start = append ? have : 0;
            copy(uri, body, part, append, start, length, maxBytes);
            return response.headers().firstValue("ETag");
        }
    }

    private void copy(URI uri, InputStream body, Path part, boolean append, long start, long length, long maxBytes) throws IOException {
        long total = length < 0 ? -1 : start + length;
        if (total > maxBytes) {
            throw tooLarge(uri, maxBytes);
        }
        String name = uri.getPath().substring(uri.getPath().lastIndexOf('/') + 1);
        byte[] buffer = new byte[1 << 16];
        long got = start;
        try (OutputStream out = append ? Files.newOutputStream(part, StandardOpenOption.CREATE, StandardOpenOption.APPEND) : Files.newOutputStream(part);
                Console.Progress bar = console.progress(name, total, "MiB", 1 << 20)) {
            bar.add(start);
            for (int n = body.read(buffer); n >= 0; n = body.read(buffer)) {
                got += n;
                if (got > maxBytes) {
                    throw tooLarge(uri, maxBytes);
                }
                out.write(buffer, 0, n);
                bar.add(n);
            }
        }
        if (total >= 0 && got != total) {
            throw new IOException("cut after " + got + " of " + total + " bytes");
        }
    }

    private static Failure tooLarge(URI uri, long maxBytes) {
        return new Failure(uri + " is larger than the " + maxBytes + " bytes allowed for it", "the server sends something else than expected");
    }

    private synchronized HttpClient client() {
        if (client == null) {
            client = HttpClient.newBuilder().connectTimeout(Duration.ofSeconds(20)).followRedirects(HttpClient.Redirect.NORMAL)
                    .proxy(java.net.ProxySelector.getDefault()).build();
        }
        return client;
    }
}
