package lib.tool;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.FileTime;
import java.time.Instant;
import java.time.temporal.ChronoUnit;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import lib.tool.Cache.Key;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

class CacheTest {
    private static final Key KEY = Key.of("strip", "busybox").with("input", "abc").with("tool", "strip 2.40");

    @TempDir
    Path folder;

    private final List<String> explained = new CopyOnWriteArrayList<>();
    private final AtomicInteger made = new AtomicInteger();
    private Cache cache;

    @BeforeEach
    void open() {
        cache = new Cache(folder, explained::add);
    }

    @Test
    void an_entry_is_made_once_and_answered_from_then_on() throws IOException {
        Path first = cache.get(KEY, this::make);
        Path second = new Cache(folder, explained::add).get(KEY, this::make);

        assertThat(made).hasValue(1);
        assertThat(second).isEqualTo(first).hasContent("made 1");
        assertThat(explained).containsExactly("miss strip busybox: never made before", "hit  strip busybox");
    }

    @Test
    void another_input_is_another_entry_and_the_reason_is_told() {
        cache.get(KEY, this::make);

        Path other = cache.get(KEY.with("tool", "strip 2.41"), this::make);

        assertThat(other).hasContent("made 2");
        assertThat(explained).last().isEqualTo("miss strip busybox: changed tool=strip 2.41");
        assertThat(cache.misses()).containsExactly("strip busybox", "strip busybox");
    }

    @Test
    void values_that_run_together_are_still_different_keys() {
        assertThat(Key.of("k", "n").with("a", "1\nb 1\n2").digest()).isNotEqualTo(Key.of("k", "n").with("a", "1").with("b", "2").digest());
        assertThat(Key.of("k", "n").with("a", "1").with("b", "2").digest()).isEqualTo(Key.of("k", "n").with("b", "2").with("a", "1").digest());
    }

    @Test
    void a_maker_that_fails_leaves_nothing_behind() throws IOException {
        assertThatThrownBy(() -> cache.get(KEY, target -> {
            Files.createDirectory(target);
            Files.writeString(target.resolve("half"), "half");
            throw new Failure("no compiler", "");
        })).hasMessage("no compiler");

        assertThat(cache.has(KEY)).isFalse();
        try (var left = Files.list(folder.resolve("tmp"))) {
            assertThat(left).isEmpty();
        }
        assertThat(cache.get(KEY, this::make)).hasContent("made 1");
    }

    @Test
    @Timeout(60)
    void threads_side_by_side_make_it_once() throws Exception {
        ExecutorService threads = Executors.newFixedThreadPool(4);
        List<Future<Path>> results = new ArrayList<>();
        for (int i = 0; i < 8; i++) {
            results.add(threads.submit(() -> cache.get(KEY, this::slowly)));
        }
        for (Future<Path> result : results) {
            assertThat(result.get()).hasContent("made 1");
        }
        threads.shutdown();
    }

    @Test
    @Timeout(60)
    void processes_side_by_side_make_it_once() throws Exception {
        List<Process> makers = List.of(maker("count"), maker("count"), maker("count"));
        for (Process maker : makers) {
            assertThat(maker.waitFor()).isZero();
        }

        assertThat(Files.readAllLines(folder.resolve("count.txt"))).hasSize(1);
    }

    @Test
    @Timeout(60)
    void a_process_killed_while_making_leaves_a_usable_cache() throws Exception {
        Process killed = maker("hang");
        while (!Files.exists(folder.resolve("half-made"))) {
            assertThat(killed.waitFor(50, TimeUnit.MILLISECONDS)).isFalse();
        }
        killed.destroyForcibly().waitFor();

        assertThat(cache.get(KEY, this::make)).hasContent("made 1");
    }

    @Test
    void what_a_killed_process_left_goes_after_two_days() throws IOException {
        Instant longAgo = Instant.now().minus(3, ChronoUnit.DAYS);
        Path young = cache.temporary("young");
        Path old = young.resolveSibling("old.1." + Long.toHexString(longAgo.toEpochMilli()) + "-1");
        Files.createDirectories(old.resolve("objects"));
        // Archives give the folders that they are unpacked into dates of their own.
        Files.setLastModifiedTime(Files.createDirectories(young), FileTime.from(longAgo));

        cache.get(KEY, this::make);

        assertThat(old).doesNotExist();
        assertThat(young).exists();
    }

    @Test
    void lives_where_the_variable_says_else_below_the_home_folder() {
        assertThat(Cache.defaultFolder(Map.of("MOS_CACHE_DIR", "/big/disk", "HOME", "/home/a"))).isEqualTo(Path.of("/big/disk"));
        assertThat(Cache.defaultFolder(Map.of("MOS_CACHE_DIR", "", "HOME", "/home/a"))).isEqualTo(Path.of("/home/a/.cache/mos-builder"));
    }

    private void make(Path target) throws IOException {
        Files.writeString(target, "made " + made.incrementAndGet());
    }

    private void slowly(Path target) throws IOException {
        try {
            Thread.sleep(300);
        } catch (InterruptedException e) {
            throw new IOException(e);
        }
        make(target);
    }

    private Process maker(String how) throws IOException {
        return new ProcessBuilder(Path.of(System.getProperty("java.home"), "bin/java").toString(), "-cp", System.getProperty("java.class.path"),
                Maker.class.getName(), folder.toString(), how).inheritIO().start();
    }

    /** Another process that uses the same cache. */
    static final class Maker {
        public static void main(String... args) {
            Path folder = Path.of(args[0]);
            new Cache(folder, line -> { }).get(KEY, target -> {
                Files.writeString(target, "half");
                if (args[1].equals("hang")) {
                    Files.writeString(folder.resolve("half-made"), "");
                    pause(60_000);
                }
                Files.writeString(folder.resolve("count.txt"), ProcessHandle.current().pid() + "\n", java.nio.file.StandardOpenOption.CREATE,
                        java.nio.file.StandardOpenOption.APPEND);
                pause(300);
            });
        }

        private static void pause(long milliseconds) throws IOException {
            try {
                Thread.sleep(milliseconds);
            } catch (InterruptedException e) {
                throw new IOException(e);
            }
        }
    }
}
