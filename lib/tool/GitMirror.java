package lib.tool;

import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Optional;

/**
 * What the cache holds of one repository: a bare repository with the commits that builds asked for, each without its history and kept by
 * a reference of its own, so that the next one is fetched as the difference to those. Beside it, only when the first digits of a commit
 * have to be looked up, a second one with all commits and no files.
 */
record GitMirror(Git git, String url) {
    private static final List<String> FETCH = List.of("git", "-c", "gc.auto=0", "-c", "maintenance.auto=false", "fetch", "--quiet", "--no-write-fetch-head");

    /** The mirror, with this commit in it. */
    Path with(String commit) {
        Path mirror = open("git-mirror");
        return locked(mirror, () -> {
            if (!has(mirror, commit)) {
                fetch(mirror, commit);
            }
            return mirror;
        });
    }

    boolean has(String commit) {
        return has(open("git-mirror"), commit);
    }

    /** The only commit that begins with these digits. */
    Optional<String> find(String digits) {
        Path history = open("git-history");
        return locked(history, () -> {
            git.run(fetch("--tags", "--force", "--filter=tree:0", "origin", "+refs/heads/*:refs/heads/*"), history, "cannot fetch " + url);
            Shell.Result found = git.attempt(List.of("git", "rev-parse", "--verify", "--quiet", digits + "^{commit}"), history);
            return found.exitCode() == 0 ? Optional.of(found.text()) : Optional.<String>empty();
        });
    }

    private boolean has(Path mirror, String commit) {
        return git.attempt(List.of("git", "show-ref", "--quiet", "--verify", "refs/keep/" + commit), mirror).exitCode() == 0;
    }

    /** By commit where the server allows that, else all branches and tags. */
    private void fetch(Path mirror, String commit) {
        if (git.offline()) {
            throw new Failure("commit " + commit + " of " + url + " is not in the cache and --offline forbids fetching it", "run once without --offline");
        }
        if (git.attempt(fetch("--depth=1", "--no-tags", "origin", "+" + commit + ":refs/keep/" + commit), mirror).exitCode() == 0) {
            return;
        }
        git.run(fetch("--tags", "--force", "origin", "+refs/heads/*:refs/heads/*"), mirror, "cannot fetch " + url);
        if (git.attempt(List.of("git", "update-ref", "refs/keep/" + commit, commit + "^{commit}"), mirror).exitCode() != 0) {
            throw new Failure(url + " no longer has the commit " + commit, "the branch or tag was rewritten: --update-lock=NAME takes what is there now");
        }
    }

    private static List<String> fetch(String... arguments) {
        return java.util.stream.Stream.concat(FETCH.stream(), java.util.Arrays.stream(arguments)).toList();
    }

    private <T> T locked(Path mirror, Cache.Work<T> work) {
        return git.cache().locked(mirror.getParent().getFileName() + "-" + mirror.getFileName(), work);
    }

    private Path open(String kind) {
        Path mirror = git.cache().folder(kind).resolve(Digest.sha256(url).substring(0, 24));
        if (Files.exists(mirror.resolve("complete"))) {
            return mirror;
        }
        return locked(mirror, () -> {
            if (!Files.exists(mirror.resolve("complete"))) {
                Trees.delete(mirror);
                Files.createDirectories(mirror);
                git.run(List.of("git", "init", "--quiet", "--bare", "--template="), mirror, "");
                git.run(List.of("git", "config", "uploadpack.allowAnySHA1InWant", "true"), mirror, "");
                git.run(List.of("git", "remote", "add", "origin", url), mirror, "");
                Files.writeString(mirror.resolve("complete"), url + "\n");
            }
            return mirror;
        });
    }
}
