package lib.apk;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.LinkOption;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.util.Base64;
import java.util.Collection;
import java.util.HexFormat;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.function.Function;
import lib.tool.Digest;
import lib.tool.Failure;
import lib.tool.Shell;

/** A root tree that packages are installed in: its database, its world, its keys. */
public final class Installation {
    private final Tree tree;
    private final Database database;

    private Installation(Tree tree, Database database) {
        this.tree = tree;
        this.database = database;
    }

    /** Reads the database of the tree in {@code root}; a tree without one has nothing installed. */
    public static Installation open(Path root) {
        Tree tree = new Tree(root);
        return new Installation(tree, Database.read(tree));
    }

    /** The keys in its etc/apk/keys. */
    public Keys keys() {
        return new Keys().addFolder(tree.root().resolve("etc/apk/keys"));
    }

    /** The world that it has, with {@code added} in it: an atom replaces those of its name. */
    public List<Dependency> worldWith(Collection<Dependency> added) {
        return World.with(database.world(), added);
    }

    /** What is installed. */
    public List<Package> packages() {
        return database.packages().stream().map(InstalledPackage::pkg).toList();
    }

    /** Paths of all files of an installed package, relative to the root. */
    public List<String> files(Package pkg) {
        return database.find(pkg).map(one -> one.folders().values().stream()
                .flatMap(folder -> folder.files().keySet().stream().map(folder::path)).toList()).orElse(List.of());
    }

    /**
     * Carries out the plan. Scripts run in it; see {@link Scripts} for what they may do.
     *
     * @param files gives the verified file of each of {@link Plan#wanted}, asked for when its turn comes, and closed after it
     */
    public void apply(Plan plan, Function<Package, PackageFile> files, Shell shell) {
        new Installer(tree, database, shell).apply(plan.steps().stream().map(Plan.Step::change).toList(), files, plan.world());
    }

    /** Days since 1970 that scripts wrote into the shadow files while they ran become the day of {@code epoch} (seconds). */
    public void settleDays(long firstSecond, long lastSecond, long epoch) {
        try {
            ShadowDays.settle(tree, firstSecond / 86400, lastSecond / 86400, epoch / 86400);
        } catch (IOException e) {
            throw Failure.io("while writing etc/shadow in " + tree.root(), e);
        }
    }

    /**
     * Brings the database in line with files that were removed or made smaller on purpose since they were installed, so that an audit
     * in the finished system finds nothing. Folders that are gone are left out too.
     */
    public void refresh() {
        try {
            tree.forget();
            for (InstalledPackage one : database.packages()) {
                for (InstalledPackage.Folder folder : List.copyOf(one.folders().values())) {
                    refresh(folder);
                    if (folder.files().isEmpty() && !folder.name().isEmpty() && find(folder.name()).isEmpty()) {
                        one.folders().remove(folder.name());
                    }
                }
            }
            database.write(tree);
        } catch (IOException e) {
            throw Failure.io("while writing the package database of " + tree.root(), e);
        }
    }

    private void refresh(InstalledPackage.Folder folder) throws IOException {
        for (Map.Entry<String, InstalledPackage.File> file : List.copyOf(folder.files().entrySet())) {
            Optional<Path> place = find(folder.path(file.getKey()));
            if (place.isEmpty()) {
                folder.files().remove(file.getKey());
            } else if (Files.isRegularFile(place.get(), LinkOption.NOFOLLOW_LINKS) && !file.getValue().checksum().isEmpty() && !isProtected(folder.name())) {
                byte[] sha1 = HexFormat.of().parseHex(Digest.of("SHA-1", place.get()));
                folder.files().put(file.getKey(), file.getValue().with("Q1" + Base64.getEncoder().encodeToString(sha1)));
            }
        }
    }

    /** The place of a path where something is; empty when it, or a folder on the way, is gone. */
    private Optional<Path> find(String path) throws IOException {
        try {
            Path place = tree.place(path);
            return Tree.at(place).map(there -> place);
        } catch (NoSuchFileException e) {
            return Optional.empty();
        }
    }

    /** Changed files below etc are the administrator's: an audit is meant to show them. */
    private static boolean isProtected(String folder) {
        return folder.equals("etc") || folder.startsWith("etc/");
    }
}
