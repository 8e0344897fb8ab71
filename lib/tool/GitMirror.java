package lib.tool;

import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.function.Function;

/**
 * What the cache holds of one repository: a bare repository with the commits that builds asked for, each without its history and kept by
 * a reference of its own, so that the next one is fetched as the difference to those. Beside it, only when the first digits of a commit
 * have to be looked up, a second one with all commits and no files.
 */
record GitMirror(Git git, String url) {
    private static final List<String> FETCH = List.of("git", "-c", "gc.auto=0", "-c", "maintenance.auto=false", "fetch", "--no-write-fetch-head");

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
            fetch(history, this::required, "--tags", "--force", "--filter=tree:0", "origin", "+refs/heads/*:refs/heads/*");
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
        if (fetch(mirror, git.shell()::attempt, "--depth=1", "--no-tags", "origin", "+" + commit + ":refs/keep/" + commit).exitCode() == 0) {
            return;
        }
        fetch(mirror, this::required, "--tags", "--force", "origin", "+refs/heads/*:refs/heads/*");
        if (git.attempt(List.of("git", "update-ref", "refs/keep/" + commit, commit + "^{commit}"), mirror).exitCode() != 0) {
            throw new Failure(url + " no longer has the commit " + commit, "the branch or tag was rewritten: --update-lock=NAME takes what is there now");
        }
    }

    /** Fetches with a bar where one is drawn. With --quiet git would tell nothing of what it receives. */
    private Shell.Result fetch(Path mirror, Function<Shell.Command, Shell.Result> runner, String... arguments) {
        Console console = git.shell().console();
        List<String> argv = new ArrayList<>(FETCH);
        argv.add(console.drawsBars() ? "--progress" : "--quiet");
        argv.addAll(List.of(arguments));
        try (Progress bar = console.progress("fetching " + url.replaceFirst("/+$", "").replaceFirst("^.*[/:]", ""), -1, " objects", 1)) {
            return runner.apply(Git.command(argv).in(mirror).taking(new GitProgress(bar)));
        }
    }

    private Shell.Result required(Shell.Command command) {
        return git.shell().run(command, "cannot fetch " + url);
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
