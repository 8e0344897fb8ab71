package lib.tool;

//DEPS com.fasterxml.jackson.dataformat:jackson-dataformat-yaml:2.18.3

import com.fasterxml.jackson.core.JsonLocation;
import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.core.JsonToken;
import com.fasterxml.jackson.dataformat.yaml.YAMLFactory;
import com.fasterxml.jackson.dataformat.yaml.YAMLParser;
import java.io.IOException;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;

/** A small YAML document whose top level is a mapping, with the line of everything, so that errors can name it. */
public final class Yaml {
    private Yaml() { }

    /** What stands behind a key or in a list. Scalars keep the text that was written: {@code yes} is no boolean. */
    public sealed interface Value permits Scalar, Items, Entries {
        int line();
    }

    /** One word or text; empty for a key with nothing behind it. */
    public record Scalar(String text, int line) implements Value { }

    /** A list. */
    public record Items(List<Value> items, int line) implements Value { }

    /** A mapping, in the order of the file. */
    public record Entries(List<Entry> entries, int line) implements Value {
        public Optional<Entry> find(String key) {
            return entries.stream().filter(entry -> entry.key().equals(key)).findFirst();
        }
    }

    /** A key with its value. */
    public record Entry(String key, Value value, int line) { }

    /** Reads a document; an empty one is an empty mapping. Wrong syntax, a key given twice or another top level is a Failure that names the line. */
    public static Entries parse(String text, String file) {
        try (YAMLParser parser = new YAMLFactory().createParser(text)) {
            JsonToken first = parser.nextToken();
            if (first == null) {
                return new Entries(List.of(), 1);
            }
            int line = line(parser);
            if (first != JsonToken.START_OBJECT) {
                throw wrong(file, text, line, "expected lines of the form `key: value`");
            }
            return entries(parser, file, text);
        } catch (JsonProcessingException e) {
            JsonLocation at = e.getLocation();
            throw wrong(file, text, at == null ? 1 : at.getLineNr(), "this is not YAML (" + e.getOriginalMessage().lines().findFirst().orElse("") + ")");
        } catch (IOException e) {
            throw Failure.io("cannot read " + file, e);
        }
    }

    private static Failure wrong(String file, String text, int line, String what) {
        return Failure.at(file, line, text.lines().skip(line - 1L).findFirst().orElse(""), what, "indent with blanks; quote texts that hold `: ` or begin with a sign");
    }

    private static int line(YAMLParser parser) {
        return parser.currentTokenLocation().getLineNr();
    }

    private static Entries entries(YAMLParser parser, String file, String text) throws IOException {
        int top = line(parser);
        List<Entry> entries = new ArrayList<>();
        while (parser.nextToken() == JsonToken.FIELD_NAME) {
            String key = parser.currentName();
            int line = line(parser);
            if (entries.stream().anyMatch(entry -> entry.key().equals(key))) {
                throw wrong(file, text, line, "`" + key + "` is given twice");
            }
            parser.nextToken();
            entries.add(new Entry(key, value(parser, file, text), line));
        }
        return new Entries(List.copyOf(entries), top);
    }

    private static Value value(YAMLParser parser, String file, String text) throws IOException {
        int line = line(parser);
        if (parser.currentToken() == JsonToken.START_OBJECT) {
            return entries(parser, file, text);
        }
        if (parser.currentToken() == JsonToken.START_ARRAY) {
            List<Value> items = new ArrayList<>();
            while (parser.nextToken() != JsonToken.END_ARRAY) {
                items.add(value(parser, file, text));
            }
            return new Items(List.copyOf(items), line);
        }
        return new Scalar(parser.getText(), line);
    }
}
