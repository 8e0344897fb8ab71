package lib;

import com.fasterxml.jackson.databind.JsonNode;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Comparator;
import java.util.List;
import java.util.function.Supplier;
import java.util.stream.Collectors;
import lib.image.FinishedImage;
import lib.tool.Cache;
import lib.tool.Columns;
import lib.tool.Digest;
import lib.tool.Failure;
import lib.tool.Glob;
import lib.tool.Json;
import lib.tool.Suggest;
import lib.tool.Trees;

/**
 * Looks for faults in a finished image: in what the kernel will unpack, not in the tree that it was made from.
 *
 * @param allowed lines of config/lint.conf, {@code allow RULE GLOB}: findings that are meant
 */
public record Lint(List<Allowance> allowed) {
    /** Raised whenever a rule changes, so that results in the cache do not outlive it. */
    private static final int RECIPE = 1;

    /**
     * Something found.
     *
     * @param rule id of a {@link LintRule}
     * @param path in the image, without slash in front; empty for the image as a whole
     */
    public record Finding(String rule, boolean error, String path, String text) { }

    /** A line of lint.conf. */
    public record Allowance(String rule, String glob) {
        boolean covers(Finding finding) {
            return rule.equals(finding.rule()) && Glob.path(FinishedImage.plain(glob)).matcher(finding.path()).matches();
        }
    }

    /** Collects what the rules find. */
    static final class Findings {
        private final List<Finding> list = new ArrayList<>();

        void add(LintRule rule, String path, String text) {
            list.add(new Finding(rule.id(), !rule.listed(), path, text.replaceAll("\\p{Cntrl}", "?")));
        }
    }

    /** Reads lint.conf, which may be absent; an unknown rule is a Failure. */
    public static Lint read(Path file) {
        List<String> rules = Arrays.stream(LintRule.values()).map(LintRule::id).toList();
        List<Allowance> allowed = new ArrayList<>();
        for (Config.Line line : Config.optionalLines(file)) {
            String[] words = line.text().split("\\s+");
            if (words.length != 3 || !words[0].equals("allow")) {
                throw line.wrong("not an allowance", "write allow RULE PATH, for example: allow private-key etc/node/*.pem");
            }
            if (!rules.contains(words[1])) {
                throw line.wrong("there is no rule " + words[1], Suggest.hint(words[1], rules, "image.java lint --rules lists them"));
            }
            allowed.add(new Allowance(words[1], words[2]));
        }
        return new Lint(List.copyOf(allowed));
    }

    /** All that is found and not allowed, errors first, by rule and path. */
    public List<Finding> examine(FinishedImage image) {
        Findings findings = new Findings();
        new LintTree(image, findings).examine();
        new LintAccounts(image, findings).examine();
        new LintSecrets(image, findings).examine();
        new LintPrograms(image, findings).examine();
        new LintServices(image, findings).examine();
        new LintModules(image, findings).examine();
        return findings.list.stream().filter(finding -> allowed.stream().noneMatch(one -> one.covers(finding))).distinct()
                .sorted(Comparator.comparing((Finding finding) -> !finding.error()).thenComparing(Finding::rule).thenComparing(Finding::path).thenComparing(Finding::text))
                .toList();
    }

    /** The same for a build's image, kept by its content; {@code opened} is asked only when it is not in the cache. */
    public List<Finding> examine(Path image, Supplier<FinishedImage> opened, Cache cache) {
        Cache.Key key = Cache.Key.of("lint", image.getFileName().toString()).with("recipe", RECIPE).with("rules", Arrays.toString(LintRule.values()))
                .with("image", Digest.sha256(image)).with("allowed", allowed);
        List<Finding> findings = new ArrayList<>();
        Path kept = cache.get(key, target -> Files.writeString(target, Json.line(examine(opened.get()))));
        for (JsonNode one : Json.parse(Trees.read(kept), kept.toString())) {
            findings.add(new Finding(one.path("rule").asText(), one.path("error").asBoolean(), one.path("path").asText(), one.path("text").asText()));
        }
        return findings;
    }

    /** For people: a finding a line. */
    public static String table(List<Finding> findings) {
        return Columns.aligned(findings.stream().map(one -> List.of(one.error() ? "error" : "listed", one.rule(), "/" + one.path(), one.text())).toList());
    }

    /** Fails (exit code 4) with all errors when there are any. */
    public static void require(List<Finding> findings) {
        List<Finding> errors = findings.stream().filter(Finding::error).toList();
        if (!errors.isEmpty()) {
            String lines = table(errors).lines().map(line -> "\n  " + line.replaceFirst("^error +", "")).collect(Collectors.joining());
            throw Failure.contract("the finished image has " + errors.size() + (errors.size() == 1 ? " fault:" : " faults:") + lines,
                    "image.java lint --rules explains the rules; what is meant to be so goes into lint.conf: allow " + errors.get(0).rule() + " " + errors.get(0).path());
        }
    }

    /** The rules with what they mean. */
    public static String rules() {
        return Columns.aligned(Arrays.stream(LintRule.values()).map(rule -> List.of(rule.listed() ? "listed" : "error", rule.id(), rule.what())).toList());
    }
}
