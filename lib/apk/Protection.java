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

/** Configuration below /etc that was changed since its package put it there is not overwritten: as apk does by default. */
final class Protection {
    private static final String PROTECTED = "etc/";

    private Protection() { }

    /** What becomes of a package's file where something is already. */
    enum Verdict {
        /** It takes the place. */
        OVERWRITE,
        /** What is there stays; it has the same content. */
        KEEP,
        /** What is there stays, and the package's file is put beside it as {@code .apk-new}. */
        ASIDE
    }

    /**
     * Judges what is at {@code place}.
     *
     * @param recorded the checksum that the database has for it; empty when no package owns it
     * @param next the checksum of the package's version
     */
    static Verdict judge(Path place, BasicFileAttributes found, String path, String recorded, String next) throws IOException {
        if (!path.startsWith(PROTECTED)) {
            return Verdict.OVERWRITE;
        }
        String now = checksum(place, found);
        return now.equals(recorded) ? Verdict.OVERWRITE : now.equals(next) ? Verdict.KEEP : Verdict.ASIDE;
    }

    /** Whether a file of a package that goes stays because it was changed. */
    static boolean keepsOnRemoval(Tree tree, String path, InstalledPackage.File file) throws IOException {
        try {
            Path place = tree.place(path);
            Optional<BasicFileAttributes> found = Tree.at(place);
            return found.isPresent() && path.startsWith(PROTECTED) && !checksum(place, found.get()).equals(file.checksum());
        } catch (NoSuchFileException e) {
            return true;
        }
    }

    private static String checksum(Path place, BasicFileAttributes found) throws IOException {
        if (!found.isRegularFile() && !found.isSymbolicLink()) {
            return "";
        }
        byte[] content = found.isSymbolicLink() ? Files.readSymbolicLink(place).toString().getBytes(StandardCharsets.UTF_8) : Files.readAllBytes(place);
        return "Q1" + Base64.getEncoder().encodeToString(Digest.instance("SHA-1").digest(content));
    }
}
