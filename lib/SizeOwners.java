package lib;

import com.fasterxml.jackson.databind.JsonNode;
import java.util.HashMap;
import java.util.Map;
import java.util.Optional;
import java.util.regex.Pattern;
import lib.SizeReport.Group;
import lib.image.CpioEntry;
import lib.image.FinishedImage;

/**
 * Whose each path of an image is. Packages are those of the image's own database (lib/apk/db/installed); components and sets of modules
 * are those that build.json tells of.
 *
 * <p>What nobody lists: a link is that of its target's owner, a folder that of the first thing in it. Device nodes, /etc/my_init and what
 * phase 4 writes are configuration; all else was made by package scripts.
 */
final class SizeOwners {
    private static final String MODULES = "lib/modules/";
    private static final String FIRMWARE = "lib/firmware/";
    private static final Pattern CONFIGURATION = Pattern.compile("etc/(my_init(/.*)?|mos(/.*)?|hostname|mos-release|modules-load\\.d/mos\\.conf|modprobe\\.d/mos\\.conf)");

    private final FinishedImage image;
    private final Map<String, Owner> known = new HashMap<>();

    /** A package, component and so on. */
    record Owner(Group group, String name, String version) { }

    private SizeOwners(FinishedImage image) {
        this.image = image;
    }

    /** @param build what build.json says; an empty object when nothing is known */
    static SizeOwners of(FinishedImage image, JsonNode build) {
        SizeOwners owners = new SizeOwners(image);
        image.file("lib/apk/db/installed").ifPresent(database -> owners.readPackages(database.text()));
        build.path("rootfs").forEach(path -> owners.known.put(path.asText(), new Owner(Group.CONFIGURATION, "config/rootfs", "")));
        build.path("components").forEach(one -> owners.known.put(FinishedImage.plain(one.path("path").asText()),
                new Owner(Group.COMPONENTS, one.path("name").asText(), shortened(one.path("identity").asText()))));
        Map<String, String> broughtBy = new HashMap<>();
        build.path("modules").forEach(one -> broughtBy.put(one.path("name").asText(), one.path("by").asText()));
        String release = image.release().orElse(build.path("kernel").path("release").asText());
        build.path("modules").forEach(one -> owners.known.put(MODULES + release + "/" + unpacked(one.path("path").asText()),
                new Owner(Group.MODULES, set(one.path("name").asText(), broughtBy), release)));
        return owners;
    }

    private static String shortened(String identity) {
        String plain = identity.replaceFirst("^sha256:", "");
        return plain.substring(0, Math.min(10, plain.length()));
    }

    private static String unpacked(String path) {
        return path.replaceFirst("\\.(xz|gz|zst)$", "");
    }

    /** Modules are counted with the one that modules.conf names and that brought them in, maybe over others. */
    private static String set(String name, Map<String, String> broughtBy) {
        String at = name;
        for (int i = 0; i < broughtBy.size() && !broughtBy.getOrDefault(at, at).equals(at); i++) {
            at = broughtBy.get(at);
        }
        return at;
    }

    /** Lines P (name), V (version), F (folder) and R (file) of each stanza; apk-installed database, apk-tools. */
    private void readPackages(String database) {
        String name = "";
        String version = "";
        String folder = "";
        for (String line : database.split("\n")) {
            String value = line.length() > 2 ? line.substring(2) : "";
            switch (line.isEmpty() ? ' ' : line.charAt(0)) {
                case 'P' -> name = value;
                case 'V' -> version = value;
                case 'F' -> {
                    folder = value.isEmpty() ? "" : value + "/";
                    if (!value.isEmpty() && image.in(value).isEmpty()) {
                        known.putIfAbsent(value, new Owner(Group.PACKAGES, name, version));
                    }
                }
                case 'R' -> put(folder + value, new Owner(Group.PACKAGES, name, version));
                default -> { }
            }
        }
    }

    /** Under the path without links in it too: bin/x of a tree whose bin is a link to usr/bin. */
    private void put(String path, Owner owner) {
        known.put(path, owner);
        image.resolve(path, false).ifPresent(real -> known.put(real, owner));
    }

    /** Whose an entry of the image is. */
    Owner of(CpioEntry entry) {
        return find(FinishedImage.plain(entry.path()), entry);
    }

    private Owner find(String path, CpioEntry entry) {
        if (known.containsKey(path)) {
            return known.get(path);
        }
        if (entry.isSpecial() || path.isEmpty()) {
            return new Owner(Group.CONFIGURATION, "device nodes", "");
        }
        if (entry.isLink()) {
            Optional<String> target = image.resolve(path, true).filter(real -> !image.byPath().get(real).isLink() && !image.byPath().get(real).isFolder());
            return target.map(real -> find(real, image.byPath().get(real))).orElseGet(() -> unlisted(path));
        }
        if (entry.isFolder()) {
            Map.Entry<String, CpioEntry> first = image.byPath().higherEntry(path + "/");
            return first != null && first.getKey().startsWith(path + "/") ? find(first.getKey(), first.getValue()) : unlisted(path);
        }
        return unlisted(path);
    }

    private static Owner unlisted(String path) {
        if (path.startsWith(MODULES)) {
            return new Owner(Group.MODULES, path.endsWith(".ko") ? path.replaceFirst(".*/(.*)\\.ko$", "$1").replace('-', '_') : "indexes", "");
        }
        if (path.startsWith(FIRMWARE)) {
            return new Owner(Group.FIRMWARE, path.substring(FIRMWARE.length()).replaceFirst("/.*", ""), "");
        }
        if (CONFIGURATION.matcher(path).matches()) {
            return new Owner(Group.CONFIGURATION, path.startsWith("etc/my_init") ? "my_init" : "system", "");
        }
        return new Owner(Group.PACKAGES, path.startsWith("lib/apk/") ? "package database" : "made by package scripts", "");
    }
}
