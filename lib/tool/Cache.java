package lib.tool;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.TreeMap;
import java.util.TreeSet;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.locks.ReentrantLock;
import java.util.function.Consumer;
import java.util.stream.Stream;

/**
 * Results kept by the content of everything that can change them.
 *
 * <p>Layout: {@code kind/<key>/...} is an entry, {@code kind/<key>.inputs} the named inputs it was made from (for {@code --explain}),
 * {@code lock/<key>} its lock. An entry appears by one rename, so that a process killed at any moment leaves a usable cache, and one
 * lock per key keeps builds side by side from making the same thing twice.
 */
public final class Cache {
    /** Marks a folder as a cache, for backup programs and for clean.java (Cache Directory Tagging Specification, bford.info/cachedir). */
    public static final String TAG = "CACHEDIR.TAG";
    /** Ending of the file beside an entry that names its inputs, and whose time is that of the entry's last use. */
    static final String INPUTS = ".inputs";
    private static final String VARIABLE = "MOS_CACHE_DIR";
    private static final String SIGNATURE = "Signature: 8a477f597d28d172789f06886806bc55";

    private final Path folder;
    private final Optional<Apart> apart;
    private final Consumer<String> explain;
    private final Optional<RemoteCache> remote;
    private final Map<String, ReentrantLock> here = new ConcurrentHashMap<>();
    private final AtomicInteger hits = new AtomicInteger();
    private final List<String> misses = java.util.Collections.synchronizedList(new ArrayList<>());

    /** @param explain is told a line for each look-up: hit or miss, and for a miss the input that changed */
    public Cache(Path folder, Consumer<String> explain) {
        this(folder, Optional.empty(), explain, Optional.empty());
    }

    /** @param remote is asked for what is not here, and offered what is */
    public Cache(Path folder, Consumer<String> explain, Optional<RemoteCache> remote) {
        this(folder, Optional.empty(), explain, remote);
    }

    private Cache(Path folder, Optional<Apart> apart, Consumer<String> explain, Optional<RemoteCache> remote) {
        this.folder = folder;
        this.apart = apart;
        this.explain = explain;
        this.remote = remote;
    }

    /** Kinds of entries that live in another folder of the same file system, so that a build makes them anew. */
    public record Apart(Path folder, Set<String> kinds) {
        private static final String VARIABLE = "MOS_CACHE_APART";

        /** The variable's value: the kinds, then the folder. */
        private String text() {
            return String.join(",", new TreeSet<>(kinds)) + ":" + folder;
        }

        private static Apart parse(String text) {
            return new Apart(Path.of(text.substring(text.indexOf(':') + 1)), Set.of(text.substring(0, text.indexOf(':')).split(",")));
        }
    }

    /** The cache that the environment names; one with kinds apart asks no other one. */
    public static Cache of(Map<String, String> environment, Consumer<String> explain, Optional<RemoteCache> remote) {
        Cache all = new Cache(defaultFolder(environment), explain, remote);
        return Optional.ofNullable(environment.get(Apart.VARIABLE)).map(Apart::parse).map(all::with).orElse(all);
    }

    /** The same with kinds apart; it asks no other one. */
    public Cache with(Apart other) {
        return new Cache(folder, Optional.of(other), explain, Optional.empty());
    }

    /** The environment variables that hand this cache on to another process. */
    public Map<String, String> variables() {
        Map<String, String> variables = new TreeMap<>(Map.of(VARIABLE, folder.toString()));
        apart.ifPresent(other -> variables.put(Apart.VARIABLE, other.text()));
        return variables;
    }

    /** {@code $MOS_CACHE_DIR}, else {@code ~/.cache/mos-builder}. */
    public static Path defaultFolder(Map<String, String> environment) {
        return Optional.ofNullable(environment.get(VARIABLE)).filter(text -> !text.isBlank()).map(Path::of)
                .orElseGet(() -> Path.of(environment.getOrDefault("HOME", System.getProperty("user.home")), ".cache", "mos-builder"))
                .toAbsolutePath().normalize();
    }

    /** Whether {@code folder} is a cache that this class has used. */
    public static boolean isCache(Path folder) {
        Path tag = folder.resolve(TAG);
        return Files.isRegularFile(tag) && Trees.read(tag).startsWith(SIGNATURE);
    }

    /** What an entry depends on: a kind (its folder in the cache), the thing's name, and inputs by name. */
    public record Key(String kind, String name, Map<String, String> inputs) {
        public static Key of(String kind, String name) {
            return new Key(kind, name, Map.of());
        }

        public Key with(String input, Object value) {
            Map<String, String> more = new TreeMap<>(inputs);
            more.put(input, String.valueOf(value));
            return new Key(kind, name, more);
        }

        /** Lower-case hexadecimal SHA-256 over kind and inputs, each with its length, so that no two sets run together. */
        public String digest() {
            StringBuilder text = new StringBuilder(kind).append('\n');
            new TreeMap<>(inputs).forEach((input, value) ->
                    text.append(input).append(' ').append(value.length()).append('\n').append(value).append('\n'));
            return Digest.sha256(text.toString().getBytes(StandardCharsets.UTF_8));
        }

        private String lines() {
            StringBuilder text = new StringBuilder("name=" + name + "\n");
            new TreeMap<>(inputs).forEach((input, value) -> text.append(input).append('=').append(value.replace("\n", "\\n")).append('\n'));
            return text.toString();
        }
    }

    /** Makes an entry: creates {@code target} (a file or a folder; it does not exist yet, its parent does). */
    @FunctionalInterface
    public interface Maker {
        void make(Path target) throws IOException;
    }

    /** The entry for {@code key}: a file or folder that must not be changed. Made by {@code maker} when it is not there. */
    public Path get(Key key, Maker maker) {
        String digest = key.digest();
        Path entry = of(key.kind()).resolve(digest);
        if (Files.exists(entry)) {
            return hit(key, entry);
        }
        return locked(key.kind() + "-" + digest, () -> Files.exists(entry) ? hit(key, entry) : make(key, entry, maker));
    }

    private Path make(Key key, Path entry, Maker maker) throws IOException {
        if (apart.isEmpty()) {
            new CacheTemporaries(folder("tmp")).sweep(explain);
        }
        Path making = temporary(entry.getFileName().toString());
        try {
            if (!fetched(key, making)) {
                explain.accept("miss " + key.kind() + " " + key.name() + ": " + changed(key, entry.getParent()));
                misses.add(key.kind() + " " + key.name());
                maker.make(making);
            }
            if (!Files.exists(making)) {
                throw new IllegalStateException("nothing was made for " + key.kind() + " " + key.name());
            }
            Files.createDirectories(entry.getParent());
            Files.writeString(entry.resolveSibling(entry.getFileName() + INPUTS), key.lines());
            Files.move(making, entry, StandardCopyOption.ATOMIC_MOVE);
        } finally {
            Trees.delete(making);
        }
        offer(key, entry);
        return entry;
    }

    private boolean fetched(Key key, Path making) {
        boolean fetched = remote.isPresent() && remote.get().fetch(key, making, temporary("fetch"));
        if (fetched) {
            hits.incrementAndGet();
            explain.accept("hit  " + key.kind() + " " + key.name() + " (remote cache)");
        }
        return fetched;
    }

    private void offer(Key key, Path entry) {
        remote.ifPresent(other -> other.offer(key, entry, temporary("offer")));
    }

    /** Whether the entry is there already. */
    public boolean has(Key key) {
        return Files.exists(of(key.kind()).resolve(key.digest()));
    }

    /** The entry, where it is there already. */
    public Optional<Path> find(Key key) {
        return has(key) ? Optional.of(hit(key, of(key.kind()).resolve(key.digest()))) : Optional.empty();
    }

    private Path of(String kind) {
        return apart.filter(one -> one.kinds().contains(kind)).map(Apart::folder).orElse(folder).resolve(kind);
    }

    /** Where entries of this kind and files that keep changing in place (git mirrors, downloads) live; created. */
    public Path folder(String kind) {
        try {
            Files.createDirectories(folder);
            if (!Files.exists(folder.resolve(TAG))) {
                Files.writeString(folder.resolve(TAG), SIGNATURE + "\n# Made by MOS Builder; clean.java --cache empties it.\n");
            }
            return Files.createDirectories(of(kind));
        } catch (IOException e) {
            throw Failure.io("cannot create the cache folder " + folder.resolve(kind), e);
        }
    }

    /** A path for a new temporary file or folder on the cache's own file system. */
    public Path temporary(String name) {
        return new CacheTemporaries(folder("tmp")).named(name);
    }

    /** Work done while a lock is held. */
    @FunctionalInterface
    public interface Work<T> {
        T run() throws IOException;
    }

    /** Does {@code work} while {@code name} is held against other processes and threads. */
    public <T> T locked(String name, Work<T> work) {
        return locked(name, () -> { }, work);
    }

    /** The same; {@code whenBusy} is called when another process holds {@code name}, before waiting for it. */
    public <T> T locked(String name, Runnable whenBusy, Work<T> work) {
        ReentrantLock thread = here.computeIfAbsent(name, any -> new ReentrantLock());
        thread.lock();
        try {
            return new Lock(folder("lock").resolve(name)).hold(whenBusy, work);
        } catch (IOException e) {
            throw Failure.io("while working on " + name + " in the cache " + folder, e);
        } finally {
            thread.unlock();
        }
    }

    public int hits() {
        return hits.get();
    }

    /** Kind and name of everything that had to be made in this run. */
    public List<String> misses() {
        return List.copyOf(misses);
    }

    private Path hit(Key key, Path entry) {
        hits.incrementAndGet();
        explain.accept("hit  " + key.kind() + " " + key.name());
        offer(key, entry);
        touch(entry.resolveSibling(entry.getFileName() + INPUTS));
        return entry;
    }

    /** The time of the last use, by which old entries are found; a cache of somebody else's keeps its times. */
    private static void touch(Path inputs) {
        inputs.toFile().setLastModified(System.currentTimeMillis());
    }

    /** The inputs that differ from the newest entry of the same kind and name. */
    private static String changed(Key key, Path kind) throws IOException {
        if (!Files.isDirectory(kind)) {
            return "never made before";
        }
        List<Path> newest;
        try (Stream<Path> files = Files.list(kind)) {
            newest = files.filter(file -> file.toString().endsWith(INPUTS))
                    .sorted(Comparator.comparing((Path file) -> file.toFile().lastModified()).reversed()).toList();
        }
        for (Path file : newest) {
            List<String> before = Files.readAllLines(file);
            if (before.contains("name=" + key.name())) {
                List<String> now = new ArrayList<>(key.lines().lines().toList());
                now.removeAll(before);
                return now.isEmpty() ? "its entry was removed" : "changed " + String.join(", ", now);
            }
        }
        return "never made before";
    }
}
