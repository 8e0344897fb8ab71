package lib;

import com.fasterxml.jackson.databind.JsonNode;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;
import java.util.stream.Collectors;
import java.util.stream.StreamSupport;
import lib.tool.Failure;
import lib.tool.Json;
import lib.tool.Suggest;
import lib.tool.Trees;

/**
 * Why each file and module is in the image. A build leaves this as dist/why.json; {@code build.java --why} reads it.
 *
 * @param causes of each thing: a path without slash in front, {@code module r8169}, {@code package jq}, {@code component my_init} ...
 */
public record Why(Map<String, List<Cause>> causes) {
    static final String FILE = "why.json";
    private static final List<String> KINDS = List.of("", "module ", "lib/firmware/", "package ", "component ");

    /**
     * One reason.
     *
     * @param by a thing that has causes itself, or what a person wrote: {@code modules.conf:2 r8169}
     * @param how the cause brought it in, such as {@code softdep}; may be empty
     */
    public record Cause(String by, String how) {
        private String text() {
            return by + (how.isEmpty() ? "" : " (" + how + ")");
        }
    }

    /** What the last build of the workspace left; none is a Failure. */
    public static Why ofLastBuild(Workspace workspace) {
        Path file = workspace.dist().resolve(FILE);
        if (!Files.exists(file)) {
            throw Failure.usage("there is no " + file + ": --why reads what a build left", "run build.java first");
        }
        Map<String, List<Cause>> causes = new TreeMap<>();
        Json.read(file).fields().forEachRemaining(entry -> causes.put(entry.getKey(), StreamSupport.stream(entry.getValue().spliterator(), false)
                .map(cause -> new Cause(text(cause, "by"), text(cause, "how"))).toList()));
        return new Why(causes);
    }

    private static String text(JsonNode node, String field) {
        return node.path(field).asText();
    }

    /** As it is kept: a line a thing. */
    String json() {
        return causes.entrySet().stream().map(entry -> Json.line(entry.getKey()) + ": " + Json.line(entry.getValue()))
                .collect(Collectors.joining(",\n", "{\n", "\n}\n"));
    }

    /**
     * The chains that lead to a thing, a line each: {@code failover <- module net_failover (depends) <- module virtio_net (depends) <-
     * modules.conf:2 virtio_net}.
     *
     * @param asked a path (with or without {@code /} or {@code lib/firmware/} in front), or the name of a module, package or component
     * @throws Failure for what is not in the image (exit code 2)
     */
    public List<String> chains(String asked) {
        String name = asked.replaceFirst("^(\\./|/)+", "").replaceFirst("/+$", "");
        String module = name.replaceFirst("\\.ko(\\.xz|\\.gz|\\.zst)?$", "").replace('-', '_');
        List<String> lines = new ArrayList<>();
        for (String kind : KINDS) {
            String thing = kind + (kind.equals("module ") ? module : name);
            if (causes.containsKey(thing)) {
                causes.get(thing).forEach(cause -> lines.add(thing + follow(cause)));
            }
        }
        if (lines.isEmpty()) {
            throw unknown(asked, name);
        }
        return lines.stream().distinct().toList();
    }

    /** The rest of a chain; where there are several reasons, it goes on with the first. */
    private String follow(Cause first) {
        StringBuilder chain = new StringBuilder();
        Set<String> seen = new LinkedHashSet<>();
        for (Cause cause = first; cause != null && seen.add(cause.by()); ) {
            chain.append(" <- ").append(cause.text());
            cause = causes.getOrDefault(cause.by(), List.of()).stream().findFirst().orElse(null);
        }
        return chain.toString();
    }

    private Failure unknown(String asked, String name) {
        List<String> inside = causes.keySet().stream().filter(thing -> thing.startsWith(name + "/")).limit(3).toList();
        if (!inside.isEmpty()) {
            return Failure.usage(asked + " is a folder", "ask for a file in it, such as " + inside.get(0));
        }
        String last = name.substring(name.lastIndexOf('/') + 1);
        List<String> elsewhere = causes.keySet().stream().filter(thing -> thing.endsWith("/" + last)).toList();
        if (!elsewhere.isEmpty()) {
            return Failure.usage(asked + " is not in the image of the last build", "did you mean " + String.join(" or ", elsewhere) + "?");
        }
        Set<String> known = new LinkedHashSet<>();
        for (String thing : causes.keySet()) {
            known.add(KINDS.stream().filter(kind -> !kind.isEmpty() && thing.startsWith(kind)).findFirst().map(kind -> thing.substring(kind.length())).orElse(thing));
        }
        return Failure.usage(asked + " is not in the image of the last build", Suggest.hint(name, known, "give a path in the image or the name of a module"));
    }
}
