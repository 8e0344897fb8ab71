package lib.apk;

import java.io.IOException;
import java.nio.file.DirectoryNotEmptyException;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.nio.file.attribute.BasicFileAttributes;
import java.util.HashSet;
import java.util.Optional;
import java.util.Set;

/**
 * Owners and modes of folders that several packages may list: the lowest owner wins, and of those with that owner the modes are
 * AND-ed. A folder whose mode on disk is not what the packages say (a script or a user changed it) is left alone.
 */
final class Folders {
    private final Tree tree;
    private final Database database;
    private final Set<String> ours = new HashSet<>();
    private final Set<String> seen = new HashSet<>();

    Folders(Tree tree, Database database) {
        this.tree = tree;
        this.database = database;
    }

    /** Makes the folder that {@code lister} has just been given, or brings its owner and mode into line. */
    void prepare(InstalledPackage.Folder folder, InstalledPackage lister, Optional<InstalledPackage> replaced) throws IOException {
        Path place = tree.place(folder.name());
        if (Tree.at(place).isEmpty()) {
            Files.createDirectory(place);
            seen.add(folder.name());
            ours.add(folder.name());
        }
        look(folder.name(), place);
        if (ours.contains(folder.name())) {
            Tree.apply(place, merged(folder.name(), lister, replaced), false);
        }
    }

    /** Looks at a folder for the first time, as long as the database still knows all who listed it before. */
    void look(String name) throws IOException {
        try {
            look(name, tree.place(name));
        } catch (NoSuchFileException e) {
            ours.remove(name);
        }
    }

    private void look(String name, Path place) throws IOException {
        if (!seen.add(name)) {
            return;
        }
        Optional<BasicFileAttributes> found = Tree.at(place);
        if (found.isPresent() && found.get().isDirectory() && unchanged(place, name)) {
            ours.add(name);
        } else if (found.isPresent() && !found.get().isDirectory() && !found.get().isSymbolicLink()) {
            throw new IOException(name + " is to be a folder, but a file is there");
        }
    }

    /** Whether a folder that was there before has the owner and mode that the packages of then gave it. */
    private boolean unchanged(Path place, String name) throws IOException {
        Tree.Metadata recorded = merged(name, null, Optional.empty());
        return recorded != null && recorded.sameRights(Tree.metadata(place));
    }

    private Tree.Metadata merged(String name, InstalledPackage further, Optional<InstalledPackage> without) {
        Tree.Metadata result = null;
        for (InstalledPackage one : database.packages()) {
            if (without.isEmpty() || without.get() != one) {
                result = merged(result, one.folders().get(name));
            }
        }
        return further == null ? result : merged(result, further.folders().get(name));
    }

    private static Tree.Metadata merged(Tree.Metadata sum, InstalledPackage.Folder folder) {
        if (folder == null) {
            return sum;
        }
        Tree.Metadata one = new Tree.Metadata(folder.uid(), folder.gid(), folder.mode(), -1);
        if (sum == null) {
            return one;
        }
        int order = sum.uid() != one.uid() ? Integer.compare(sum.uid(), one.uid()) : Integer.compare(sum.gid(), one.gid());
        return order < 0 ? sum : order > 0 ? one : new Tree.Metadata(sum.uid(), sum.gid(), sum.mode() & one.mode(), -1);
    }

    /** Removes a folder that no package lists any more and that is empty; one that others list gets their owner and mode. */
    void release(String name) throws IOException {
        if (name.isEmpty()) {
            return;
        }
        try {
            Path place = tree.place(name);
            if (database.packages().stream().anyMatch(one -> one.folders().containsKey(name))) {
                if (ours.contains(name)) {
                    Tree.apply(place, merged(name, null, Optional.empty()), false);
                }
            } else if (Tree.at(place).map(BasicFileAttributes::isDirectory).orElse(false)) {
                Files.delete(place);
                tree.forget();
                seen.remove(name);
            }
        } catch (DirectoryNotEmptyException | NoSuchFileException e) {
            seen.remove(name);
        }
    }
}
