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
import java.util.Optional;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import lib.LockedSource.Tarball;
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
        return locked().tarball(origin, MAX_TARBALL, () -> first(origin));
    }

    private LockedSource locked() {
        return new LockedSource(lock, "kernel", tools);
    }

    private Tarball first(URI origin) {
        String name = origin.getPath().replaceFirst(".*/", "");
        Optional<Path> sums = config.source().isEmpty() ? Optional.of(tools.download().latest(origin.resolve(CHECKSUMS), MAX_CHECKSUMS))
                : RELEASE.matcher(name).matches() ? tools.download().ifThere(origin.resolve(CHECKSUMS), MAX_CHECKSUMS) : Optional.empty();
        if (sums.isEmpty()) {
            return locked().asItIs(origin, MAX_TARBALL);
        }
        String sha256 = published(Trees.read(sums.get()), name).orElseThrow(() -> Failure.usage(origin.resolve(CHECKSUMS) + " has no " + name,
                "check KERNEL_VERSION, or set KERNEL_SOURCE to a tarball"));
        return locked().with(sha256, origin, MAX_TARBALL, CHECKSUMS + " beside it", "fetch the tarball again");
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
}
