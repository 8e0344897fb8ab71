package lib.tool;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.TreeMap;
import java.util.regex.Pattern;
import java.util.stream.Stream;

/** Git repositories: which commit a branch, tag or commit name means, and a clean working tree of a commit. */
public record Git(Shell shell, Cache cache, boolean offline) {
    private static final Pattern COMMIT = Pattern.compile("[0-9a-f]{40}");
    private static final Pattern SHORT = Pattern.compile("[0-9a-f]{7,39}");
    private static final Map<String, String> QUIET = Map.of("GIT_TERMINAL_PROMPT", "0", "GIT_CONFIG_NOSYSTEM", "1", "LC_ALL", "C");

    /** The 40-digit commit that {@code version} (branch, tag with or without a leading v, commit or its first digits) names now. */
    public String resolve(String url, String version) {
        if (COMMIT.matcher(version).matches()) {
            return version;
        }
        if (offline) {
            return resolveOffline(url, version);
        }
        Map<String, String> references = references(url);
        Optional<String> known = Stream.of("refs/tags/" + version + "^{}", "refs/tags/" + version, "refs/heads/" + version,
                "refs/tags/v" + version + "^{}", "refs/tags/v" + version).map(references::get).filter(sha -> sha != null).findFirst();
        if (known.isPresent()) {
            remember(url, version, known.get());
            return known.get();
        }
        if (SHORT.matcher(version).matches()) {
            Path mirror = mirror(url);
            run(List.of("git", "fetch", "--quiet", "--tags", url, "+refs/heads/*:refs/heads/*"), mirror, "cannot fetch " + url);
            Shell.Result found = shell.attempt(git(List.of("git", "rev-parse", "--verify", "--quiet", version + "^{commit}"), mirror));
            if (found.exitCode() == 0) {
                remember(url, version, found.text());
                return found.text();
            }
        }
        List<String> names = references.keySet().stream().filter(name -> !name.endsWith("^{}"))
                .map(name -> name.replaceFirst("^refs/(heads|tags)/", "")).toList();
        throw Failure.usage(url + " has no branch, tag or commit " + version,
                Suggest.hint(version, names, names.isEmpty() ? "the repository is empty" : "it has " + String.join(" ", names.stream().limit(8).toList())));
    }

    /** Makes {@code target} (it does not exist yet) a repository with this commit and its submodules checked out. */
    public void checkout(String url, String commit, Path target) {
        Path mirror = mirror(url);
        cache.locked("git-" + mirror.getFileName(), () -> {
            if (shell.attempt(git(List.of("git", "cat-file", "-e", commit + "^{commit}"), mirror)).exitCode() != 0) {
                fetch(url, commit, mirror);
            }
            return null;
        });
        try {
            Files.createDirectories(target);
        } catch (IOException e) {
            throw Failure.io("cannot create " + target, e);
        }
        run(List.of("git", "init", "--quiet", "--initial-branch=build"), target, "");
        run(List.of("git", "remote", "add", "origin", url), target, "");
        run(List.of("git", "fetch", "--quiet", "--depth=1", mirror.toUri().toString(), commit), target, "");
        run(List.of("git", "checkout", "--quiet", "--detach", commit), target, "");
        refuseLfs(url, target);
        if (Files.exists(target.resolve(".gitmodules"))) {
            // Only a repository of this machine may name other folders of this machine as its submodules.
            String local = url.startsWith("file:") || url.startsWith("/") ? "always" : "user";
            run(List.of("git", "-c", "protocol.file.allow=" + local, "submodule", "--quiet", "update", "--init", "--recursive", "--depth=1"), target,
                    "a submodule of " + url + " cannot be fetched");
        }
    }

    /** By commit where the server allows that, else all branches and tags. */
    private void fetch(String url, String commit, Path mirror) {
        if (offline) {
            throw new Failure("commit " + commit + " of " + url + " is not in the cache and --offline forbids fetching it", "run once without --offline");
        }
        if (shell.attempt(git(List.of("git", "fetch", "--quiet", "--depth=1", "--no-tags", url, commit), mirror)).exitCode() == 0) {
            return;
        }
        run(List.of("git", "fetch", "--quiet", "--tags", url, "+refs/heads/*:refs/heads/*"), mirror, "cannot fetch " + url);
        if (shell.attempt(git(List.of("git", "cat-file", "-e", commit + "^{commit}"), mirror)).exitCode() != 0) {
            throw new Failure(url + " no longer has the commit " + commit, "a rewritten branch or tag: choose another version");
        }
    }

    private Map<String, String> references(String url) {
        Map<String, String> references = new TreeMap<>();
        Shell.Result result = shell.run(Shell.Command.of("git", "ls-remote", "--heads", "--tags", url).with(QUIET).timeout(120),
                "the repository cannot be read: check its URL, the network and your access rights");
        result.text().lines().map(line -> line.split("\t")).filter(words -> words.length == 2).forEach(words -> references.put(words[1], words[0]));
        return references;
    }

    private Path mirror(String url) {
        Path mirror = cache.folder("git").resolve(Digest.sha256(url).substring(0, 24));
        return cache.locked("git-" + mirror.getFileName(), () -> {
            if (!Files.exists(mirror.resolve("complete"))) {
                Trees.delete(mirror);
                Files.createDirectories(mirror);
                run(List.of("git", "init", "--quiet", "--bare"), mirror, "");
                run(List.of("git", "config", "uploadpack.allowAnySHA1InWant", "true"), mirror, "");
                Files.writeString(mirror.resolve("complete"), url + "\n");
            }
            return mirror;
        });
    }

    private Path memory(String url, String version) {
        return cache.folder("git-version").resolve(Digest.sha256(url + "\n" + version));
    }

    private void remember(String url, String version, String commit) {
        Trees.replace(memory(url, version), commit + "\n");
    }

    private String resolveOffline(String url, String version) {
        Path memory = memory(url, version);
        if (!Files.exists(memory)) {
            throw new Failure(version + " of " + url + " is not in the cache and --offline forbids asking for it", "run once without --offline");
        }
        return Trees.read(memory).strip();
    }

    private static void refuseLfs(String url, Path tree) {
        Path attributes = tree.resolve(".gitattributes");
        if (Files.exists(attributes) && Trees.read(attributes).contains("filter=lfs")) {
            throw new Failure(url + " keeps files in Git LFS, which is not supported", "publish the binary as a release and use a release: line");
        }
    }

    private void run(List<String> argv, Path folder, String hint) {
        shell.run(git(argv, folder), hint);
    }

    private static Shell.Command git(List<String> argv, Path folder) {
        return Shell.Command.of(argv).in(folder).with(QUIET);
    }
}
