package lib;

import com.fasterxml.jackson.databind.JsonNode;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Instant;
import java.time.temporal.ChronoUnit;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.Optional;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import lib.tool.Digest;
import lib.tool.Failure;
import lib.tool.Json;

/**
 * What {@code {name}.json} beside a published image says: digest and size, versions, the memory it needs, when it was built.
 *
 * @param name file name, {@code vmlinuz-{VERSION}-{MY_INIT_HASH}.efi}
 * @param report what dist/build.json says of the build; empty for an image that came without one
 */
public record ImageMetadata(String name, String sha256, long bytes, Instant built, Optional<JsonNode> report) {
    /** Names of images; no other objects get into the indexes. */
    public static final Pattern NAME = Pattern.compile("vmlinuz-(.+)-([^-]+)\\.efi");

    /** The image that the last build left in {@code dist}. */
    static ImageMetadata ofBuild(Path dist) {
        Path report = dist.resolve("build.json");
        if (!Files.exists(report)) {
            throw new Failure("there is no " + report, "build an image first: build.java");
        }
        String version = Json.read(report).path("version").asText();
        return of(dist.resolve("vmlinuz-" + version + ".efi"));
    }

    /** An image file; build.json beside it is used when it speaks of these very bytes. */
    static ImageMetadata of(Path image) {
        if (!Files.isRegularFile(image)) {
            throw new Failure("there is no image " + image, "build one first: build.java");
        }
        String name = image.getFileName().toString();
        if (!NAME.matcher(name).matches()) {
            throw Failure.usage(name + " is not a name under which images are published", "name it vmlinuz-{VERSION}-{MY_INIT_HASH}.efi, as dist/ has it");
        }
        String digest = Digest.sha256(image);
        Path report = image.resolveSibling("build.json");
        Optional<JsonNode> json = Files.exists(report) ? Optional.of(Json.read(report)) : Optional.empty();
        Instant built = Instant.ofEpochMilli(image.toFile().lastModified()).truncatedTo(ChronoUnit.SECONDS);
        return new ImageMetadata(name, digest, image.toFile().length(), built,
                json.filter(one -> one.path("files").path(name).path("sha256").asText().equals(digest)));
    }

    /** The text of {@code {name}.json}. */
    byte[] json() {
        Map<String, Object> json = new LinkedHashMap<>();
        json.put("name", name);
        json.put("sha256", sha256);
        json.put("size", bytes);
        json.put("built", built.toString());
        json.put("versions", versions());
        minimumMemory().ifPresent(mebibytes -> json.put("minimumMemoryMiB", mebibytes));
        return Json.pretty(json).getBytes(StandardCharsets.UTF_8);
    }

    private Map<String, Object> versions() {
        Map<String, Object> versions = new LinkedHashMap<>();
        Matcher m = NAME.matcher(name);
        versions.put("kernel", m.matches() ? m.group(1) : "");
        versions.put("myInit", m.matches() ? m.group(2) : "");
        report.ifPresent(build -> {
            versions.put("alpine", build.path("alpine").path("release").asText());
            versions.put("arch", build.path("alpine").path("arch").asText());
            Map<String, String> components = new LinkedHashMap<>();
            build.path("components").forEach(one -> components.put(one.path("name").asText(), one.path("identity").asText()));
            versions.put("components", components);
            versions.put("packages", build.path("packages"));
        });
        return versions;
    }

    /**
     * Memory in MiB below which a node is not worth trying: while the kernel unpacks the initramfs, the image, the packed and the
     * unpacked tree are all there; the root file system may take half of the memory (Documentation/filesystems/tmpfs.rst); 96 MiB
     * more are for the kernel and its first programs. Rounded up to 64.
     */
    Optional<Long> minimumMemory() {
        return report.map(build -> build.path("initramfs")).filter(one -> one.path("unpacked").asLong() > 0).map(one -> {
            long unpacked = one.path("unpacked").asLong();
            long needed = Math.max(bytes + one.path("bytes").asLong() + unpacked, 2 * unpacked) + (96L << 20);
            return (needed + (64L << 20) - 1) / (64L << 20) * 64;
        });
    }

    /** Name of the metadata object of an image. */
    static String of(String image) {
        return image + ".json";
    }
}
