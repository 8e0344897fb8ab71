package lib;

import java.io.IOException;
import java.net.URI;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Optional;
import java.util.stream.Stream;
import lib.tool.Archive;
import lib.tool.Cache;
import lib.tool.Download;
import lib.tool.Failure;
import lib.tool.Git;
import lib.tool.Tools;

/**
 * FIRMWARE_SOURCE as a folder: a folder is used where it is, a tarball is unpacked and a git repository checked out once into the cache.
 * build.lock pins tarball and commit; a folder is what it is.
 */
record FirmwareSource(Config.Firmware config, Optional<BuildLock.Use> lock, Tools tools, boolean offline) {
    private static final long MAX_TARBALL = 4L << 30;

    /**
     * A folder that must not be changed.
     *
     * @param origin URL or path as configured
     * @param version commit or SHA-256 that stands for its content; empty for a folder of the user
     */
    record Tree(Path folder, String origin, String version) { }

    /** Empty when FIRMWARE_SOURCE is not set. */
    Optional<Tree> obtain() {
        if (config.source().isEmpty() && config.tag().isPresent()) {
            throw Failure.usage("FIRMWARE_TAG is set and FIRMWARE_SOURCE is not", "set FIRMWARE_SOURCE to a git repository of linux-firmware");
        }
        return config.source().map(this::obtain);
    }

    private Tree obtain(String source) {
        if (SourceLine.holdsSecret(source)) {
            throw Failure.usage("FIRMWARE_SOURCE holds a password or token", "keep credentials in git's credential helper or in ~/.netrc");
        }
        if (isGit(source)) {
            return checkout(source);
        }
        if (config.tag().isPresent()) {
            throw Failure.usage("FIRMWARE_TAG=" + config.tag().get() + " goes with a git repository, and " + source + " is none",
                    "take FIRMWARE_TAG out, or set FIRMWARE_SOURCE to a repository");
        }
        Path here = config.base().resolve(source.replaceFirst("^file:(//(?=/))?", ""));
        if (!source.matches("https?:.*") && Files.isDirectory(here)) {
            return new Tree(here.normalize(), source, "");
        }
        return unpack(source);
    }

    /** Git's own URL forms, a name that ends in .git, a repository of this machine when a tag is asked for. */
    private boolean isGit(String source) {
        if (source.matches("(git|ssh)://.*|.*\\.git/?|[\\w.-]+@[\\w.-]+:.*")) {
            return true;
        }
        if (source.matches("https?:.*")) {
            return config.tag().isPresent() && !source.matches(".*\\.(tar|tgz)(\\.\\w+)?");
        }
        Path here = config.base().resolve(source.replaceFirst("^file:(//(?=/))?", ""));
        return config.tag().isPresent() && (Files.exists(here.resolve(".git")) || Files.isDirectory(here.resolve("objects")));
    }

    private Tree checkout(String source) {
        String tag = config.tag().orElseThrow(() -> Failure.usage("FIRMWARE_TAG is not set", "it says which branch, tag or commit of " + source + " to use"));
        String url = source.matches("[\\w.+-]+:.*|[\\w.-]+@.*") ? source : config.base().resolve(source).normalize().toString();
        Git git = new Git(tools.shell(), tools.cache(), offline);
        String commit = locked().commit(source, tag, () -> git.resolve(url, tag).commit());
        Path folder = tools.cache().get(Cache.Key.of("firmware", "linux-firmware").with("commit", commit), target ->
                tools.console().step("fetching " + source + " " + tag, () -> git.checkout(url, commit, target)));
        return new Tree(folder, source, commit);
    }

    private Tree unpack(String source) {
        URI origin = Download.uri(source, config.base());
        LockedSource.Tarball tarball = locked().tarball(origin, MAX_TARBALL, () -> locked().asItIs(origin, MAX_TARBALL));
        Path folder = tools.cache().get(Cache.Key.of("firmware", "linux-firmware").with("tarball", tarball.sha256()), target ->
                tools.console().step("unpacking " + source, () -> Archive.extract(tarball.file(), target, Archive.Limits.SOURCES)));
        return new Tree(top(folder), source, tarball.sha256());
    }

    private LockedSource locked() {
        return new LockedSource(lock, "firmware", tools);
    }

    /** Release tarballs hold one folder with everything in it. */
    private static Path top(Path folder) {
        try (Stream<Path> files = Files.list(folder)) {
            List<Path> all = files.toList();
            return all.size() == 1 && Files.isDirectory(all.get(0)) && all.get(0).getFileName().toString().startsWith("linux-firmware") ? all.get(0) : folder;
        } catch (IOException e) {
            throw Failure.io("cannot read " + folder, e);
        }
    }
}
