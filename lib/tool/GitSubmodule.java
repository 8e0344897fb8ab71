package lib.tool;

import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashMap;
import java.util.List;
import java.util.Map;

/**
 * A repository inside a repository: gitmodules(5).
 *
 * @param path relative to the outer working tree
 * @param commit that the outer commit names
 */
record GitSubmodule(String path, String url, String commit) {
    private static final String GITLINK = "160000 ";

    /** The submodules of a checked out tree; those with {@code update = none} are left out, as git does. */
    static List<GitSubmodule> of(Git git, String outer, Path tree) {
        List<GitSubmodule> all = new ArrayList<>();
        if (!Files.isRegularFile(tree.resolve(".gitmodules"), java.nio.file.LinkOption.NOFOLLOW_LINKS)) {
            return all;
        }
        Map<String, Map<String, String>> settings = settings(git.run(List.of("git", "config", "--file", ".gitmodules", "-z", "--list"), tree, "").text());
        for (String line : git.run(List.of("git", "ls-files", "-z", "--stage"), tree, "").text().split("\0")) {
            if (line.startsWith(GITLINK)) {
                String path = line.substring(line.indexOf('\t') + 1);
                Map<String, String> setting = settings.getOrDefault(path, Map.of());
                if (!setting.getOrDefault("update", "").equals("none")) {
                    all.add(new GitSubmodule(path, url(outer, path, setting.getOrDefault("url", "")), line.split(" ")[1]));
                }
            }
        }
        return all;
    }

    /** Settings by the submodule's path; each item is {@code submodule.NAME.KEY}, a newline and the value. */
    private static Map<String, Map<String, String>> settings(String items) {
        Map<String, Map<String, String>> byName = new HashMap<>();
        Arrays.stream(items.split("\0")).filter(item -> item.matches("(?s)submodule\\..+\\.[a-z]+\n.*")).forEach(item -> {
            String key = item.substring(0, item.indexOf('\n'));
            String name = key.substring("submodule.".length(), key.lastIndexOf('.'));
            byName.computeIfAbsent(name, any -> new HashMap<>()).put(key.substring(key.lastIndexOf('.') + 1), item.substring(item.indexOf('\n') + 1));
        });
        Map<String, Map<String, String>> byPath = new HashMap<>();
        byName.values().forEach(setting -> byPath.put(setting.getOrDefault("path", ""), setting));
        return byPath;
    }

    private static String url(String outer, String path, String written) {
        if (written.isEmpty() || written.startsWith("-")) {
            throw new Failure("the submodule " + path + " of " + outer + " has no URL in .gitmodules", "correct it in that repository");
        }
        String url = written.startsWith("./") || written.startsWith("../") ? relative(outer, written) : written;
        if (url.matches("[a-z+]+://[^/@]*:[^/@]*@.*")) {
            throw new Failure("the URL of the submodule " + path + " of " + outer + " holds a password", "take it out of .gitmodules; git's credential helper works");
        }
        if (isLocal(url) && !isLocal(outer)) {
            throw new Failure("the submodule " + path + " of " + outer + " is a folder of this machine: " + url,
                    "only a repository of this machine may name other folders of it");
        }
        return url;
    }

    private static boolean isLocal(String url) {
        return url.startsWith("file:") || !url.contains(":");
    }

    /** A URL that begins with ./ or ../ starts at the outer repository's: git-submodule(1). */
    static String relative(String outer, String written) {
        String base = outer.replaceFirst("/+$", "");
        String rest = written;
        while (rest.startsWith("./") || rest.startsWith("../")) {
            if (rest.startsWith("../")) {
                int cut = Math.max(base.lastIndexOf('/'), base.lastIndexOf(':'));
                String separator = cut > 0 && base.charAt(cut) == ':' ? ":" : "/";
                base = cut < 0 ? "" : base.substring(0, cut);
                rest = rest.substring(3);
                if (separator.equals(":") && !rest.startsWith("../")) {
                    return base + ":" + rest;
                }
            } else {
                rest = rest.substring(2);
            }
        }
        return base + "/" + rest;
    }
}
