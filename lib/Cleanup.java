package lib;

import java.io.IOException;
import java.nio.file.FileSystems;
import java.nio.file.FileVisitResult;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.PathMatcher;
import java.nio.file.SimpleFileVisitor;
import java.nio.file.attribute.BasicFileAttributes;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.regex.PatternSyntaxException;
import lib.tool.Failure;

/**
 * What a booted node never reads and the image therefore does not carry: the rules of cleanup.conf, a rule a line. {@code remove GLOB WHY}
 * takes away what the glob names, folders with all that is in them; {@code keep GLOB [WHY]} wins over any of those. Globs are those of
 * {@link java.nio.file.FileSystem#getPathMatcher}, over paths relative to the root tree. Links are removed, never followed.
 */
record Cleanup(List<Rule> rules) {
    /** One line: a glob, what is done with what it names, and why. */
    record Rule(boolean keep, String glob, PathMatcher matcher, String why) { }

    /** The rules of a workspace that has no cleanup.conf; config/cleanup.conf of the project says the same. */
    static final String DEFAULT = """
            # What the image does not carry, a rule a line:  remove GLOB WHY  or  keep GLOB WHY
            #
            # A glob is a path in the image: * stands for anything but a slash, ** for anything, {a,b} for either. A folder goes with all
            # that is in it. Whatever a keep line names stays, with all that is in it, whatever the remove lines say. Links are removed,
            # never followed. Without this file the rules are those that it is delivered with.

            remove usr/share/{doc,gtk-doc,info,licenses}        documentation
            remove {usr,usr/local}/{share/man,man}              manual pages
            remove usr/share/{locale,i18n}                      translations
            keep   usr/share/locale/C*                          what programs ask for when no language is set
            remove usr/share/{bash-completion,zsh,fish}         shell completion
            remove {usr,usr/local}/include                      headers
            remove {usr/lib,usr/share}/{pkgconfig,cmake}        for building against libraries
            remove usr/share/aclocal                            for building against libraries
            remove {lib,usr/lib,usr/local/lib}/{*,**/*}.{a,la}  static libraries
            remove var/cache/{apk,misc}/*                       packages that apk has fetched
            remove etc/{init.d,conf.d,runlevels,local.d}        OpenRC leftovers: my_init starts services
            remove {lib,usr/libexec}/rc                         OpenRC leftovers: my_init starts services
            remove lib/apk/exec                                 where package scripts ran
            """;

    /** Reads the rules; a line that is none is a Failure that names it (exit code 2). */
    static Cleanup read(Path file) {
        List<Config.Line> lines = new ArrayList<>();
        if (Files.exists(file)) {
            lines.addAll(Config.lines(file));
        } else {
            DEFAULT.lines().filter(line -> !line.isBlank() && !line.startsWith("#")).forEach(line -> lines.add(new Config.Line("default rules", 0, line)));
        }
        return new Cleanup(lines.stream().map(Cleanup::rule).toList());
    }

    private static Rule rule(Config.Line line) {
        String[] words = line.text().split("\\s+", 3);
        boolean keep = words[0].equals("keep");
        if (!keep && !words[0].equals("remove") || words.length < (keep ? 2 : 3)) {
            throw line.wrong("not a rule", "write: remove GLOB WHY, or: keep GLOB WHY");
        }
        String glob = words[1].replaceFirst("^/+", "");
        try {
            return new Rule(keep, glob, FileSystems.getDefault().getPathMatcher("glob:" + glob), words.length < 3 ? "" : words[2]);
        } catch (PatternSyntaxException e) {
            throw line.wrong(words[1] + " is not a glob: " + e.getDescription(), "braces and brackets come in pairs");
        }
    }

    /** Removes what the rules name and returns the bytes that each freed, in the order of the rules; rules that freed nothing are left out. */
    Map<Rule, Long> apply(Path root) {
        Sweep sweep = new Sweep(root);
        try {
            Files.walkFileTree(root, sweep);
        } catch (IOException e) {
            throw Failure.io("cannot clean up " + root, e);
        }
        Map<Rule, Long> freed = new LinkedHashMap<>();
        rules.stream().filter(sweep.freed::containsKey).forEach(rule -> freed.put(rule, sweep.freed.get(rule)));
        return freed;
    }

    private final class Sweep extends SimpleFileVisitor<Path> {
        private final Path root;
        /** For folders on the way down: the rule that holds in them. */
        private final Map<Path, Rule> holds = new HashMap<>();
        private final Map<Rule, Long> freed = new HashMap<>();

        private Sweep(Path root) {
            this.root = root;
        }

        /** The rule for a path: keep lines first, then what holds in its folder. */
        private Optional<Rule> ruleFor(Path path) {
            Rule above = holds.get(path.getParent());
            if (path.equals(root) || above != null && above.keep()) {
                return Optional.ofNullable(above);
            }
            Path relative = root.relativize(path);
            Optional<Rule> keep = rules.stream().filter(rule -> rule.keep() && rule.matcher().matches(relative)).findFirst();
            return keep.isPresent() ? keep : above != null ? Optional.of(above)
                    : rules.stream().filter(rule -> !rule.keep() && rule.matcher().matches(relative)).findFirst();
        }

        @Override
        public FileVisitResult preVisitDirectory(Path folder, BasicFileAttributes attributes) {
            ruleFor(folder).ifPresent(rule -> holds.put(folder, rule));
            return FileVisitResult.CONTINUE;
        }

        @Override
        public FileVisitResult visitFile(Path file, BasicFileAttributes attributes) throws IOException {
            Optional<Rule> rule = ruleFor(file).filter(one -> !one.keep());
            if (rule.isPresent()) {
                Files.delete(file);
                freed.merge(rule.get(), attributes.isRegularFile() ? attributes.size() : 0, Long::sum);
            }
            return FileVisitResult.CONTINUE;
        }

        @Override
        public FileVisitResult postVisitDirectory(Path folder, IOException failed) throws IOException {
            if (failed != null) {
                throw failed;
            }
            Rule rule = holds.remove(folder);
            if (rule != null && !rule.keep() && folder.toFile().list().length == 0) {
                Files.delete(folder);
                freed.merge(rule, 0L, Long::sum);
            }
            return FileVisitResult.CONTINUE;
        }
    }
}
