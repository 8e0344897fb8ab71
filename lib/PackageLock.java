package lib;

import com.fasterxml.jackson.databind.JsonNode;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.TreeSet;
import lib.apk.Package;
import lib.tool.Failure;

/**
 * The sections alpine and packages of config/build.lock: what was asked for, and which miniroot, indexes and packages that came to.
 *
 * @param request what packages.list, repositories and build.conf asked for, an entry an item
 * @param miniroot its release and checksum; null when nothing is locked
 * @param indexes SHA-256 of each repository's index by the repository's name
 * @param packages of the whole image by name
 */
record PackageLock(List<String> request, Miniroot miniroot, Map<String, String> indexes, Map<String, Entry> packages) {

    /** One line of the section packages; {@code repository} is miniroot for packages of the miniroot. */
    record Entry(String name, String version, String repository, String checksum, long size) {
        static Entry of(Package pkg) {
            return new Entry(pkg.name(), pkg.version(), pkg.repositories().isEmpty() ? "miniroot" : pkg.repositories().get(0).name(),
                    pkg.checksum(), pkg.size());
        }

        /** Part of cache keys; that of a record is put together at run time, which takes longer than to fetch a package. */
        @Override
        public String toString() {
            return name + " " + version + " " + repository + " " + checksum + " " + size;
        }
    }

    static PackageLock of(BuildLock lock) {
        Map<String, Entry> packages = new TreeMap<>();
        for (JsonNode one : lock.entries("packages")) {
            Entry entry = new Entry(one.path("name").asText(), one.path("version").asText(), one.path("repository").asText(),
                    one.path("checksum").asText(), one.path("size").asLong());
            packages.put(entry.name(), entry);
        }
        return lock.section("alpine").filter(alpine -> !packages.isEmpty()).map(alpine -> {
            List<String> request = new ArrayList<>();
            alpine.path("request").forEach(item -> request.add(item.asText()));
            Map<String, String> indexes = new LinkedHashMap<>();
            alpine.path("indexes").fields().forEachRemaining(index -> indexes.put(index.getKey(), index.getValue().asText()));
            Miniroot miniroot = new Miniroot(alpine.path("release").asText(), alpine.path("arch").asText(), alpine.path("miniroot").asText());
            return new PackageLock(request, miniroot, indexes, packages);
        }).orElseGet(() -> new PackageLock(List.of(), null, Map.of(), Map.of()));
    }

    boolean isEmpty() {
        return packages.isEmpty();
    }

    BuildLock into(BuildLock lock) {
        Map<String, Object> alpine = new LinkedHashMap<>();
        alpine.put("release", miniroot.release());
        alpine.put("arch", miniroot.arch());
        alpine.put("miniroot", miniroot.sha256());
        alpine.put("request", request);
        alpine.put("indexes", indexes);
        return lock.with("alpine", alpine).with("packages", packages.values().stream().sorted(Comparator.comparing(Entry::name)).toList());
    }

    /** What config/ asks for, in the words of the lock. */
    static List<String> request(Config.Alpine config, List<String> atoms) {
        List<String> request = new ArrayList<>(List.of(release(config)));
        config.repositories().forEach(line -> request.add("repository " + line.text()));
        request.addAll(new TreeSet<>(atoms));
        return request;
    }

    private static String release(Config.Alpine config) {
        return "alpine " + config.version() + " " + config.arch();
    }

    /** Whether the miniroot is of the release that config/ asks for. */
    boolean hasRelease(Config.Alpine config) {
        return request.contains(release(config));
    }

    /** A Failure when {@code wanted} is not what was locked. */
    void demand(List<String> wanted, BuildLock.Use use) {
        if (isEmpty()) {
            throw Failure.usage(use.file() + " locks no packages, and --locked asks for that", "run once without --locked, and keep the file");
        }
        List<String> more = new ArrayList<>(wanted);
        more.removeAll(request);
        List<String> less = new ArrayList<>(request);
        less.removeAll(wanted);
        if (!more.isEmpty() || !less.isEmpty()) {
            throw Failure.usage(use.file() + " and config/ disagree:" + (more.isEmpty() ? "" : " not locked: " + String.join(", ", more))
                    + (less.isEmpty() ? "" : (more.isEmpty() ? "" : ";") + " locked, but not asked for: " + String.join(", ", less)),
                    "run once without --locked; the lock then follows");
        }
    }

    /** A line for each package that differs from {@code before}. */
    List<String> changesSince(PackageLock before) {
        TreeSet<String> names = new TreeSet<>(packages.keySet());
        names.addAll(before.packages.keySet());
        List<String> lines = new ArrayList<>();
        for (String name : names) {
            Entry old = before.packages.get(name);
            Entry now = packages.get(name);
            if (old == null) {
                lines.add("+ " + name + " " + now.version());
            } else if (now == null) {
                lines.add("- " + name + " " + old.version());
            } else if (!old.checksum().equals(now.checksum())) {
                lines.add("  " + name + " " + old.version() + " -> " + now.version() + (old.version().equals(now.version()) ? " (rebuilt)" : ""));
            }
        }
        return lines;
    }
}
