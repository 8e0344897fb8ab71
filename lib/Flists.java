package lib;

import java.io.IOException;
import java.io.InputStream;
import java.nio.file.Files;
import java.nio.file.LinkOption;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.Callable;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.Semaphore;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.stream.Stream;
import lib.image.Flist;
import lib.image.FlistBlock;
import lib.tool.Console;
import lib.tool.Digest;
import lib.tool.Failure;
import lib.tool.Progress;
import lib.tool.S3.Condition;
import lib.tool.S3;
import lib.tool.Shell.Command;
import lib.tool.Shell;
import lib.tool.Tools;
import lib.tool.Trees;

/**
 * Publishes whole trees of kernel modules and firmware as flists, which nodes mount when the network is up.
 *
 * <p>Blocks come first, named by their content and sent only when they are not there: an upload that was cut goes on where it was,
 * and the same tree again sends nothing. The manifest comes last, after every file was read back out of it.
 */
public record Flists(Store store, Tools tools) {
    private static final S3.Kind BLOCK = new S3.Kind("application/octet-stream", "public, max-age=31536000, immutable");
    private static final S3.Kind MANIFEST = new S3.Kind("application/vnd.sqlite3", "no-cache");
    private static final int PARALLEL = 8;

    /** @param sent blocks that were not in the store before */
    public record Published(String key, int files, int blocks, int sent) { }

    /** {@code modules-{release}.fl} (or .fls, see FLIST_EXTENSION) from a complete {@code lib/modules/{release}}. */
    public Published modules(Path folder, String release, FlistWriter writer) {
        return publish(folder, "modules-" + release + "." + store.modulesExtension(), Map.of("version", release, "description", "Linux modules"), writer);
    }

    /** {@code firmware-{tag}.fl} from a complete firmware folder. */
    public Published firmware(Path folder, String tag, FlistWriter writer) {
        return publish(folder, "firmware-" + tag + ".fl", Map.of("version", tag, "description", "Linux firmware"), writer);
    }

    Published publish(Path folder, String name, Map<String, String> tags, FlistWriter writer) {
        if (writer == FlistWriter.RFS && Shell.which("rfs").isEmpty()) {
            throw Failure.machine("--flist-tool rfs: rfs is not installed", "leave the option away: flists are made without it, too");
        }
        return publish(folder, name, tags, writer == FlistWriter.RFS ? Optional.of("rfs") : Optional.empty());
    }

    /** The same by a program that is called as rfs is. */
    Published pack(Path folder, String name, String rfs) {
        return publish(folder, name, Map.of(), Optional.of(rfs));
    }

    private Published publish(Path folder, String name, Map<String, String> tags, Optional<String> rfs) {
        if (!Files.isDirectory(folder)) {
            throw new Failure("there is no folder " + folder + " to make " + name + " of", "build the kernel with its modules, or set FIRMWARE_SOURCE");
        }
        Path making = tools.cache().temporary(name);
        try (S3 s3 = store.open(tools.console())) {
            Files.createDirectories(making);
            Path manifest = making.resolve(name);
            Job job = new Job(s3, folder);
            tools.console().step("Upload the blocks of " + name, () -> {
                if (rfs.isPresent()) {
                    job.byRfs(rfs.get(), making, manifest);
                } else {
                    Flist.write(manifest, job.pack(), List.of(Flist.Route.all(store.readers().toString())), tags);
                }
            });
            List<Flist.Entry> entries = Flist.read(manifest);
            tools.console().step("Read every file back out of " + name, () -> job.compare(entries));
            String key = Store.key(store.prefix(), "manifests", name);
            byte[] bytes = Files.readAllBytes(manifest);
            boolean there = s3.find(key).filter(found -> Arrays.equals(found.bytes(), bytes)).isPresent();
            if (!there) {
                s3.put(key, bytes, MANIFEST, Condition.NONE);
            }
            if (s3.find(key).filter(found -> Arrays.equals(found.bytes(), bytes)).isEmpty()) {
                throw new Failure(key + " was read back with other bytes", "another builder published the same name; run again");
            }
            return new Published(key, (int) entries.stream().filter(one -> one.inode().isFile()).count(), job.known.size(), job.sent.get());
        } catch (IOException e) {
            throw Failure.io("while making " + name, e);
        } finally {
            Trees.delete(making);
        }
    }

    /** One tree on its way into the store. */
    private final class Job {
        private final S3 s3;
        private final Path folder;
        private final Console console = tools.console();
        private final Set<String> known = ConcurrentHashMap.newKeySet();
        /** Blocks that came back right once: their key says what is in them. */
        private final Set<String> seen = ConcurrentHashMap.newKeySet();
        private final AtomicInteger sent = new AtomicInteger();

        private Job(S3 s3, Path folder) {
            this.s3 = s3;
            this.folder = folder;
        }

        /** All entries, sorted, so that the same tree makes the same flist; their blocks are in the store when it returns. */
        private List<Flist.Entry> pack() {
            List<Path> paths = paths();
            try (Progress bar = console.progress("blocks", Trees.size(folder), "MiB", 1 << 20)) {
                return parallel(paths, path -> () -> entry(path, bar));
            }
        }

        private List<Path> paths() {
            try (Stream<Path> all = Files.walk(folder)) {
                return all.sorted().toList();
            } catch (IOException | java.io.UncheckedIOException e) {
                throw new Failure("cannot read " + folder + ": " + e.getMessage(), "");
            }
        }

        private Flist.Entry entry(Path path, Progress bar) throws IOException {
            Flist.Inode inode = Flist.Inode.of(path);
            Optional<String> target = inode.isLink() ? Optional.of(Files.readSymbolicLink(path).toString()) : Optional.empty();
            List<Flist.Ref> refs = new ArrayList<>();
            if (inode.isFile()) {
                try (InputStream in = Files.newInputStream(path, LinkOption.NOFOLLOW_LINKS)) {
                    for (byte[] plain = in.readNBytes(FlistBlock.SIZE); plain.length > 0; plain = in.readNBytes(FlistBlock.SIZE)) {
                        FlistBlock block = FlistBlock.encode(plain);
                        send(block.name(), block.stored());
                        refs.add(new Flist.Ref(block.id(), block.key()));
                        bar.add(plain.length);
                    }
                }
            }
            return new Flist.Entry(folder.relativize(path).toString(), inode, target, refs);
        }

        /** Blocks lie at the bucket's root under their plain name: readers of flists look there. */
        private void send(String name, byte[] stored) {
            if (known.add(name) && s3.stat(name).filter(item -> item.bytes() == stored.length).isEmpty()) {
                s3.put(name, stored, BLOCK, Condition.NONE);
                sent.incrementAndGet();
            }
        }

        /**
         * Lets rfs pack into a folder and sends its blocks from there: given the bucket itself, rfs would show the secret in its argument
         * list, and the access key in the flist.
         */
        private void byRfs(String rfs, Path making, Path manifest) {
            Path blocks = making.resolve("blocks");
            tools.shell().run(Command.of(rfs, "pack", "-m", manifest.toString(), "-s", "dir://" + blocks.toAbsolutePath(), folder.toAbsolutePath().toString()));
            try (Stream<Path> all = Files.walk(blocks)) {
                parallel(all.filter(Files::isRegularFile).sorted().toList(), file -> () -> {
                    send(file.getFileName().toString(), Files.readAllBytes(file));
                    return file;
                });
            } catch (IOException e) {
                throw Failure.io("cannot read the blocks that rfs made", e);
            }
            Flist.reroute(manifest, List.of(Flist.Route.all(store.readers().toString())));
        }

        /** Takes every file out of the store again and holds it against the tree. */
        private void compare(List<Flist.Entry> entries) {
            List<Path> paths = paths();
            List<String> wanted = paths.stream().map(path -> folder.relativize(path).toString()).sorted().toList();
            if (!entries.stream().map(Flist.Entry::path).sorted().toList().equals(wanted)) {
                throw new Failure("the flist does not have exactly the files of " + folder, "did they change meanwhile? run again");
            }
            try (Progress bar = console.progress("reading back", Trees.size(folder), "MiB", 1 << 20)) {
                parallel(entries, entry -> () -> compare(entry, bar));
            }
        }

        private Flist.Entry compare(Flist.Entry entry, Progress bar) throws IOException {
            Path path = folder.resolve(entry.path());
            boolean same = Flist.Inode.of(path).mode() == entry.inode().mode()
                    && (!entry.inode().isLink() || Files.readSymbolicLink(path).toString().equals(entry.target().orElse("")));
            if (entry.inode().isFile()) {
                try (InputStream in = Files.newInputStream(path, LinkOption.NOFOLLOW_LINKS)) {
                    for (Flist.Ref ref : entry.blocks()) {
                        byte[] here = in.readNBytes(FlistBlock.SIZE);
                        same &= Arrays.equals(FlistBlock.key(here), ref.key()) && (seen.contains(name(ref)) || Arrays.equals(here, read(ref)));
                        bar.add(here.length);
                    }
                    same &= in.read() < 0;
                }
            }
            if (!same) {
                throw new Failure(entry.path() + " came back other than it is in " + folder, "did it change meanwhile? run again");
            }
            return entry;
        }

        private byte[] read(Flist.Ref ref) {
            byte[] plain = FlistBlock.decode(ref.id(), ref.key(), s3.find(name(ref)).map(S3.Found::bytes)
                    .orElseThrow(() -> new Failure("the block " + name(ref) + " is not in the store", "run again")));
            seen.add(name(ref));
            return plain;
        }

        private static String name(Flist.Ref ref) {
            return Digest.hex(ref.id());
        }

        private interface Task<A, B> {
            Callable<B> of(A input);
        }

        /** Results in the order of the inputs; few are under way at once, so that memory stays small. */
        private <A, B> List<B> parallel(List<A> inputs, Task<A, B> task) {
            ExecutorService threads = Executors.newFixedThreadPool(PARALLEL);
            Semaphore free = new Semaphore(4 * PARALLEL);
            try {
                List<Future<B>> running = new ArrayList<>();
                AtomicBoolean failed = new AtomicBoolean();
                for (A input : inputs) {
                    free.acquire();
                    if (failed.get()) {
                        break;
                    }
                    Callable<B> one = task.of(input);
                    running.add(threads.submit(() -> {
                        boolean done = false;
                        try {
                            B result = one.call();
                            done = true;
                            return result;
                        } finally {
                            failed.compareAndSet(false, !done);
                            free.release();
                        }
                    }));
                }
                List<B> results = new ArrayList<>();
                for (Future<B> one : running) {
                    results.add(one.get());
                }
                return results;
            } catch (InterruptedException e) {
                Thread.currentThread().interrupt();
                throw new Failure("interrupted while publishing a flist", "run again: blocks that were sent are not sent again", e);
            } catch (ExecutionException e) {
                throw e.getCause() instanceof Failure known ? known : new Failure("cannot make a flist of " + folder + ": " + e.getCause(), "", e.getCause());
            } finally {
                threads.shutdownNow();
            }
        }
    }
}
