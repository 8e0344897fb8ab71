package lib.apk;

import java.io.IOException;
import java.nio.file.Files;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.TreeSet;
import java.util.function.Function;
import lib.tool.Failure;
import lib.tool.Shell;

/**
 * Carries out a transaction in a tree as apk 2.14 would: per package its script, its files, its script again, then the triggers, then
 * the database. Everything that is installed was verified before.
 */
final class Installer {
    private final Tree tree;
    private final Database database;
    private final Scripts scripts;
    private final Folders folders;
    private final Set<String> changed = new TreeSet<>();
    private final List<InstalledPackage> fresh = new ArrayList<>();
    private Accounts accounts;

    Installer(Tree tree, Database database, Shell shell) {
        this.tree = tree;
        this.database = database;
        this.scripts = new Scripts(tree, shell);
        this.folders = new Folders(tree, database);
    }

    /**
     * Applies the changes in their order and writes the database with the new world.
     *
     * @param files gives the verified file of a package that is new and has files; the others are only recorded
     */
    void apply(List<Order.Change> changes, Function<Package, PackageFile> files, List<Dependency> world) {
        try {
            Files.createDirectories(tree.root().resolve("lib/apk/db"));
            Files.createDirectories(tree.root().resolve("etc/apk"));
            Scripts.prepare(tree);
            for (Order.Change change : changes) {
                if (change.to() == null) {
                    purge(change.from());
                } else if (change.from() != change.to()) {
                    install(change, files);
                }
            }
            trigger();
            database.setWorld(world);
            database.write(tree);
        } catch (IOException e) {
            throw Failure.io("while installing packages into " + tree.root(), e);
        }
    }

    private void install(Order.Change change, Function<Package, PackageFile> files) throws IOException {
        if (!change.to().hasFiles()) {
            install(change, new InstalledPackage(change.to()), nothing -> { });
            return;
        }
        try (PackageFile file = files.apply(change.to())) {
            install(change, described(change.to(), file), file::visit);
        }
    }

    /** Goes through the entries of a package with a visitor. */
    private interface Entries {
        void visit(PackageFile.Visitor visitor) throws IOException;
    }

    private void install(Order.Change change, InstalledPackage one, Entries entries) throws IOException {
        Optional<InstalledPackage> old = Optional.ofNullable(change.from()).flatMap(database::find);
        List<String> versions = new ArrayList<>(List.of(one.pkg().version()));
        old.ifPresent(before -> versions.add(before.pkg().version()));
        String kind = old.isPresent() ? "upgrade" : "install";
        run(one, "pre-" + kind, versions);
        Extraction extraction = new Extraction(tree, database, folders, one, old, accounts());
        try {
            entries.visit(extraction);
        } catch (IOException e) {
            throw Failure.io("while installing package " + one.pkg(), e);
        }
        changed.addAll(extraction.changed());
        if (old.isPresent()) {
            database.remove(old.get());
        }
        database.add(one);
        if (old.isPresent()) {
            remove(old.get(), one);
        }
        fresh.add(one);
        run(one, "post-" + kind, versions);
    }

    /** What the package says of itself, without files yet. */
    private static InstalledPackage described(Package pkg, PackageFile file) {
        InstalledPackage one = new InstalledPackage(pkg);
        one.setLocal('r', String.join(" ", file.info().all("replaces")));
        one.setLocal('q', file.info().get("replaces_priority"));
        if (!pkg.repositories().isEmpty()) {
            one.setLocal('s', pkg.repositories().get(0).tag());
        }
        one.scripts().putAll(file.scripts());
        file.info().all("triggers").forEach(line -> one.triggers().addAll(List.of(line.trim().split("\\s+"))));
        return one;
    }

    private void purge(Package pkg) throws IOException {
        InstalledPackage one = database.find(pkg).orElseThrow(() -> new IllegalStateException("not installed: " + pkg));
        run(one, "pre-deinstall", List.of(pkg.version()));
        for (String folder : one.folders().keySet()) {
            folders.look(folder);
        }
        database.remove(one);
        remove(one, one);
        run(one, "post-deinstall", List.of(pkg.version()));
    }

    /** Removes the files of {@code old} that {@code next} does not have, then folders that nobody lists any more. */
    private void remove(InstalledPackage old, InstalledPackage next) throws IOException {
        for (InstalledPackage.Folder folder : old.folders().values()) {
            for (Map.Entry<String, InstalledPackage.File> file : folder.files().entrySet()) {
                String path = folder.path(file.getKey());
                boolean kept = next != old && next.owns(path) || database.owner(path).isPresent();
                if (!kept && !Protection.keepsOnRemoval(tree, path, file.getValue())) {
                    Files.deleteIfExists(tree.place(path));
                }
            }
        }
        changed.addAll(old.folders().keySet());
        List<String> deepest = new ArrayList<>(old.folders().keySet());
        java.util.Collections.reverse(deepest);
        for (String folder : deepest) {
            if (next == old || !next.folders().containsKey(folder)) {
                folders.release(folder);
            }
        }
    }

    private void trigger() {
        Map<InstalledPackage, List<String>> due = new HashMap<>();
        for (InstalledPackage one : database.triggers()) {
            due.put(one, Triggers.folders(database.packages(), one.triggers(), fresh.contains(one), changed));
        }
        for (InstalledPackage one : database.triggers()) {
            if (!due.get(one).isEmpty()) {
                run(one, "trigger", due.get(one));
            }
        }
    }

    private void run(InstalledPackage one, String script, List<String> arguments) {
        if (one.scripts().containsKey(script)) {
            scripts.run(one, script, arguments);
            accounts = null;
        }
    }

    private Accounts accounts() throws IOException {
        if (accounts == null) {
            accounts = Accounts.of(tree);
        }
        return accounts;
    }
}
