package lib;

import java.io.IOException;
import java.net.URI;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.TreeMap;
import java.util.function.Supplier;
import lib.tool.Digest;
import lib.tool.Download;
import lib.tool.Failure;
import lib.tool.Tools;
import lib.tool.Trees;

/**
 * A source that build.lock pins in a section of its own, as one object: {@code source}, and the {@code sha256} of a tarball, or
 * {@code version} and {@code commit} of a git repository. The entry holds as long as config/ asks for the same source and version.
 *
 * @param lock empty: nothing is pinned
 * @param section {@code kernel} or {@code firmware}; what {@code --update-lock=NAME} calls it too
 */
record LockedSource(Optional<BuildLock.Use> lock, String section, Tools tools) {
    /**
     * A tarball that can be read, and its SHA-256.
     *
     * @param origin where it came from: URL or path
     */
    record Tarball(Path file, String sha256, URI origin) { }

    /** The tarball with the checksum that the lock says; where it says none, what {@code first} finds, which is written down. */
    Tarball tarball(URI origin, long maxBytes, Supplier<Tarball> first) {
        // Files of this machine lie elsewhere on others: their name has to do.
        Map<String, String> asked = Map.of("source", origin.getScheme().equals("file") ? Path.of(origin).getFileName().toString() : origin.toString());
        Optional<String> pinned = pinned(asked, "sha256");
        Tarball found = pinned.map(sha256 -> with(sha256, origin, maxBytes, "build.lock", "--update-lock=" + section + " takes the file as it is now")).orElseGet(first);
        if (pinned.isEmpty()) {
            write(asked, "sha256", found.sha256());
        }
        return found;
    }

    /** The commit that the lock says for this version; where it says none, the one that {@code first} finds, which is written down. */
    String commit(String url, String version, Supplier<String> first) {
        Map<String, String> asked = Map.of("source", url, "version", version);
        return pinned(asked, "commit").orElseGet(() -> {
            String found = first.get();
            write(asked, "commit", found);
            return found;
        });
    }

    /** What the lock has for what is asked for; a lock that is to be obeyed but says nothing about it is a Failure. */
    private Optional<String> pinned(Map<String, String> asked, String identity) {
        Optional<String> found = lock.filter(use -> !use.renews(section)).flatMap(use -> use.read().section(section))
                .filter(entry -> entry.has(identity) && asked.entrySet().stream().allMatch(one -> entry.path(one.getKey()).asText().equals(one.getValue())))
                .map(entry -> entry.path(identity).asText());
        if (found.isEmpty() && lock.filter(use -> use.mode() == BuildLock.Mode.LOCKED).isPresent()) {
            throw Failure.usage(lock.get().file() + " says nothing about the " + section + " source " + asked.get("source")
                    + Optional.ofNullable(asked.get("version")).map(version -> " " + version).orElse(""), "run without --locked, or with --update-lock=" + section + ", once");
        }
        return found;
    }

    private void write(Map<String, String> asked, String identity, String found) {
        Map<String, String> entry = new TreeMap<>(asked);
        entry.put(identity, found);
        lock.ifPresent(use -> use.read().with(section, entry).write());
    }

    /** The tarball, which must have this checksum; {@code by} says who demands it. */
    Tarball with(String sha256, URI origin, long maxBytes, String by, String hint) {
        if (origin.getScheme().equals("file")) {
            Tarball found = asItIs(origin, maxBytes);
            if (!found.sha256().equals(sha256)) {
                throw new Failure(found.file() + " is not the file that " + by + " names\n  expected SHA-256 " + sha256 + "\n  found    SHA-256 " + found.sha256(), hint);
            }
            return found;
        }
        return new Tarball(tools.download().verified(List.of(origin), Download.Checksum.sha256(sha256), maxBytes), sha256, origin);
    }

    /** The tarball as it is there now. */
    Tarball asItIs(URI origin, long maxBytes) {
        Path file = tools.download().latest(origin, maxBytes);
        return new Tarball(file, remembered(file), origin);
    }

    /** The SHA-256 of a large file, remembered by its path, size and date. */
    private String remembered(Path file) {
        try {
            String state = file.toAbsolutePath() + " " + Files.size(file) + " " + Files.getLastModifiedTime(file);
            Path memory = tools.cache().folder("digest").resolve(Digest.sha256(state));
            return tools.cache().locked("digest", () -> {
                if (!Files.exists(memory)) {
                    Trees.replace(memory, Digest.sha256(file));
                }
                return Trees.read(memory);
            });
        } catch (IOException e) {
            throw Failure.io("cannot read " + file, e);
        }
    }
}
