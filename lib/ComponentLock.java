package lib;

import com.fasterxml.jackson.databind.JsonNode;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import lib.tool.Failure;

/**
 * The components of build.lock: {@code {"name", "url", "version", "commit" or "sha256"}}. An entry holds as long as sources.conf asks
 * for the same URL and version.
 */
record ComponentLock(BuildLock.Use use, Map<String, Entry> entries) {
    private static final String SECTION = "components";

    /** @param identity commit of a git component, SHA-256 of a release's download, both in hexadecimal */
    record Entry(String name, String url, String version, String identity) {
        private boolean isFor(Source source) {
            return url.equals(source.url()) && version.equals(source.version()) && identity.length() == (source.type() == Source.Type.GIT ? 40 : 64)
                    && source.option("sha256").filter(hex -> !hex.equalsIgnoreCase(identity)).isEmpty();
        }
    }

    static ComponentLock read(BuildLock.Use use) {
        Map<String, Entry> entries = new LinkedHashMap<>();
        for (JsonNode json : use.read().entries(SECTION)) {
            String identity = json.path("commit").asText(json.path("sha256").asText());
            entries.put(json.path("name").asText(), new Entry(json.path("name").asText(), json.path("url").asText(), json.path("version").asText(), identity));
        }
        return new ComponentLock(use, entries);
    }

    /** What this build has to take; empty when it may choose. */
    Optional<String> pinned(Source source) {
        return use.renews(source.name()) ? Optional.empty() : before(source);
    }

    /** What the last build took for the same line. */
    Optional<String> before(Source source) {
        return Optional.ofNullable(entries.get(source.name())).filter(entry -> entry.isFor(source)).map(Entry::identity);
    }

    /** With --locked: every line of sources.conf has its entry, and every entry its line. */
    void require(List<Source> sources) {
        if (use.mode() != BuildLock.Mode.LOCKED) {
            return;
        }
        List<String> faults = new ArrayList<>();
        for (Source source : sources) {
            Entry entry = entries.get(source.name());
            if (entry == null) {
                faults.add(source.where() + ": " + source.name() + " is not in the lock");
            } else if (!entry.isFor(source)) {
                faults.add(source.where() + ": " + source + "\n    is locked as " + entry.version() + " of " + entry.url() + ", " + entry.identity());
            }
        }
        entries.keySet().stream().filter(name -> sources.stream().noneMatch(source -> source.name().equals(name)))
                .forEach(name -> faults.add(name + " is in the lock and not in sources.conf"));
        if (!faults.isEmpty()) {
            throw Failure.usage("sources.conf and " + use.file() + " disagree:\n  " + String.join("\n  ", faults), "run once without --locked and commit the lock");
        }
    }

    /** The same tag, or the same release, was another thing before: an error, unless the user named the component. */
    void refuseRewritten(Source source, String found) {
        Optional<String> before = before(source).filter(identity -> !identity.equals(found));
        boolean accepted = use.renews(source.name()) && use.name().isPresent();
        if (before.isPresent() && !accepted) {
            String what = source.type() == Source.Type.GIT ? "the tag " + source.version() + " of " + source.url() + " was rewritten"
                    : source.url() + " has other bytes than before";
            throw new Failure(source.where() + ": " + what + "\n  locked " + before.get() + "\n  found  " + found,
                    "ask its maintainers why; if it is right: --update-lock=" + source.name());
        }
    }

    /**
     * Writes down what was built and drops entries whose line is gone; returns a line for each entry that changed.
     *
     * @param sources all lines of sources.conf
     * @param identities by name, of those that were built
     */
    List<String> write(List<Source> sources, Map<String, String> identities) {
        List<String> changes = new ArrayList<>();
        Map<String, Entry> next = new LinkedHashMap<>();
        for (Source source : sources) {
            Entry old = entries.get(source.name());
            String identity = identities.get(source.name());
            Entry entry = identity == null ? old : new Entry(source.name(), source.url(), source.version(), identity);
            if (entry != null) {
                next.put(source.name(), entry);
                if (old != null && !old.equals(entry)) {
                    changes.add(source.name() + ": " + old.version() + " " + shortened(old.identity()) + " -> " + entry.version() + " " + shortened(identity));
                }
            }
        }
        if (!next.equals(entries)) {
            use.read().with(SECTION, next.values().stream().map(ComponentLock::json).toList()).write();
        }
        return changes;
    }

    private static Map<String, String> json(Entry entry) {
        Map<String, String> json = new LinkedHashMap<>();
        json.put("name", entry.name());
        json.put("url", entry.url());
        json.put("version", entry.version());
        json.put(entry.identity().length() == 40 ? "commit" : "sha256", entry.identity());
        return json;
    }

    static String shortened(String identity) {
        return identity.substring(0, Math.min(identity.length(), 10));
    }
}
