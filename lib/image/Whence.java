package lib.image;

import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Locale;
import java.util.Optional;
import java.util.Set;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import lib.tool.Failure;

/**
 * The file WHENCE of linux-firmware: which files and links belong to which drivers, and under which licences.
 *
 * <p>Sections are divided by lines of dashes; in one stand {@code Driver:}, {@code File:}, {@code RawFile:} (never compressed),
 * {@code Link: new -> target}, {@code Version:}, {@code Source:}, {@code Info:} and {@code Licence:} lines in any order and number. Names with
 * blanks are quoted or have the blanks escaped. A licence covers the files since the licence before it and goes on over the lines of prose
 * behind it. Source of the rules: check_whence.py and copy-firmware.sh of linux-firmware.
 *
 * @param lines every line of the text, in order
 */
public record Whence(List<Line> lines, List<Section> sections) {
    private static final Pattern KEYED = Pattern.compile("(Driver|File|RawFile|Link|Version|Source|Info|Licen[cs]e):\\s*(.*?)\\s*");
    private static final Pattern RULE = Pattern.compile("-{20,}\\s*");
    private static final Pattern DRIVER = Pattern.compile("(.+?)(?:\\s+--?\\s+|:\\s+)(.*)");
    private static final Pattern LICENCE_FILES = Pattern.compile("[Ss]ee\\s+((?:(?!\\bSee\\b).)+?)\\s+for\\s+details");
    private static final Pattern LICENCE_FILE = Pattern.compile("(?:[\\w.-]+/)*(?:LICEN[CS]E\\.[\\w.-]*\\w|GPL-[\\d.]*\\d|[\\w-]+\\.txt|[Cc]opyright|COPYING)");

    /** What a line is. */
    public enum Kind { DRIVER, FILE, RAW_FILE, LINK, VERSION, SOURCE, INFO, LICENCE, RULE, PROSE, BLANK }

    /**
     * One line.
     *
     * @param number from 1
     * @param value what stands behind the key, quotes and escapes still in it; of prose the whole line
     * @param text the line as it is written
     */
    public record Line(int number, Kind kind, String value, String text) { }

    /**
     * @param name as drivers are called in WHENCE: often, but not always, the module's name; free prose when the line has no name
     * @param description may be empty
     */
    public record Driver(String name, String description) {
        /** Whether this is the driver {@code other}: {@code -} and {@code _} are the same, and {@code a/b} names two drivers. */
        public boolean is(String other) {
            return Stream.concat(Stream.of(name), Arrays.stream(name.split("/"))).anyMatch(one -> same(one).equals(same(other)));
        }

        private static String same(String text) {
            return text.replace('-', '_').toLowerCase(Locale.ROOT);
        }
    }

    /** A file, by its path below the firmware folder; {@code raw} ones are never compressed. */
    public record Entry(String path, boolean raw, String version, Licence licence) { }

    /** A link to be made; {@code target} is relative to the link's folder. */
    public record Link(String path, String target, Licence licence) { }

    /**
     * @param text the statement with the prose that belongs to it; empty when WHENCE says nothing
     * @param files licence files that it names, such as LICENCE.iwlwifi_firmware, paths in linux-firmware
     */
    public record Licence(String text, List<String> files) {
        /** The licence as one short line. */
        public String title() {
            return text.isEmpty() ? "no licence is stated" : text.lines().map(String::strip).filter(line -> !line.isEmpty()).findFirst().orElse("");
        }
    }

    /** What stands between two lines of dashes. */
    public record Section(List<Driver> drivers, List<Entry> files, List<Link> links) { }

    /** @param source stands for the text in errors */
    public static Whence parse(String source, String text) {
        List<Line> lines = new ArrayList<>();
        int number = 0;
        for (String line : text.split("\n", -1)) {
            lines.add(line(++number, line));
        }
        List<Section> sections = new ArrayList<>();
        int start = 0;
        for (int i = 0; i <= lines.size(); i++) {
            if (i == lines.size() || lines.get(i).kind() == Kind.RULE) {
                sections.add(new Reader(source, lines.subList(start, i)).section());
                start = i + 1;
            }
        }
        return new Whence(List.copyOf(lines), List.copyOf(sections));
    }

    private static Line line(int number, String text) {
        Matcher keyed = KEYED.matcher(text);
        if (keyed.matches()) {
            String key = keyed.group(1).equals("RawFile") ? "RAW_FILE" : keyed.group(1).replace("License", "Licence").toUpperCase(Locale.ROOT);
            return new Line(number, Kind.valueOf(key), keyed.group(2), text);
        }
        return new Line(number, text.isBlank() ? Kind.BLANK : RULE.matcher(text).matches() ? Kind.RULE : Kind.PROSE, text.strip(), text);
    }

    /** The text that was parsed, to the byte. */
    public String text() {
        return lines.stream().map(Line::text).collect(Collectors.joining("\n"));
    }

    /** All files, in the order of the text. */
    public List<Entry> files() {
        return sections.stream().flatMap(section -> section.files().stream()).toList();
    }

    /** All links, in the order of the text. */
    public List<Link> links() {
        return sections.stream().flatMap(section -> section.links().stream()).toList();
    }

    /** The sections of a driver; empty when WHENCE does not know it. */
    public List<Section> of(String driver) {
        return sections.stream().filter(section -> section.drivers().stream().anyMatch(one -> one.is(driver))).toList();
    }

    /** The file with this path. */
    public Optional<Entry> file(String path) {
        return files().stream().filter(entry -> entry.path().equals(path)).findFirst();
    }

    /** Reads the lines of one section. */
    private record Reader(String source, List<Line> lines) {
        private Section section() {
            List<Driver> drivers = new ArrayList<>();
            List<Entry> files = new ArrayList<>();
            List<Link> links = new ArrayList<>();
            for (int i = 0; i < lines.size(); i++) {
                Line line = lines.get(i);
                switch (line.kind()) {
                    case DRIVER -> drivers.add(driver(line.value()));
                    case FILE, RAW_FILE -> files.add(new Entry(path(line, line.value()), line.kind() == Kind.RAW_FILE, version(i), licence(i)));
                    case LINK -> links.add(link(i));
                    default -> { }
                }
            }
            return new Section(List.copyOf(drivers), List.copyOf(files), List.copyOf(links));
        }

        private static Driver driver(String value) {
            Matcher m = DRIVER.matcher(value);
            return m.matches() ? new Driver(m.group(1), m.group(2)) : new Driver(value, "");
        }

        private Link link(int at) {
            Line line = lines.get(at);
            int arrow = line.value().indexOf("->");
            if (arrow <= 0 || arrow + 2 == line.value().length()) {
                throw wrong(line, "not a link", "links are written Link: NEW -> TARGET");
            }
            String path = path(line, line.value().substring(0, arrow).strip());
            String target = name(line, line.value().substring(arrow + 2).strip());
            Path reached = Path.of("/", path).resolveSibling(target);
            if (target.startsWith("/") || depth(reached) < 0) {
                throw wrong(line, "a link that leaves the firmware folder", "targets are relative to the link's folder");
            }
            return new Link(path, target, licence(at));
        }

        /** Lowest depth below the top that a path passes through; negative when it goes above the top. */
        private static int depth(Path path) {
            int depth = 0;
            int lowest = 0;
            for (Path part : path) {
                depth += part.toString().equals("..") ? -1 : part.toString().equals(".") ? 0 : 1;
                lowest = Math.min(lowest, depth);
            }
            return lowest;
        }

        private String path(Line line, String value) {
            String path = name(line, value);
            if (path.startsWith("/") || Arrays.asList(path.split("/")).contains("..")) {
                throw wrong(line, "a path outside of the firmware folder", "paths are relative and without ..");
            }
            return path;
        }

        /** A name without its quotes or escapes. */
        private String name(Line line, String value) {
            boolean quoted = value.startsWith("\"");
            if (quoted && (value.length() < 2 || value.indexOf('"', 1) != value.length() - 1)) {
                throw wrong(line, "a name whose quotes do not pair", "write \"name with blanks\"");
            }
            String name = quoted ? value.substring(1, value.length() - 1) : value.replaceAll("\\\\(.)", "$1");
            if (name.isBlank()) {
                throw wrong(line, "a line without a name", "write the path behind the colon");
            }
            return name;
        }

        /** The first version behind a file, unless a file with a version of its own comes first: one line may stand for several files. */
        private String version(int at) {
            return lines.subList(at, lines.size()).stream().filter(line -> line.kind() == Kind.VERSION).findFirst().map(Line::value).orElse("");
        }

        /** The licence behind a file; a file behind the last licence of its section falls under that one. */
        private Licence licence(int at) {
            Optional<Line> behind = lines.subList(at, lines.size()).stream().filter(line -> line.kind() == Kind.LICENCE).findFirst();
            Optional<Line> before = lines.subList(0, at).stream().filter(line -> line.kind() == Kind.LICENCE).reduce((first, second) -> second);
            return behind.or(() -> before).map(this::licence).orElseGet(this::prose);
        }

        /** Sections without a licence line have one in their prose ("Original licence information: ..."). */
        private Licence prose() {
            return licence(lines.stream().filter(line -> line.kind() == Kind.PROSE || line.kind() == Kind.BLANK).map(line -> line.text().stripTrailing())
                    .collect(Collectors.joining("\n")));
        }

        private Licence licence(Line line) {
            StringBuilder text = new StringBuilder(line.value());
            for (Line more : lines.subList(lines.indexOf(line) + 1, lines.size())) {
                if (more.kind() != Kind.PROSE && more.kind() != Kind.BLANK) {
                    break;
                }
                text.append('\n').append(more.text().stripTrailing());
            }
            return licence(text.toString());
        }

        private static Licence licence(String text) {
            Set<String> files = new LinkedHashSet<>();
            Matcher see = LICENCE_FILES.matcher(text.replace('\n', ' '));
            while (see.find()) {
                Matcher file = LICENCE_FILE.matcher(see.group(1));
                while (file.find()) {
                    files.add(file.group());
                }
            }
            return new Licence(text.replaceAll("\n{3,}", "\n\n").strip(), List.copyOf(files));
        }

        private Failure wrong(Line line, String what, String hint) {
            return Failure.at(source, line.number(), line.text(), what, hint);
        }
    }
}
