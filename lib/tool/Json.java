package lib.tool;

//DEPS com.fasterxml.jackson.core:jackson-databind:2.18.3
//DEPS com.fasterxml.jackson.datatype:jackson-datatype-jdk8:2.18.3

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.SerializationFeature;
import java.nio.file.Path;

/** JSON text from values and back. Maps keep their order; records become objects. */
public final class Json {
    private static final ObjectMapper MAPPER = new ObjectMapper()
            .registerModule(new com.fasterxml.jackson.datatype.jdk8.Jdk8Module())
            .disable(SerializationFeature.FAIL_ON_EMPTY_BEANS);

    private Json() { }

    /** On one line. */
    public static String line(Object value) {
        try {
            return MAPPER.writeValueAsString(value);
        } catch (JsonProcessingException e) {
            throw new IllegalArgumentException("not JSON: " + value, e);
        }
    }

    /** Indented, for files that people read; ends with a line break. */
    public static String pretty(Object value) {
        try {
            return MAPPER.writerWithDefaultPrettyPrinter().writeValueAsString(value) + "\n";
        } catch (JsonProcessingException e) {
            throw new IllegalArgumentException("not JSON: " + value, e);
        }
    }

    /** Reads a file; an error names the file, line and column. */
    public static JsonNode read(Path file) {
        return parse(Trees.read(file), file.toString());
    }

    /** Reads a file that was written from a value of this type. */
    public static <T> T read(Path file, Class<T> type) {
        try {
            return MAPPER.treeToValue(read(file), type);
        } catch (JsonProcessingException e) {
            throw new Failure(file + " is damaged: " + e.getOriginalMessage(), "delete it");
        }
    }

    /** Reads text that came from {@code source}; an error names it with line and column. */
    public static JsonNode parse(String text, String source) {
        try {
            return MAPPER.readTree(text);
        } catch (JsonProcessingException e) {
            throw Failure.usage(source + ":" + e.getLocation().getLineNr() + ":" + e.getLocation().getColumnNr() + ": " + e.getOriginalMessage(), "");
        }
    }
}
