package lib;

import java.net.URI;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.Optional;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Stream;
import lib.apk.Version;
import lib.tool.Archive;
import lib.tool.Cache;
import lib.tool.Download;
import lib.tool.Failure;
import lib.tool.Tools;
import lib.tool.Trees;

/**
 * Alpine's base system: which release a branch stands for, where its tarball is and what its checksum has to be.
 *
 * @param release exact: {@code 3.19.4}
 * @param sha256 of the tarball, lower-case hexadecimal
 */
record Miniroot(String release, String arch, String sha256) {
    private static final long LARGEST = 256L << 20;
    private static final long LARGEST_TEXT = 4L << 20;

    /** Finds the release in the mirrors: an exact one is taken as it is, a branch means its newest release. */
    static Miniroot find(Config.Alpine config, Download download) {
        String release = config.version().chars().filter(c -> c == '.').count() > 1 ? config.version() : newest(config, download);
        Path file = download.latest(places(config, release, ".sha256"), LARGEST_TEXT);
        String sha256 = Trees.read(file).strip().split("\\s+")[0].toLowerCase(java.util.Locale.ROOT);
        if (!sha256.matches("[0-9a-f]{64}")) {
            throw new Failure(file + " does not begin with a SHA-256", "the mirror is broken; use another one");
        }
        return new Miniroot(release, config.arch(), sha256);
    }

    /** The tarball, with its checksum verified. */
    Path fetch(Config.Alpine config, Download download) {
        return download.verified(places(config, release, ""), Download.Checksum.sha256(sha256), LARGEST);
    }

    /** Its package database, world and keys, unpacked in the cache for reading: what a plan starts from. */
    Path base(Config.Alpine config, Tools tools) {
        return tools.cache().get(Cache.Key.of("miniroot", release + " " + arch).with("sha256", sha256),
                target -> Archive.extract(fetch(config, tools.download()), target, Archive.Limits.SOURCES,
                        name -> name.startsWith("etc/apk/") || name.startsWith("lib/apk/")));
    }

    private static List<URI> places(Config.Alpine config, String release, String suffix) {
        return folder(config, branch(release), "alpine-minirootfs-" + release + "-" + config.arch() + ".tar.gz" + suffix);
    }

    /** Folder of the branch that a version belongs to: {@code v3.19}. */
    static String branch(String version) {
        String[] parts = version.split("\\.");
        return "v" + parts[0] + "." + parts[1];
    }

    private static List<URI> folder(Config.Alpine config, String branch, String file) {
        return config.mirrors().stream().map(mirror -> Download.child(mirror, branch + "/releases/" + config.arch() + "/" + file)).toList();
    }

    /** Asks latest-releases.yaml; a mirror without it is asked for the names in its folder. */
    private static String newest(Config.Alpine config, Download download) {
        String branch = branch(config.version());
        for (String file : List.of("latest-releases.yaml", "")) {
            for (URI place : folder(config, branch, file)) {
                Optional<String> release = text(place, download).flatMap(text -> newest(text, config));
                if (release.isPresent()) {
                    return release.get();
                }
            }
        }
        throw new Failure("no mirror says which is the newest release of " + branch + ": " + folder(config, branch, "latest-releases.yaml").get(0),
                "check ALPINE_MIRROR, or write the exact release in ALPINE_VERSION");
    }

    private static Optional<String> text(URI place, Download download) {
        try {
            Path folder = place.getScheme().equals("file") ? Path.of(place) : null;
            if (folder != null && Files.isDirectory(folder)) {
                try (Stream<Path> files = Files.list(folder)) {
                    return Optional.of(String.join("\n", files.map(file -> file.getFileName().toString()).toList()));
                }
            }
            return Optional.of(Trees.read(download.latest(place, LARGEST_TEXT)));
        } catch (Failure | java.io.IOException e) {
            return Optional.empty();
        }
    }

    /** The highest release of the branch whose miniroot a text names. */
    static Optional<String> newest(String text, Config.Alpine config) {
        Pattern name = Pattern.compile("alpine-minirootfs-(" + Pattern.quote(branch(config.version()).substring(1)) + "\\.\\d+)-"
                + Pattern.quote(config.arch()) + "\\.tar\\.gz");
        List<String> releases = new ArrayList<>();
        for (Matcher m = name.matcher(text); m.find(); ) {
            releases.add(m.group(1));
        }
        return releases.stream().max(Comparator.comparing(release -> release, Version::compare));
    }
}
