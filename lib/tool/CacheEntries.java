package lib.tool;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.LinkOption;
import java.nio.file.Path;
import java.time.Instant;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import java.util.stream.Stream;

/** What a cache folder holds, for those who make room in it. */
public record CacheEntries(Path folder) {
    /** Not entries: the mark of the folder, locks, and the launcher's JBang, without which the next start would need a network. */
    private static final Set<String> KEPT = Set.of(Cache.TAG, "lock", "jbang");

    /**
     * A file or folder two levels down.
     *
     * @param used when it was made, or last answered a look-up
     * @param bytes of all its files
     */
    public record Entry(Path path, Instant used, long bytes) {
        /** The entry itself, and the note of its inputs, if it has one. */
        public List<Path> files() {
            return List.of(path, inputs(path));
        }
    }

    /** The folders of all kinds, which together are everything but what is kept. */
    public List<Path> kinds() {
        return children(folder).stream().filter(path -> !KEPT.contains(path.getFileName().toString())).toList();
    }

    /** The entries of all kinds, those first that were not used for the longest time. */
    public List<Entry> all() {
        return kinds().stream().filter(kind -> Files.isDirectory(kind, LinkOption.NOFOLLOW_LINKS)).flatMap(kind -> children(kind).stream())
                .filter(path -> !path.toString().endsWith(Cache.INPUTS)).map(path -> new Entry(path, used(path), Trees.size(path)))
                .sorted(Comparator.comparing(Entry::used)).toList();
    }

    /**
     * Those of {@code all} that have to go.
     *
     * @param all as {@link #all} sorts them
     * @param before entries that were not used since go
     * @param limit then the oldest go until the rest has at most so many bytes
     */
    public static List<Entry> superfluous(List<Entry> all, Optional<Instant> before, Optional<Long> limit) {
        List<Entry> gone = new ArrayList<>();
        long left = all.stream().mapToLong(Entry::bytes).sum();
        for (Entry entry : all) {
            boolean old = before.isPresent() && entry.used().isBefore(before.get());
            if (old || limit.isPresent() && left > limit.get()) {
                gone.add(entry);
                left -= entry.bytes();
            }
        }
        return gone;
    }

    private static Path inputs(Path entry) {
        return entry.resolveSibling(entry.getFileName() + Cache.INPUTS);
    }

    private static Instant used(Path entry) {
        Path inputs = inputs(entry);
        try {
            return Files.getLastModifiedTime(Files.exists(inputs) ? inputs : entry, LinkOption.NOFOLLOW_LINKS).toInstant();
        } catch (IOException e) {
            throw Failure.io("cannot look at " + entry, e);
        }
    }

    private static List<Path> children(Path folder) {
        try (Stream<Path> list = Files.list(folder)) {
            return list.sorted().toList();
        } catch (IOException e) {
            throw Failure.io("cannot read " + folder, e);
        }
    }
}
