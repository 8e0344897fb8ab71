package lib.apk;

import java.io.IOException;
import java.nio.file.FileSystemLoopException;
import java.nio.file.Files;
import java.nio.file.LinkOption;
import java.nio.file.NoSuchFileException;
import java.nio.file.NotDirectoryException;
import java.nio.file.Path;
import java.nio.file.attribute.BasicFileAttributeView;
import java.nio.file.attribute.BasicFileAttributes;
import java.nio.file.attribute.FileTime;
import java.util.ArrayDeque;
import java.util.Arrays;
import java.util.Deque;
import java.util.HashMap;
import java.util.Map;
import java.util.Optional;

/**
 * The root tree as a system that is not running: every path is looked up as it would be from inside, so that links, absolute ones
 * too, lead to places in the tree and nowhere else.
 */
final class Tree {
    private static final int MOST_LINKS = 40;

    private final Path root;
    private final Map<String, Path> folders = new HashMap<>();

    Tree(Path root) {
        this.root = root.toAbsolutePath().normalize();
    }

    Path root() {
        return root;
    }

    /** To be called when something else than this object may have changed folders or links. */
    void forget() {
        folders.clear();
    }

    /** Where {@code name} is on disk: links in its folder part are resolved inside the tree, the last part is not. */
    Path place(String name) throws IOException {
        int slash = name.lastIndexOf('/');
        return slash < 0 ? root.resolve(name) : folder(name.substring(0, slash)).resolve(name.substring(slash + 1));
    }

    /** The real folder on disk that {@code name} leads to from inside the tree. */
    Path folder(String name) throws IOException {
        Path known = folders.get(name);
        if (known == null) {
            known = walk(name);
            folders.put(name, known);
        }
        return known;
    }

    private Path walk(String name) throws IOException {
        Deque<String> parts = new ArrayDeque<>(Arrays.asList(name.split("/")));
        Path at = root;
        int links = 0;
        while (!parts.isEmpty()) {
            String part = parts.pop();
            if (part.isEmpty() || part.equals(".")) {
                continue;
            }
            if (part.equals("..")) {
                at = at.equals(root) ? root : at.getParent();
                continue;
            }
            Path next = at.resolve(part);
            BasicFileAttributes attributes = Files.readAttributes(next, BasicFileAttributes.class, LinkOption.NOFOLLOW_LINKS);
            if (attributes.isSymbolicLink()) {
                if (++links > MOST_LINKS) {
                    throw new FileSystemLoopException(name);
                }
                String target = Files.readSymbolicLink(next).toString();
                at = target.startsWith("/") ? root : at;
                String[] more = target.split("/");
                for (int i = more.length - 1; i >= 0; i--) {
                    parts.push(more[i]);
                }
            } else if (attributes.isDirectory()) {
                at = next;
            } else {
                throw new NotDirectoryException(next.toString());
            }
        }
        return at;
    }

    /** What is at the place itself; empty when there is nothing. */
    static Optional<BasicFileAttributes> at(Path place) throws IOException {
        try {
            return Optional.of(Files.readAttributes(place, BasicFileAttributes.class, LinkOption.NOFOLLOW_LINKS));
        } catch (NoSuchFileException e) {
            return Optional.empty();
        }
    }

    /** Owner, the twelve permission bits and, where it is not negative, the modification time in seconds since 1970. */
    record Metadata(int uid, int gid, int mode, long mtime) {
        /** Whether owner and permission bits are those of the other one. */
        boolean sameRights(Metadata other) {
            return uid == other.uid && gid == other.gid && mode == other.mode;
        }
    }

    /** The owner and the permission bits of what is at the place itself. */
    static Metadata metadata(Path place) throws IOException {
        Map<String, Object> all = Files.readAttributes(place, "unix:uid,gid,mode", LinkOption.NOFOLLOW_LINKS);
        return new Metadata((Integer) all.get("uid"), (Integer) all.get("gid"), (Integer) all.get("mode") & 07777, -1);
    }

    /** Sets all of {@code wanted}; for a link only its owner and time. */
    static void apply(Path place, Metadata wanted, boolean link) throws IOException {
        Metadata now = metadata(place);
        boolean owned = now.uid() == wanted.uid() && now.gid() == wanted.gid();
        if (now.uid() != wanted.uid()) {
            Files.setAttribute(place, "unix:uid", wanted.uid(), LinkOption.NOFOLLOW_LINKS);
        }
        if (now.gid() != wanted.gid()) {
            Files.setAttribute(place, "unix:gid", wanted.gid(), LinkOption.NOFOLLOW_LINKS);
        }
        // A new owner takes setuid away.
        if (!link && !(owned && now.mode() == wanted.mode())) {
            Files.setAttribute(place, "unix:mode", wanted.mode(), LinkOption.NOFOLLOW_LINKS);
        }
        if (wanted.mtime() >= 0) {
            FileTime time = FileTime.fromMillis(wanted.mtime() * 1000);
            Files.getFileAttributeView(place, BasicFileAttributeView.class, LinkOption.NOFOLLOW_LINKS).setTimes(time, time, null);
        }
    }

    /** A small file's bytes, links followed inside the tree; empty when there is none. */
    Optional<byte[]> bytes(String name) throws IOException {
        Path place;
        try {
            place = place(name);
        } catch (NoSuchFileException e) {
            return Optional.empty();
        }
        Optional<BasicFileAttributes> found = at(place);
        return found.isPresent() && found.get().isRegularFile() ? Optional.of(Files.readAllBytes(place)) : Optional.empty();
    }
}
