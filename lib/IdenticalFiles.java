package lib;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.LinkOption;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.stream.Stream;
import lib.tool.Digest;
import lib.tool.Failure;

/**
 * Files of a tree with the same content, mode and owner, kept once as hard links of each other: a booted node has them in memory once. (Inside
 * of a compressed archive a second copy costs next to nothing.) Whoever writes into one of them writes into all, so that this is done
 * only when LINK_IDENTICAL asks for it, and never to what running systems change.
 */
record IdenticalFiles(Path root) {
    private static final Set<String> CHANGED_AT_RUN_TIME = Set.of("etc", "home", "root", "run", "srv", "tmp", "var");

    /** What files have in common that may be the same. */
    private record Kind(long size, int mode, int uid, int gid) {
        private static Kind of(Path file) throws IOException {
            Map<String, Object> unix = Files.readAttributes(file, "unix:size,mode,uid,gid", LinkOption.NOFOLLOW_LINKS);
            return new Kind((Long) unix.get("size"), (Integer) unix.get("mode"), (Integer) unix.get("uid"), (Integer) unix.get("gid"));
        }
    }

    /** Links each file to the first one, by path, that is the same; returns the bytes that this saved. */
    long link() {
        try {
            Map<Kind, List<Path>> byKind = new HashMap<>();
            for (Path file : files()) {
                byKind.computeIfAbsent(Kind.of(file), kind -> new ArrayList<>()).add(file);
            }
            long saved = 0;
            for (Map.Entry<Kind, List<Path>> one : byKind.entrySet()) {
                if (one.getValue().size() > 1) {
                    saved += one.getKey().size() * link(one.getValue());
                }
            }
            return saved;
        } catch (IOException e) {
            throw Failure.io("cannot link identical files of " + root, e);
        }
    }

    /** Empty ones take no memory. */
    private List<Path> files() throws IOException {
        try (Stream<Path> all = Files.walk(root)) {
            return all.filter(path -> Files.isRegularFile(path, LinkOption.NOFOLLOW_LINKS) && path.toFile().length() > 0
                    && !CHANGED_AT_RUN_TIME.contains(root.relativize(path).getName(0).toString())).sorted().toList();
        }
    }

    /** Links those that are the same; returns how many files are gone by that, each counted once however many names it had. */
    private static int link(List<Path> files) throws IOException {
        Map<String, Path> first = new HashMap<>();
        Set<Object> gone = new HashSet<>();
        for (Path file : files) {
            Path same = first.putIfAbsent(Digest.sha256(file), file);
            if (same != null && !Files.isSameFile(same, file)) {
                gone.add(Files.getAttribute(file, "unix:ino", LinkOption.NOFOLLOW_LINKS));
                Files.delete(file);
                Files.createLink(file, same);
            }
        }
        return gone.size();
    }
}
