package lib.apk;

import static lib.apk.Repo.pkg;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import demo.ApkPackage;
import demo.ApkWriter;
import demo.SigningKey;
import demo.TarEntry;
import java.io.IOException;
import java.nio.channels.FileChannel;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.stream.Stream;
import lib.tool.Console;
import lib.tool.Failure;
import lib.tool.Shell;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.DynamicTest;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestFactory;
import org.junit.jupiter.api.io.TempDir;

/** Packages and indexes that no honest tool writes: each is refused before anything of it is in the tree, and the refusal says what is wrong. */
class HostileTest {
    private static final ApkPackage GOOD = pkg("good", "1-r0").with(TarEntry.file("usr/bin/good", 0755, "good")).tidy();

    @TempDir
    Path scratch;
    private Repo repo;
    private Path root;
    private final Shell shell = new Shell(Console.plain(System.err));

    @BeforeEach
    void prepare() throws IOException {
        repo = new Repo(scratch.resolve("repo"));
        root = Files.createDirectories(scratch.resolve("root"));
        Files.createDirectories(scratch.resolve("outside"));
    }

    private void refused(ApkPackage one, ApkWriter.Apk apk, String... words) {
        repo.put(one, apk);
        assertThatThrownBy(() -> repo.install(root, shell, one.name())).isInstanceOf(Failure.class)
                .satisfies(e -> assertThat(e.getMessage()).contains(one.name()).contains(words));
        assertThat(root).as("nothing of a bad package reaches the tree").isEmptyDirectory();
        assertThat(scratch.resolve("outside")).isEmptyDirectory();
    }

    @TestFactory
    Stream<DynamicTest> entries_that_may_not_be_installed() {
        Map<String, List<TarEntry>> corpus = new LinkedHashMap<>();
        TarEntry usr = TarEntry.folder("usr", 0755);
        corpus.put("unsafe name \"../outside/x\"", List.of(TarEntry.file("../outside/x", 0644, "x")));
        corpus.put("unsafe name \"/outside/x\"", List.of(TarEntry.file("/outside/x", 0644, "x")));
        corpus.put("unsafe name \"usr/../../x\"", List.of(usr, TarEntry.file("usr/../../x", 0644, "x")));
        corpus.put("unsafe name \"./x\"", List.of(TarEntry.file("./x", 0644, "x")));
        corpus.put("unsafe name \"usr//x\"", List.of(usr, TarEntry.file("usr//x", 0644, "x")));
        corpus.put("without an entry for the folder", List.of(TarEntry.symlink("link", "/outside"), TarEntry.file("link/x", 0644, "x")));
        corpus.put("no file before it", List.of(TarEntry.hardLink("x", "/etc/passwd")));
        corpus.put("is a hard link to \"../outside\"", List.of(TarEntry.hardLink("x", "../outside")));
        corpus.put("hard link to \"link\"", List.of(TarEntry.symlink("link", "/etc/passwd"), TarEntry.hardLink("x", "link")));
        corpus.put("is a device node", List.of(TarEntry.characterDevice("mem", 0666, 1, 1)));
        corpus.put("comes twice", List.of(TarEntry.file("x", 0644, "1"), TarEntry.file("x", 0644, "2")));
        corpus.put("link comes twice", List.of(TarEntry.symlink("link", "/"), TarEntry.folder("link", 0755)));
        corpus.put("control character", List.of(TarEntry.file("a\nb", 0644, "x")));
        corpus.put("has not the content that its header states", List.of(TarEntry.file("x", 0644, "1")
                .with("APK-TOOLS.checksum.SHA1", "0000000000000000000000000000000000000000")));
        corpus.put("not a number in an extended header", List.of(TarEntry.file("x", 0644, "1").with("size", "-1")));
        corpus.put("ends in the middle", List.of(TarEntry.file("x", 0644, "1").with("size", "999999")));
        corpus.put("to nothing", List.of(TarEntry.symlink("x", "")));
        return corpus.entrySet().stream().map(one -> DynamicTest.dynamicTest(one.getKey(), () -> {
            prepare();
            ApkPackage bad = pkg("bad", "1-r0").with(TarEntry.file(".dummy", 0644, "x")).withEntries(one.getValue());
            refused(bad, repo.writer().write(bad), one.getKey());
        }));
    }

    @Test
    void a_name_that_is_not_utf_8() {
        ApkPackage bad = pkg("bad", "1-r0").with(TarEntry.file("aXb", 0644, "x"));
        byte[] tar = inflate(repo.writer().write(bad).data());
        for (int i = 0; i < tar.length; i++) {
            if (tar[i] == 'X' && tar[i - 1] == 'a' && tar[i + 1] == 'b') {
                tar[i] = (byte) 0xff;
                fixSum(tar, i / 512 * 512);
            }
        }
        refused(bad, fitting(bad, ApkWriter.gzip(tar)), "not UTF-8");
    }

    private static void fixSum(byte[] tar, int header) {
        Arrays.fill(tar, header + 148, header + 156, (byte) ' ');
        int sum = 0;
        for (int i = 0; i < 512; i++) {
            sum += tar[header + i] & 0xff;
        }
        byte[] text = String.format("%06o\0 ", sum).getBytes(StandardCharsets.US_ASCII);
        System.arraycopy(text, 0, tar, header + 148, 8);
    }

    private static byte[] inflate(byte[] gzip) {
        try (var in = new java.util.zip.GZIPInputStream(new java.io.ByteArrayInputStream(gzip))) {
            return in.readAllBytes();
        } catch (IOException e) {
            throw new IllegalStateException(e);
        }
    }

    /** Control part and signature that vouch for this data. */
    private ApkWriter.Apk fitting(ApkPackage one, byte[] data) {
        byte[] control = ApkWriter.control(ApkWriter.pkginfo(one, data), one.scripts(), one.time());
        return new ApkWriter.Apk(repo.writer().signature(control), control, data);
    }

    @Test
    void another_package_under_the_name_of_the_index() throws IOException {
        repo.with(GOOD);
        ApkPackage evil = pkg("good", "1-r0").with(TarEntry.file("usr/bin/good", 0755, "evil")).tidy();
        Files.write(repo.file(GOOD), repo.writer().write(evil).bytes());
        assertThatThrownBy(() -> repo.install(root, shell, "good")).hasMessageContaining("not the package of the index").hasMessageContaining("good-1-r0.apk");
        assertThat(root).isEmptyDirectory();
    }

    @Test
    void a_control_part_that_calls_itself_something_else() {
        ApkWriter.Apk other = repo.writer().write(pkg("other", "1-r0").with(TarEntry.file("x", 0644, "x")));
        refused(GOOD, other, ".PKGINFO calls it other-1-r0");
    }

    @Test
    void data_that_is_cut_followed_by_junk_or_changed() throws IOException {
        ApkWriter.Apk apk = repo.writer().write(GOOD);
        byte[] cut = Arrays.copyOf(apk.data(), apk.data().length - 9);
        byte[] junk = Arrays.copyOf(apk.data(), apk.data().length + 9);
        byte[] changed = apk.data().clone();
        changed[changed.length / 2] ^= 1;
        for (byte[] data : List.of(cut, junk, changed)) {
            refused(GOOD, new ApkWriter.Apk(apk.signature(), apk.control(), data), "SHA-256");
        }
        refused(GOOD, fitting(GOOD, junk), "9 bytes behind its data");
        refused(GOOD, fitting(GOOD, cut), "in the middle");
        refused(GOOD, new ApkWriter.Apk(apk.signature(), Arrays.copyOf(apk.control(), apk.control().length - 5), apk.data()), "damaged");
        refused(GOOD, new ApkWriter.Apk(new byte[0], new byte[0], new byte[0]), "damaged");
    }

    @Test
    void a_control_part_that_expands_without_end() {
        ApkPackage bomb = pkg("bomb", "1-r0").withScript("post-install", "#".repeat(40 << 20)).with(TarEntry.file("x", 0644, "x"));
        refused(bomb, repo.writer().write(bomb), "bytes allowed");
    }

    @Test
    void data_that_expands_to_much_more_than_the_index_promises() {
        byte[] zeros = new byte[70 << 20];
        ApkPackage promised = pkg("bomb", "1-r0").with(TarEntry.file("x", 0644, "x"));
        ApkPackage bomb = pkg("bomb", "1-r0").with(TarEntry.file("x", 0644, zeros));
        refused(promised, repo.writer().write(bomb), "expands to more than the ", " bytes allowed");
        repo.put(bomb, repo.writer().write(bomb));
        repo.install(root, shell, "bomb");
        assertThat(root.resolve("x")).as("an honest package of that size").hasSize(zeros.length);
    }

    @Test
    void any_single_wrong_byte_is_noticed() throws IOException {
        repo.with(GOOD);
        byte[] bytes = Files.readAllBytes(repo.file(GOOD));
        int signature = repo.writer().write(GOOD).signature().length;
        Random random = new Random(3);
        Package named = repo.catalog(Installation.open(root)).name("good").providers().get(0).pkg();
        for (int i = 0; i < 200; i++) {
            byte[] wrong = bytes.clone();
            wrong[signature + random.nextInt(wrong.length - signature)] ^= (byte) (1 << random.nextInt(8));
            Files.write(repo.file(GOOD), wrong);
            assertThatThrownBy(() -> PackageFile.verified(repo.file(GOOD), named)).isInstanceOf(Failure.class).hasMessageContaining("good-1-r0.apk");
        }
    }

    @Test
    void a_link_of_one_package_does_not_lead_the_next_one_out_of_the_tree() throws IOException {
        repo.with(pkg("alink", "1-r0").with(TarEntry.symlink("way", scratch.resolve("outside").toString())),
                pkg("bfile", "1-r0").with(TarEntry.folder("way", 0755)).with(TarEntry.file("way/x", 0644, "x")).tidy());
        if (Oracle.isRoot()) {
            assertThatThrownBy(() -> repo.install(root, shell, "alink", "bfile")).isInstanceOf(Failure.class);
        }
        assertThat(scratch.resolve("outside")).isEmptyDirectory();
    }

    @Test
    void indexes_that_are_unsigned_changed_or_signed_by_a_stranger() throws IOException {
        repo.with(GOOD);
        String stanza = repo.writer().stanza(GOOD, repo.writer().write(GOOD));
        byte[] index = repo.writer().index("test", List.of(stanza));
        Keys keys = new Keys().addFolder(repo.keys());
        Path file = scratch.resolve("index");
        Map<byte[], String> bad = new LinkedHashMap<>();
        Repo.write(file, index);
        try (FileChannel channel = FileChannel.open(file); GzipMember signature = new GzipMember(channel, 0, 1 << 16)) {
            bad.put(Arrays.copyOfRange(index, (int) signature.end(), index.length), "is not signed");
        }
        byte[] changed = index.clone();
        changed[changed.length - 40] ^= 1;
        bad.put(changed, "wrong signature by key test.rsa.pub");
        bad.put(Arrays.copyOf(index, index.length - 1), "wrong signature");
        bad.put(Arrays.copyOf(index, index.length + 1), "wrong signature");
        bad.put(new ApkWriter(SigningKey.generate("stranger.rsa.pub")).index("test", List.of(stanza)), "unknown key: stranger.rsa.pub");
        bad.put(new ApkWriter(SigningKey.generate("test.rsa.pub")).index("test", List.of(stanza)), "wrong signature");
        bad.put(new byte[0], "not a signed index");
        bad.put("<html>no such file</html>".getBytes(StandardCharsets.US_ASCII), "not a signed index");
        bad.forEach((bytes, words) -> {
            Repo.write(file, bytes);
            assertThatThrownBy(() -> SignedIndex.read(file, keys, "http://mirror/APKINDEX.tar.gz")).isInstanceOf(Failure.class)
                    .hasMessageContaining("http://mirror/APKINDEX.tar.gz").hasMessageContaining(words);
        });
    }

    @Test
    void rsa256_and_rsa512_signatures_are_good() {
        SigningKey key = SigningKey.generate("new.rsa.pub");
        Repo.write(scratch.resolve("keys/new.rsa.pub"), key.publicPem().getBytes(StandardCharsets.US_ASCII));
        for (String algorithm : List.of("RSA", "RSA256", "RSA512")) {
            Repo.write(scratch.resolve("index"), new ApkWriter(key, algorithm).index("test", List.of("P:x\n")));
            assertThat(SignedIndex.read(scratch.resolve("index"), new Keys().addFolder(scratch.resolve("keys")), "x")).isNotEmpty();
        }
    }
}
