package lib.apk;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.nio.file.attribute.BasicFileAttributes;
import java.util.Base64;
import java.util.Optional;
import lib.tool.Digest;

/** Configuration below /etc that was changed since its package put it there is not overwritten: apk's default protected paths. */
final class Protection {
    private Protection() { }

    /**
     * Whether what is at {@code place} has to stay, so that a package's version of it becomes {@code .apk-new}.
     *
     * @param recorded the checksum that the database has for it; empty when no package owns it
     * @param next the checksum of the package's version
     */
    static boolean keeps(Path place, BasicFileAttributes found, String path, String recorded, String next) throws IOException {
        if (!isProtected(path, found.isSymbolicLink())) {
            return false;
        }
        String now = checksum(place, found);
        return !now.equals(next) && (!now.equals(recorded) || path.startsWith("etc/apk/"));
    }

    /** Whether a file of a package that goes stays because it was changed. */
    static boolean keepsOnRemoval(Tree tree, String path, InstalledPackage.File file) throws IOException {
        try {
            Path place = tree.place(path);
            Optional<BasicFileAttributes> found = Tree.at(place);
            return found.isPresent() && isProtected(path, found.get().isSymbolicLink()) && !checksum(place, found.get()).equals(file.checksum());
        } catch (NoSuchFileException e) {
            return true;
        }
    }

    private static boolean isProtected(String path, boolean link) {
        return path.startsWith("etc/") && (link || !path.startsWith("etc/init.d/"));
    }

    private static String checksum(Path place, BasicFileAttributes found) throws IOException {
        if (!found.isRegularFile() && !found.isSymbolicLink()) {
            return "";
        }
        byte[] content = found.isSymbolicLink() ? Files.readSymbolicLink(place).toString().getBytes(StandardCharsets.UTF_8) : Files.readAllBytes(place);
        return "Q1" + Base64.getEncoder().encodeToString(Digest.instance("SHA-1").digest(content));
    }
}
