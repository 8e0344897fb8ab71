package lib.apk;

import java.io.IOException;
import java.nio.file.Path;
import java.util.Collection;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
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
     * @param files the verified file of each of {@link Plan#wanted}
     */
    public void apply(Plan plan, List<PackageFile> files, Shell shell) {
        Map<Package, PackageFile> byPackage = new LinkedHashMap<>();
        files.forEach(file -> byPackage.put(file.pkg(), file));
        new Installer(tree, database, shell).apply(plan.steps().stream().map(Plan.Step::change).toList(), byPackage, plan.world());
    }

    /** Days since 1970 that scripts wrote into the shadow files while they ran become the day of {@code epoch} (seconds). */
    public void settleDays(long firstSecond, long lastSecond, long epoch) {
        try {
            ShadowDays.settle(tree, firstSecond / 86400, lastSecond / 86400, epoch / 86400);
        } catch (IOException e) {
            throw Failure.io("while writing etc/shadow in " + tree.root(), e);
        }
    }
}
