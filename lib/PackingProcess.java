package lib;

import java.io.BufferedReader;
import java.io.DataInputStream;
import java.io.DataOutputStream;
import java.io.EOFException;
import java.io.IOException;
import java.io.InputStreamReader;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Deque;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionException;
import java.util.concurrent.ConcurrentHashMap;
import java.util.function.Supplier;
import lib.image.PackedSlices;
import lib.image.Xz;
import lib.tool.Cache;
import lib.tool.ClassArchive;
import lib.tool.Failure;
import lib.tool.Shell;
import lib.tool.Shell.Command;
import lib.tool.Tools;

/**
 * Packs with xz in a JVM of its own, which starts with the first file. This is the one work that keeps the processors busy for seconds, and
 * worth the JVM's optimizing compiler; all else ends before that compiler has earned its own time, so that the scripts run without it
 * (lib/tool/Cli.java). Files that are packed side by side share the work on what they have in common.
 */
public final class PackingProcess implements AutoCloseable {
    /** Large arrays go where they stay. The compiler inlines less and starts later than usual: it takes as long as the work otherwise. */
    private static final List<String> JVM = List.of("-XX:+UseSerialGC", "-XX:PretenureSizeThreshold=1m", "-XX:MaxRAMPercentage=60", "-XX:FreqInlineSize=110",
            "-XX:Tier4InvocationThreshold=50000", "-XX:Tier4MinInvocationThreshold=6000", "-XX:Tier4CompileThreshold=150000",
            "-XX:Tier4BackEdgeThreshold=400000");
    /** Said of a file by its number; all else that the process says is about a failure. */
    private static final String PACKED = "packed ";
    private static final int LAST_WORDS = 20;

    private final Tools tools;
    private final int jobs;
    /** By number. */
    private final List<CompletableFuture<Void>> asked = new ArrayList<>();
    private DataOutputStream requests;
    private Thread listener;
    private Optional<Failure> failed = Optional.empty();

    /** @param jobs how many threads pack a file side by side */
    public PackingProcess(Tools tools, int jobs) {
        this.tools = tools;
        this.jobs = jobs;
    }

    /**
     * Packs a file; its slices that the cache has are not packed again. Several threads may ask at once.
     *
     * @param x86 whether the content is mostly x86 code
     */
    public void xz(Path content, boolean x86, Path target) {
        try {
            ask(content, x86, target).join();
        } catch (CompletionException e) {
            throw e.getCause() instanceof Failure f ? f : e;
        }
    }

    private synchronized CompletableFuture<Void> ask(Path content, boolean x86, Path target) {
        if (requests == null) {
            start();
        }
        int number = asked.size();
        CompletableFuture<Void> answer = new CompletableFuture<>();
        asked.add(answer);
        failed.ifPresent(answer::completeExceptionally);
        try {
            requests.writeInt(number);
            requests.writeUTF(content.toString());
            requests.writeBoolean(x86);
            requests.writeUTF(target.toString());
            requests.flush();
        } catch (IOException e) {
            tools.console().log("the packing process is gone: " + e);
        }
        return answer;
    }

    private void start() {
        List<String> argv = new ArrayList<>(List.of(Path.of(System.getProperty("java.home"), "bin", "java").toString(), "-Dsun.jnu.encoding=UTF-8"));
        argv.addAll(JVM);
        argv.addAll(ClassArchive.options());
        argv.addAll(List.of("-cp", System.getProperty("java.class.path"), PackingProcess.class.getName(), Integer.toString(jobs)));
        Process process = tools.shell().start(Command.of(argv).with(tools.cache().variables()));
        requests = new DataOutputStream(process.getOutputStream());
        listener = new Thread(() -> listen(process), "packing");
        listener.setDaemon(true);
        listener.start();
    }

    /** Until the process ends; then everything that it did not do has failed. */
    private void listen(Process process) {
        Deque<String> words = new ArrayDeque<>();
        try (BufferedReader said = new BufferedReader(new InputStreamReader(process.getInputStream(), StandardCharsets.UTF_8))) {
            for (String line = said.readLine(); line != null; line = said.readLine()) {
                if (line.startsWith(PACKED)) {
                    answer(Integer.parseInt(line.substring(PACKED.length()))).complete(null);
                } else {
                    tools.console().output(line);
                    words.add(line);
                    if (words.size() > LAST_WORDS) {
                        words.remove();
                    }
                }
            }
        } catch (IOException e) {
            words.add(e.toString());
        }
        Shell.Result result = new Shell.Result(process.onExit().join().exitValue(), new byte[0], List.copyOf(words));
        fail(new Failure("packing ended with exit code " + result.exitCode() + result.lastWords(),
                "packing takes up to 700 MiB of memory, with UPX=never 450, and twice the size of the tree"));
    }

    private synchronized CompletableFuture<Void> answer(int number) {
        return asked.get(number);
    }

    private synchronized void fail(Failure failure) {
        failed = Optional.of(failure);
        asked.forEach(answer -> answer.completeExceptionally(failure));
    }

    /** Ends the process, whatever it does; called when nobody asks any more. */
    @Override
    public void close() {
        if (requests == null) {
            return;
        }
        try {
            requests.close();
            listener.join();
        } catch (IOException e) {
            tools.console().log("the packing process is gone: " + e);
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
    }

    /** What the process does: JOBS; the cache is the one that the environment names, the files are named on its standard input. */
    public static void main(String... args) throws IOException {
        CachedSlices slices = new CachedSlices(Cache.of(System.getenv(), line -> { }, Optional.empty()), new ConcurrentHashMap<>());
        try (DataInputStream requests = new DataInputStream(System.in)) {
            while (true) {
                int number = requests.readInt();
                Path content = Path.of(requests.readUTF());
                boolean x86 = requests.readBoolean();
                Path target = Path.of(requests.readUTF());
                new Thread(() -> {
                    try {
                        Files.write(target, Xz.pack(Files.readAllBytes(content), x86, Integer.parseInt(args[0]), slices));
                        System.out.println(PACKED + number);
                    } catch (Throwable e) {
                        // Whoever waits for a slice of this file would wait for ever.
                        e.printStackTrace(System.out);
                        Runtime.getRuntime().halt(1);
                    }
                }).start();
            }
        } catch (EOFException e) {
            System.exit(0);
        }
    }

    /**
     * Slices of archives in the cache.
     *
     * @param begun those that a thread of this process has packed or is about to
     */
    private record CachedSlices(Cache cache, Map<String, CompletableFuture<byte[]>> begun) implements PackedSlices {
        private static Cache.Key key(String digest) {
            return Cache.Key.of("initramfs-slice", "slice").with("content", digest).with("recipe", Initramfs.RECIPE);
        }

        @Override
        public Optional<Supplier<byte[]>> find(String digest) {
            CompletableFuture<byte[]> mine = new CompletableFuture<>();
            CompletableFuture<byte[]> other = begun.putIfAbsent(digest, mine);
            if (other != null) {
                return Optional.of(other::join);
            }
            return cache.find(key(digest)).map(file -> {
                mine.complete(read(file));
                return mine::join;
            });
        }

        @Override
        public void put(String digest, byte[] packed) {
            begun.get(digest).complete(read(cache.get(key(digest), target -> Files.write(target, packed))));
        }

        private static byte[] read(Path file) {
            try {
                return Files.readAllBytes(file);
            } catch (IOException e) {
                throw Failure.io("cannot read " + file, e);
            }
        }
    }
}
