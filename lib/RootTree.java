package lib;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.LinkOption;
import java.nio.file.Path;
import java.util.ArrayDeque;
import java.util.Arrays;
import java.util.Deque;
import lib.tool.Failure;
import lib.tool.Trees;

/**
 * The image's file system as a folder of this machine. Paths are those of the image, with or without a leading slash. Links are
 * resolved inside the tree: an absolute link starts at the tree's top, {@code ..} never leaves it. Modes are set as given, whatever
 * the umask; owners are root.
 */
public record RootTree(Path folder) {
    private static final int MAX_LINKS = 40;

    /** Bytes of all its regular files. */
    public long bytes() {
        return Trees.size(folder);
    }

    /** Where the path is on this machine, with links in its parents followed inside the tree; the last part is not followed. */
    public Path resolve(String path) {
        Deque<String> parts = new ArrayDeque<>(Arrays.asList(path.split("/")));
        Path at = folder;
        int links = 0;
        while (!parts.isEmpty()) {
            String part = parts.removeFirst();
            if (part.isEmpty() || part.equals(".")) {
                continue;
            }
            if (part.equals("..")) {
                at = at.equals(folder) ? folder : at.getParent();
                continue;
            }
            Path next = at.resolve(part);
            if (parts.isEmpty() || !Files.isSymbolicLink(next)) {
                at = next;
                continue;
            }
            if (++links > MAX_LINKS) {
                throw new Failure("too many symbolic links on the way to " + path + " in the image", "look at the links in " + folder);
            }
            String target = target(next);
            at = target.startsWith("/") ? folder : at;
            String[] more = target.split("/");
            for (int i = more.length - 1; i >= 0; i--) {
                parts.addFirst(more[i]);
            }
        }
        return at;
    }

    /** Whether something (a dangling link too) is at the path. */
    public boolean exists(String path) {
        return Files.exists(resolve(path), LinkOption.NOFOLLOW_LINKS);
    }

    /** Whether the path leads to a regular file, the last link followed too. */
    public boolean isFile(String path) {
        return Files.isRegularFile(follow(path), LinkOption.NOFOLLOW_LINKS);
    }

    /** Where the regular file is that the path leads to, the last link followed too: inside of the tree. */
    public Path file(String path) {
        Path at = follow(path);
        if (!Files.isRegularFile(at, LinkOption.NOFOLLOW_LINKS)) {
            throw new Failure("/" + path + " in the image is no file", "look at " + at);
        }
        return at;
    }

    /** Still a link when there are too many. */
    private Path follow(String path) {
        Path at = resolve(path);
        for (int links = 0; Files.isSymbolicLink(at) && links < MAX_LINKS; links++) {
            String target = target(at);
            at = resolve(target.startsWith("/") ? target : folder.relativize(at.getParent()) + "/" + target);
        }
        return at;
    }

    /** Copies a file of this machine into the image; what was at the path is replaced. */
    public void install(Path source, String path, int mode) {
        put(path, at -> {
            Files.copy(source, at);
            mode(at, mode);
        });
    }

    /** Writes a text file; what was at the path is replaced. */
    public void write(String path, String text, int mode) {
        put(path, at -> {
            Files.writeString(at, text);
            mode(at, mode);
        });
    }

    /** Writes a file; what was at the path is replaced. */
    public void write(String path, byte[] bytes, int mode) {
        put(path, at -> {
            Files.write(at, bytes);
            mode(at, mode);
        });
    }

    /** Makes a symbolic link with this target text; what was at the path is replaced. */
    public void link(String path, String target) {
        put(path, at -> Files.createSymbolicLink(at, Path.of(target)));
    }

    /** The text of a file. */
    public String read(String path) {
        return Trees.read(file(path));
    }

    /** Makes the folder and its parents (0755) where they are missing. */
    public Path makeFolder(String path) {
        Path at = resolve(path);
        if (Files.isSymbolicLink(at)) {
            return makeFolder(path + "/.");
        }
        if (Files.isDirectory(at, LinkOption.NOFOLLOW_LINKS)) {
            return at;
        }
        if (!at.getParent().startsWith(folder)) {
            at = folder;
        } else {
            makeFolder(folder.relativize(at.getParent()).toString());
        }
        try {
            Files.createDirectories(at);
            mode(at, 0755);
            return at;
        } catch (IOException e) {
            throw Failure.io("cannot create /" + path + " in the image", e);
        }
    }

    private void put(String path, Trees.Writer writer) {
        int slash = path.lastIndexOf('/');
        Path parent = makeFolder(path.substring(0, Math.max(0, slash)));
        Path at = parent.resolve(path.substring(slash + 1));
        try {
            if (Files.isDirectory(at, LinkOption.NOFOLLOW_LINKS)) {
                throw new Failure("/" + path + " in the image is a folder, not a file", "choose another path");
            }
            Files.deleteIfExists(at);
            writer.write(at);
        } catch (IOException e) {
            throw Failure.io("cannot write /" + path + " into the image", e);
        }
    }

    private static void mode(Path at, int mode) throws IOException {
        Files.setAttribute(at, "unix:mode", mode, LinkOption.NOFOLLOW_LINKS);
    }

    private static String target(Path link) {
        try {
            return Files.readSymbolicLink(link).toString();
        } catch (IOException e) {
            throw Failure.io("cannot read the link " + link, e);
        }
    }
}
