package lib;

import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
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
 * @param separator colon or blank, as the line is written
 * @param where {@code file:line}
 */
public record Source(Type type, String name, String url, String version, String function, Map<String, String> options, String separator,
        String where) {
    /** Where a component comes from. */
    public enum Type { GIT, RELEASE }

    private static final Pattern NAME = Pattern.compile("[A-Za-z0-9][A-Za-z0-9_.+-]*");
    private static final Pattern OPTION = Pattern.compile("[a-z][a-z0-9_-]*=.*");
    private static final Pattern COLONS = Pattern.compile("([^:\\s]+):([^:]*):(.+):([^:\\s]+):([^:=\\s]+)((?::[a-z][a-z0-9_-]*=[^:]*)*)");
    private static final Pattern WORD = Pattern.compile("\\S+");

    /** A part of a line and the column where it begins, from 0. */
    private record Word(String text, int start) { }

    /** A line with its place, for errors that point into it. */
    private record Place(String file, int number, String line) {
        private Failure wrong(Word word, String what, String hint) {
            String caret = " ".repeat(word.start()) + "^".repeat(Math.max(1, word.text().length()));
            return Failure.usage(file + ":" + number + ": " + what + "\n  " + line + "\n  " + caret, hint);
        }
    }

    /** Reads one line that is neither empty nor a comment. */
    static Source parse(String file, int number, String text) {
        String line = text.strip();
        boolean blanks = WORD.matcher(line).results().count() > 1 && !line.substring(0, line.indexOf(line.split("\\s")[1])).contains(":");
        Place place = new Place(file, number, line);
        refusePassword(place);
        List<Word> words = blanks ? WORD.matcher(line).results().map(m -> new Word(m.group(), m.start())).toList() : split(place);
        if (words.size() < 5) {
            throw place.wrong(new Word("", line.length()), "expected TYPE, NAME, URL, VERSION and FUNCTION",
                    "write git:NAME:URL:VERSION:FUNCTION[:key=value...] or the same words separated by blanks");
        }
        if (!NAME.matcher(words.get(1).text()).matches()) {
            throw place.wrong(words.get(1), "not a name", "letters, digits and _ . + - are allowed");
        }
        Type type = type(place, words.get(0));
        Word function = words.get(4);
        if (!Recipes.names(type).contains(function.text())) {
            throw place.wrong(function, "unknown function " + function.text() + " for " + words.get(0).text(),
                    Suggest.hint(function.text(), Recipes.names(type), "the functions are " + String.join(" ", Recipes.names(type))));
        }
        return new Source(type, words.get(1).text(), words.get(2).text(), words.get(3).text(), function.text(),
                options(place, type, words.subList(5, words.size())), blanks ? " " : ":", file + ":" + number);
    }

    private static Type type(Place place, Word word) {
        return switch (word.text()) {
            case "git" -> Type.GIT;
            case "release" -> Type.RELEASE;
            default -> throw place.wrong(word, "unknown type " + word.text(),
                    Suggest.hint(word.text(), List.of("git", "release"), "the types are git and release"));
        };
    }

    private static Map<String, String> options(Place place, Type type, List<Word> words) {
        Map<String, String> options = new LinkedHashMap<>();
        for (Word word : words) {
            if (!OPTION.matcher(word.text()).matches()) {
                throw place.wrong(word, "not an option", "options are written key=value");
            }
            String key = word.text().substring(0, word.text().indexOf('='));
            if (!Recipes.options(type).contains(key)) {
                throw place.wrong(word, "unknown option " + key,
                        Suggest.hint(key, Recipes.options(type), "the options are " + String.join(" ", Recipes.options(type))));
            }
            if (options.put(key, word.text().substring(key.length() + 1)) != null) {
                throw place.wrong(word, "option " + key + " is given twice", "keep one of them");
            }
        }
        return options;
    }

    private static void refusePassword(Place place) {
        if (place.line().matches(".*[a-z+]://[^/@\\s]*:[^/@\\s]*@.*")) {
            throw Failure.at(place.file(), place.number(), place.line().replaceAll("//[^/@]*@", "//***@"), "the URL holds a password",
                    "keep credentials in git's credential helper or in ~/.netrc");
        }
    }

    private static List<Word> split(Place place) {
        Matcher m = COLONS.matcher(place.line());
        if (!m.matches() || isCutUrl(m.group(3), m.group(4))) {
            return List.of();
        }
        List<Word> words = new ArrayList<>();
        for (int group = 1; group <= 5; group++) {
            words.add(new Word(m.group(group), m.start(group)));
        }
        int start = m.start(6);
        for (String option : m.group(6).isEmpty() ? new String[0] : m.group(6).substring(1).split(":", -1)) {
            words.add(new Word(option, start + 1));
            start += option.length() + 1;
        }
        return words;
    }

    /** With a field missing, the part taken for the version is really a piece of the URL: behind its scheme or behind its port. */
    private static boolean isCutUrl(String url, String version) {
        return version.startsWith("//") || url.matches("[a-z+]+://[^/]+") && version.matches("\\d+/.*");
    }

    /** The URL; a relative {@code file:} or plain path starts at {@code base}, the folder that holds the configuration folder. */
    String location(Path base) {
        if (url.startsWith("file:") && !url.startsWith("file:/")) {
            return base.resolve(url.substring("file:".length())).normalize().toUri().toString();
        }
        return url.contains(":") ? url : base.resolve(url).normalize().toString();
    }

    Optional<String> option(String key) {
        return Optional.ofNullable(options.get(key));
    }

    /** The line as it is written. */
    @Override
    public String toString() {
        StringBuilder text = new StringBuilder(String.join(separator, type.name().toLowerCase(Locale.ROOT), name, url, version, function));
        options.forEach((key, value) -> text.append(separator).append(key).append('=').append(value));
        return text.toString();
    }
}
