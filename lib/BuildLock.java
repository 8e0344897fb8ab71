package lib;

import com.fasterxml.jackson.databind.JsonNode;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import lib.tool.Failure;
import lib.tool.Json;
import lib.tool.Suggest;
import lib.tool.Trees;

/**
 * config/build.lock: what a build was made of, so that the next one is made of the same. JSON with one entry a line, so that a change
 * shows as a changed line.
 *
 * <p>A section is an object (alpine, kernel, firmware) or a list of objects (packages, components). Phases read and write their own
 * sections; sections of others stay as they are.
 */
public final class BuildLock {
    private static final List<String> ORDER = List.of("alpine", "packages", "components", "kernel", "firmware");

    private final Path file;
    private final Map<String, JsonNode> sections;

    private BuildLock(Path file, Map<String, JsonNode> sections) {
        this.file = file;
        this.sections = sections;
    }

    /** What is to be done about the lock. */
    public enum Mode {
        /** Take what it says as long as config/ asks for the same; write down what it lacks. */
        USE,
        /** Choose anew (--update-lock). */
        UPDATE,
        /** Take what it says; a configuration that asks for something else is a Failure (--locked). */
        LOCKED
    }

    /**
     * The lock file and how this build uses it.
     *
     * @param name with {@link Mode#UPDATE} the only package, component or section (alpine: the release, kernel, firmware) that is chosen anew; empty for all
     */
    public record Use(Path file, Mode mode, Optional<String> name) {
        public static Use of(Path file, Mode mode) {
            return new Use(file, mode, Optional.empty());
        }

        /** Whether the entry called {@code entry} has to be chosen anew. */
        public boolean renews(String entry) {
            return mode == Mode.UPDATE && (name.isEmpty() || name.get().equals(entry));
        }

        /** A Failure when {@code --update-lock=NAME} names neither a locked package nor one of {@code components} nor another section. */
        public void requireName(List<String> components) {
            name.ifPresent(one -> {
                List<String> known = new ArrayList<>(List.of("alpine", "kernel", "firmware"));
                known.addAll(components);
                read().entries("packages").forEach(entry -> known.add(entry.path("name").asText()));
                if (!known.contains(one)) {
                    throw Failure.usage("--update-lock=" + one + ": no such package in " + file + " and no such component in sources.conf",
                            Suggest.hint(one, known, "it takes a package of the lock, a component, alpine, kernel or firmware"));
                }
            });
        }

        public BuildLock read() {
            return BuildLock.read(file);
        }
    }

    /** Reads the file; one that is not there has no sections. */
    public static BuildLock read(Path file) {
        Map<String, JsonNode> sections = new LinkedHashMap<>();
        if (Files.exists(file)) {
            JsonNode all = Json.read(file);
            if (!all.isObject()) {
                throw Failure.usage(file + " is not a lock file", "delete it, or take the last good one from version control");
            }
            all.fields().forEachRemaining(section -> sections.put(section.getKey(), section.getValue()));
        }
        return new BuildLock(file, sections);
    }

    /** A section that is one object. */
    public Optional<JsonNode> section(String name) {
        return Optional.ofNullable(sections.get(name)).filter(JsonNode::isObject);
    }

    /** The objects of a section that is a list; empty when there is none. */
    public List<JsonNode> entries(String name) {
        List<JsonNode> entries = new ArrayList<>();
        Optional.ofNullable(sections.get(name)).ifPresent(list -> list.forEach(entries::add));
        return entries;
    }

    /** The object of a list section whose {@code name} is this. */
    public Optional<JsonNode> entry(String section, String name) {
        return entries(section).stream().filter(entry -> entry.path("name").asText().equals(name)).findFirst();
    }

    /** The same with another content of one section: a map or record for an object, a list of them for a list. */
    public BuildLock with(String section, Object value) {
        Map<String, JsonNode> changed = new LinkedHashMap<>(sections);
        changed.put(section, Json.parse(Json.line(value), section));
        return new BuildLock(file, changed);
    }

    /** Replaces the file when its content changes. */
    public void write() {
        String text = text();
        if (!Files.exists(file) || !Trees.read(file).equals(text)) {
            Trees.replace(file, text);
        }
    }

    /** The file's text: a section after the other in a fixed order, each entry on its line. */
    String text() {
        List<String> names = new ArrayList<>(ORDER);
        sections.keySet().stream().filter(name -> !ORDER.contains(name)).sorted().forEach(names::add);
        List<String> parts = new ArrayList<>();
        for (String name : names) {
            JsonNode section = sections.get(name);
            if (section != null && section.isArray()) {
                List<String> lines = new ArrayList<>();
                section.forEach(entry -> lines.add("    " + Json.line(entry)));
                parts.add("  " + Json.line(name) + ": [" + (lines.isEmpty() ? "" : "\n" + String.join(",\n", lines) + "\n  ") + "]");
            } else if (section != null) {
                parts.add("  " + Json.line(name) + ": " + Json.line(section));
            }
        }
        return "{\n" + String.join(",\n", parts) + "\n}\n";
    }
}
