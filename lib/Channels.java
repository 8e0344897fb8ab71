package lib;

import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.function.Function;
import lib.tool.Failure;
import lib.tool.Json;
import lib.tool.S3;
import lib.tool.S3.Condition;
import lib.tool.S3.Found;
import lib.tool.Suggest;
import lib.tool.Tools;

/**
 * Channels: names such as canary and production that point at published images. {@code channels/{name}.json} says to which,
 * {@code channels/{name}.ipxe} boots it, {@code channels/{name}.json.sig} signs both.
 */
public record Channels(Store store, Tools tools) {
    private static final S3.Kind JSON = new S3.Kind("application/json", "no-store");
    private static final S3.Kind SCRIPT = new S3.Kind("text/plain; charset=utf-8", "no-store");
    private static final int ROUNDS = 60;

    /** What a verb did or, in a dry run, would do. */
    public record Change(String channel, Optional<String> from, String to) {
        public String text() {
            return channel + ": " + from.map(name -> name.equals(to) ? to + " (as before)" : name + " -> " + to).orElse(to);
        }
    }

    /** A published image and the channels that name it. */
    public record Listed(String name, Optional<Long> size, Optional<String> built, List<String> channels) { }

    /** Refuses what no channel can be called: the name becomes part of a path and of a URL. */
    public static void requireName(String name) {
        if (!name.matches("[a-z0-9][a-z0-9._-]{0,40}")) {
            throw Failure.usage("a channel cannot be called " + name, "small letters, digits and . _ -");
        }
    }

    /** Points a channel at a published image. */
    public Change point(String subpath, String channel, String kernel, boolean dryRun) {
        return with(subpath, (s3, index) -> move(s3, index, channel, kernel, dryRun));
    }

    /** Points {@code to} at the image that {@code from} names, which must be {@code kernel}. */
    public Change promote(String subpath, String kernel, String from, String to, boolean dryRun) {
        return with(subpath, (s3, index) -> {
            String named = find(s3, index, from).orElseThrow(() -> unknown(s3, index, from)).kernel();
            if (!named.equals(kernel)) {
                throw new Failure(from + " does not name " + kernel + " but " + named, "only what a channel runs is promoted to the next one");
            }
            return move(s3, index, to, kernel, dryRun);
        });
    }

    /** Points a channel back at the image before; after an interrupted change, that is finished instead. */
    public Change rollback(String subpath, String channel, boolean dryRun) {
        return with(subpath, (s3, index) -> {
            Channel now = find(s3, index, channel).orElseThrow(() -> unknown(s3, index, channel));
            if (!dryRun && interrupted(s3, index, channel)) {
                settle(s3, index, channel, same -> same.orElseThrow());
                tools.console().detail("an interrupted change of " + channel + " was finished; run again to go back further");
                return new Change(channel, Optional.of(now.kernel()), now.kernel());
            }
            if (now.earlier().isEmpty()) {
                throw new Failure(channel + " never named another image than " + now.kernel(), "promote one to it");
            }
            Change change = new Change(channel, Optional.of(now.kernel()), now.earlier().get(0));
            String digest = published(s3, index, change.to());
            if (!dryRun) {
                settle(s3, index, channel, seen -> back(seen.orElse(now), now, digest));
                requireStaying(s3, index, change);
            }
            return change;
        });
    }

    /** Whether the script, or what the signature covers, is not yet what the channel says; a signature that is only old or another key's is no sign of that. */
    private static boolean interrupted(S3 s3, ImageIndex index, String name) {
        String key = key(index, name);
        Optional<Found> script = s3.find(key + ".ipxe");
        Optional<Signing.Statement> signed = s3.find(key + ".json.sig").flatMap(found -> Signing.unchecked(found.bytes()));
        Found json = s3.find(key + ".json").orElseThrow(() -> new Failure("the channel " + name + " is gone", "look at image.java list"));
        byte[] wanted = Channel.parse(json, key).ipxe();
        return script.filter(found -> Arrays.equals(found.bytes(), wanted)).isEmpty() || signed.filter(one -> !one.covers(name, files(name, json.bytes(), wanted))).isPresent();
    }

    private static Map<String, byte[]> files(String name, byte[] json, byte[] script) {
        return Map.of(name + ".json", json, name + ".ipxe", script);
    }

    /** Going back is done once: by whom the channel still is as it was. */
    private static Channel back(Channel seen, Channel before, String digest) {
        if (seen.version() == before.version()) {
            return before.back(digest);
        }
        if (seen.kernel().equals(before.earlier().get(0))) {
            return seen;
        }
        throw new Failure("somebody else just pointed " + seen.name() + " to " + seen.kernel(), "look at image.java list, then decide");
    }

    /** Signs each channel anew whose signature is ageing, or was made with another key. */
    void renew(S3 s3, ImageIndex index) {
        if (index.signing().isPresent()) {
            all(s3, index).forEach(channel -> settle(s3, index, channel.name(), seen -> seen.orElse(channel)));
        }
    }

    /** Every image in the index, newest first, with the channels that name it. */
    public List<Listed> list(String subpath) {
        return with(subpath, (s3, index) -> {
            List<Channel> channels = all(s3, index);
            return index.names().stream().map(name -> {
                Optional<com.fasterxml.jackson.databind.JsonNode> metadata = s3.find(ImageMetadata.of(index.key(name))).map(found -> Json.parse(found.text(), name));
                return new Listed(name, metadata.map(json -> json.path("size").asLong()), metadata.map(json -> json.path("built").asText()),
                        channels.stream().filter(channel -> channel.kernel().equals(name)).map(Channel::name).toList());
            }).toList();
        });
    }

    private <T> T with(String subpath, java.util.function.BiFunction<S3, ImageIndex, T> work) {
        try (S3 s3 = store.open(tools.console())) {
            return work.apply(s3, new Upload(store, tools).index(s3, subpath));
        }
    }

    private Change move(S3 s3, ImageIndex index, String name, String kernel, boolean dryRun) {
        requireName(name);
        Optional<Channel> before = find(s3, index, name);
        Change change = new Change(name, before.map(Channel::kernel), kernel);
        String digest = published(s3, index, kernel);
        if (!dryRun) {
            settle(s3, index, name, seen -> seen.filter(one -> one.kernel().equals(kernel) && one.sha256().equals(digest))
                    .orElseGet(() -> Channel.pointing(name, seen, kernel, digest)));
            requireStaying(s3, index, change);
        }
        return change;
    }

    /** Digest of an image that was published in full. */
    private static String published(S3 s3, ImageIndex index, String kernel) {
        if (s3.stat(index.key(kernel + ImageIndex.REMOVING)).isPresent()) {
            throw new Failure(kernel + " is being removed", "take another image");
        }
        return s3.find(ImageMetadata.of(index.key(kernel))).map(found -> Json.parse(found.text(), kernel).path("sha256").asText())
                .orElseThrow(() -> new Failure(kernel + " is not published below " + index.folder(),
                        Suggest.hint(kernel, index.names(), "image.java list shows what is; image.java publish publishes it")));
    }

    /**
     * Pruning marks an image, then reads the channels again; a channel is written, then the mark is looked for. So one of both
     * always notices the other.
     */
    private void requireStaying(S3 s3, ImageIndex index, Change change) {
        try {
            published(s3, index, change.to());
        } catch (Failure gone) {
            change.from().ifPresent(old -> settle(s3, index, change.channel(), seen -> seen.filter(one -> !one.kernel().equals(change.to()))
                    .orElseGet(() -> Channel.pointing(change.channel(), seen, old, published(s3, index, old)))));
            throw gone;
        }
    }

    /** One look-and-write round after the other until a look finds nothing to do. */
    private void settle(S3 s3, ImageIndex index, String name, Function<Optional<Channel>, Channel> change) {
        String key = key(index, name);
        boolean written = false;
        boolean conditional = false;
        int quiet = 0;
        for (int round = 1; round <= ROUNDS; round++) {
            Optional<Found> script = s3.find(key + ".ipxe");
            Optional<Found> signature = s3.find(key + ".json.sig");
            Optional<Found> found = s3.find(key + ".json");
            Optional<Channel> seen = found.map(one -> Channel.parse(one, key));
            Channel wanted = change.apply(seen);
            boolean right = seen.filter(wanted::equals).isPresent();
            byte[] json = right ? found.orElseThrow().bytes() : wanted.json();
            if (!right && !s3.put(key + ".json", json, JSON, Condition.unchanged(found))) {
                ImageIndex.pause(round);
                continue;
            }
            right &= follow(s3, index, wanted, json, script, signature);
            written |= !right;
            if (right && ++quiet >= (conditional || !written ? 1 : 2)) {
                return;
            }
            if (right) {
                conditional = s3.honoursConditions(key + ".ipxe", wanted.ipxe(), SCRIPT);
                ImageIndex.pause(conditional ? 1 : 4);
            } else {
                quiet = 0;
            }
        }
        throw new Failure("the channel " + name + " keeps changing", "others are promoting at the same time; run again");
    }

    private static boolean follow(S3 s3, ImageIndex index, Channel channel, byte[] json, Optional<Found> script, Optional<Found> signature) {
        boolean right = script.filter(one -> Arrays.equals(one.bytes(), channel.ipxe())).isPresent();
        if (!right && !s3.put(key(index, channel.name()) + ".ipxe", channel.ipxe(), SCRIPT, Condition.unchanged(script))) {
            return false;
        }
        return ImageIndex.resign(s3, index.signing(), key(index, channel.name()) + ".json.sig", signature, channel.name(),
                files(channel.name(), json, channel.ipxe())) && right;
    }

    static String key(ImageIndex index, String channel) {
        return index.key("channels/" + channel);
    }

    private static Optional<Channel> find(S3 s3, ImageIndex index, String name) {
        return s3.find(key(index, name) + ".json").map(found -> Channel.parse(found, key(index, name)));
    }

    static List<Channel> all(S3 s3, ImageIndex index) {
        String start = index.key("channels") + "/";
        return s3.list(start).stream().map(item -> item.key().substring(start.length())).filter(name -> name.endsWith(".json"))
                .map(name -> find(s3, index, name.substring(0, name.length() - ".json".length()))).flatMap(Optional::stream).toList();
    }

    /** Names of the channels that need an image: that name it, or would after a rollback. */
    List<String> naming(S3 s3, ImageIndex index, String kernel) {
        return all(s3, index).stream().filter(channel -> channel.kept().contains(kernel)).map(Channel::name).toList();
    }

    private static Failure unknown(S3 s3, ImageIndex index, String name) {
        List<String> names = all(s3, index).stream().map(Channel::name).toList();
        return new Failure("there is no channel " + name, names.isEmpty() ? "make one: image.java publish --channel " + name
                : Suggest.hint(name, names, "there are: " + String.join(" ", names)));
    }
}
