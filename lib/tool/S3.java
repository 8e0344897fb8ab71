package lib.tool;

//DEPS io.minio:minio:9.0.3
//DEPS com.squareup.okhttp3:okhttp-jvm:5.3.2

import io.minio.GetObjectArgs;
import io.minio.Http;
import io.minio.ListObjectsArgs;
import io.minio.MinioAsyncClient;
import io.minio.PutObjectAPIArgs;
import io.minio.RemoveObjectArgs;
import io.minio.Result;
import io.minio.StatObjectArgs;
import io.minio.StatObjectResponse;
import io.minio.errors.MinioException;
import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.io.RandomAccessFile;
import java.net.URI;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.MessageDigest;
import java.time.Duration;
import java.time.Instant;
import java.time.temporal.ChronoUnit;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ExecutionException;

/**
 * A bucket of an S3 server. What fails for a passing reason (cuts, stalls, 5xx) is tried again with growing, scattered pauses;
 * anything else becomes a {@link Failure} of one line with its fix.
 */
public final class S3 implements AutoCloseable {
    /** Files above this many bytes are sent in parts of this size. */
    public static final long PART = 16L << 20;

    private final Place place;
    private final MinioAsyncClient client;
    private final S3Http http;
    private final S3Retry retry;
    private volatile boolean conditions = true;

    /** How the bucket stands in URLs: in the path, in the host name, or as the endpoint wants it. */
    public enum Style { AUTO, PATH, VIRTUAL }

    /**
     * @param certificates PEM file of further trusted certificate authorities
     * @param patience time without a byte after which a transfer is given up and tried again
     */
    public record Place(URI endpoint, String region, String bucket, String accessKey, String secretKey, Style style,
            Optional<Path> certificates, Duration patience) {
        /** Without the keys. */
        @Override
        public String toString() {
            return endpoint + " bucket " + bucket;
        }
    }

    /** @param modified in whole seconds, as not all answers of a server have more */
    public record Item(String key, long bytes, Instant modified) { }

    /** A small object and the tag that changes with its content. */
    public record Found(byte[] bytes, String etag) {
        public String text() {
            return new String(bytes, java.nio.charset.StandardCharsets.UTF_8);
        }
    }

    /** Headers of a new object. */
    public record Kind(String contentType, String cacheControl) { }

    /** What must be so for a write to happen: {@code header} and its value; both empty when nothing. */
    public record Condition(String header, String value) {
        public static final Condition NONE = new Condition("", "");
        /** The object does not exist yet. */
        public static final Condition ABSENT = new Condition("If-None-Match", "*");

        /** The object is still the one that was read; it still does not exist, when none was found. */
        public static Condition unchanged(Optional<Found> read) {
            return read.map(found -> new Condition("If-Match", '"' + found.etag() + '"')).orElse(ABSENT);
        }
    }

    public S3(Place place, Console console) {
        this.place = place;
        this.http = new S3Http(place);
        this.retry = new S3Retry(place, console);
        this.client = MinioAsyncClient.builder().endpoint(place.endpoint().toString()).region(place.region())
                .credentials(place.accessKey(), place.secretKey()).httpClient(http.client(), true).build();
        if (place.style() == Style.PATH) {
            client.disableVirtualStyleEndpoint();
        } else if (place.style() == Style.VIRTUAL) {
            client.enableVirtualStyleEndpoint();
        }
    }

    /** Length and time of an object; empty when there is none. */
    public Optional<Item> stat(String key) {
        return retry.optional("look at " + key, this::probe, () -> {
            StatObjectResponse seen = get(client.statObject(StatObjectArgs.builder().bucket(place.bucket()).object(key).build()));
            return new Item(key, seen.size(), seen.lastModified().toInstant().truncatedTo(ChronoUnit.SECONDS));
        });
    }

    /** User metadata that an object was sent with, names in lower case; empty when there is no object. */
    public Map<String, String> metadata(String key) {
        return retry.optional("look at " + key, this::probe, () -> {
            Map<String, String> metadata = new java.util.TreeMap<>();
            get(client.statObject(StatObjectArgs.builder().bucket(place.bucket()).object(key).build())).userMetadata()
                    .forEach(one -> metadata.put(one.getKey().toLowerCase(java.util.Locale.ROOT), one.getValue()));
            return metadata;
        }).orElse(new java.util.TreeMap<>());
    }

    /** A 403 to a HEAD request has no body that says why; the answer to this request has. */
    private void probe() throws IOException, MinioException {
        for (Result<?> one : client.listObjects(ListObjectsArgs.builder().bucket(place.bucket()).prefix("probe/").maxKeys(1).build())) {
            one.get();
        }
    }

    /** A whole object of at most 64 MiB; empty when there is none. */
    public Optional<Found> find(String key) {
        return retry.optional("read " + key, () -> { }, () -> {
            try (var in = get(client.getObject(GetObjectArgs.builder().bucket(place.bucket()).object(key).build()))) {
                byte[] bytes = in.readNBytes(64 << 20);
                long length = Long.parseLong(Optional.ofNullable(in.headers().get("Content-Length")).orElse("-1"));
                if (length >= 0 && length != bytes.length) {
                    throw new IOException("cut after " + bytes.length + " of " + length + " bytes");
                }
                return new Found(bytes, Optional.ofNullable(in.headers().get("ETag")).orElse("").replace("\"", ""));
            }
        });
    }

    /** SHA-256 of what the server sends for the object; empty when there is none. */
    public Optional<String> sha256(String key, Progress progress) {
        return retry.optional("read back " + key, () -> { }, () -> read(key, OutputStream.nullOutputStream(), progress));
    }

    /** Writes an object to a file and returns its SHA-256; empty when there is none. */
    public Optional<String> download(String key, Path file) {
        return retry.optional("read " + key, () -> { }, () -> {
            try (OutputStream out = Files.newOutputStream(file)) {
                return read(key, out, Progress.none());
            }
        });
    }

    private String read(String key, OutputStream out, Progress progress) throws IOException, MinioException {
        MessageDigest digest = Digest.newSha256();
        byte[] buffer = new byte[1 << 16];
        try (InputStream in = get(client.getObject(GetObjectArgs.builder().bucket(place.bucket()).object(key).build()))) {
            for (int n = in.read(buffer); n >= 0; n = in.read(buffer)) {
                digest.update(buffer, 0, n);
                out.write(buffer, 0, n);
                progress.add(n);
            }
        }
        return Digest.hex(digest.digest());
    }

    /**
     * Writes a small object. False when the condition does not hold, which can also mean that an earlier try of this very call was
     * carried out and only its answer was lost: look again. A server that knows no conditions writes always.
     */
    public boolean put(String key, byte[] bytes, Kind kind, Condition condition) {
        return write(key, kind, condition, Map.of(), bytes);
    }

    private boolean write(String key, Kind kind, Condition condition, Map<String, String> more, byte[] bytes) {
        return retry.unless(412, "write " + key, () -> {
            Http.Headers headers = new Http.Headers(Map.of("Cache-Control", kind.cacheControl()));
            more.forEach(headers::set);
            if (conditions && !condition.header().isEmpty()) {
                headers.set(condition.header(), condition.value());
            }
            try {
                get(client.putObject(PutObjectAPIArgs.builder().data(bytes, bytes.length).contentType(kind.contentType()).bucket(place.bucket()).object(key).headers(headers).build()));
            } catch (MinioException e) {
                if (conditions && !condition.header().isEmpty() && S3Retry.status(e) == 501) {
                    conditions = false;
                    throw new IOException("the server knows no conditional writes");
                }
                throw e;
            }
        });
    }

    /**
     * Whether the server keeps to conditions, found out by writing an object that is there already, with the same bytes, on the
     * condition that it is not there.
     */
    public boolean honoursConditions(String key, byte[] sameBytes, Kind kind) {
        return conditions && !put(key, sameBytes, kind, Condition.ABSENT) && conditions;
    }

    /**
     * Sends a file under a name that is free; false when it is taken. Long files go in parts, which are removed again when the
     * upload fails; parts that a killed upload of the same name left an hour ago are removed first.
     *
     * @param metadata user metadata, kept with the object
     */
    public boolean upload(String key, Path file, Kind kind, Map<String, String> metadata, Progress progress) {
        http.report(progress);
        Map<String, String> more = new java.util.TreeMap<>();
        metadata.forEach((name, value) -> more.put("x-amz-meta-" + name, value));
        try (RandomAccessFile open = new RandomAccessFile(file.toFile(), "r")) {
            if (open.length() <= PART) {
                byte[] bytes = S3Parts.bytes(open, 0);
                return write(key, kind, Condition.ABSENT, more, bytes);
            }
            abortAbandoned(key, Duration.ofHours(1));
            return stat(key).isEmpty() && (new S3Parts(client, place.bucket(), retry).send(key, open, kind, more, conditions)
                    || stat(key).filter(item -> item.bytes() == file.toFile().length()).isPresent());
        } catch (IOException e) {
            throw Failure.io("cannot read " + file, e);
        } finally {
            http.report(null);
        }
    }

    /** Removes the parts of unfinished uploads below {@code prefix} that began longer than {@code age} ago; returns their keys, none when this key may not. */
    public List<String> abortAbandoned(String prefix, Duration age) {
        return new S3Parts(client, place.bucket(), retry).abortAbandoned(prefix, age);
    }

    /** The objects directly in {@code folder}, which ends with a slash or is empty. */
    public List<Item> list(String folder) {
        return retry.run("list " + folder, () -> {
            List<Item> items = new ArrayList<>();
            try {
                for (Result<io.minio.messages.Item> one : client.listObjects(ListObjectsArgs.builder().bucket(place.bucket()).prefix(folder).build())) {
                    io.minio.messages.Item item = one.get();
                    if (!item.isDir()) {
                        items.add(new Item(item.objectName(), item.size(), item.lastModified().toInstant().truncatedTo(ChronoUnit.SECONDS)));
                    }
                }
            } catch (IllegalStateException e) {
                throw new IOException("the list was cut", e.getCause());
            }
            return items;
        });
    }

    /** Removes an object; nothing happens when there is none. */
    public void remove(String key) {
        retry.unless(404, "remove " + key, () -> get(client.removeObject(RemoveObjectArgs.builder().bucket(place.bucket()).object(key).build())));
    }

    /** Waits for an answer; exceptions lose their wrapping. */
    static <T> T get(CompletableFuture<T> answer) throws IOException, MinioException {
        try {
            return answer.get();
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw new Failure("interrupted while talking to the S3 server", "", e);
        } catch (ExecutionException e) {
            for (Throwable cause = e; cause != null; cause = cause.getCause()) {
                if (cause instanceof IOException io) {
                    throw io;
                }
                if (cause instanceof MinioException minio && !(cause.getCause() instanceof IOException)) {
                    throw minio;
                }
            }
            throw new IOException(e.getCause());
        }
    }

    public Place place() {
        return place;
    }

    @Override
    public void close() {
        http.close();
    }
}
