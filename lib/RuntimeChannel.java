package lib;

import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Instant;
import java.time.temporal.ChronoUnit;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import lib.tool.Digest;
import lib.tool.Failure;
import lib.tool.Json;
import lib.tool.Progress;
import lib.tool.S3.Condition;
import lib.tool.S3.Found;
import lib.tool.S3;
import lib.tool.Tools;

/**
 * Programs that nodes fetch after they have booted: {@code runtime/{channel}.json} names archives by digest, {@code
 * runtime/{channel}.json.sig} signs it. The service runtime-fetch of the image (config/rootfs/usr/libexec/mos/runtime-fetch) is its
 * reader.
 */
public record RuntimeChannel(Store store, Tools tools) {
    /** Folder below the prefix; RUNTIME_URL ends with it. */
    private static final String FOLDER = "runtime";
    private static final S3.Kind JSON = new S3.Kind("application/json", "no-store");
    private static final S3.Kind FILE = new S3.Kind("application/octet-stream", "public, max-age=31536000, immutable");

    /**
     * An archive or program of a manifest.
     *
     * @param path of the object, relative to the manifest's folder
     */
    public record Item(String name, String path, String sha256, long size) { }

    /** What was published, or would be. */
    public record Published(String channel, String manifest, boolean signed, List<Item> files) { }

    /**
     * Uploads the files that are not there yet, then makes the channel name exactly these.
     *
     * @param files programs, or archives of programs: .tar, .tar.gz, .tgz, .tar.xz, .tar.zst
     */
    public Published publish(String channel, List<Path> files, boolean dryRun) {
        Channels.requireName(channel);
        List<Item> items = files.stream().map(RuntimeChannel::item).toList();
        items.stream().map(Item::name).filter(name -> items.stream().filter(one -> one.name().equals(name)).count() > 1).findFirst().ifPresent(name -> {
            throw Failure.usage("two files are called " + name, "a manifest has each name once");
        });
        String manifest = Store.key(store.folder(FOLDER), channel + ".json");
        Optional<Signing> signer = store.signing().signer();
        if (!dryRun) {
            try (S3 s3 = store.open(tools.console())) {
                for (int i = 0; i < files.size(); i++) {
                    upload(s3, files.get(i), items.get(i));
                }
                name(s3, channel, manifest, items, signer);
            }
        }
        return new Published(channel, manifest, signer.isPresent(), items);
    }

    private static Item item(Path file) {
        String name = file.getFileName().toString();
        if (!Files.isRegularFile(file) || !name.matches("[A-Za-z0-9][A-Za-z0-9._+-]*")) {
            throw Failure.usage(file + " cannot be published", Files.isRegularFile(file) ? "its name may have letters, digits and . _ + -" : "there is no such file");
        }
        String sha256 = Digest.sha256(file);
        return new Item(name, "files/" + sha256.substring(0, 16) + "/" + name, sha256, file.toFile().length());
    }

    private void upload(S3 s3, Path file, Item item) {
        String key = Store.key(store.folder(FOLDER), item.path());
        if (s3.stat(key).filter(there -> there.bytes() == item.size()).isPresent()) {
            tools.console().detail(item.name() + " is there");
            return;
        }
        tools.console().step("upload " + item.name(), () -> {
            try (Progress progress = tools.console().progress(item.name(), item.size(), "MiB", 1 << 20)) {
                s3.upload(key, file, FILE, Map.of("sha256", item.sha256()), progress);
            }
        });
    }

    private void name(S3 s3, String channel, String key, List<Item> items, Optional<Signing> signer) {
        Optional<Found> before = s3.find(key);
        Optional<Found> signature = s3.find(key + ".sig");
        if (signature.isPresent() && signer.isEmpty()) {
            throw Failure.usage("channel " + channel + " is signed and there is no key to sign it with", "set SIGNING_KEY_FILE in rfs.conf, or SIGNING_KEY");
        }
        long version = Signing.next(signature.flatMap(found -> Signing.unchecked(found.bytes())));
        Map<String, Object> json = new LinkedHashMap<>();
        json.put("channel", channel);
        json.put("version", version);
        json.put("updated", Instant.now().truncatedTo(ChronoUnit.SECONDS).toString());
        json.put("files", new ArrayList<>(items));
        byte[] manifest = Json.pretty(json).getBytes(StandardCharsets.UTF_8);
        write(s3, channel, key, manifest, before);
        signer.ifPresent(one -> write(s3, channel, key + ".sig",
                one.envelope(FOLDER + "/" + channel, version, true, Map.of(channel + ".json", manifest)), signature));
    }

    private static void write(S3 s3, String channel, String key, byte[] bytes, Optional<Found> before) {
        // A write whose answer was lost is tried again, and then finds its own bytes.
        if (!s3.put(key, bytes, JSON, Condition.unchanged(before)) && s3.find(key).filter(now -> Arrays.equals(now.bytes(), bytes)).isEmpty()) {
            throw new Failure("somebody else is publishing to channel " + channel + " at this moment", "look at what they publish, then run again");
        }
    }
}
