package lib.tool;

import com.fasterxml.jackson.databind.JsonNode;
import java.io.IOException;
import java.net.InetSocketAddress;
import java.net.Socket;
import java.net.URI;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.TreeMap;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.TimeUnit;
import java.util.function.Supplier;

/**
 * A cache that machines share, in an S3 bucket: what one has made, the others fetch. It never fails a build: after its first trouble it
 * is left alone for the rest of the run; after trouble with sending, as keys that may only read have it, it is still fetched from.
 *
 * <p>Objects: {@code PREFIX/KIND/KEY.json} says which content belongs to a key, {@code PREFIX/content/SHA256} is a tar of it packed with
 * zstd. What is fetched must have that SHA-256. Who may write to the bucket decides what others build with: give out keys accordingly.
 */
public final class RemoteCache implements AutoCloseable {
    /** What costs processor time; the rest is quicker made anew, or comes from the network anyway. */
    private static final Set<String> KINDS = Set.of("component", "strip", "upx", "upx-measured", "initramfs", "kernel-config", "kernel-objects", "kernel-linked");
    private static final S3.Kind JSON = new S3.Kind("application/json", "no-cache");
    private static final S3.Kind CONTENT = new S3.Kind("application/zstd", "public, max-age=31536000, immutable");
    private static final int CONNECT_MILLISECONDS = 3000;

    private enum Way { FETCH, SEND }

    private final URI endpoint;
    private final Supplier<S3> connect;
    private final String prefix;
    private final Console console;
    private final Set<Way> closed = ConcurrentHashMap.newKeySet();
    private final Set<String> known = ConcurrentHashMap.newKeySet();
    private final ExecutorService background = Executors.newSingleThreadExecutor(work -> {
        Thread thread = new Thread(work, "remote cache");
        thread.setDaemon(true);
        return thread;
    });
    private S3 connection;

    /**
     * @param endpoint server, of which is seen first whether it answers at all
     * @param connect opens the bucket; called when something is wanted of it for the first time
     * @param prefix folder in the bucket
     */
    public RemoteCache(URI endpoint, Supplier<S3> connect, String prefix, Console console) {
        this.endpoint = endpoint;
        this.connect = connect;
        this.prefix = prefix.isEmpty() ? "" : prefix + "/";
        this.console = console;
    }

    /**
     * Fetches an entry into {@code target}, which does not exist yet.
     *
     * @param scratch a path for a temporary file
     * @return whether it was there and whole
     */
    boolean fetch(Cache.Key key, Path target, Path scratch) {
        if (!KINDS.contains(key.kind())) {
            return false;
        }
        return quietly(Way.FETCH, "fetch " + key.kind() + " " + key.name(), () -> {
            Optional<S3.Found> index = s3().find(index(key));
            return index.isPresent() && fetch(key, index.get(), target, scratch);
        });
    }

    private boolean fetch(Cache.Key key, S3.Found index, Path target, Path scratch) throws IOException {
        JsonNode entry = Json.parse(index.text(), index(key));
        String sha256 = entry.path("sha256").asText();
        try {
            Optional<String> found = sha256.matches("[0-9a-f]{64}") ? s3().download(content(sha256), scratch) : Optional.empty();
            if (found.isPresent() && found.get().equals(sha256)) {
                Bundle.unpack(scratch, target);
                known.add(key.kind() + key.digest());
                return true;
            }
            console.say("remote cache: " + key.kind() + " " + key.name() + " is damaged there and made anew");
            return quietly(Way.SEND, "remove " + key.kind() + " " + key.name(), () -> {
                s3().remove(index(key));
                s3().remove(content(sha256));
                return false;
            });
        } catch (Failure e) {
            Trees.delete(target);
            throw e;
        } finally {
            Files.deleteIfExists(scratch);
        }
    }

    /**
     * Sends an entry in the background, if it is not there yet.
     *
     * @param entry must not change any more
     * @param scratch a path for a temporary file
     */
    void offer(Cache.Key key, Path entry, Path scratch) {
        if (KINDS.contains(key.kind()) && !closed.contains(Way.SEND) && known.add(key.kind() + key.digest())) {
            background.execute(() -> quietly(Way.SEND, "send " + key.kind() + " " + key.name(), () -> {
                if (s3().stat(index(key)).isEmpty()) {
                    send(key, entry, scratch);
                }
                return true;
            }));
        }
    }

    private void send(Cache.Key key, Path entry, Path scratch) throws IOException {
        try {
            Bundle.pack(entry, scratch);
            String sha256 = Digest.sha256(scratch);
            s3().upload(content(sha256), scratch, CONTENT, Map.of(), Progress.none());
            Map<String, Object> index = new TreeMap<>(Map.of("sha256", sha256, "bytes", Files.size(scratch), "name", key.name(), "inputs", key.inputs().keySet()));
            s3().put(index(key), Json.line(index).getBytes(java.nio.charset.StandardCharsets.UTF_8), JSON, S3.Condition.NONE);
        } finally {
            Files.deleteIfExists(scratch);
        }
    }

    private String index(Cache.Key key) {
        return prefix + key.kind() + "/" + key.digest() + ".json";
    }

    private String content(String sha256) {
        return prefix + "content/" + sha256;
    }

    private synchronized S3 s3() throws IOException {
        if (connection == null) {
            try (Socket socket = new Socket()) {
                int port = endpoint.getPort() > 0 ? endpoint.getPort() : endpoint.getScheme().equals("http") ? 80 : 443;
                if (System.getenv().keySet().stream().noneMatch(name -> name.matches("(?i)(https?|all)_proxy"))) {
                    socket.connect(new InetSocketAddress(endpoint.getHost(), port), CONNECT_MILLISECONDS);
                }
            }
            connection = connect.get();
        }
        return connection;
    }

    private interface Attempt {
        boolean run() throws IOException;
    }

    /** False when it went wrong, and then that way is closed; a server that cannot be read is not written to either. */
    private boolean quietly(Way way, String doing, Attempt attempt) {
        if (closed.contains(way)) {
            return false;
        }
        try {
            return attempt.run();
        } catch (IOException | RuntimeException e) {
            if (closed.add(way)) {
                console.say("remote cache: cannot " + doing + ": " + String.valueOf(e.getMessage()).lines().findFirst().orElse(e.toString())
                        + (way == Way.FETCH ? "; going on without it" : "; nothing more is sent"));
            }
            if (way == Way.FETCH) {
                closed.add(Way.SEND);
            }
            return false;
        }
    }

    /** Waits until everything is sent. */
    @Override
    public void close() {
        background.shutdown();
        try {
            if (!background.awaitTermination(1, TimeUnit.SECONDS)) {
                console.say("waiting for uploads to the remote cache");
                background.awaitTermination(1, TimeUnit.HOURS);
            }
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
        if (connection != null) {
            connection.close();
        }
    }
}
