package lib.apk;

import java.io.IOException;
import java.nio.file.FileVisitResult;
import java.nio.file.Files;
import java.nio.file.LinkOption;
import java.nio.file.Path;
import java.nio.file.SimpleFileVisitor;
import java.nio.file.attribute.BasicFileAttributes;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.TreeMap;
import java.util.TreeSet;
import lib.tool.Digest;

/** All of a tree in words: path -> type, mode, owner, link target or content, number of hard links. */
public final class Snapshot {
    private Snapshot() { }

    public static Map<String, String> of(Path root) {
        Map<String, String> paths = new TreeMap<>();
        try {
            Files.walkFileTree(root, new SimpleFileVisitor<>() {
                @Override
                public FileVisitResult preVisitDirectory(Path folder, BasicFileAttributes attributes) throws IOException {
                    note(folder, "folder");
                    return FileVisitResult.CONTINUE;
                }

                @Override
                public FileVisitResult visitFile(Path file, BasicFileAttributes attributes) throws IOException {
                    note(file, attributes.isSymbolicLink() ? "-> " + Files.readSymbolicLink(file)
                            : attributes.isRegularFile() ? "file " + Digest.of("SHA-1", file) : "other");
                    return FileVisitResult.CONTINUE;
                }

                private void note(Path path, String what) throws IOException {
                    Map<String, Object> all = Files.readAttributes(path, "unix:mode,uid,gid,nlink", LinkOption.NOFOLLOW_LINKS);
                    String name = root.relativize(path).toString();
                    String links = what.startsWith("file") && (Integer) all.get("nlink") > 1 ? " links=" + all.get("nlink") : "";
                    paths.put(name, String.format("%o %d:%d %s%s", all.get("mode"), all.get("uid"), all.get("gid"), what, links));
                }
            });
        } catch (IOException e) {
            throw new IllegalStateException(e);
        }
        paths.remove("");
        return paths;
    }

    /** A line for each path at which the two trees differ. */
    public static List<String> differences(Path expected, Path actual) {
        Map<String, String> all = of(expected);
        Map<String, String> found = of(actual);
        TreeSet<String> paths = new TreeSet<>(all.keySet());
        paths.addAll(found.keySet());
        return paths.stream().filter(path -> !Objects.equals(all.get(path), found.get(path)))
                .map(path -> path + ": expected " + all.get(path) + ", found " + found.get(path)).toList();
    }
}
