package lib.image;

import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import java.io.ByteArrayInputStream;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Random;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.function.Supplier;
import java.util.stream.Stream;
import lib.tool.Digest;
import lib.tool.Shell;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.MethodSource;
import org.tukaani.xz.FilterOptions;
import org.tukaani.xz.LZMA2Options;
import org.tukaani.xz.X86Options;
import org.tukaani.xz.XZ;
import org.tukaani.xz.XZInputStream;
import org.tukaani.xz.XZOutputStream;

/** Judges: the decoder of xz-java, and the program xz where it is installed. */
class XzTest {
    private static final int MIB = 1 << 20;

    static Stream<Arguments> contents() throws IOException {
        Random random = new Random(1);
        byte[] noise = new byte[MIB + 17];
        random.nextBytes(noise);
        byte[] few = new byte[MIB / 4];
        for (int i = 0; i < few.length; i++) {
            few[i] = (byte) random.nextInt(3);
        }
        byte[] words = text(random, 100_000).getBytes(StandardCharsets.UTF_8);
        byte[] java = java(MIB);
        return Stream.of(Arguments.of("nothing", new byte[0]), Arguments.of("one byte", new byte[] {7}), Arguments.of("two bytes", new byte[] {7, 7}),
                Arguments.of("nine bytes", "123456789".getBytes(StandardCharsets.UTF_8)), Arguments.of("zeros", new byte[5 * MIB]),
                Arguments.of("noise", noise), Arguments.of("three values", few), Arguments.of("words", words), Arguments.of("machine code, more than a slice", java(9 * MIB)),
                Arguments.of("noise, then words, then noise again, over the edges of slices", join(noise, words, noise, words)),
                Arguments.of("the same twice, far apart", join(java, noise, java)), Arguments.of("a short period", period(37, MIB)),
                Arguments.of("two windows", join(new byte[20 * MIB], java, new byte[15 * MIB], words, java)));
    }

    @Tag("slow")
    @ParameterizedTest(name = "{0}")
    @MethodSource("contents")
    void what_was_packed_comes_out_again(String name, byte[] content) throws IOException {
        for (boolean x86 : new boolean[] {true, false}) {
            byte[] packed = Xz.pack(content, x86, 2);
            try (XZInputStream in = new XZInputStream(new ByteArrayInputStream(packed))) {
                assertThat(Arrays.equals(in.readAllBytes(), content)).as(name).isTrue();
            }
            assertThat(packed.length).isLessThan(content.length + content.length / 1000 + 100);
        }
    }

    @Test
    void the_program_xz_reads_it_and_sees_what_the_kernel_needs(@TempDir Path folder) throws IOException, InterruptedException {
        assumeTrue(Shell.which("xz").isPresent(), "xz is not installed");
        byte[] content = join(java(MIB), new byte[300_000], text(new Random(2), 100_000).getBytes(StandardCharsets.UTF_8));
        Path file = Files.write(folder.resolve("a.xz"), Xz.pack(content, true, 2));

        assertThat(run("xz", "--test", file.toString())).isEmpty();
        assertThat(run("xz", "--robot", "--list", "-vv", file.toString())).anyMatch(line -> line.startsWith("block") && line.contains("CRC32")
                && line.contains("--x86 --lzma2=dict="));
        run("xz", "--decompress", "--keep", file.toString());
        assertThat(folder.resolve("a")).hasBinaryContent(content);
    }

    @Test
    void the_bytes_do_not_depend_on_how_many_threads_work() throws IOException {
        byte[] content = join(java(MIB / 2), new byte[12 * MIB], text(new Random(3), 50_000).getBytes(StandardCharsets.UTF_8), java(MIB));

        assertThat(Arrays.equals(Xz.pack(content, true, 1), Xz.pack(content, true, 5))).isTrue();
    }

    @Test
    void content_that_begins_like_other_content_is_packed_from_the_first_difference_on() throws IOException {
        byte[] before = join(java(MIB), new byte[11 * MIB], java(MIB));
        byte[] now = join(before, text(new Random(4), 5_000).getBytes(StandardCharsets.UTF_8));
        // Inside the last slice.
        byte[] other = now.clone();
        other[12 * MIB + 40] ^= 1;
        Memory memory = new Memory();

        Xz.pack(before, true, 2, memory);
        assertThat(memory.packed).hasSize(3);
        for (byte[] content : List.of(now, other)) {
            memory.packed.clear();
            byte[] packed = Xz.pack(content, true, 2, memory);
            assertThat(memory.packed).hasSize(1);
            assertThat(Arrays.equals(packed, Xz.pack(content, true, 2))).isTrue();
        }
        memory.packed.clear();
        Xz.pack(now, true, 2, memory);
        assertThat(memory.packed).isEmpty();
        Xz.pack(now, false, 2, memory);
        assertThat(memory.packed).as("the filter changes all").hasSize(3);
    }

    /** What is behind a slice leaves no trace in it: the first content ends where the second goes on, with text that was there before. */
    @Test
    void a_slice_does_not_depend_on_what_is_behind_it() throws IOException {
        byte[] seen = "<abcdefghijklm> [bcdefghijklm] {cdefghijklm} (mno)".getBytes(StandardCharsets.UTF_8);
        for (String end : List.of("#klm", "#ijklm", "#ghijklm", "#efghijklm", "<abcdefghijklm")) {
            byte[] last = end.getBytes(StandardCharsets.UTF_8);
            byte[] first = join(new byte[20 * MIB - seen.length - last.length], seen, last);
            for (String more : List.of("> and so on", "] [bcdefghijklm", "n")) {
                byte[] second = join(first, more.getBytes(StandardCharsets.UTF_8), new byte[3 * MIB]);
                Memory memory = new Memory();
                Xz.pack(first, false, 2, memory);
                memory.packed.clear();
                byte[] packed = Xz.pack(second, false, 2, memory);
                assertThat(memory.packed).as("only the sixth slice is new").hasSize(1);
                assertThat(Arrays.equals(packed, Xz.pack(second, false, 2))).as(end + " " + more).isTrue();
            }
        }
    }

    /** The byte behind a chunk's sizes: (pb * 5 + lp) * 9 + lc. */
    @Test
    void words_and_bytes_are_told_apart_in_different_ways() {
        Random random = new Random(11);
        ByteBuffer words = ByteBuffer.allocate(MIB);
        while (words.hasRemaining()) {
            words.putInt(0x52800000 | random.nextInt(1 << 10));
        }
        assertThat(properties(words.array())).isEqualTo((2 * 5 + 2) * 9 + 2);
        assertThat(properties(text(random, MIB).getBytes(StandardCharsets.UTF_8))).isEqualTo((1 * 5 + 0) * 9 + 4);
    }

    private static int properties(byte[] content) {
        byte[] packed = Xz.pack(content, false, 2);
        int chunk = 12 + 4 * (packed[12] + 1);
        return packed[chunk + 5] & 0xff;
    }

    /** Caches hold archives and slices of earlier versions of this code, told apart by {@code Initramfs.RECIPE}. */
    @Test
    void other_bytes_than_before_take_another_recipe() {
        Random random = new Random(5);
        byte[] content = text(random, 60_000).getBytes(StandardCharsets.UTF_8);
        for (int i = 0; i < 200; i++) {
            content = join(content, mixture(random));
        }
        String digest = Digest.hex(Digest.newSha256().digest(Xz.pack(content, true, 2)));

        assertThat(digest).as("raise Initramfs.RECIPE, then change this").isEqualTo("60b1dc6363e9a958bac3126e5f6582d288a3cb4f0a37d41bc5e64e1ca16189f3");
    }

    private static final class Memory implements PackedSlices {
        private final Map<String, byte[]> slices = new ConcurrentHashMap<>();
        private final List<String> packed = new CopyOnWriteArrayList<>();

        @Override
        public Optional<Supplier<byte[]>> find(String digest) {
            return Optional.ofNullable(slices.get(digest)).map(bytes -> () -> bytes);
        }

        @Override
        public void put(String digest, byte[] bytes) {
            slices.put(digest, bytes);
            packed.add(digest);
        }
    }

    /** Literals, runs, copies from anywhere before, copies with changes, and code-like bytes that the filter for x86 turns over. */
    @Tag("slow")
    @Test
    void random_mixtures_come_out_again() throws IOException {
        for (int seed = 0; seed < 300; seed++) {
            byte[] content = mixture(new Random(seed));
            try (XZInputStream in = new XZInputStream(new ByteArrayInputStream(Xz.pack(content, seed % 2 == 0, 2)))) {
                assertThat(Arrays.equals(in.readAllBytes(), content)).as("mixture of the seed " + seed).isTrue();
            }
        }
    }

    private static byte[] mixture(Random random) {
        byte[] content = new byte[1 + random.nextInt(1 << 4 + random.nextInt(14))];
        for (int at = 0; at < content.length; ) {
            int length = Math.min(content.length - at, 1 + random.nextInt(1 << 1 + random.nextInt(11)));
            int kind = at == 0 ? 0 : random.nextInt(5);
            int back = at == 0 ? 1 : 1 + random.nextInt(Math.min(at, 1 << 1 + random.nextInt(17)));
            for (int i = at; i < at + length; i++) {
                content[i] = switch (kind) {
                    case 0 -> (byte) random.nextInt(1 << 1 + random.nextInt(8));
                    case 1 -> content[at - 1];
                    case 2 -> content[i - back];
                    case 3 -> random.nextInt(20) == 0 ? (byte) random.nextInt() : content[i - back];
                    default -> (byte) (i % 5 == 0 ? 0xe8 : i % 5 == 4 ? -random.nextInt(2) : random.nextInt());
                };
            }
            at += length;
        }
        return content;
    }

    /** One slice, so that nothing but the choice of symbols differs. */
    @Test
    void it_packs_about_as_well_as_the_best_level_of_xz() throws IOException {
        byte[] content = java(2 * MIB);
        ByteArrayOutputStream best = new ByteArrayOutputStream();
        try (XZOutputStream out = new XZOutputStream(best, new FilterOptions[] {new X86Options(), new LZMA2Options(9)}, XZ.CHECK_CRC32)) {
            out.write(content);
        }

        assertThat((double) Xz.pack(content, true, 2).length / best.size()).isLessThan(1.02);
    }

    @Test
    void the_dictionary_spans_the_content_and_is_no_larger_than_needed() {
        assertThat(List.of(0L, 1L << 20, (1L << 20) + 1, 23_000_000L, 30_000_000L, 1L << 40)).extracting(Xz::dictionary)
                .containsExactly(MIB, MIB, 3 * MIB / 2, 24 * MIB, 32 * MIB, 64 * MIB);
    }

    private static List<String> run(String... argv) throws IOException, InterruptedException {
        Process process = new ProcessBuilder(argv).redirectErrorStream(true).start();
        List<String> lines = new String(process.getInputStream().readAllBytes(), StandardCharsets.UTF_8).lines().toList();
        assertThat(process.waitFor()).as(lines.toString()).isZero();
        return lines;
    }

    private static String text(Random random, int words) {
        StringBuilder text = new StringBuilder();
        for (int i = 0; i < words; i++) {
            text.append("aeiou".charAt(random.nextInt(5))).append("bcdfg".charAt(random.nextInt(5))).append(random.nextInt(10) == 0 ? "\n" : " ");
        }
        return text.toString();
    }

    /** The start of this machine's own code. */
    private static byte[] java(int bytes) throws IOException {
        byte[] library = Files.readAllBytes(Path.of(System.getProperty("java.home"), "lib/server/libjvm.so"));
        return Arrays.copyOf(library, Math.min(library.length, bytes));
    }

    private static byte[] period(int length, int bytes) {
        byte[] all = new byte[bytes];
        for (int i = 0; i < bytes; i++) {
            all[i] = (byte) (i % length * 31);
        }
        return all;
    }

    private static byte[] join(byte[]... parts) {
        ByteArrayOutputStream all = new ByteArrayOutputStream();
        Stream.of(parts).forEach(all::writeBytes);
        return all.toByteArray();
    }
}
