package lib.apk;

import java.io.IOException;
import java.io.OutputStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.nio.file.attribute.BasicFileAttributes;
import java.util.HashMap;
import java.util.HashSet;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import lib.tool.Failure;

/** Puts the entries of one package into the tree and notes them for the database. */
final class Extraction implements PackageFile.Visitor {
    private final Tree tree;
    private final Database database;
    private final Folders folders;
    private final InstalledPackage one;
    private final Optional<InstalledPackage> old;
    private final Accounts accounts;
    private final Map<String, Path> written = new HashMap<>();
    private final Set<String> changed = new HashSet<>();
    private final byte[] buffer = new byte[1 << 15];

    /** @param old the installed version that this one replaces */
    Extraction(Tree tree, Database database, Folders folders, InstalledPackage one, Optional<InstalledPackage> old, Accounts accounts) {
        this.tree = tree;
        this.database = database;
        this.folders = folders;
        this.one = one;
        this.old = old;
        this.accounts = accounts;
    }

    /** Folders in which something was put. */
    Set<String> changed() {
        return changed;
    }

    @Override
    public void visit(PackageFile.Item item, TarReader content) throws IOException {
        TarReader.Entry entry = item.entry();
        Tree.Metadata metadata = new Tree.Metadata(accounts.uid(entry), accounts.gid(entry), entry.mode(), entry.mtime());
        switch (entry.type()) {
            case FOLDER -> {
                InstalledPackage.Folder folder = one.folder(entry.name());
                folder.own(metadata.uid(), metadata.gid(), metadata.mode());
                folders.prepare(folder, one, old);
                changed.add(entry.name());
            }
            case FILE, HARD_LINK, SYMLINK -> file(item, metadata, content);
            default -> { }
        }
    }

    private void file(PackageFile.Item item, Tree.Metadata metadata, TarReader content) throws IOException {
        TarReader.Entry entry = item.entry();
        String path = entry.name();
        int slash = path.lastIndexOf('/');
        InstalledPackage.Folder folder = one.folder(slash < 0 ? "" : path.substring(0, slash));
        Optional<InstalledPackage> owner = database.owner(path);
        if (owner.isPresent() && !Ownership.takesOver(one, owner.get(), path)) {
            return;
        }
        boolean link = entry.type() == TarReader.Type.SYMLINK;
        folder.files().put(path.substring(slash + 1), new InstalledPackage.File(metadata.uid(), metadata.gid(), link ? 0777 : metadata.mode(),
                item.checksum()));
        Path place = tree.place(path);
        Protection.Verdict verdict = verdict(place, path, owner, item.checksum());
        if (verdict != Protection.Verdict.KEEP) {
            place = verdict == Protection.Verdict.ASIDE ? place.resolveSibling(place.getFileName() + ".apk-new") : place;
            put(place, entry, content);
            Tree.apply(place, metadata, link);
        }
        written.put(path, place);
        database.claim(path, one);
        changed.add(folder.name());
    }

    private Protection.Verdict verdict(Path place, String path, Optional<InstalledPackage> owner, String checksum) throws IOException {
        Optional<BasicFileAttributes> found = Tree.at(place);
        if (found.isEmpty()) {
            return Protection.Verdict.OVERWRITE;
        }
        if (found.get().isDirectory()) {
            throw new Failure("package " + one.pkg() + " has a file " + path + ", but a folder is there", "two packages do not go together");
        }
        String recorded = owner.map(before -> before.file(path).checksum()).orElse("");
        return Protection.judge(place, found.get(), path, recorded, checksum);
    }

    private void put(Path place, TarReader.Entry entry, TarReader content) throws IOException {
        Files.deleteIfExists(place);
        switch (entry.type()) {
            case SYMLINK -> Files.createSymbolicLink(place, Path.of(entry.link()));
            case HARD_LINK -> Files.createLink(place, written.get(entry.link()));
            default -> write(place, content);
        }
    }

    private void write(Path place, TarReader content) throws IOException {
        try (OutputStream out = Files.newOutputStream(place, StandardOpenOption.CREATE_NEW, StandardOpenOption.WRITE)) {
            for (int n = content.read(buffer, 0, buffer.length); n >= 0; n = content.read(buffer, 0, buffer.length)) {
                out.write(buffer, 0, n);
            }
        }
    }
}
