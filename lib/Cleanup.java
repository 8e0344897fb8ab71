package lib;

import java.io.IOException;
import java.nio.file.FileSystems;
import java.nio.file.FileVisitResult;
import java.nio.file.Files;
import java.nio.file.LinkOption;
import java.nio.file.Path;
import java.nio.file.PathMatcher;
import java.nio.file.SimpleFileVisitor;
import java.nio.file.attribute.BasicFileAttributes;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import lib.tool.Failure;
import lib.tool.Trees;

/** What a booted node never reads and the image therefore does not carry. Links are removed, never followed. */
final class Cleanup {
    /** A glob over paths relative to the root tree, and why it goes. */
    record Rule(String glob, String why) { }

    static final List<Rule> RULES = List.of(
            new Rule("usr/share/{doc,gtk-doc,info,licenses}", "documentation"),
            new Rule("{usr,usr/local}/{share/man,man}", "manual pages"),
            new Rule("usr/share/{locale,i18n}", "translations; C.UTF-8 needs none"),
            new Rule("usr/share/{bash-completion,zsh,fish}", "shell completion"),
            new Rule("{usr,usr/local}/include", "headers"),
            new Rule("{usr/lib,usr/share}/{pkgconfig,cmake}", "build system files"),
            new Rule("usr/share/aclocal", "build system files"),
            new Rule("{lib,usr/lib}/**.{a,la}", "static libraries"),
            new Rule("{lib,usr/lib}/*.{a,la}", "static libraries"),
            new Rule("var/cache/{apk,misc}/*", "package cache"),
            new Rule("etc/{init.d,conf.d,runlevels}", "OpenRC leftovers; my_init starts services"),
            new Rule("lib/apk/exec", "folder that package scripts ran from"));

    private Cleanup() { }

    /** Removes what the rules name and returns the bytes that each freed. */
    static Map<Rule, Long> apply(Path root) {
        Map<Rule, PathMatcher> matchers = new LinkedHashMap<>();
        RULES.forEach(rule -> matchers.put(rule, FileSystems.getDefault().getPathMatcher("glob:" + rule.glob())));
        Map<Rule, List<Path>> found = new LinkedHashMap<>();
        try {
            Files.walkFileTree(root, new SimpleFileVisitor<>() {
                @Override
                public FileVisitResult preVisitDirectory(Path folder, BasicFileAttributes attributes) {
                    return match(folder) ? FileVisitResult.SKIP_SUBTREE : FileVisitResult.CONTINUE;
                }

                @Override
                public FileVisitResult visitFile(Path file, BasicFileAttributes attributes) {
                    match(file);
                    return FileVisitResult.CONTINUE;
                }

                private boolean match(Path path) {
                    Path relative = root.relativize(path);
                    for (Map.Entry<Rule, PathMatcher> one : matchers.entrySet()) {
                        if (one.getValue().matches(relative)) {
                            found.computeIfAbsent(one.getKey(), any -> new ArrayList<>()).add(path);
                            return true;
                        }
                    }
                    return false;
                }
            });
        } catch (IOException e) {
            throw Failure.io("cannot read " + root, e);
        }
        Map<Rule, Long> freed = new LinkedHashMap<>();
        found.forEach((rule, paths) -> paths.forEach(path -> {
            freed.merge(rule, Files.isDirectory(path, LinkOption.NOFOLLOW_LINKS) ? Trees.size(path) : path.toFile().length(), Long::sum);
            Trees.delete(path);
        }));
        return freed;
    }
}
