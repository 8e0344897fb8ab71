package lib;

import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Collections;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;

/**
 * One line of sources.conf: {@code git:NAME:URL:VERSION:FUNCTION[:key=value...]} or {@code release:...}, or the same words separated by
 * blanks. {@link SourceLine} reads it.
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

    /** Reads one line that is neither empty nor a comment. */
    static Source parse(String file, int number, String text) {
        return SourceLine.split(file, number, text).source();
    }

    /** Reads the lines of a file that are for this architecture; no two of them may have one name, or install one path. */
    static List<Source> all(List<Config.Line> lines, String arch) {
        Map<String, Source> names = new HashMap<>();
        Map<String, Source> paths = new HashMap<>();
        List<Source> all = new ArrayList<>();
        for (Config.Line text : lines) {
            SourceLine line = SourceLine.split(text.file(), text.number(), text.text());
            Source source = line.source();
            if (!source.option("arch").orElse(arch).equals(arch)) {
                continue;
            }
            Source namesake = names.put(source.name(), source);
            if (namesake != null) {
                throw line.wrong(SourceLine.NAME, "the name " + source.name() + " is used twice", "it is also used at " + namesake.where());
            }
            String path = Recipes.path(source);
            Source other = paths.put(path, source);
            if (other != null) {
                throw line.wrong(SourceLine.NAME, source.name() + " and " + other.name() + " (" + other.where() + ") both install " + path,
                        "give one of them another path with install=");
            }
            all.add(source);
        }
        return List.copyOf(all);
    }

    /** Options keep the order of the line. */
    public Source {
        options = Collections.unmodifiableMap(new LinkedHashMap<>(options));
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
