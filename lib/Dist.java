package lib;

import java.io.IOException;
import java.nio.channels.FileChannel;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.nio.file.StandardOpenOption;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.Locale;
import java.util.Map;
import java.util.TreeMap;
import java.util.stream.Stream;
import lib.tool.Cache;
import lib.tool.Console;
import lib.tool.Digest;
import lib.tool.Failure;
import lib.tool.Json;
import lib.tool.Trees;

/** The finished artifacts: all new ones are written in full beside the last good ones, then take their places together. */
public record Dist(Workspace workspace) {
    /**
     * Puts the image and what goes with it into dist/: vmlinuz.efi, its versioned name, the initramfs, build.json and SHA256SUMS.
     *
     * @param kernel finished image, in the cache
     * @param more texts by file name that go with it
     * @return dist/vmlinuz.efi
     */
    public Path publish(Path kernel, Path initramfs, BuildReport report, Map<String, String> more) {
        Map<Path, Path> artifacts = new LinkedHashMap<>();
        artifacts.put(workspace.dist().resolve("vmlinuz-" + report.version() + ".efi"), kernel);
        artifacts.put(workspace.dist().resolve(initramfs.getFileName().toString()), initramfs);
        artifacts.put(workspace.image(), kernel);
        Map<String, Object> files = new LinkedHashMap<>();
        StringBuilder sums = new StringBuilder();
        artifacts.forEach((target, source) -> {
            String digest = Digest.sha256(source);
            files.put(target.getFileName().toString(), Map.of("sha256", digest, "bytes", source.toFile().length()));
            sums.append(digest).append("  ").append(target.getFileName()).append('\n');
        });
        Map<Path, byte[]> texts = new LinkedHashMap<>();
        Map<String, String> named = new TreeMap<>(more);
        named.put(Why.FILE, Origins.of(report, workspace.root()).json());
        named.forEach((name, text) -> {
            byte[] bytes = text.getBytes(StandardCharsets.UTF_8);
            texts.put(workspace.dist().resolve(name), bytes);
            sums.append(Digest.sha256(bytes)).append("  ").append(name).append('\n');
        });
        Map<String, Object> json = new LinkedHashMap<>(report.json());
        json.put("files", new TreeMap<>(files));
        texts.put(workspace.dist().resolve("SHA256SUMS"), sums.toString().getBytes(StandardCharsets.UTF_8));
        texts.put(workspace.dist().resolve("build.json"), Json.pretty(json).getBytes(StandardCharsets.UTF_8));
        replaceAll(artifacts, texts);
        deleteArchivesBut(initramfs.getFileName().toString());
        show("modules", report.kernel().modules());
        show("config", report.kernel().config());
        return workspace.image();
    }

    /** One line about a finished build: seconds, path, size, how much was made anew, and how to boot it from the current folder. */
    public String summary(Cache cache, double seconds) {
        int all = cache.hits() + cache.misses().size();
        String cached = cache.misses().isEmpty() ? "all was cached" : cache.hits() + " of " + all + " steps cached";
        String where = workspace.folder().equals(Path.of("").toAbsolutePath()) ? "" : " -C " + workspace.folder();
        return String.format(Locale.ROOT, "done in %.1f s: %s, %s, %s; boot it: ./jbang runit.java%s", seconds, workspace.image(),
                Console.mib(workspace.image().toFile().length()), cached, where);
    }

    /** A link in kernel/ to a part of the kernel that is worth looking into. */
    private void show(String name, Path part) {
        try {
            Path link = Files.createDirectories(workspace.kernel()).resolve(name);
            Files.deleteIfExists(link);
            Files.createSymbolicLink(link, part);
        } catch (IOException e) {
            throw Failure.io("cannot write to " + workspace.kernel(), e);
        }
    }

    private void replaceAll(Map<Path, Path> copies, Map<Path, byte[]> texts) {
        Map<Path, Path> parts = new LinkedHashMap<>();
        try {
            Files.createDirectories(workspace.dist());
            deleteUnfinished();
            for (Map.Entry<Path, Path> copy : copies.entrySet()) {
                Path part = part(parts, copy.getKey());
                Files.copy(copy.getValue(), part, StandardCopyOption.REPLACE_EXISTING);
                sync(part);
            }
            for (Map.Entry<Path, byte[]> text : texts.entrySet()) {
                Path part = part(parts, text.getKey());
                Files.write(part, text.getValue());
                sync(part);
            }
            for (Map.Entry<Path, Path> part : parts.entrySet()) {
                Files.move(part.getValue(), part.getKey(), StandardCopyOption.ATOMIC_MOVE, StandardCopyOption.REPLACE_EXISTING);
            }
        } catch (IOException e) {
            throw Failure.io("cannot write to " + workspace.dist(), e);
        } finally {
            parts.values().forEach(Trees::delete);
        }
    }

    /** A build that was killed while it wrote here may have left parts. */
    private void deleteUnfinished() throws IOException {
        try (Stream<Path> files = Files.list(workspace.dist())) {
            files.filter(file -> file.toString().endsWith(".part")).forEach(Trees::delete);
        }
    }

    /** After a change of COMPRESSION the last initramfs, which has another name, would stand beside an image that it is not from. */
    private void deleteArchivesBut(String name) {
        Arrays.stream(Config.Compression.values()).map(Config.Compression::fileName).filter(other -> !other.equals(name))
                .forEach(other -> Trees.delete(workspace.dist().resolve(other)));
    }

    private static Path part(Map<Path, Path> parts, Path target) {
        Path part = target.resolveSibling(target.getFileName() + ".part");
        parts.put(target, part);
        return part;
    }

    private static void sync(Path file) throws IOException {
        try (FileChannel channel = FileChannel.open(file, StandardOpenOption.WRITE)) {
            channel.force(true);
        }
    }
}
