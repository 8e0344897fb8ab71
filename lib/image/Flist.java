package lib.image;

//DEPS org.xerial:sqlite-jdbc:3.47.1.0

import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.sql.Connection;
import java.sql.DriverManager;
import java.sql.PreparedStatement;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.sql.Statement;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import lib.tool.Failure;
import lib.tool.Trees;

/**
 * A FungiList (.fl): a SQLite file that describes a tree of files and says in which blocks of which stores their content is. Format:
 * github.com/threefoldtech/rfs, schema/schema.sql.
 */
public final class Flist {
    private static final List<String> SCHEMA = List.of(
            "CREATE TABLE inode (ino INTEGER PRIMARY KEY AUTOINCREMENT, parent INTEGER, name VARCHAR(255), size INTEGER, uid INTEGER, gid INTEGER,"
                    + " mode INTEGER, rdev INTEGER, ctime INTEGER, mtime INTEGER)",
            "CREATE INDEX parents ON inode (parent)", "CREATE INDEX names ON inode (name)",
            "CREATE TABLE extra (ino INTEGER PRIMARY KEY, data VARCHAR(4096))",
            "CREATE TABLE block (ino INTEGER, id VARCHAR(32), key VARCHAR(32))", "CREATE INDEX block_ino ON block (ino)",
            "CREATE TABLE tag (key VARCHAR(10) PRIMARY KEY, value VARCHAR(255))",
            "CREATE TABLE route (start integer, \"end\" integer, url VARCHAR(2048))");
    /** Type bits of st_mode (stat(2)). */
    private static final int TYPE = 0170000;
    private static final int FOLDER = 0040000;
    private static final int FILE = 0100000;
    private static final int LINK = 0120000;

    private Flist() { }

    /** What stat(2) says of a file; times in seconds. Folders always have the size 4096, so that flists do not depend on the disk. */
    public record Inode(long size, int uid, int gid, int mode, long rdev, long mtime) {
        public boolean isFolder() {
            return (mode & TYPE) == FOLDER;
        }

        public boolean isFile() {
            return (mode & TYPE) == FILE;
        }

        public boolean isLink() {
            return (mode & TYPE) == LINK;
        }

        /** Reads it from a file of this machine; links are not followed. */
        public static Inode of(Path file) throws java.io.IOException {
            Map<String, Object> stat = Files.readAttributes(file, "unix:mode,uid,gid,rdev,size,lastModifiedTime", java.nio.file.LinkOption.NOFOLLOW_LINKS);
            int mode = (Integer) stat.get("mode");
            return new Inode((mode & TYPE) == FOLDER ? 4096 : (Long) stat.get("size"), (Integer) stat.get("uid"), (Integer) stat.get("gid"), mode,
                    (mode & 0060000) == 0020000 || (mode & TYPE) == 0060000 ? (Long) stat.get("rdev") : 0,
                    ((java.nio.file.attribute.FileTime) stat.get("lastModifiedTime")).to(java.util.concurrent.TimeUnit.SECONDS));
        }
    }

    /** A block of a file: name of the stored object and key, 32 bytes each. */
    public record Ref(byte[] id, byte[] key) { }

    /**
     * A file, folder, link or device.
     *
     * @param path from the root, {@code ""} for the root itself, {@code lib/modules} for others
     */
    public record Entry(String path, Inode inode, Optional<String> target, List<Ref> blocks) { }

    /** Where blocks are found whose first byte is in the range; both ends belong to it. */
    public record Route(int start, int end, String url) {
        public static Route all(String url) {
            return new Route(0, 255, url);
        }
    }

    /** Replaces {@code file} by a flist of {@code entries}, of which the root is the first and each folder comes before what is in it. */
    public static void write(Path file, List<Entry> entries, List<Route> routes, Map<String, String> tags) {
        Trees.replace(file, part -> {
            Files.deleteIfExists(part);
            try (Connection database = open(part)) {
                database.setAutoCommit(false);
                try (Statement statement = database.createStatement()) {
                    for (String sql : SCHEMA) {
                        statement.executeUpdate(sql);
                    }
                }
                insert(database, entries);
                replaceRoutes(database, routes);
                try (PreparedStatement tag = database.prepareStatement("INSERT INTO tag VALUES (?, ?)")) {
                    for (Map.Entry<String, String> one : tags.entrySet()) {
                        tag.setString(1, one.getKey());
                        tag.setString(2, one.getValue());
                        tag.executeUpdate();
                    }
                }
                database.commit();
            } catch (SQLException e) {
                throw new Failure("cannot write the flist " + file + ": " + e.getMessage(), "", e);
            }
        });
    }

    private static void insert(Connection database, List<Entry> entries) throws SQLException {
        Map<String, Long> numbers = new LinkedHashMap<>();
        try (PreparedStatement inode = database.prepareStatement("INSERT INTO inode VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)");
                PreparedStatement extra = database.prepareStatement("INSERT INTO extra VALUES (?, ?)");
                PreparedStatement block = database.prepareStatement("INSERT INTO block VALUES (?, ?, ?)")) {
            for (Entry entry : entries) {
                long number = numbers.size() + 1L;
                numbers.put(entry.path(), number);
                int slash = entry.path().lastIndexOf('/');
                Inode stat = entry.inode();
                // Readers look for the root as inode 1 and as the one whose parent is 0.
                long parent = number == 1 ? 0 : Optional.ofNullable(numbers.get(slash < 0 ? "" : entry.path().substring(0, slash)))
                        .orElseThrow(() -> new IllegalArgumentException("the folder of " + entry.path() + " comes after it"));
                long[] numbersOf = {number, parent, 0, stat.size(), stat.uid(), stat.gid(), stat.mode(), stat.rdev(), stat.mtime(), stat.mtime()};
                for (int column = 1; column <= numbersOf.length; column++) {
                    inode.setLong(column, numbersOf[column - 1]);
                }
                inode.setString(3, number == 1 ? "/" : entry.path().substring(slash + 1));
                inode.executeUpdate();
                if (entry.target().isPresent()) {
                    extra.setLong(1, number);
                    extra.setBytes(2, entry.target().get().getBytes(StandardCharsets.UTF_8));
                    extra.executeUpdate();
                }
                for (Ref ref : entry.blocks()) {
                    block.setLong(1, number);
                    block.setBytes(2, ref.id());
                    block.setBytes(3, ref.key());
                    block.executeUpdate();
                }
            }
        }
    }

    /** Everything in a flist, in its own order. */
    public static List<Entry> read(Path file) {
        try (Connection database = open(file); Statement statement = database.createStatement()) {
            Map<Long, String> paths = new LinkedHashMap<>();
            Map<Long, List<Ref>> blocks = new LinkedHashMap<>();
            try (ResultSet row = statement.executeQuery("SELECT ino, id, key FROM block ORDER BY rowid")) {
                while (row.next()) {
                    blocks.computeIfAbsent(row.getLong(1), any -> new ArrayList<>()).add(new Ref(row.getBytes(2), row.getBytes(3)));
                }
            }
            List<Entry> entries = new ArrayList<>();
            try (ResultSet row = statement.executeQuery("SELECT i.ino, parent, name, size, uid, gid, mode, rdev, mtime, data FROM inode i"
                    + " LEFT JOIN extra e ON e.ino = i.ino ORDER BY i.ino")) {
                while (row.next()) {
                    String parent = paths.getOrDefault(row.getLong(2), "");
                    String path = row.getLong(2) == 0 ? "" : parent.isEmpty() ? row.getString(3) : parent + "/" + row.getString(3);
                    paths.put(row.getLong(1), path);
                    byte[] target = row.getBytes(10);
                    entries.add(new Entry(path, new Inode(row.getLong(4), row.getInt(5), row.getInt(6), row.getInt(7), row.getLong(8), row.getLong(9)),
                            Optional.ofNullable(target).map(bytes -> new String(bytes, StandardCharsets.UTF_8)),
                            List.copyOf(blocks.getOrDefault(row.getLong(1), List.of()))));
                }
            }
            return entries;
        } catch (SQLException e) {
            throw new Failure("cannot read the flist " + file + ": " + e.getMessage(), "is it a flist? (.flist files are an older format)", e);
        }
    }

    /** Replaces the routes of a flist in place: rfs writes those that it uploaded to, with the access key in them. */
    public static void reroute(Path file, List<Route> routes) {
        try (Connection database = open(file)) {
            replaceRoutes(database, routes);
        } catch (SQLException e) {
            throw new Failure("cannot change the routes of " + file + ": " + e.getMessage(), "", e);
        }
    }

    private static void replaceRoutes(Connection database, List<Route> routes) throws SQLException {
        try (Statement statement = database.createStatement(); PreparedStatement route = database.prepareStatement("INSERT INTO route VALUES (?, ?, ?)")) {
            statement.executeUpdate("DELETE FROM route");
            for (Route one : routes) {
                route.setInt(1, one.start());
                route.setInt(2, one.end());
                route.setString(3, one.url());
                route.executeUpdate();
            }
        }
    }

    private static Connection open(Path file) throws SQLException {
        return DriverManager.getConnection("jdbc:sqlite:" + file.toAbsolutePath());
    }
}
