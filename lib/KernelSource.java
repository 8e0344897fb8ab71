package lib;

import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.net.URI;
import java.nio.charset.StandardCharsets;
import java.nio.file.FileVisitResult;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.SimpleFileVisitor;
import java.nio.file.attribute.BasicFileAttributes;
import java.nio.file.attribute.FileTime;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.TreeMap;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import lib.tool.Cache;
import lib.tool.Digest;
import lib.tool.Download;
import lib.tool.Failure;
import lib.tool.Progress;
import lib.tool.Shell.Command;
import lib.tool.Shell;
import lib.tool.Tools;
import lib.tool.Trees;

/** The kernel's source: a tarball, unpacked once into the cache with the patches of config/kernel-patches applied in name order. */
record KernelSource(Config.Kernel config, Optional<BuildLock.Use> lock, Tools tools) {
    private static final URI RELEASES = URI.create("https://cdn.kernel.org/pub/linux/kernel/");
    private static final Pattern RELEASE = Pattern.compile("linux-\\d[\\w.-]*\\.tar\\.\\w+");
    private static final String CHECKSUMS = "sha256sums.asc";
    private static final long MAX_TARBALL = 1L << 30;
    private static final long MAX_CHECKSUMS = 16 << 20;

    /**
     * A tarball that can be read, and its SHA-256.
     *
     * @param origin where it came from: URL or path
     */
    record Tarball(Path file, String sha256, URI origin) { }

    /**
     * A source tree that must not be changed.
     *
     * @param key stands for its content: the tarball's bytes and the patches
     * @param version as its Makefile says, such as 6.12.44
     */
    record Tree(Path folder, String key, String version) { }

    KernelSource(Config.Kernel config, Tools tools) {
        this(config, Optional.empty(), tools);
    }

    /**
     * The tarball, fetched or found. It must have the checksum that build.lock says; the first time, or with --update-lock, a release of
     * kernel.org, or of a copy of its folders, the checksum that is published beside it. What was taken is written to the lock.
     */
    Tarball tarball() {
        URI origin = config.source().orElseGet(() -> Download.child(releases(), name()));
        // Files of this machine lie elsewhere on others: their name has to do.
        String title = origin.getScheme().equals("file") ? Path.of(origin).getFileName().toString() : origin.toString();
        Optional<String> pinned = pinned(title);
        Tarball found = pinned.map(sha256 -> pinned(origin, sha256, "build.lock", "--update-lock=kernel takes the file as it is now")).orElseGet(() -> first(origin));
        if (pinned.isEmpty()) {
            lock.ifPresent(use -> use.read().with("kernel", new TreeMap<>(Map.of("source", title, "sha256", found.sha256()))).write());
        }
        return found;
    }

    /** The checksum that the lock has for this source; a lock that is to be obeyed but says nothing about it is a Failure. */
    private Optional<String> pinned(String title) {
        Optional<String> sha256 = lock.filter(use -> !use.renews("kernel")).flatMap(use -> use.read().section("kernel"))
                .filter(entry -> entry.path("source").asText().equals(title)).map(entry -> entry.path("sha256").asText());
        if (sha256.isEmpty() && lock.filter(use -> use.mode() == BuildLock.Mode.LOCKED).isPresent()) {
            throw Failure.usage(lock.get().file() + " says nothing about the kernel source " + title, "run without --locked, or with --update-lock=kernel, once");
        }
        return sha256;
    }

    private Tarball pinned(URI origin, String sha256, String by, String hint) {
        if (origin.getScheme().equals("file")) {
            Path file = tools.download().latest(origin, MAX_TARBALL);
            if (!remembered(file).equals(sha256)) {
                throw new Failure(file + " is not the file that " + by + " names\n  expected SHA-256 " + sha256 + "\n  found    SHA-256 " + remembered(file), hint);
            }
            return new Tarball(file, sha256, origin);
        }
        return new Tarball(tools.download().verified(List.of(origin), Download.Checksum.sha256(sha256), MAX_TARBALL), sha256, origin);
    }

    private Tarball first(URI origin) {
        String name = origin.getPath().replaceFirst(".*/", "");
        Optional<Path> sums = config.source().isEmpty() ? Optional.of(tools.download().latest(origin.resolve(CHECKSUMS), MAX_CHECKSUMS))
                : RELEASE.matcher(name).matches() ? tools.download().ifThere(origin.resolve(CHECKSUMS), MAX_CHECKSUMS) : Optional.empty();
        if (sums.isEmpty()) {
            Path file = tools.download().latest(origin, MAX_TARBALL);
            return new Tarball(file, remembered(file), origin);
        }
        String sha256 = published(Trees.read(sums.get()), name).orElseThrow(() -> Failure.usage(origin.resolve(CHECKSUMS) + " has no " + name,
                "check KERNEL_VERSION, or set KERNEL_SOURCE to a tarball"));
        return pinned(origin, sha256, CHECKSUMS + " beside it", "fetch the tarball again");
    }

    private String name() {
        return "linux-" + config.version() + ".tar.xz";
    }

    private URI releases() {
        return Download.child(RELEASES, "v" + config.version().replaceFirst("\\..*", "") + ".x");
    }

    /** The SHA-256 of a file in a list as sha256sum writes it, with or without a signature around it. */
    static Optional<String> published(String sums, String name) {
        Matcher m = Pattern.compile("(?m)^([0-9a-f]{64}) [ *]" + Pattern.quote(name) + "\\s*$").matcher(sums);
        return m.find() ? Optional.of(m.group(1)) : Optional.empty();
    }

    /** The unpacked and patched tree. */
    Tree unpacked() {
        Tarball tarball = tarball();
        List<Path> patches = config.patches();
        Cache.Key key = Cache.Key.of("kernel-source", "linux").with("tarball", tarball.sha256());
        for (int i = 0; i < patches.size(); i++) {
            key = key.with("patch " + i, Digest.sha256(patches.get(i)));
        }
        Path folder = tools.cache().get(key, target -> tools.console().step("unpacking " + tarball.file().getFileName(), () -> {
            unpack(tarball, target);
            apply(patches, target);
        }));
        return new Tree(folder, key.digest(), version(folder, tarball.origin()));
    }

    private void unpack(Tarball tarball, Path target) {
        try (InputStream in = Files.newInputStream(tarball.file());
                Progress bar = tools.console().progress("unpacking", Files.size(tarball.file()), "MiB", 1 << 20)) {
            Files.createDirectories(target);
            byte[] buffer = in.readNBytes(1 << 16);
            List<String> argv = new ArrayList<>(List.of("tar", "-x"));
            decompressor(buffer).ifPresent(argv::add);
            argv.addAll(List.of("-f", "-", "-C", target.toString(), "--strip-components=1", "--no-same-owner"));
            Command command = Command.of(argv);
            Path said = tools.cache().temporary("tar");
            // Into a file: a full pipe would stop tar while this end still writes.
            Process tar = tools.shell().open(command, streams -> streams.redirectErrorStream(true).redirectOutput(said.toFile()));
            try (OutputStream out = tar.getOutputStream()) {
                for (int n = buffer.length; n > 0; n = in.read(buffer)) {
                    out.write(buffer, 0, n);
                    bar.add(n);
                }
            } catch (IOException e) {
                // tar ended early: what it said is the better message.
                tools.console().log("tar reads no more: " + e.getMessage());
            }
            tar.waitFor();
            List<String> lines = Files.readString(said, StandardCharsets.ISO_8859_1).lines().limit(20).toList();
            Files.delete(said);
            if (tar.exitValue() != 0) {
                throw Shell.failed(command, new Shell.Result(tar.exitValue(), new byte[0], lines),
                        tarball.origin() + " is damaged, or is not a tarball, or the disk is full");
            }
        } catch (IOException e) {
            throw Failure.io("cannot unpack " + tarball.origin(), e);
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw new Failure("interrupted while unpacking " + tarball.origin(), "", e);
        }
    }

    /** tar's option for what a file begins with: tar does not guess when it reads from a pipe. */
    private static Optional<String> decompressor(byte[] start) {
        int magic = start.length < 4 ? 0 : (start[0] & 0xff) << 24 | (start[1] & 0xff) << 16 | (start[2] & 0xff) << 8 | start[3] & 0xff;
        return switch (magic >>> 16) {
            case 0xfd37 -> Optional.of("-J");
            case 0x1f8b -> Optional.of("-z");
            case 0x425a -> Optional.of("-j");
            case 0x28b5 -> Optional.of("--zstd");
            default -> Optional.empty();
        };
    }

    private void apply(List<Path> patches, Path folder) {
        long start = System.currentTimeMillis();
        for (Path patch : patches) {
            Shell.Result result = tools.shell().attempt(Command.of("patch", "-p1", "--forward", "--batch", "--no-backup-if-mismatch", "--reject-file=-",
                    "-i", patch.toAbsolutePath().toString()).in(folder));
            if (result.exitCode() != 0) {
                throw new Failure(patch + " does not apply to this kernel source:\n  " + String.join("\n  ", result.tail()), "correct it, or take it out of " + patch.getParent());
            }
        }
        if (!patches.isEmpty()) {
            age(folder, start);
        }
    }

    /** Gives changed files an old date: a tree that is unpacked again must not look newer than the objects made from it before. */
    private void age(Path folder, long since) {
        FileTime old = FileTime.fromMillis(config.epoch() * 1000);
        try {
            Files.walkFileTree(folder, new SimpleFileVisitor<>() {
                @Override
                public FileVisitResult visitFile(Path file, BasicFileAttributes attributes) throws IOException {
                    if (attributes.isRegularFile() && attributes.lastModifiedTime().toMillis() >= since - 1000) {
                        Files.setLastModifiedTime(file, old);
                    }
                    return FileVisitResult.CONTINUE;
                }
            });
        } catch (IOException e) {
            throw Failure.io("cannot set dates in " + folder, e);
        }
    }

    private static String version(Path folder, URI origin) {
        Path makefile = folder.resolve("Makefile");
        String text = Files.isRegularFile(makefile) ? Trees.read(makefile) : "";
        StringBuilder version = new StringBuilder();
        for (String part : List.of("VERSION", "PATCHLEVEL", "SUBLEVEL")) {
            Matcher m = Pattern.compile("(?m)^" + part + " = (\\d+)$").matcher(text);
            if (!m.find()) {
                throw Failure.usage(origin + " is not the source of a Linux kernel: its Makefile sets no " + part, "KERNEL_SOURCE takes a linux tarball");
            }
            version.append(version.isEmpty() ? "" : ".").append(m.group(1));
        }
        return version.toString();
    }

    /** The SHA-256 of a large file, remembered by its path, size and date. */
    private String remembered(Path file) {
        try {
            String state = file.toAbsolutePath() + " " + Files.size(file) + " " + Files.getLastModifiedTime(file);
            Path memory = tools.cache().folder("digest").resolve(Digest.sha256(state));
            if (!Files.exists(memory)) {
                Trees.replace(memory, Digest.sha256(file));
            }
            return Trees.read(memory);
        } catch (IOException e) {
            throw Failure.io("cannot read " + file, e);
        }
    }
}
