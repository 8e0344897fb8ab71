package lib;

import java.util.Arrays;
import java.util.List;
import java.util.Locale;
import java.util.regex.Pattern;
import lib.tool.Failure;
import lib.tool.Glob;
import lib.tool.Suggest;

/**
 * config/firmware.conf: {@code require NAME}, {@code include NAME}, {@code exclude NAME}, {@code driver NAME}, {@code microcode intel|amd}.
 * NAME is a path below lib/firmware, a folder's path or a glob ({@code *} stays inside a folder, {@code **} does not); for {@code driver}
 * it is a driver's name in WHENCE.
 */
record FirmwareRules(List<Rule> rules) {
    /** What a line does. */
    enum Verb { REQUIRE, INCLUDE, EXCLUDE, DRIVER, MICROCODE }

    /** One line; {@code argument} is what stands behind the verb. */
    record Rule(Verb verb, String argument, Config.Line line) {
        /** As {@code --why} shows it: {@code firmware.conf:3 require rtl_nic/*}. */
        String title() {
            return line.place() + " " + line.text();
        }

        Failure wrong(String what, String hint) {
            return line.wrong(what, hint);
        }
    }

    static FirmwareRules parse(List<Config.Line> lines) {
        return new FirmwareRules(lines.stream().map(FirmwareRules::rule).toList());
    }

    private static Rule rule(Config.Line line) {
        String[] words = line.text().split("\\s+", 2);
        List<String> verbs = Arrays.stream(Verb.values()).map(verb -> verb.name().toLowerCase(Locale.ROOT)).toList();
        if (!verbs.contains(words[0])) {
            throw line.wrong("unknown word " + words[0], Suggest.hint(words[0], verbs, "a line begins with " + String.join(", ", verbs)));
        }
        if (words.length < 2) {
            throw line.wrong(words[0] + " takes a name", "for example: require rtl_nic/rtl8168h-2.fw");
        }
        Rule rule = new Rule(Verb.valueOf(words[0].toUpperCase(Locale.ROOT)), words[1].replaceFirst("^/?lib/firmware/", ""), line);
        if (rule.verb() == Verb.MICROCODE && !List.of("intel", "amd").contains(rule.argument())) {
            throw line.wrong("no microcode of that name", Suggest.hint(rule.argument(), List.of("intel", "amd"), "microcode takes intel or amd"));
        }
        if (rule.argument().startsWith("/") || Arrays.asList(rule.argument().split("/")).contains("..")) {
            throw line.wrong("not a path below lib/firmware", "write it as drivers do, for example rtl_nic/rtl8168h-2.fw");
        }
        Glob.path(rule.argument());
        return rule;
    }

    List<Rule> of(Verb verb) {
        return rules.stream().filter(rule -> rule.verb() == verb).toList();
    }

    /** Whether an {@code exclude} line names this file, or a folder above it. */
    boolean excludes(String name) {
        return of(Verb.EXCLUDE).stream().anyMatch(rule -> {
            Pattern glob = Glob.path(rule.argument().replaceFirst("/+$", ""));
            return glob.matcher(name).matches() || parents(name).stream().anyMatch(folder -> glob.matcher(folder).matches());
        });
    }

    private static List<String> parents(String name) {
        return java.util.stream.IntStream.range(0, name.length()).filter(i -> name.charAt(i) == '/').mapToObj(i -> name.substring(0, i)).toList();
    }
}
