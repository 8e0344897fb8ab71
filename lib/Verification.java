package lib;

import com.fasterxml.jackson.databind.JsonNode;
import java.io.IOException;
import java.net.URI;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.PublicKey;
import java.time.Instant;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.function.Supplier;
import java.util.stream.Collectors;
import lib.tool.Digest;
import lib.tool.Download;
import lib.tool.Failure;
import lib.tool.Json;
import lib.tool.Progress;
import lib.tool.S3;
import lib.tool.Tools;
import lib.tool.Trees;

/**
 * Checks published images with nothing but the public key: the signature of the index, that both lists are the signed ones, the
 * signature of each image's metadata, each image's bytes, and the channels. A version lower than one seen before is refused.
 *
 * @param key public key that everything must be signed with
 * @param atLeast lowest version of the index that is accepted, besides what this machine has seen before
 */
public record Verification(PublicKey key, Tools tools, Optional<Long> atLeast) {
    private static final long SMALL = 64L << 20;
    private static final long LARGE = 1L << 30;

    /** What was found right. */
    public record Verified(long version, Optional<Instant> expires, List<String> images, List<String> channels) { }

    /** A folder of published images, wherever it is. */
    interface Shelf {
        String place();

        /** A small file; empty when there is none. */
        Optional<byte[]> read(String name);

        /** SHA-256 of a file; empty when there is none. */
        Optional<String> digest(String name);

        /** Names of all channels, where folders can be listed. */
        default Optional<List<String>> channels() {
            return Optional.empty();
        }

        default byte[] require(String name) {
            return read(name).orElseThrow(() -> Failure.contract("there is no " + name + " at " + place(),
                    name.endsWith(".sig") ? "it was published without a signing key" : "is this the folder of the images?"));
        }
    }

    /** The folder or single image at a URL or path: an image's name is the end of {@code text}, anything else is a folder. */
    public Verified verify(String text, Path base) {
        URI uri = Download.uri(text.replaceFirst("/kernels\\.(json|txt)$", "/"), base);
        String path = uri.toString();
        String name = path.substring(path.lastIndexOf('/') + 1);
        if (ImageMetadata.NAME.matcher(name).matches()) {
            Shelf shelf = shelf(URI.create(path.substring(0, path.length() - name.length())));
            strict(() -> image(shelf, name));
            return new Verified(0, Optional.empty(), List.of(name), List.of());
        }
        return strict(() -> folder(shelf(uri)));
    }

    /** The configured bucket's folder. */
    public Verified verify(Store store, String subpath) {
        try (S3 s3 = store.open(tools.console())) {
            return strict(() -> folder(new Bucket(s3, store.folder(subpath))));
        }
    }

    private Verified folder(Shelf shelf) {
        Signing.Statement index = tools.console().step("Verify the index", () -> index(shelf));
        remember(shelf.place() + " " + ImageIndex.JSON, index.version());
        Map<String, String> images = new LinkedHashMap<>();
        names(shelf).forEach(name -> images.put(name, tools.console().step("Verify " + name, () -> image(shelf, name))));
        List<String> channels = channels(shelf, images);
        return new Verified(index.version(), index.expires(), List.copyOf(images.keySet()), channels);
    }

    /** A builder writes lists and signature one after the other: what does not fit may fit a moment later. */
    private Signing.Statement index(Shelf shelf) {
        for (int attempt = 1; ; attempt++) {
            try {
                Signing.Statement statement = Signing.verified(shelf.require(ImageIndex.SIGNATURE), key, ImageIndex.SIGNATURE, Instant.now());
                Map<String, byte[]> files = new LinkedHashMap<>();
                for (String name : List.of(ImageIndex.JSON, ImageIndex.TEXT)) {
                    files.put(name, shelf.require(name));
                }
                requireCovered(statement, ImageIndex.JSON, files);
                return statement;
            } catch (Failure e) {
                if (attempt == 3) {
                    throw e;
                }
                ImageIndex.pause(5);
            }
        }
    }

    private static void requireCovered(Signing.Statement statement, String about, Map<String, byte[]> files) {
        if (!statement.about().equals(about)) {
            throw Failure.contract("the signature of " + about + " is one of " + statement.about(), "somebody moved it");
        }
        files.forEach((name, bytes) -> {
            if (!Digest.sha256(bytes).equals(statement.sha256().get(name))) {
                throw Failure.contract(name + " is not what was signed", "it was changed after it was published, or a builder is publishing right now");
            }
        });
    }

    private static List<String> names(Shelf shelf) {
        List<String> names = new java.util.ArrayList<>();
        Json.parse(new String(shelf.require(ImageIndex.JSON), StandardCharsets.UTF_8), ImageIndex.JSON).path("kernels").forEach(name -> names.add(name.asText()));
        List<String> lines = new String(shelf.require(ImageIndex.TEXT), StandardCharsets.UTF_8).lines().collect(Collectors.toList());
        if (!lines.equals(names)) {
            throw Failure.contract(ImageIndex.TEXT + " and " + ImageIndex.JSON + " list different images", "image.java publish --rebuild-index");
        }
        return names;
    }

    /** Returns the image's SHA-256. */
    private String image(Shelf shelf, String name) {
        byte[] metadata = shelf.require(ImageMetadata.of(name));
        Signing.Statement statement = Signing.verified(shelf.require(ImageMetadata.of(name) + ".sig"), key, ImageMetadata.of(name) + ".sig", Instant.now());
        requireCovered(statement, name, Map.of(ImageMetadata.of(name), metadata));
        JsonNode json = Json.parse(new String(metadata, StandardCharsets.UTF_8), ImageMetadata.of(name));
        String digest = shelf.digest(name).orElseThrow(() -> Failure.contract("there is no " + name + " at " + shelf.place(), ""));
        if (!json.path("name").asText().equals(name) || !json.path("sha256").asText().equals(digest)) {
            throw Failure.contract(name + " is not what was signed\n  signed sha256 " + json.path("sha256").asText() + "\n  found  sha256 " + digest,
                    "it was changed after it was published: do not boot it");
        }
        return digest;
    }

    /**
     * Channels can be listed only where folders can; elsewhere the usual ones are looked for.
     *
     * @param images SHA-256 by name
     */
    private List<String> channels(Shelf shelf, Map<String, String> images) {
        List<String> names = new java.util.ArrayList<>();
        for (String name : shelf.channels().orElse(List.of("dev", "testing", "canary", "production"))) {
            Optional<byte[]> found = shelf.read("channels/" + name + ".json");
            if (found.isPresent()) {
                channel(shelf, name, found.get(), images);
                names.add(name);
            }
        }
        return names;
    }

    private void channel(Shelf shelf, String name, byte[] json, Map<String, String> images) {
        String file = "channels/" + name;
        Signing.Statement statement = Signing.verified(shelf.require(file + ".json.sig"), key, file + ".json.sig", Instant.now());
        requireCovered(statement, name, Map.of(name + ".json", json, name + ".ipxe", shelf.require(file + ".ipxe")));
        Channel channel = Channel.parse(new S3.Found(json, ""), file);
        if (!images.containsKey(channel.kernel())) {
            throw Failure.contract("channel " + name + " names " + channel.kernel() + ", which is not in the index", "point it elsewhere: image.java promote");
        }
        if (!images.get(channel.kernel()).equals(channel.sha256())) {
            throw Failure.contract("channel " + name + " names " + channel.kernel() + " with other bytes\n  signed sha256 " + channel.sha256()
                    + "\n  found  sha256 " + images.get(channel.kernel()), "somebody put back an image that was replaced: do not boot it");
        }
        remember(shelf.place() + " " + file, statement.version());
    }

    /** Refuses a version lower than the highest seen; keeps the highest. */
    private void remember(String what, long version) {
        Path kept = tools.cache().folder("verified").resolve(Digest.sha256(what));
        long seen = Math.max(Files.exists(kept) ? Long.parseLong(Trees.read(kept).strip()) : 0, what.endsWith(ImageIndex.JSON) ? atLeast.orElse(0L) : 0);
        if (version < seen) {
            throw Failure.contract(what + " has version " + version + ", and version " + seen + " was seen before",
                    "somebody serves an old state (a roll-back); if it is meant, remove " + kept);
        }
        Trees.replace(kept, version + "\n");
    }

    private static byte[] bytes(Path file) {
        try {
            return Files.readAllBytes(file);
        } catch (IOException e) {
            throw Failure.io("cannot read " + file, e);
        }
    }

    /** What cannot even be read as what it should be was changed, too. */
    private static <T> T strict(Supplier<T> work) {
        try {
            return work.get();
        } catch (Failure e) {
            throw e.exitCode() == Failure.USAGE ? e.exit(Failure.CONTRACT) : e;
        }
    }

    private Shelf shelf(URI uri) {
        return uri.getScheme().equals("file") ? new Folder(Path.of(uri)) : new Web(uri, tools);
    }

    private record Folder(Path path) implements Shelf {
        @Override
        public String place() {
            return path.toString();
        }

        @Override
        public Optional<byte[]> read(String name) {
            return Files.isRegularFile(path.resolve(name)) ? Optional.of(bytes(path.resolve(name))) : Optional.empty();
        }

        @Override
        public Optional<String> digest(String name) {
            return Files.isRegularFile(path.resolve(name)) ? Optional.of(Digest.sha256(path.resolve(name))) : Optional.empty();
        }

        @Override
        public Optional<List<String>> channels() {
            return Optional.of(Config.files(path.resolve("channels"), ".json").stream().map(file -> file.getFileName().toString().replaceFirst("\\.json$", "")).toList());
        }
    }

    private record Web(URI uri, Tools tools) implements Shelf {
        @Override
        public String place() {
            return uri.toString();
        }

        private Optional<Path> fetch(String name, long maxBytes) {
            try {
                return Optional.of(tools.download().latest(Download.child(uri, name), maxBytes));
            } catch (Failure e) {
                if (e.what().matches("(?s).*answered 40[34]$")) {
                    return Optional.empty();
                }
                throw e;
            }
        }

        @Override
        public Optional<byte[]> read(String name) {
            return fetch(name, SMALL).map(Verification::bytes);
        }

        @Override
        public Optional<String> digest(String name) {
            return fetch(name, LARGE).map(Digest::sha256);
        }
    }

    private record Bucket(S3 s3, String folder) implements Shelf {
        @Override
        public String place() {
            return s3.place().endpoint() + "/" + s3.place().bucket() + "/" + folder;
        }

        @Override
        public Optional<byte[]> read(String name) {
            return s3.find(Store.key(folder, name)).map(S3.Found::bytes);
        }

        @Override
        public Optional<String> digest(String name) {
            String key = Store.key(folder, name);
            return s3.sha256(key, Progress.none());
        }

        @Override
        public Optional<List<String>> channels() {
            String start = Store.key(folder, "channels") + "/";
            return Optional.of(s3.list(start).stream().map(item -> item.key().substring(start.length())).filter(name -> name.endsWith(".json"))
                    .map(name -> name.substring(0, name.length() - ".json".length())).toList());
        }
    }
}
