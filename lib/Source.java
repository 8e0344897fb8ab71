package lib;

import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import lib.tool.Failure;
import lib.tool.Suggest;

/**
 * One line of sources.conf: {@code git:NAME:URL:VERSION:FUNCTION[:key=value...]} or {@code release:...}, or the same words separated by
 * blanks. URLs hold colons themselves, so type and name are read from the left, options, function and version from the right.
 *
 * @param type git or release
 * @param version branch, tag or commit of a git repository; version of a release
 * @param function name of the recipe that builds or installs it
 * @param where {@code file:line}
 */
public record Source(Type type, String name, String url, String version, String function, Map<String, String> options, String where) {
    /** Where a component comes from. */
    public enum Type { GIT, RELEASE }

    private static final Pattern NAME = Pattern.compile("[A-Za-z0-9][A-Za-z0-9_.+-]*");
    private static final Pattern OPTION = Pattern.compile("[a-z][a-z0-9_-]*=.*");
    private static final Pattern COLONS = Pattern.compile("([a-z]+):([^:\\s]*):(.+):([^:\\s]+):([^:=\\s]+)((?::[a-z][a-z0-9_-]*=[^:]*)*)");

    /** Reads one line that is neither empty nor a comment. */
    static Source parse(String file, int number, String text) {
        String line = text.strip();
        boolean blanks = line.matches("[a-z]+\\s.*");
        List<String> words = blanks ? List.of(line.split("\\s+")) : split(file, number, line);
        if (words.size() < 5) {
            throw Failure.at(file, number, text, "expected TYPE, NAME, URL, VERSION and FUNCTION",
                    "write git:NAME:URL:VERSION:FUNCTION[:key=value...] or the same words separated by blanks");
        }
        Type type = switch (words.get(0)) {
            case "git" -> Type.GIT;
            case "release" -> Type.RELEASE;
            default -> throw Failure.at(file, number, text, "unknown type " + words.get(0),
                    Suggest.hint(words.get(0), List.of("git", "release"), "the types are git and release"));
        };
        String name = words.get(1);
        if (!NAME.matcher(name).matches()) {
            throw Failure.at(file, number, text, "not a name: \"" + name + "\"", "letters, digits and _ . + - are allowed");
        }
        Map<String, String> options = new LinkedHashMap<>();
        for (String option : words.subList(5, words.size())) {
            if (!OPTION.matcher(option).matches()) {
                throw Failure.at(file, number, text, "not an option: \"" + option + "\"", "options are written key=value");
            }
            String key = option.substring(0, option.indexOf('='));
            if (options.put(key, option.substring(option.indexOf('=') + 1)) != null) {
                throw Failure.at(file, number, text, "option " + key + " is given twice", "keep one of them");
            }
        }
        if (words.get(2).matches("[a-z+]+://[^/@]*:[^/@]*@.*")) {
            throw Failure.at(file, number, text.replaceAll("//[^/@]*@", "//***@"), "the URL holds a password",
                    "keep credentials in git's credential helper or in ~/.netrc");
        }
        return new Source(type, name, words.get(2), words.get(3), words.get(4), options, file + ":" + number);
    }

    private static List<String> split(String file, int number, String line) {
        Matcher m = COLONS.matcher(line);
        if (!m.matches()) {
            return List.of();
        }
        java.util.ArrayList<String> words = new java.util.ArrayList<>(List.of(m.group(1), m.group(2), m.group(3), m.group(4), m.group(5)));
        if (!m.group(6).isEmpty()) {
            words.addAll(List.of(m.group(6).substring(1).split(":")));
        }
        return words;
    }

    /** The URL with a relative {@code file:} or plain path resolved against the folder of sources.conf's parent. */
    String location(Path base) {
        if (url.startsWith("file:") && !url.startsWith("file:/")) {
            return base.resolve(url.substring("file:".length())).normalize().toUri().toString();
        }
        return url.contains(":") ? url : base.resolve(url).normalize().toString();
    }

    Optional<String> option(String key) {
        return Optional.ofNullable(options.get(key));
    }

    /** The line in its colon form. */
    @Override
    public String toString() {
        StringBuilder text = new StringBuilder(String.join(":", type.name().toLowerCase(java.util.Locale.ROOT), name, url, version, function));
        options.forEach((key, value) -> text.append(':').append(key).append('=').append(value));
        return text.toString();
    }
}
