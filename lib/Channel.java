package lib;

import com.fasterxml.jackson.databind.JsonNode;
import java.nio.charset.StandardCharsets;
import java.time.Instant;
import java.time.temporal.ChronoUnit;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import lib.tool.Json;
import lib.tool.S3.Found;

/**
 * What a channel names: the image that its nodes boot, and those before it.
 *
 * @param version grows with each change
 * @param earlier images before this one, newest first
 */
record Channel(String name, String kernel, String sha256, long version, Instant updated, List<String> earlier) {
    private static final int REMEMBERED = 20;

    static Channel parse(Found found, String source) {
        JsonNode json = Json.parse(found.text(), source);
        List<String> earlier = new ArrayList<>();
        json.path("earlier").forEach(one -> earlier.add(one.asText()));
        return new Channel(json.path("channel").asText(), json.path("kernel").asText(), json.path("sha256").asText(), json.path("version").asLong(),
                Instant.parse(json.path("updated").asText("1970-01-01T00:00:00Z")), earlier);
    }

    /** The channel with another image; what it names now becomes the first of the earlier ones. */
    static Channel pointing(String name, Optional<Channel> before, String kernel, String sha256) {
        List<String> earlier = new ArrayList<>();
        before.ifPresent(old -> {
            earlier.add(old.kernel());
            earlier.addAll(old.earlier());
        });
        earlier.removeIf(kernel::equals);
        return new Channel(name, kernel, sha256, next(before), now(), List.copyOf(earlier.subList(0, Math.min(REMEMBERED, earlier.size()))));
    }

    /** The channel back on its first earlier image. */
    Channel back(String digest) {
        return new Channel(name, earlier.get(0), digest, next(Optional.of(this)), now(), earlier.subList(1, earlier.size()));
    }

    private static long next(Optional<Channel> before) {
        return before.map(Channel::version).orElse(0L) + 1;
    }

    private static Instant now() {
        return Instant.now().truncatedTo(ChronoUnit.SECONDS);
    }

    /** Images that must stay: the present one, and the one that a rollback goes to. */
    List<String> kept() {
        return earlier.isEmpty() ? List.of(kernel) : List.of(kernel, earlier.get(0));
    }

    byte[] json() {
        Map<String, Object> json = new LinkedHashMap<>();
        json.put("channel", name);
        json.put("kernel", kernel);
        json.put("sha256", sha256);
        json.put("version", version);
        json.put("updated", updated.toString());
        json.put("earlier", earlier);
        return Json.pretty(json).getBytes(StandardCharsets.UTF_8);
    }

    /** A script for iPXE, which takes the address as relative to the script's own (ipxe.org/cmd/chain). */
    byte[] ipxe() {
        return ("#!ipxe\n# channel " + name + ", version " + version + "\nkernel ../" + kernel + "\nboot\n").getBytes(StandardCharsets.UTF_8);
    }
}
