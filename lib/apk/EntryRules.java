package lib.apk;

import java.io.IOException;
import java.util.Map;
import java.util.Set;

/** Which entries of a package may be installed. All paths are relative to the root tree, without {@code .}, {@code ..} and empty parts. */
final class EntryRules {
    private static final int LONGEST_PART = 255;
    private static final int LONGEST_PATH = 4095;

    private EntryRules() { }

    /**
     * Refuses an entry that could leave the tree, has no folder to be in, comes twice, or is of a kind that packages do not have.
     *
     * @param names of all entries so far
     * @param folders those of them that are folders
     * @param files checksums of those that are regular files
     */
    static void check(TarReader.Entry entry, Set<String> names, Set<String> folders, Map<String, String> files) throws IOException {
        String name = entry.name();
        if (!clean(name)) {
            throw new IOException("an entry has the unsafe name \"" + name + "\"");
        }
        int slash = name.lastIndexOf('/');
        if (!folders.contains(slash < 0 ? "" : name.substring(0, slash))) {
            throw new IOException(name + " comes without an entry for the folder it is in");
        }
        boolean again = !names.add(name);
        switch (entry.type()) {
            case FOLDER -> {
                if (again && !folders.contains(name)) {
                    throw new IOException(name + " comes twice");
                }
                folders.add(name);
                return;
            }
            case HARD_LINK -> {
                if (!files.containsKey(entry.link())) {
                    throw new IOException(name + " is a hard link to \"" + entry.link() + "\", which is no file before it in the package");
                }
            }
            case SYMLINK -> {
                if (entry.link().isEmpty() || entry.link().length() > LONGEST_PATH) {
                    throw new IOException(name + " is a link to nothing or to a name of " + entry.link().length() + " characters");
                }
            }
            case CHARACTER_DEVICE, BLOCK_DEVICE -> {
                if (!name.startsWith("dev/")) {
                    throw new IOException(name + " is a device node");
                }
            }
            case FIFO -> throw new IOException(name + " is a named pipe");
            default -> { }
        }
        if (again) {
            throw new IOException(name + " comes twice");
        }
    }

    /** Whether the path stays below the root whatever is there. */
    static boolean clean(String name) {
        if (name.isEmpty() || name.length() > LONGEST_PATH) {
            return false;
        }
        for (int start = 0; start <= name.length(); ) {
            int end = name.indexOf('/', start) < 0 ? name.length() : name.indexOf('/', start);
            String part = name.substring(start, end);
            if (part.isEmpty() || part.equals(".") || part.equals("..") || part.length() > LONGEST_PART) {
                return false;
            }
            start = end + 1;
        }
        return true;
    }
}
