package lib;

import java.time.Duration;
import java.time.Instant;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import lib.tool.Console;
import lib.tool.S3;
import lib.tool.S3.Condition;
import lib.tool.Tools;

/** Removes old images: all but the newest and those that a channel names or would name after a rollback. */
public record Retention(Store store, Tools tools) {
    private static final Duration FORGOTTEN = Duration.ofDays(1);
    private static final S3.Kind MARK = new S3.Kind("application/octet-stream", "no-store");

    /**
     * What was removed, or would be in a dry run. @param unfinished keys of uploads that were begun more than a day ago and never
     * finished
     */
    public record Pruned(List<String> removed, List<String> kept, List<String> unfinished) { }

    /**
     * Keeps the newest {@code keep} images. Each one to go is marked, taken out of the indexes, and removed only when the channels,
     * read again after that, still do not name it. An interrupted run is finished by the next.
     */
    public Pruned prune(String subpath, int keep, boolean dryRun) {
        try (S3 s3 = store.open(tools.console())) {
            ImageIndex index = new Upload(store, tools).index(s3, subpath);
            index.requireSigner();
            List<String> names = index.names();
            Set<String> needed = needed(s3, index);
            Set<String> going = new LinkedHashSet<>(marked(s3, index));
            names.stream().skip(keep).filter(name -> !needed.contains(name)).forEach(going::add);
            List<String> kept = names.stream().filter(name -> !going.contains(name)).toList();
            Set<String> unfinished = new LinkedHashSet<>(unfinished(s3, index, names));
            if (!dryRun) {
                remove(s3, index, going, unfinished);
                unfinished.addAll(s3.abortAbandoned(index.key("vmlinuz-"), FORGOTTEN));
            }
            return new Pruned(List.copyOf(going), kept, List.copyOf(unfinished));
        }
    }

    private static Set<String> needed(S3 s3, ImageIndex index) {
        return Channels.all(s3, index).stream().flatMap(channel -> channel.kept().stream()).collect(Collectors.toSet());
    }

    private static List<String> below(S3 s3, ImageIndex index) {
        String start = index.key("") + "/";
        return s3.list(start.equals("/") ? "" : start).stream().map(item -> item.key().substring(item.key().lastIndexOf('/') + 1)).toList();
    }

    private static List<String> marked(S3 s3, ImageIndex index) {
        return below(s3, index).stream().filter(name -> name.endsWith(ImageIndex.REMOVING))
                .map(name -> name.substring(0, name.length() - ImageIndex.REMOVING.length())).toList();
    }

    /** Images of ours that were sent more than a day ago and got neither metadata nor a place in the index. */
    private static List<String> unfinished(S3 s3, ImageIndex index, List<String> names) {
        List<String> all = below(s3, index);
        Instant limit = Instant.now().minus(FORGOTTEN);
        return all.stream().filter(name -> ImageMetadata.NAME.matcher(name).matches() && !names.contains(name) && !all.contains(ImageMetadata.of(name)))
                .filter(name -> s3.metadata(index.key(name)).containsKey(Upload.DIGEST))
                .filter(name -> s3.stat(index.key(name)).filter(item -> item.modified().isBefore(limit)).isPresent()).toList();
    }

    /** Those that are needed by now, and unfinished ones that somebody has finished meanwhile, stay and go out of the sets. */
    private void remove(S3 s3, ImageIndex index, Set<String> going, Set<String> unfinished) {
        Console console = tools.console();
        List<String> marked = Stream.concat(going.stream(), unfinished.stream()).toList();
        if (marked.isEmpty()) {
            return;
        }
        marked.forEach(name -> s3.put(index.key(name + ImageIndex.REMOVING), new byte[0], MARK, Condition.NONE));
        if (!going.isEmpty()) {
            console.step("Take " + going.size() + " images out of the index", () -> index.settle(Optional.empty(), false, false));
        }
        Set<String> needed = needed(s3, index);
        List<String> spared = marked.stream().filter(name -> needed.contains(name) || unfinished.contains(name) && s3.stat(index.key(ImageMetadata.of(name))).isPresent()).toList();
        for (String name : marked) {
            if (!spared.contains(name)) {
                s3.remove(index.key(name));
                s3.remove(index.key(ImageMetadata.of(name)) + ".sig");
                s3.remove(index.key(ImageMetadata.of(name)));
            }
            s3.remove(index.key(name + ImageIndex.REMOVING));
            console.detail((spared.contains(name) ? "kept, it is needed now: " : "removed ") + name);
        }
        spared.forEach(going::remove);
        spared.forEach(unfinished::remove);
        if (!spared.isEmpty()) {
            index.settle(Optional.empty(), false, false);
        }
    }
}
