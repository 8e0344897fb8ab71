package lib;

import com.fasterxml.jackson.databind.JsonNode;
import java.nio.charset.StandardCharsets;
import java.time.Instant;
import java.time.temporal.ChronoUnit;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Comparator;
import java.util.LinkedHashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.ThreadLocalRandom;
import java.util.function.Function;
import java.util.stream.Collectors;
import lib.tool.Console;
import lib.tool.Failure;
import lib.tool.Json;
import lib.tool.S3;
import lib.tool.S3.Condition;
import lib.tool.S3.Found;

/**
 * The two lists of published images, kernels.json and kernels.txt, and kernels.json.sig over both.
 *
 * <p>An image belongs in them when its metadata object exists, which is written last; images of the shell tooling, which have none,
 * stay when they are listed already. So any builder can complete the lists from what is in the bucket, and
 * {@link #settle} repeats one round until a look finds nothing to do: look, write what differs on condition that nobody wrote in
 * between, look again. Whoever writes last looks last, so nothing is lost on servers without conditions either; there the last look
 * is repeated after pauses.
 *
 * <p>kernels.json is written first; kernels.txt and the signature follow from it. Both are read before it, so that an old one
 * can never replace a newer one.
 *
 * @param folder key of the folder that holds the images
 */
record ImageIndex(S3 s3, String folder, Optional<Signing> signing, Console console) {
    static final String JSON = "kernels.json";
    static final String TEXT = "kernels.txt";
    static final String SIGNATURE = JSON + ".sig";
    /** An object of this name says that an image is being removed or replaced. */
    static final String REMOVING = ".removing";
    static final S3.Kind LIST = new S3.Kind("application/json", "no-store");
    private static final S3.Kind PLAIN = new S3.Kind("text/plain; charset=utf-8", "no-store");
    private static final int ROUNDS = 200;

    /** What a look at the bucket's folder showed: time of last change by object name. */
    private record Listing(Map<String, Instant> objects) {
        boolean has(String name) {
            return objects.containsKey(name);
        }

        /** Images whose metadata is there and which nobody is removing. */
        Set<String> complete() {
            return objects.keySet().stream().filter(name -> ImageMetadata.NAME.matcher(name).matches() && has(ImageMetadata.of(name)) && !has(name + REMOVING))
                    .collect(Collectors.toCollection(LinkedHashSet::new));
        }
    }

    String key(String name) {
        return Store.key(folder, name);
    }

    /** Names of the listed images, newest first. */
    List<String> names() {
        return s3.find(key(JSON)).map(found -> names(found, JSON)).orElse(List.of());
    }

    private static List<String> names(Found found, String source) {
        JsonNode json = Json.parse(found.text(), source);
        if (!json.path("kernels").isArray()) {
            throw new Failure(source + " has no list \"kernels\"", "make it anew from the images: image.java publish --rebuild-index");
        }
        List<String> names = new ArrayList<>();
        json.path("kernels").forEach(name -> names.add(name.asText()));
        return names;
    }

    /**
     * Brings both lists and the signature to what is in the bucket.
     *
     * @param mine an image that was just published in full, whether listings show it already or not
     * @param rebuild take nothing over from the present kernels.json
     * @param conditional whether the server keeps to conditions; else the last look is taken three times
     * @return names in the index, newest first
     */
    List<String> settle(Optional<String> mine, boolean rebuild, boolean conditional) {
        boolean afresh = rebuild;
        int quiet = 0;
        for (int round = 1; round <= ROUNDS; round++) {
            Optional<Found> text = s3.find(key(TEXT));
            Optional<Found> signature = s3.find(key(SIGNATURE));
            Optional<Found> json = s3.find(key(JSON));
            List<String> listed = json.isPresent() && !afresh ? names(json.get(), key(JSON)) : List.of();
            List<String> wanted = wanted(mine, listed, afresh);
            byte[] bytes = json.map(Found::bytes).orElse(new byte[0]);
            boolean right = true;
            if (json.isEmpty() || afresh || !wanted.equals(listed)) {
                bytes = json(wanted);
                right = false;
                if (!s3.put(key(JSON), bytes, LIST, Condition.unchanged(json))) {
                    pause(round);
                    continue;
                }
                afresh = false;
            }
            if (follow(text, signature, bytes, wanted) && right) {
                quiet++;
                if (conditional || quiet == 3) {
                    return wanted;
                }
                pause(3);
            } else {
                quiet = 0;
            }
        }
        throw new Failure("the index " + key(JSON) + " keeps changing", "other builders are publishing all the time; run again");
    }

    /** What a rebuilt index would list, newest first. */
    List<String> preview() {
        return wanted(Optional.empty(), List.of(), true);
    }

    /** Writes kernels.txt and the signature where they differ from what kernels.json asks for; whether nothing had to be written. */
    private boolean follow(Optional<Found> text, Optional<Found> signature, byte[] json, List<String> names) {
        byte[] lines = names.stream().map(name -> name + "\n").collect(Collectors.joining()).getBytes(StandardCharsets.UTF_8);
        boolean right = text.isPresent() && Arrays.equals(text.get().bytes(), lines);
        if (!right && !s3.put(key(TEXT), lines, PLAIN, Condition.unchanged(text))) {
            return false;
        }
        return resign(s3, signing, key(SIGNATURE), signature, JSON, Map.of(JSON, json, TEXT, lines)) && right;
    }

    /** Signs anew when the files changed or the signature is ageing; whether nothing had to be written. */
    static boolean resign(S3 s3, Optional<Signing> signing, String key, Optional<Found> signature, String about, Map<String, byte[]> files) {
        Optional<Signing.Statement> statement = signature.flatMap(found -> Signing.unchecked(found.bytes()));
        boolean fits = statement.filter(one -> one.covers(about, files)).isPresent();
        if (signing.isEmpty()) {
            if (signature.isPresent() && !fits) {
                throw new Failure(key + " signs other content now", "run again with the signing key: SIGNING_KEY_FILE in rfs.conf, or SIGNING_KEY");
            }
            return true;
        }
        Signing signer = signing.get();
        if (fits && signer.made(signature.get().bytes()) && !signer.ageing(statement.get())) {
            return true;
        }
        s3.put(key, signer.envelope(about, Signing.next(statement), true, files), LIST, Condition.unchanged(signature));
        return false;
    }

    /** Refuses early what could only end in an index whose signature does not fit. */
    void requireSigner() {
        if (signing.isEmpty() && s3.stat(key(SIGNATURE)).isPresent()) {
            throw Failure.usage("the index " + key(JSON) + " is signed, and no signing key is here", "set SIGNING_KEY_FILE in rfs.conf, or SIGNING_KEY");
        }
    }

    private List<String> wanted(Optional<String> mine, List<String> listed, boolean rebuild) {
        Listing listing = listing();
        Map<String, Instant> times = new LinkedHashMap<>();
        listing.complete().forEach(name -> times.put(name, listing.objects().get(name)));
        Set<String> more = new LinkedHashSet<>(rebuild ? listing.objects().keySet().stream().filter(this::ofShellTooling).toList() : listed);
        mine.ifPresent(more::add);
        for (String name : more) {
            if (!times.containsKey(name) && !listing.has(name + REMOVING)) {
                Optional.ofNullable(listing.objects().get(name)).or(() -> time(name)).ifPresent(at -> times.put(name, at));
            }
        }
        return times.entrySet().stream().sorted(newestFirst(Map.Entry::getValue, Map.Entry::getKey)).map(Map.Entry::getKey).toList();
    }

    /** A listing may lag behind a write, so only the object itself decides that it is gone, and only when asked twice. */
    private Optional<Instant> time(String name) {
        return s3.stat(key(name)).or(() -> {
            pause(5);
            return s3.stat(key(name));
        }).map(S3.Item::modified);
    }

    private static <T> Comparator<T> newestFirst(Function<T, Instant> time, Function<T, String> name) {
        return Comparator.comparing(time).reversed().thenComparing(name);
    }

    /** Images without metadata came from the shell tooling, unless they are marked as ours: then their upload was never finished. */
    private boolean ofShellTooling(String name) {
        return ImageMetadata.NAME.matcher(name).matches() && !s3.metadata(key(name)).containsKey(Upload.DIGEST);
    }

    private Listing listing() {
        Map<String, Instant> objects = new LinkedHashMap<>();
        String start = folder.isEmpty() ? "" : folder + "/";
        s3.list(start).forEach(item -> objects.put(item.key().substring(start.length()), item.modified()));
        return new Listing(objects);
    }

    /** Exactly the three keys that existing web interfaces read. */
    static byte[] json(List<String> names) {
        Map<String, Object> json = new LinkedHashMap<>();
        json.put("kernels", names);
        json.put("updated", Instant.now().truncatedTo(ChronoUnit.SECONDS).toString());
        json.put("count", names.size());
        return Json.pretty(json).getBytes(StandardCharsets.UTF_8);
    }

    /** Longer the more often somebody else was faster, and never the same for two builders. */
    static void pause(int round) {
        try {
            Thread.sleep(ThreadLocalRandom.current().nextLong(20, 40L << Math.min(round, 5)));
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw new Failure("interrupted while publishing", "run again: what was begun is finished then", e);
        }
    }
}
