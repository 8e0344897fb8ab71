package demo;

import demo.ApkWriter.Apk;
import java.util.ArrayList;
import java.util.Base64;
import java.util.Comparator;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.stream.Collectors;
import lib.tool.Digest;

/**
 * A base system as Alpine's minirootfs: the files of some packages, what their scripts would have made, and the installed database
 * of apk (lib/apk/db), so that apk can go on from there.
 *
 * @param packages in the order in which they count as installed, all with their files in the order of the archive
 * @param world names that were asked for
 * @param links path to target of the links that busybox' post-install makes; an existing file stays
 */
record Miniroot(List<Installed> packages, List<String> world, Map<String, String> links, long time) {
    private static final List<String> SCRIPTS = List.of("pre-install", "post-install", "trigger");

    /** A package and its file. */
    record Installed(ApkPackage content, Apk apk, String stanza) { }

    /** The archive alpine-minirootfs-VERSION-ARCH.tar.gz. */
    byte[] tarGz() {
        Map<String, TarEntry> tree = new TreeMap<>();
        for (Installed one : packages) {
            one.content().entries().forEach(entry -> tree.merge(entry.name(), entry, Miniroot::both));
        }
        links.forEach((path, target) -> put(tree, TarEntry.symlink(path, target)));
        put(tree, TarEntry.folder("lib/apk/exec", 0700));
        put(tree, TarEntry.file("lib/apk/db/installed", 0644, installed()));
        put(tree, TarEntry.file("lib/apk/db/scripts.tar", 0644, scripts()));
        put(tree, TarEntry.file("lib/apk/db/triggers", 0644, triggers()));
        put(tree, TarEntry.file("lib/apk/db/lock", 0600, ""));
        put(tree, TarEntry.file("etc/apk/arch", 0644, packages.get(0).content().arch() + "\n"));
        put(tree, TarEntry.file("etc/apk/world", 0644, world.stream().sorted().map(name -> name + "\n").collect(Collectors.joining())));
        put(tree, TarEntry.file("etc/apk/repositories", 0644, "# The demo's packages are on the machine that built this system.\n"));
        List<TarEntry> entries = new ArrayList<>(List.of(TarEntry.folder("./", 0755)));
        tree.values().forEach(entry -> entries.add(named("./" + entry.name(), entry)));
        return ApkWriter.gzip(TarEntry.whole(entries.stream().map(entry -> entry.at(time)).toList()));
    }

    /** What two packages say about one folder: of the modes, what both allow. */
    private static TarEntry both(TarEntry first, TarEntry second) {
        if (first.type() != '5' || second.type() != '5') {
            throw new IllegalArgumentException("two packages own " + first.name());
        }
        return TarEntry.folder(first.name(), first.mode() & second.mode()).ownedBy(first.owner());
    }

    private static void put(Map<String, TarEntry> tree, TarEntry entry) {
        for (int slash = entry.name().indexOf('/'); slash >= 0; slash = entry.name().indexOf('/', slash + 1)) {
            tree.computeIfAbsent(entry.name().substring(0, slash + 1), missing -> TarEntry.folder(missing, 0755));
        }
        tree.putIfAbsent(entry.name(), entry);
    }

    private static TarEntry named(String name, TarEntry entry) {
        return new TarEntry(name, entry.type(), entry.mode(), entry.owner(), entry.target(), entry.content(), entry.device(), Map.of(), entry.mtime());
    }

    private String installed() {
        return packages.stream().sorted(Comparator.comparing(one -> one.content().name()))
                .map(one -> one.stanza() + files(one.content()) + "\n").collect(Collectors.joining());
    }

    /** F: and M: lines of folders, each followed by R:, a: and Z: lines of the files in it. */
    private static String files(ApkPackage content) {
        Map<String, StringBuilder> folders = new LinkedHashMap<>();
        for (TarEntry entry : content.entries()) {
            String path = entry.name().replaceFirst("/$", "");
            if (entry.type() == '5') {
                StringBuilder text = folders.computeIfAbsent(path, any -> new StringBuilder());
                if (entry.mode() != 0755 || !entry.owner().equals(TarEntry.Owner.ROOT)) {
                    text.append("M:").append(access(entry)).append('\n');
                }
            } else {
                int slash = path.lastIndexOf('/');
                StringBuilder text = folders.computeIfAbsent(slash < 0 ? "" : path.substring(0, slash), any -> new StringBuilder());
                text.append("R:").append(path.substring(slash + 1)).append('\n');
                if (entry.type() == '2' || entry.mode() != 0644 || !entry.owner().equals(TarEntry.Owner.ROOT)) {
                    text.append("a:").append(access(entry)).append('\n');
                }
                text.append("Z:Q1").append(Base64.getEncoder().encodeToString(checksum(entry))).append('\n');
            }
        }
        return folders.entrySet().stream().map(folder -> "F:" + folder.getKey() + "\n" + folder.getValue()).collect(Collectors.joining());
    }

    private static String access(TarEntry entry) {
        return entry.owner().uid() + ":" + entry.owner().gid() + ":" + Integer.toOctalString(entry.mode());
    }

    private static byte[] checksum(TarEntry entry) {
        byte[] hashed = entry.type() == '2' ? entry.target().getBytes(java.nio.charset.StandardCharsets.UTF_8) : entry.content();
        return Digest.instance("SHA-1").digest(hashed);
    }

    private byte[] scripts() {
        List<TarEntry> entries = new ArrayList<>();
        for (Installed one : packages) {
            for (String script : SCRIPTS) {
                if (one.content().scripts().containsKey(script)) {
                    entries.add(TarEntry.file(one.content().name() + "-" + one.content().version() + "." + one.apk().checksum() + "." + script,
                            0755, one.content().scripts().get(script)).at(one.content().time()));
                }
            }
        }
        return TarEntry.whole(entries);
    }

    private String triggers() {
        return packages.stream().filter(one -> !one.content().values("triggers").isEmpty())
                .map(one -> one.apk().checksum() + " " + String.join(" ", one.content().values("triggers")) + "\n").collect(Collectors.joining());
    }
}
