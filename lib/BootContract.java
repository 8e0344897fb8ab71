package lib;

import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.regex.PatternSyntaxException;
import java.util.stream.Stream;
import lib.tool.Failure;
import lib.tool.Json;
import lib.tool.Trees;

/**
 * What a boot has to say on the serial console, and what it must not say. A rule a line:
 *
 * <pre>
 * must REGEX             a line that has to appear
 * must-not REGEX         a line that may not appear
 * may REGEX              lines that are fine although a must-not or a built-in rule matches them
 * within SECONDS         time for the whole boot; 120 when nothing is said
 * within SECONDS REGEX   a line that has to appear in this time
 * </pre>
 *
 * Regular expressions are Java's and may match any part of a line. Comments begin with {@code #} at the start of a line.
 *
 * @param source where the rules come from
 * @param seconds time for the whole boot, since the hypervisor was started
 */
public record BootContract(String source, List<Rule> must, List<Rule> mustNot, List<Rule> may, double seconds) {
    /** When no file says how long a boot may take. */
    static final double SECONDS = 120;

    private static final Pattern WITHIN = Pattern.compile("(\\d{1,6}(?:\\.\\d{1,3})?)(?:\\s+(.+))?");
    private static final List<String> KEYWORDS = List.of("must", "must-not", "may", "within");

    /**
     * One rule that matches lines.
     *
     * @param where file and line
     * @param seconds its own deadline
     */
    public record Rule(String where, Pattern pattern, Optional<Double> seconds) {
        boolean matches(String line) {
            return pattern.matcher(line).find();
        }

        @Override
        public String toString() {
            return pattern + " (" + where + ")" + seconds.map(limit -> " within " + Seconds.text(limit)).orElse("");
        }
    }

    /** Used where no file says anything: the kernel comes as far as starting the init program. */
    public static final BootContract MINIMUM = parse("the built-in contract", "must Run /\\S+ as init process\n");

    /**
     * The contract of an image: the given file; else boot.expect in the configuration folder that the image was built from (as
     * dist/build.json tells); else that of the workspace; else {@link #MINIMUM}.
     */
    public static BootContract find(Optional<Path> given, Workspace workspace) {
        return given.map(file -> {
            if (!Files.isRegularFile(file)) {
                throw Failure.usage("there is no file " + file, "--expect takes a file of rules such as config/boot.expect");
            }
            return file;
        }).or(() -> Stream.concat(builtFrom(workspace).stream(), Stream.of(workspace.config())).map(folder -> folder.resolve("boot.expect"))
                .filter(Files::isRegularFile).findFirst()).map(file -> parse(file.toString(), Trees.read(file))).orElse(MINIMUM);
    }

    /** The configuration folder that the image was built from, else that of the workspace. */
    static Path folder(Workspace workspace) {
        return builtFrom(workspace).orElse(workspace.config());
    }

    private static Optional<Path> builtFrom(Workspace workspace) {
        Path build = workspace.dist().resolve("build.json");
        return Files.exists(build) ? Optional.of(Json.read(build).path("config").asText("")).filter(text -> !text.isEmpty())
                .map(text -> workspace.folder().resolve(text)) : Optional.empty();
    }

    /** Reads the rules; an error names {@code source}, the line and its text. */
    public static BootContract parse(String source, String text) {
        List<Rule> must = new ArrayList<>();
        List<Rule> mustNot = new ArrayList<>();
        List<Rule> may = new ArrayList<>();
        double seconds = SECONDS;
        String[] lines = text.split("\\R", -1);
        for (int i = 0; i < lines.length; i++) {
            String line = lines[i].strip();
            if (line.isEmpty() || line.startsWith("#")) {
                continue;
            }
            Reading rule = new Reading(source, i + 1, line);
            switch (rule.keyword()) {
                case "must" -> must.add(rule.matching(rule.value(), Optional.empty()));
                case "must-not" -> mustNot.add(rule.matching(rule.value(), Optional.empty()));
                case "may" -> may.add(rule.matching(rule.value(), Optional.empty()));
                case "within" -> {
                    Matcher within = rule.within();
                    double limit = Double.parseDouble(within.group(1));
                    if (within.group(2) == null) {
                        seconds = limit;
                    } else {
                        must.add(rule.matching(within.group(2), Optional.of(limit)));
                    }
                }
                default -> throw rule.wrong("unknown rule " + rule.keyword(), lib.tool.Suggest.hint(rule.keyword(), KEYWORDS,
                        "rules begin with " + String.join(", ", KEYWORDS)));
            }
        }
        if (must.isEmpty()) {
            throw Failure.usage(source + " has no must rule", "without one every boot would pass; name a line that only a good boot prints");
        }
        return new BootContract(source, List.copyOf(must), List.copyOf(mustNot), List.copyOf(may), seconds);
    }

    /** The same with another time for the whole boot. */
    public BootContract within(double limit) {
        return new BootContract(source, must, mustNot, may, limit);
    }

    /** A line while it is read. */
    private record Reading(String source, int number, String text) {
        String keyword() {
            return text.split("\\s+", 2)[0];
        }

        String value() {
            String[] words = text.split("\\s+", 2);
            if (words.length < 2) {
                throw wrong(words[0] + " needs a value", "for example: must login:");
            }
            return words[1];
        }

        Matcher within() {
            Matcher matcher = WITHIN.matcher(value());
            if (!matcher.matches() || Double.parseDouble(matcher.group(1)) <= 0) {
                throw wrong("not a number of seconds", "for example: within 60");
            }
            return matcher;
        }

        Rule matching(String regex, Optional<Double> limit) {
            try {
                return new Rule(source + ":" + number, Pattern.compile(regex), limit);
            } catch (PatternSyntaxException e) {
                throw wrong("not a regular expression (" + e.getDescription() + ")", "put a backslash before characters such as [ ( * + ? that mean themselves");
            }
        }

        Failure wrong(String what, String hint) {
            return Failure.at(source, number, text, what, hint);
        }
    }
}
