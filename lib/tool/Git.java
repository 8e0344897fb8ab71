package lib.tool;

import java.io.IOException;
import java.io.InputStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.TreeMap;
import java.util.regex.Pattern;

/**
 * Git repositories: which commit a branch, tag or commit name means, and a clean working tree of a commit with its submodules.
 *
 * <p>Only git itself talks to servers, so that credential helpers, ssh agents, proxies and ~/.netrc of the user work as usual; it is
 * never allowed to ask on the terminal. What was fetched is kept in the cache and needs no network again.
 */
public record Git(Shell shell, Cache cache, boolean offline) {
    /** What a version's name stands for. */
    public enum Kind { BRANCH, TAG, COMMIT }

    /** A version and its 40-digit commit. */
    public record Resolved(String commit, Kind kind) { }

    private static final Pattern COMMIT = Pattern.compile("[0-9a-f]{40}");
    private static final Pattern SHORT = Pattern.compile("[0-9a-f]{7,39}");
    private static final int ASK_SECONDS = 120;
    /** Specification of Git LFS: the first line of a file that stands for one kept elsewhere. */
    private static final byte[] LFS_POINTER = "version https://git-lfs.github.com/spec/v1".getBytes(StandardCharsets.US_ASCII);
    /** The user's own filters, hooks and line endings must not change a tree that is built from. */
    private static final List<String> PLAIN_TREE = List.of("git", "-c", "core.autocrlf=false", "-c", "core.hooksPath=/dev/null",
            "-c", "filter.lfs.process=", "-c", "filter.lfs.smudge=", "-c", "filter.lfs.required=false", "-c", "advice.detachedHead=false");

    /** The commit that {@code version} (branch, tag with or without a leading v, commit or its first digits) names now. */
    public Resolved resolve(String url, String version) {
        if (COMMIT.matcher(version).matches()) {
            return new Resolved(version, Kind.COMMIT);
        }
        if (offline) {
            return remembered(url, version);
        }
        Map<String, String> references = references(url);
        for (String tag : List.of(version, "v" + version)) {
            Optional<String> commit = Optional.ofNullable(references.get("refs/tags/" + tag + "^{}")).or(() -> Optional.ofNullable(references.get("refs/tags/" + tag)));
            if (commit.isPresent()) {
                return remember(url, version, new Resolved(commit.get(), Kind.TAG));
            }
            if (tag.equals(version) && references.containsKey("refs/heads/" + version)) {
                return remember(url, version, new Resolved(references.get("refs/heads/" + version), Kind.BRANCH));
            }
        }
        if (SHORT.matcher(version).matches()) {
            Optional<String> commit = new GitMirror(this, url).find(version);
            if (commit.isPresent()) {
                return remember(url, version, new Resolved(commit.get(), Kind.COMMIT));
            }
        }
        List<String> names = references.keySet().stream().filter(name -> !name.endsWith("^{}"))
                .map(name -> name.replaceFirst("^refs/(heads|tags)/", "")).toList();
        throw Failure.usage(url + " has no branch, tag or commit " + version,
                Suggest.hint(version, names, names.isEmpty() ? "the repository is empty" : "it has " + String.join(" ", names.stream().limit(8).toList())));
    }

    /** Whether the commit is in the cache. */
    public boolean has(String url, String commit) {
        return new GitMirror(this, url).has(commit);
    }

    /** Makes {@code target} (it does not exist yet) a repository with this commit and its submodules checked out. */
    public void checkout(String url, String commit, Path target) {
        Path mirror = new GitMirror(this, url).with(commit);
        try {
            Files.createDirectories(target);
        } catch (IOException e) {
            throw Failure.io("cannot create " + target, e);
        }
        run(List.of("git", "init", "--quiet", "--initial-branch=build", "--template="), target, "");
        run(List.of("git", "remote", "add", "origin", url), target, "");
        run(List.of("git", "fetch", "--quiet", "--depth=1", "--no-tags", mirror.toUri().toString(), commit), target, "");
        run(plainTree("checkout", "--quiet", "--detach", commit), target, "");
        refuseLfs(url, target);
        for (GitSubmodule submodule : GitSubmodule.of(this, url, target)) {
            checkout(submodule.url(), submodule.commit(), target.resolve(submodule.path()));
        }
    }

    private static List<String> plainTree(String... arguments) {
        return java.util.stream.Stream.concat(PLAIN_TREE.stream(), Arrays.stream(arguments)).toList();
    }

    private Map<String, String> references(String url) {
        Map<String, String> references = new TreeMap<>();
        Shell.Result result = shell.run(command(List.of("git", "ls-remote", "--heads", "--tags", "--", url)).timeout(ASK_SECONDS),
                "the repository cannot be read: check its URL, the network and your access rights (git's credential helper, ssh keys and ~/.netrc are used)");
        result.text().lines().map(line -> line.split("\t")).filter(words -> words.length == 2).forEach(words -> references.put(words[1], words[0]));
        return references;
    }

    private Path memory(String url, String version) {
        return cache.folder("git-version").resolve(Digest.sha256(url + "\n" + version));
    }

    private Resolved remember(String url, String version, Resolved resolved) {
        return cache.locked("git-version", () -> {
            Trees.replace(memory(url, version), resolved.commit() + " " + resolved.kind() + "\n");
            return resolved;
        });
    }

    private Resolved remembered(String url, String version) {
        Path memory = memory(url, version);
        String[] words = Files.exists(memory) ? Trees.read(memory).strip().split(" ") : new String[0];
        if (words.length != 2) {
            throw new Failure(version + " of " + url + " is not in the cache and --offline forbids asking for it", "run once without --offline");
        }
        return new Resolved(words[0], Kind.valueOf(words[1]));
    }

    /** Files that git's attributes give to LFS, in any folder, and that really are pointers. */
    private void refuseLfs(String url, Path tree) {
        String files = run(List.of("git", "ls-files", "-z", "--", ":(attr:filter=lfs)"), tree, "").text();
        List<String> pointers = Arrays.stream(files.split("\0")).filter(name -> !name.isEmpty() && isPointer(tree.resolve(name))).toList();
        if (!pointers.isEmpty()) {
            throw new Failure(url + " keeps files in Git LFS, which is not supported: " + String.join(" ", pointers.stream().limit(5).toList()),
                    "publish the binary as a release and use a release: line");
        }
    }

    private static boolean isPointer(Path file) {
        if (!Files.isRegularFile(file)) {
            return false;
        }
        try (InputStream in = Files.newInputStream(file)) {
            return Arrays.equals(in.readNBytes(LFS_POINTER.length), LFS_POINTER);
        } catch (IOException e) {
            throw Failure.io("cannot read " + file, e);
        }
    }

    Shell.Result run(List<String> argv, Path folder, String hint) {
        return shell.run(command(argv).in(folder), hint);
    }

    Shell.Result attempt(List<String> argv, Path folder) {
        return shell.attempt(command(argv).in(folder));
    }

    /** Git asks nobody, speaks English, runs no helper programs that a URL names, and gives up on a server that is silent for a minute. */
    static Shell.Command command(List<String> argv) {
        return Shell.Command.of(argv).with("GIT_TERMINAL_PROMPT", "0").with("GIT_ALLOW_PROTOCOL", "file:git:http:https:ssh").with("LC_ALL", "C")
                .with("GIT_HTTP_LOW_SPEED_LIMIT", "1").with("GIT_HTTP_LOW_SPEED_TIME", "60");
    }
}
