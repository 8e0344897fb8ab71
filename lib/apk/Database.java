package lib.apk;

import java.io.ByteArrayInputStream;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import lib.tool.Failure;

/**
 * The installed database of a tree, lib/apk/db, and etc/apk/world: what apk in the finished system works with. Written files are
 * byte for byte those that apk 2.14 writes.
 */
final class Database {
    private static final int LARGEST_SCRIPT = 32 << 20;

    private final List<InstalledPackage> packages = new ArrayList<>();
    private final Map<String, InstalledPackage> triggerOrder = new LinkedHashMap<>();
    private final Map<String, InstalledPackage> fileOwners = new LinkedHashMap<>();
    private List<Dependency> world = List.of();

    /** Reads the database of {@code tree}; one that is not there is empty. */
    static Database read(Tree tree) {
        Database database = new Database();
        try {
            byte[] installed = tree.bytes("lib/apk/db/installed").orElse(new byte[0]);
            int start = 0;
            for (int i = 0; i + 1 < installed.length; i++) {
                if (installed[i] == '\n' && installed[i + 1] == '\n') {
                    database.add(InstalledPackage.parse(installed, start, i));
                    start = i + 2;
                    i++;
                }
            }
            database.readScripts(tree.bytes("lib/apk/db/scripts.tar").orElse(new byte[0]));
            database.readTriggers(lines(tree.bytes("lib/apk/db/triggers").orElse(new byte[0])));
            database.world = lines(tree.bytes("etc/apk/world").orElse(new byte[0])).stream().map(Dependency::parse).toList();
            return database;
        } catch (IOException | IllegalArgumentException e) {
            throw new Failure("the installed database in " + tree.root() + "/lib/apk/db is damaged: " + e.getMessage(),
                    "the miniroot is not one that this program can build on", e);
        }
    }

    private static List<String> lines(byte[] text) {
        return new String(text, StandardCharsets.UTF_8).lines().map(String::strip).filter(line -> !line.isEmpty()).toList();
    }

    private void readScripts(byte[] tar) throws IOException {
        TarReader reader = new TarReader(new ByteArrayInputStream(tar));
        for (Optional<TarReader.Entry> entry = reader.next(); entry.isPresent(); entry = reader.next()) {
            String name = entry.get().name();
            byte[] content = reader.content(LARGEST_SCRIPT);
            for (InstalledPackage one : packages) {
                String prefix = one.pkg().toString() + "." + one.pkg().checksum() + ".";
                if (name.startsWith(prefix)) {
                    one.scripts().put(name.substring(prefix.length()), content);
                }
            }
        }
    }

    private void readTriggers(List<String> lines) {
        for (String line : lines) {
            String[] words = line.split(" ");
            packages.stream().filter(one -> one.pkg().checksum().equals(words[0])).forEach(one -> {
                one.triggers().addAll(List.of(words).subList(1, words.length));
                triggerOrder.put(words[0], one);
            });
        }
    }

    List<Dependency> world() {
        return world;
    }

    void setWorld(List<Dependency> world) {
        this.world = world;
    }

    /** All packages in the order in which they came. */
    List<InstalledPackage> packages() {
        return packages;
    }

    Optional<InstalledPackage> find(Package pkg) {
        return packages.stream().filter(one -> one.pkg() == pkg || one.pkg().checksum().equals(pkg.checksum())).findFirst();
    }

    /** Packages with triggers in the order in which they came. */
    List<InstalledPackage> triggers() {
        return List.copyOf(triggerOrder.values());
    }

    void add(InstalledPackage one) {
        packages.add(one);
        for (InstalledPackage.Folder folder : one.folders().values()) {
            folder.files().keySet().forEach(base -> fileOwners.put(folder.path(base), one));
        }
        if (!one.triggers().isEmpty()) {
            triggerOrder.put(one.pkg().checksum(), one);
        }
    }

    void remove(InstalledPackage one) {
        packages.remove(one);
        triggerOrder.remove(one.pkg().checksum());
        fileOwners.values().removeIf(owner -> owner == one);
    }

    /** Who owns the file at this path, if a package does. */
    Optional<InstalledPackage> owner(String path) {
        return Optional.ofNullable(fileOwners.get(path));
    }

    /** Makes {@code one} the owner of the file; an owner before it loses it. */
    void claim(String path, InstalledPackage one) {
        InstalledPackage before = fileOwners.put(path, one);
        if (before != null && before != one) {
            before.forgetFile(path);
        }
    }

    /** Writes everything below {@code tree}: installed, scripts.tar, triggers, lock and the world. */
    void write(Tree tree) throws IOException {
        Path db = tree.folder("lib/apk/db");
        List<InstalledPackage> sorted = new ArrayList<>(packages);
        sorted.sort(Comparator.comparing((InstalledPackage one) -> one.pkg().name(), World.NAMES));
        put(db.resolve("installed"), stanzas(sorted).getBytes(StandardCharsets.UTF_8), 0644);
        put(db.resolve("scripts.tar"), ScriptsTar.bytes(packages), 0644);
        StringBuilder triggers = new StringBuilder();
        triggerOrder.forEach((checksum, one) -> triggers.append(checksum).append(' ').append(String.join(" ", one.triggers())).append('\n'));
        put(db.resolve("triggers"), triggers.toString().getBytes(StandardCharsets.UTF_8), 0644);
        put(db.resolve("lock"), new byte[0], 0600);
        put(tree.folder("etc/apk").resolve("world"), World.text(world).getBytes(StandardCharsets.UTF_8), 0644);
    }

    /** As apk writes them: what only the database knows of a package without folders gets into the stanza of the next one that has some. */
    private static String stanzas(List<InstalledPackage> sorted) {
        StringBuilder text = new StringBuilder(1 << 16);
        StringBuilder pending = new StringBuilder();
        for (InstalledPackage one : sorted) {
            text.append(one.indexLines());
            pending.append(one.localLines());
            if (!one.folders().isEmpty()) {
                text.append(pending).append(one.folderLines());
                pending.setLength(0);
            }
            text.append('\n');
        }
        return text.toString();
    }

    private static void put(Path file, byte[] bytes, int mode) throws IOException {
        Files.deleteIfExists(file);
        Files.write(file, bytes);
        Tree.apply(file, new Tree.Metadata(0, 0, mode, -1), false);
    }
}
