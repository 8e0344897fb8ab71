package lib;

import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import lib.tool.Failure;
import lib.tool.Suggest;

/**
 * A line of sources.conf cut into its words, so that an error can point at the one that is wrong.
 *
 * <p>In the form with colons the URL may hold colons itself: type and name are read from the left; options, function and version from the
 * right; what is left is the URL.
 *
 * @param words type, name, URL, version, function, then options
 */
record SourceLine(String file, int number, String text, boolean blanks, List<Word> words) {
    static final int TYPE = 0;
    static final int NAME = 1;
    static final int URL = 2;
    static final int VERSION = 3;
    static final int FUNCTION = 4;

    private static final Pattern NAMES = Pattern.compile("[A-Za-z0-9][A-Za-z0-9_.+-]*");
    private static final Pattern WORDS = Pattern.compile("\\S+");
    private static final Pattern COLONS = Pattern.compile("([^:\\s]+):([^:]*):(.*):([^:\\s]*):([^:=\\s]*)((?::[^:=\\s]+=[^:]*)*)");
    private static final Pattern PASSWORD = Pattern.compile("//[^/@\\s]*:[^/@\\s]*@");
    /** Access tokens of forges are written where a user name stands; they are long, or have a known beginning. */
    private static final Pattern TOKEN = Pattern.compile("https?://([A-Za-z0-9_-]{20,}|(gh[a-z]|glpat|github_pat)[_-][^/@\\s]*)@");

    /** A part of a line and the column where it begins, from 0. */
    record Word(String text, int start) { }

    /** Whether a URL in the text has a password or an access token in it. */
    static boolean holdsSecret(String text) {
        return PASSWORD.matcher(text).find() || TOKEN.matcher(text).find();
    }

    /** Cuts a line that is neither empty nor a comment; a Failure when a part is missing. */
    static SourceLine split(String file, int number, String raw) {
        String text = raw.strip();
        if (holdsSecret(text)) {
            throw Failure.at(file, number, text.replaceAll("//[^/@\\s]*@", "//***@"), "the URL holds a password or token",
                    "keep credentials in git's credential helper or in ~/.netrc");
        }
        boolean blanks = text.matches("[^:\\s]+\\s.*");
        List<Word> words = blanks ? WORDS.matcher(text).results().map(found -> new Word(found.group(), found.start())).toList() : colons(text);
        SourceLine line = new SourceLine(file, number, text, blanks, words);
        if (words.size() <= FUNCTION) {
            throw line.wrong(new Word("", text.length()), "expected TYPE, NAME, URL, VERSION and FUNCTION",
                    "write git:NAME:URL:VERSION:FUNCTION[:key=value...] or the same words separated by blanks");
        }
        return line;
    }

    private static List<Word> colons(String text) {
        Matcher line = COLONS.matcher(text);
        if (!line.matches() || isCutUrl(line.group(1 + URL), line.group(1 + VERSION))) {
            return List.of();
        }
        List<Word> words = new ArrayList<>();
        for (int group = 1; group <= 1 + FUNCTION; group++) {
            words.add(new Word(line.group(group), line.start(group)));
        }
        int start = line.end(1 + FUNCTION) + 1;
        for (String option : line.group(6).isEmpty() ? new String[0] : line.group(6).substring(1).split(":", -1)) {
            words.add(new Word(option, start));
            start += option.length() + 1;
        }
        return words;
    }

    /** With a field missing, what is taken for the version is really a piece of the URL: behind its scheme, port, bracket or host. */
    private static boolean isCutUrl(String url, String version) {
        return url.matches("file|https?|ssh|git|git\\+ssh|ssh\\+git") || version.startsWith("//") || version.contains("=")
                || url.matches("[a-z+]+://[^/]+") && version.matches("\\d+/.*") || url.matches("[a-z+]+://[^/]*\\[[^]/]*") || url.matches("[^/:]+@[^/:]+");
    }

    /** A Failure that shows the line with carets under this word. */
    Failure wrong(int word, String what, String hint) {
        return wrong(words.get(word), what, hint);
    }

    private Failure wrong(Word word, String what, String hint) {
        String carets = text.substring(0, word.start()).replaceAll("[^\\t]", " ") + "^".repeat(Math.max(1, word.text().length()));
        return Failure.usage(file + ":" + number + ": " + what + "\n  " + text + "\n  " + carets, hint);
    }

    private String word(int place) {
        return words.get(place).text();
    }

    /** What the line says; each word is checked. */
    Source source() {
        Source.Type type = type();
        if (!NAMES.matcher(word(NAME)).matches()) {
            throw wrong(NAME, "not a name", "letters, digits and _ . + - are allowed");
        }
        SourceUrl.fault(type, word(URL)).ifPresent(fault -> {
            throw wrong(URL, fault.what(), fault.hint());
        });
        if (type == Source.Type.GIT && !word(VERSION).matches("(?![-/.])(?!.*(\\.\\.|//|@\\{))[^~^:?*\\[\\\\]+(?<![/.])") || word(VERSION).isEmpty()) {
            throw wrong(VERSION, "not a branch, tag or commit", "git-check-ref-format(1) says what names may hold");
        }
        if (!Recipes.knows(type, word(FUNCTION), word(NAME))) {
            List<String> known = Recipes.names(type, word(NAME));
            throw wrong(FUNCTION, "unknown function " + word(FUNCTION) + " for " + word(TYPE),
                    Suggest.hint(word(FUNCTION), known, "the functions are " + String.join(" ", known)));
        }
        return new Source(type, word(NAME), word(URL), word(VERSION), word(FUNCTION), options(type), blanks ? " " : ":", file + ":" + number);
    }

    private Source.Type type() {
        return switch (word(TYPE)) {
            case "git" -> Source.Type.GIT;
            case "release" -> Source.Type.RELEASE;
            default -> throw wrong(TYPE, "unknown type " + word(TYPE), Suggest.hint(word(TYPE), List.of("git", "release"), "the types are git and release"));
        };
    }

    private Map<String, String> options(Source.Type type) {
        Map<String, String> options = new LinkedHashMap<>();
        List<String> known = Option.names(type);
        for (Word word : words.subList(FUNCTION + 1, words.size())) {
            int equals = word.text().indexOf('=');
            if (equals < 1) {
                throw wrong(word, "not an option", "options are written key=value");
            }
            String key = word.text().substring(0, equals);
            String value = word.text().substring(equals + 1);
            Option option = Option.of(type, key).orElseThrow(() -> wrong(word, "unknown option " + key,
                    Suggest.hint(key, known, "the options are " + String.join(" ", known))));
            if (!option.value.matcher(value).matches()) {
                throw wrong(new Word(value, word.start() + equals + 1), key + "= needs " + option.meaning, "the value is \"" + value + "\"");
            }
            if (options.put(key, value) != null) {
                throw wrong(word, "option " + key + " is given twice", "keep one of them");
            }
            if (options.containsKey("rename") && options.containsKey("install")) {
                throw wrong(word, "rename= and install= both say where the program goes", "keep one of them");
            }
        }
        return options;
    }

    /** What an option may hold. Blanks are out everywhere: the other form separates words by them. */
    private enum Option {
        DIR(true, false, "(?!/)(?!(.*/)?\\.\\.(/|$))\\S+", "a folder inside the repository"),
        PACKAGE(true, false, "[A-Za-z0-9_-]+", "the name of a package"),
        BIN(true, false, "(?!/)(?!(.*/)?\\.\\.(/|$))[A-Za-z0-9_.+/-]+", "the name of a program"),
        FEATURES(true, false, "[A-Za-z0-9_+./-]+(,[A-Za-z0-9_+./-]+)*", "names of features, separated by commas"),
        PROFILE(true, false, "[A-Za-z0-9_-]+", "the name of a cargo profile"),
        SHA256(false, true, "[0-9a-fA-F]{64}", "64 hexadecimal digits"),
        PATH(false, true, "(?!/)(?!(.*/)?\\.\\.(/|$))\\S+", "a file inside the archive"),
        RENAME(false, true, "(?!\\.\\.?$)[^/\\s]+", "the name of a program"),
        ARCH(true, true, "x86_64|aarch64", "x86_64 or aarch64"),
        INSTALL(true, true, "(?!.*/\\.\\.?(/|$))(/[^/\\s]+)+", "a path in the image such as /usr/bin/tool");

        private final boolean git;
        private final boolean release;
        private final Pattern value;
        private final String meaning;

        Option(boolean git, boolean release, String value, String meaning) {
            this.git = git;
            this.release = release;
            this.value = Pattern.compile(value);
            this.meaning = meaning;
        }

        private static List<Option> of(Source.Type type) {
            return List.of(values()).stream().filter(option -> type == Source.Type.GIT ? option.git : option.release).toList();
        }

        private static List<String> names(Source.Type type) {
            return of(type).stream().map(option -> option.name().toLowerCase(java.util.Locale.ROOT)).toList();
        }

        private static Optional<Option> of(Source.Type type, String key) {
            return of(type).stream().filter(option -> option.name().toLowerCase(java.util.Locale.ROOT).equals(key)).findFirst();
        }
    }
}
