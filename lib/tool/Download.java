package lib.tool;

import java.io.IOException;
import java.net.URI;
import java.net.URISyntaxException;
import java.net.http.HttpClient;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.time.Duration;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.function.Function;

/**
 * Files from http:, https:, file: and plain paths. Downloads land in the cache; files of this machine are used where they are.
 *
 * <p>A file whose digest is known beforehand is fetched once and kept by that digest. One whose digest is not known (an index, a
 * checksum file) is asked for again in each run by a conditional request. Of several mirrors the first that has the right bytes answers.
 * With {@code offline} only the cache and local files do. May be used from several threads.
 */
public final class Download {
    private static final Duration STALL = Duration.ofSeconds(30);

    private final Console console;
    private final Cache cache;
    private final boolean offline;
    private final Duration stall;
    private final Map<String, String> environment;
    private HttpClient client;

    public Download(Console console, Cache cache, boolean offline) {
        this(console, cache, offline, STALL, System.getenv());
    }

    /**
     * @param stall how long a server may send nothing before it counts as broken
     * @param environment names the proxy and the certificates: see {@link HttpConnections}
     */
    Download(Console console, Cache cache, boolean offline, Duration stall, Map<String, String> environment) {
        this.environment = environment;
        this.console = console;
        this.cache = cache;
        this.offline = offline;
        this.stall = stall;
    }

    /** A digest that a file must have: JCA algorithm name and lower-case hexadecimal. */
    public record Checksum(String algorithm, String hex) {
        public static Checksum sha256(String hex) {
            return new Checksum("SHA-256", hex.toLowerCase(Locale.ROOT));
        }
    }

    /** A URL or path as the user wrote it; a relative path starts at {@code base}. What is no URL is a Failure (exit code 2). */
    public static URI uri(String text, Path base) {
        if (text.startsWith("http:") || text.startsWith("https:")) {
            try {
                return new URI(text);
            } catch (URISyntaxException e) {
                throw Failure.usage("not a URL: " + text + " (" + e.getReason() + " at column " + (e.getIndex() + 1) + ")", "nothing is put in for $VARIABLES; write a blank as %20");
            }
        }
        String path = text.startsWith("file:") ? text.substring("file:".length()).replaceFirst("^//(?=/)", "") : text;
        return base.resolve(path).toAbsolutePath().normalize().toUri();
    }

    /** The same place with {@code /name} behind its path. */
    public static URI child(URI folder, String name) {
        String text = folder.toString();
        int end = text.length();
        while (end > 0 && text.charAt(end - 1) == '/') {
            end--;
        }
        return URI.create(text.substring(0, end) + "/" + name);
    }

    /**
     * The file at the first of {@code mirrors} that has it, with this digest and at most {@code maxBytes} long. Other bytes are not kept;
     * when no mirror has the right ones that is a Failure.
     */
    public Path verified(List<URI> mirrors, Checksum expected, long maxBytes) {
        Path kept = cache.folder("download").resolve(expected.hex());
        if (Files.exists(kept)) {
            return kept;
        }
        return cache.locked("download-" + expected.hex(), () -> {
            if (Files.exists(kept)) {
                return kept;
            }
            return first(mirrors, mirror -> {
                if (local(mirror)) {
                    Path file = existing(mirror, maxBytes);
                    check(mirror, file, expected);
                    return file;
                }
                Path part = cache.folder("tmp").resolve(expected.hex() + ".part");
                fetch(mirror, part, maxBytes, Optional.empty());
                try {
                    check(mirror, part, expected);
                    return move(part, kept);
                } finally {
                    delete(part);
                }
            });
        });
    }

    /** The newest version of a file whose digest is not known; offline, the version that was fetched last. */
    public Path latest(URI uri, long maxBytes) {
        return latest(List.of(uri), maxBytes);
    }

    /** The newest version at the first of {@code mirrors} that has it. */
    public Path latest(List<URI> mirrors, long maxBytes) {
        return first(mirrors, mirror -> local(mirror) ? existing(mirror, maxBytes) : newest(mirror, maxBytes));
    }

    /** The newest version, or nothing where the place has no such file; offline, what was fetched last. A server that does not answer is a Failure. */
    public Optional<Path> ifThere(URI uri, long maxBytes) {
        if (local(uri)) {
            return Files.isRegularFile(Path.of(uri)) ? Optional.of(existing(uri, maxBytes)) : Optional.empty();
        }
        if (offline && !Files.exists(kept(uri))) {
            return Optional.empty();
        }
        try {
            return Optional.of(newest(uri, maxBytes));
        } catch (Failure e) {
            if (e.what().matches("(?s).*: the server answered 4(03|04|10)")) {
                return Optional.empty();
            }
            throw e;
        }
    }

    private Path kept(URI uri) {
        return cache.folder("latest").resolve(Digest.sha256(uri.toString()));
    }

    private Path newest(URI uri, long maxBytes) {
        Path kept = kept(uri);
        Path validator = kept.resolveSibling(kept.getFileName() + ".etag");
        if (offline) {
            if (!Files.exists(kept)) {
                throw unavailable(uri);
            }
            return kept;
        }
        return cache.locked("latest-" + kept.getFileName(), () -> {
            Path part = cache.temporary("latest");
            try {
                Optional<String> etag = Files.exists(validator) && Files.exists(kept) ? Optional.of(Files.readString(validator)) : Optional.empty();
                Optional<String> newer = fetch(uri, part, maxBytes, etag);
                if (Files.exists(part)) {
                    Files.deleteIfExists(validator);
                    Files.move(part, kept, StandardCopyOption.REPLACE_EXISTING, StandardCopyOption.ATOMIC_MOVE);
                    Files.writeString(validator, newer.orElse(""));
                }
                return kept;
            } finally {
                Files.deleteIfExists(part);
            }
        });
    }

    /**
     * A file whose digest is not known but which can be judged: {@code judge} turns it into a value or throws a Failure, after which the
     * next mirror is asked. What was accepted is kept in the cache under {@code key}, and is judged again when it is used again.
     *
     * @param kind folder of the cache
     * @param key letters, digits and . _ - that stand for the content
     */
    public <T> T accepted(String kind, String key, List<URI> mirrors, long maxBytes, Function<Path, T> judge) {
        Path kept = cache.folder(kind).resolve(key);
        return cache.locked(kind + "-" + key, () -> {
            if (Files.exists(kept)) {
                try {
                    return judge.apply(kept);
                } catch (Failure e) {
                    console.log("what the cache has for " + key + " is no good: " + e.what());
                    Files.delete(kept);
                }
            }
            return first(mirrors, mirror -> {
                if (local(mirror)) {
                    return judge.apply(existing(mirror, maxBytes));
                }
                Path part = cache.temporary(key);
                try {
                    fetch(mirror, part, maxBytes, Optional.empty());
                    T value = judge.apply(part);
                    move(part, kept);
                    return value;
                } finally {
                    delete(part);
                }
            });
        });
    }

    /** What the first mirror gives that does not fail; with all of them failing, the failure of the first that had the file at all. */
    private <T> T first(List<URI> mirrors, Function<URI, T> ask) {
        Failure failure = null;
        for (URI mirror : mirrors) {
            try {
                return ask.apply(mirror);
            } catch (Failure e) {
                if (failure != null) {
                    console.log("the mirror " + mirror + " failed too: " + e.what());
                    e.addSuppressed(failure);
                }
                failure = e;
            }
        }
        if (failure == null) {
            throw new Failure("no mirror is configured", "set ALPINE_MIRROR in config/build.conf");
        }
        throw failure;
    }

    private Optional<String> fetch(URI uri, Path part, long maxBytes, Optional<String> etag) {
        if (offline) {
            throw unavailable(uri);
        }
        return new Transfer(this::client, environment, console, uri, part, maxBytes, stall).fetch(etag);
    }

    private static Failure unavailable(URI uri) {
        return new Failure(uri + " is not in the cache and --offline forbids fetching it", "run once without --offline");
    }

    private static boolean local(URI uri) {
        return "file".equals(uri.getScheme());
    }

    private static Path existing(URI uri, long maxBytes) {
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

    private static Path move(Path part, Path kept) {
        try {
            return Files.move(part, kept, StandardCopyOption.ATOMIC_MOVE);
        } catch (IOException e) {
            throw Failure.io("while keeping " + kept, e);
        }
    }

    private static void delete(Path part) {
        try {
            Files.deleteIfExists(part);
        } catch (IOException e) {
            throw Failure.io("while removing " + part, e);
        }
    }

    private synchronized HttpClient client() {
        if (client == null) {
            client = HttpConnections.client(environment);
        }
        return client;
    }
}
