package lib.apk;

import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/** A package of the tree: its lines in the database, its folders and files with owners and modes, its scripts and triggers. */
final class InstalledPackage {
    private static final String INDEX_LINES = "CPVASITULomtckDpi";

    /** Lines that are there even when they are empty. */
    private static final String ALWAYS = "SITUL";

    private final Package pkg;
    private final Map<Character, String> local = new LinkedHashMap<>();
    private final Map<String, Folder> folders = new LinkedHashMap<>();
    private final Map<String, byte[]> scripts = new LinkedHashMap<>();
    private final List<String> triggers = new ArrayList<>();

    /** A file of the package; {@code checksum} as in the {@code Z:} line, empty for none. */
    record File(int uid, int gid, int mode, String checksum) {
        File with(String otherChecksum) {
            return new File(uid, gid, mode, otherChecksum);
        }
    }

    /** A folder that the package lists, without slashes around it; the root is the empty name. */
    static final class Folder {
        private final String name;
        private final Map<String, File> files = new LinkedHashMap<>();
        private int uid;
        private int gid;
        private int mode = 0755;

        private Folder(String name) {
            this.name = name;
        }

        String name() {
            return name;
        }

        int uid() {
            return uid;
        }

        int gid() {
            return gid;
        }

        int mode() {
            return mode;
        }

        Map<String, File> files() {
            return files;
        }

        /** The path of a file in it. */
        String path(String base) {
            return name.isEmpty() ? base : name + "/" + base;
        }

        void own(int newUid, int newGid, int newMode) {
            uid = newUid;
            gid = newGid;
            mode = newMode;
        }
    }

    InstalledPackage(Package pkg) {
        this.pkg = pkg;
    }

    /** Reads a stanza of lib/apk/db/installed. */
    static InstalledPackage parse(byte[] text, int from, int to) {
        InstalledPackage one = new InstalledPackage(Package.parse(text, from, to));
        Folder folder = null;
        String base = null;
        for (String line : new String(text, from, to - from, StandardCharsets.UTF_8).split("\n")) {
            String value = line.length() > 2 ? line.substring(2) : "";
            switch (line.isEmpty() ? ' ' : line.charAt(0)) {
                case 'F' -> folder = one.folder(value);
                case 'M' -> {
                    String[] words = value.split(":");
                    folder.own(Integer.parseInt(words[0]), Integer.parseInt(words[1]), Integer.parseInt(words[2], 8));
                }
                case 'R' -> {
                    base = value;
                    folder.files.put(base, new File(0, 0, 0644, ""));
                }
                case 'a' -> {
                    String[] words = value.split(":");
                    folder.files.put(base, new File(Integer.parseInt(words[0]), Integer.parseInt(words[1]), Integer.parseInt(words[2], 8), ""));
                }
                case 'Z' -> {
                    File file = folder.files.get(base);
                    folder.files.put(base, new File(file.uid(), file.gid(), file.mode(), value));
                }
                case 'r' -> one.local.merge('r', value, (before, more) -> before + " " + more);
                case 'q', 's', 'f' -> one.local.put(line.charAt(0), value);
                default -> { }
            }
        }
        return one;
    }

    Package pkg() {
        return pkg;
    }

    /** The folder, which is added when the package does not list it yet. */
    Folder folder(String name) {
        return folders.computeIfAbsent(name, Folder::new);
    }

    Map<String, Folder> folders() {
        return folders;
    }

    Map<String, byte[]> scripts() {
        return scripts;
    }

    /** Patterns of folders whose changes start its trigger. */
    List<String> triggers() {
        return triggers;
    }

    /** Sets a line that is only in the installed database: r (replaces), q (their priority), s (repository tag). */
    void setLocal(char key, String value) {
        if (!value.isEmpty()) {
            local.put(key, value);
        }
    }

    /** Packages whose files it may take over. */
    List<Dependency> replaces() {
        return Dependency.list(local.getOrDefault('r', ""));
    }

    int replacesPriority() {
        return Integer.parseInt(local.getOrDefault('q', "0"));
    }

    /** What is noted of the file at this path. */
    File file(String path) {
        int slash = path.lastIndexOf('/');
        return folders.get(slash < 0 ? "" : path.substring(0, slash)).files.get(path.substring(slash + 1));
    }

    /** Whether the package lists this file. */
    boolean owns(String path) {
        int slash = path.lastIndexOf('/');
        Folder folder = folders.get(slash < 0 ? "" : path.substring(0, slash));
        return folder != null && folder.files.containsKey(path.substring(slash + 1));
    }

    /** The file at this path, which another package has taken over. */
    void forgetFile(String path) {
        int slash = path.lastIndexOf('/');
        Folder folder = folders.get(slash < 0 ? "" : path.substring(0, slash));
        if (folder != null) {
            folder.files.remove(path.substring(slash + 1));
        }
    }

    /** Its lines in the database that an index has too. */
    String indexLines() {
        StringBuilder text = new StringBuilder(1 << 9);
        for (char key : INDEX_LINES.toCharArray()) {
            String value = pkg.field(key);
            if (!value.isEmpty() || ALWAYS.indexOf(key) >= 0) {
                text.append(key).append(':').append(value).append('\n');
            }
        }
        return text.toString();
    }

    /** Its lines that only the database has, without folders and files. */
    String localLines() {
        StringBuilder text = new StringBuilder();
        for (char key : "rqsf".toCharArray()) {
            if (local.containsKey(key)) {
                text.append(key).append(':').append(local.get(key)).append('\n');
            }
        }
        return text.toString();
    }

    /** Its folders with their files. */
    String folderLines() {
        StringBuilder text = new StringBuilder(1 << 10);
        folders.values().forEach(folder -> append(text, folder));
        return text.toString();
    }

    private static void append(StringBuilder text, Folder folder) {
        text.append("F:").append(folder.name).append('\n');
        if (folder.uid != 0 || folder.gid != 0 || folder.mode != 0755) {
            text.append("M:").append(folder.uid).append(':').append(folder.gid).append(':').append(Integer.toOctalString(folder.mode)).append('\n');
        }
        folder.files.forEach((base, file) -> {
            text.append("R:").append(base).append('\n');
            if (file.uid() != 0 || file.gid() != 0 || file.mode() != 0644) {
                text.append("a:").append(file.uid()).append(':').append(file.gid()).append(':').append(Integer.toOctalString(file.mode())).append('\n');
            }
            if (!file.checksum().isEmpty()) {
                text.append("Z:").append(file.checksum()).append('\n');
            }
        });
    }
}
