package lib;

import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import lib.tool.Console;
import lib.tool.Failure;
import lib.tool.Progress;
import lib.tool.S3.Condition;
import lib.tool.S3.Found;
import lib.tool.S3;
import lib.tool.Tools;

/**
 * Publishes images: the object first, read back; then its metadata; the indexes last. Killed at any moment, it leaves indexes that
 * name only complete objects, and running it again finishes the job.
 */
public record Upload(Store store, Tools tools) {
    /** User metadata of our images: their SHA-256. */
    static final String DIGEST = "sha256";
    public static final String DEFAULT_SUBPATH = "kernel";
    private static final S3.Kind IMAGE = new S3.Kind("application/efi", "public, max-age=31536000, immutable");
    private static final S3.Kind METADATA = new S3.Kind("application/json", "no-cache");

    /** How to publish: replace other bytes under the same name; only say what would be done. */
    public record Mode(boolean force, boolean dryRun) {
        public static final Mode NORMAL = new Mode(false, false);
    }

    /** What became of it. @param changed whether anything had to be written */
    public record Published(String name, String key, String sha256, long bytes, boolean changed) { }

    /** KERNEL_SUBPATH; an empty one is as good as none. */
    public static String subpath(Map<String, String> environment) {
        return Optional.ofNullable(environment.get("KERNEL_SUBPATH")).filter(path -> !path.isBlank()).orElse(DEFAULT_SUBPATH);
    }

    /** Publishes the image of the last build below {@code subpath} of the prefix. */
    public Published publish(Path dist, String subpath) {
        return publish(ImageMetadata.ofBuild(dist), dist, subpath, Mode.NORMAL);
    }

    /** Publishes one image file, whose name must be {@code vmlinuz-{VERSION}-{MY_INIT_HASH}.efi}. */
    public Published publish(Path image, String subpath, Mode mode) {
        return publish(ImageMetadata.of(image), image.toAbsolutePath().getParent(), subpath, mode);
    }

    private Published publish(ImageMetadata image, Path folder, String subpath, Mode mode) {
        try (S3 s3 = store.open(tools.console())) {
            return new Job(s3, index(s3, subpath), image, folder.resolve(image.name()), mode).run();
        }
    }

    /** The image that the last build left in {@code dist}. */
    public static Path lastBuild(Path dist) {
        return dist.resolve(ImageMetadata.ofBuild(dist).name());
    }

    /** Makes both indexes from the objects that are there (in a dry run: would make); returns the names in them. */
    public List<String> rebuildIndex(String subpath, boolean dryRun) {
        try (S3 s3 = store.open(tools.console())) {
            ImageIndex index = index(s3, subpath);
            if (dryRun) {
                return index.preview();
            }
            index.requireSigner();
            List<String> rebuilt = tools.console().step("Rebuild the index", () -> index.settle(Optional.empty(), true, false), names -> names.size() + " images in the index");
            new Channels(store, tools).renew(s3, index);
            return rebuilt;
        }
    }

    ImageIndex index(S3 s3, String subpath) {
        return new ImageIndex(s3, store.folder(subpath), store.signing().signer(), tools.console());
    }

    /** One image on its way into one folder. */
    private final class Job {
        private final S3 s3;
        private final ImageIndex index;
        private final ImageMetadata image;
        private final Path file;
        private final Mode mode;
        private final Console console = tools.console();

        private Job(S3 s3, ImageIndex index, ImageMetadata image, Path file, Mode mode) {
            this.s3 = s3;
            this.index = index;
            this.image = image;
            this.file = file;
            this.mode = mode;
        }

        private String key() {
            return index.key(image.name());
        }

        private Published run() {
            index.requireSigner();
            boolean removing = s3.stat(key() + ImageIndex.REMOVING).isPresent();
            Optional<String> there = there();
            boolean other = there.filter(digest -> !digest.equals(image.sha256())).isPresent();
            if ((other || removing) && !mode.force()) {
                throw removing ? new Failure(key() + " is being removed or replaced", "finish that: image.java prune; or publish with --force")
                        : new Failure(key() + " exists with other bytes (sha256 " + there.orElse("") + ")",
                        "an image that was published is never changed: build under another version, or replace it with --force");
            }
            if (mode.dryRun()) {
                plan(there.isPresent() && !other).forEach(console::detail);
                return new Published(image.name(), key(), image.sha256(), image.bytes(), there.isEmpty() || other);
            }
            if (other || removing) {
                withdraw();
            }
            boolean sent = (there.isEmpty() || other) && send();
            boolean conditional = describe();
            if (other || removing) {
                s3.remove(key() + ImageIndex.REMOVING);
            }
            boolean listed = list(conditional);
            new Channels(store, tools).renew(s3, index);
            return new Published(image.name(), key(), image.sha256(), image.bytes(), sent || listed);
        }

        /** Digest of the object that is there under this name. */
        private Optional<String> there() {
            return s3.stat(key()).flatMap(item -> item.bytes() == image.bytes() ? readBack() : Optional.of("of " + item.bytes() + " bytes"));
        }

        private Optional<String> readBack() {
            try (Progress bar = console.progress("reading back " + image.name(), image.bytes(), "MiB", 1 << 20)) {
                return s3.sha256(key(), bar);
            }
        }

        private List<String> plan(boolean present) {
            List<String> plan = new ArrayList<>();
            plan.add((present ? "is there already:  " : "would upload:      ") + key() + " (" + image.bytes() + " bytes)");
            plan.add("would see to:      " + ImageMetadata.of(key()) + (index.signing().isPresent() ? " and its signature" : ""));
            plan.add("would list it in:  " + index.key(ImageIndex.JSON) + " and " + ImageIndex.TEXT);
            return plan;
        }

        /**
         * Takes an image out of the indexes before its bytes change; one that a channel names stays. The channels are read again behind
         * the mark, which who writes a channel looks for afterwards: one of both notices the other.
         */
        private void withdraw() {
            refuseNamed();
            s3.put(key() + ImageIndex.REMOVING, new byte[0], METADATA, Condition.NONE);
            try {
                refuseNamed();
            } catch (Failure e) {
                s3.remove(key() + ImageIndex.REMOVING);
                throw e;
            }
            index.settle(Optional.empty(), false, false);
            s3.remove(ImageMetadata.of(key()));
            s3.remove(ImageMetadata.of(key()) + ".sig");
            s3.remove(key());
        }

        private void refuseNamed() {
            List<String> channels = new Channels(store, tools).naming(s3, index, image.name());
            if (!channels.isEmpty()) {
                throw new Failure(key() + " is named by " + String.join(", ", channels) + " and cannot be replaced", "point the channel to another image first");
            }
        }

        /** Whether this builder sent the object; another one may have sent the same bytes meanwhile. */
        private boolean send() {
            boolean sent = console.step("Upload " + image.name(), () -> {
                try (Progress bar = console.progress(image.name(), image.bytes(), "MiB", 1 << 20)) {
                    return s3.upload(key(), file, IMAGE, Map.of(DIGEST, image.sha256()), bar);
                }
            });
            console.step("Read back " + image.name(), () -> {
                String found = there().orElse("nothing");
                if (!found.equals(image.sha256())) {
                    throw new Failure(key() + " was read back with other bytes\n  sent " + image.sha256() + "\n  read " + found,
                            "it is not listed; another builder may have used the same name; publish again, with --force to replace it");
                }
            });
            return sent;
        }

        /**
         * Sees to it that metadata and its signature are there and belong together, whoever writes them at the same time; the
         * metadata, which makes an image complete, comes second. Returns whether the server keeps to conditions.
         */
        private boolean describe() {
            String key = ImageMetadata.of(key());
            for (int round = 1; round <= 20; round++) {
                Optional<Found> signature = index.signing().flatMap(any -> s3.find(key + ".sig"));
                Optional<Found> found = s3.find(key).filter(this::fits);
                byte[] metadata = found.map(Found::bytes).orElseGet(image::json);
                boolean signed = index.signing().map(signing -> sign(signing, key + ".sig", signature, metadata)).orElse(true);
                if (found.isPresent() && signed) {
                    return s3.honoursConditions(key, metadata, METADATA);
                }
                if (found.isEmpty()) {
                    s3.put(key, metadata, METADATA, s3.find(key).isEmpty() ? Condition.ABSENT : Condition.NONE);
                }
            }
            throw new Failure("the metadata " + key + " keeps changing", "somebody publishes under the same name; run again");
        }

        /** Whether the signature was right already. */
        private boolean sign(Signing signing, String key, Optional<Found> signature, byte[] metadata) {
            Map<String, byte[]> files = Map.of(ImageMetadata.of(image.name()), metadata);
            if (signature.filter(one -> signing.made(one.bytes()) && Signing.unchecked(one.bytes()).orElseThrow().covers(image.name(), files)).isPresent()) {
                return true;
            }
            s3.put(key, signing.envelope(image.name(), 1, false, files), METADATA, Condition.unchanged(signature));
            return false;
        }

        private boolean fits(Found found) {
            try {
                return lib.tool.Json.parse(found.text(), "metadata").path(DIGEST).asText().equals(image.sha256());
            } catch (Failure e) {
                return false;
            }
        }

        /** Whether the index did not have the image before. */
        private boolean list(boolean conditional) {
            boolean before = index.names().contains(image.name());
            List<String> names = console.step("Update the index", () -> index.settle(Optional.of(image.name()), false, conditional), all -> all.size() + " images in the index");
            if (!names.contains(image.name()) || s3.stat(key()).isEmpty()) {
                throw new Failure(key() + " vanished while it was published", "somebody pruned it; publish again");
            }
            return !before;
        }
    }
}
