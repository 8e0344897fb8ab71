package lib;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
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
 * Packs with xz in a JVM of its own. This is the one work that keeps the processors busy for seconds, and worth the JVM's optimizing
 * compiler; all else ends before that compiler has earned its own time, so that the scripts run without it (lib/tool/Cli.java).
 *
 * @param jobs how many threads pack side by side
 */
public record PackingProcess(Tools tools, int jobs) {
    /** Large arrays go where they stay. The compiler inlines less and starts later than usual: it takes as long as the work otherwise. */
    private static final List<String> JVM = List.of("-XX:+UseSerialGC", "-XX:PretenureSizeThreshold=1m", "-XX:FreqInlineSize=110",
            "-XX:Tier4InvocationThreshold=50000", "-XX:Tier4MinInvocationThreshold=6000", "-XX:Tier4CompileThreshold=150000",
            "-XX:Tier4BackEdgeThreshold=400000");

    /**
     * Packs a file; its slices that the cache has are not packed again.
     *
     * @param x86 whether the content is mostly x86 code
     */
    public void xz(Path content, boolean x86, Path target) {
        List<String> argv = new ArrayList<>(List.of(Path.of(System.getProperty("java.home"), "bin", "java").toString(), "-Dsun.jnu.encoding=UTF-8"));
        argv.addAll(JVM);
        argv.addAll(ClassArchive.options());
        argv.addAll(List.of("-cp", System.getProperty("java.class.path"), PackingProcess.class.getName(), content.toString(), Boolean.toString(x86),
                Integer.toString(jobs), target.toString()));
        Shell.Result result = tools.shell().attempt(Command.of(argv).with(tools.cache().variables()));
        if (result.exitCode() != 0) {
            throw new Failure("packing ended with exit code " + result.exitCode() + result.lastWords(),
                    "packing takes 300 MiB of memory and twice the size of the tree");
        }
    }

    /** What the process does: CONTENT X86 JOBS TARGET; the cache is the one that the environment names. */
    public static void main(String... args) throws IOException {
        CachedSlices slices = new CachedSlices(Cache.of(System.getenv(), line -> { }, Optional.empty()));
        Files.write(Path.of(args[3]), Xz.pack(Files.readAllBytes(Path.of(args[0])), Boolean.parseBoolean(args[1]), Integer.parseInt(args[2]), slices));
    }

    /** Slices of archives in the cache. */
    private record CachedSlices(Cache cache) implements PackedSlices {
        private static Cache.Key key(String digest) {
            return Cache.Key.of("initramfs-slice", "slice").with("content", digest).with("recipe", Initramfs.RECIPE);
        }

        @Override
        public boolean has(String digest) {
            return cache.has(key(digest));
        }

        @Override
        public byte[] get(String digest, Supplier<byte[]> pack) {
            Path file = cache.get(key(digest), target -> Files.write(target, pack.get()));
            try {
                return Files.readAllBytes(file);
            } catch (IOException e) {
                throw Failure.io("cannot read " + file, e);
            }
        }
    }
}
