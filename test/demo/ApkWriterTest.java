package demo;

import static org.assertj.core.api.Assertions.assertThat;

import demo.ApkWriter.Apk;
import java.io.ByteArrayInputStream;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class ApkWriterTest {
    private static final SigningKey KEY = SigningKey.generate("test.rsa.pub");
    private static final String LONG_NAME = "usr/share/" + "long-name-".repeat(15);

    private final ApkWriter writer = new ApkWriter(KEY);
    private Path root;

    @TempDir
    Path scratch;

    @BeforeEach
    void emptyRoot() throws IOException {
        root = Files.createDirectories(scratch.resolve("root"));
        Files.createDirectories(scratch.resolve("keys"));
        Files.writeString(scratch.resolve("keys/test.rsa.pub"), KEY.publicPem());
    }

    private static ApkPackage hello() {
        return ApkPackage.of("hello", "1.0-r0", "x86_64", 1_735_689_600).with("pkgdesc", "says hello").with("license", "MIT")
                .with("depend", "so:libgreet.so.1")
                .with(TarEntry.file("usr/bin/hello", 0755, "hello\n")).with(TarEntry.symlink("usr/bin/greet", "hello"))
                .with(TarEntry.file("etc/secret", 0640, "s").ownedBy(new TarEntry.Owner(7, "", 8, "")))
                .with(TarEntry.file(LONG_NAME, 0644, "long")).with(TarEntry.folder("var/empty", 0555)).tidy();
    }

    private static ApkPackage library() {
        return ApkPackage.of("libgreet", "2-r1", "x86_64", 1_735_689_600).with("provides", "so:libgreet.so.1=1.2")
                .with(TarEntry.file("lib/libgreet.so.1.2", 0755, "lib")).with(TarEntry.symlink("lib/libgreet.so.1", "libgreet.so.1.2")).tidy();
    }

    private Path repository(Apk hello, Apk library, byte[] index) throws IOException {
        Path folder = Files.createDirectories(scratch.resolve("repo/x86_64"));
        Files.write(folder.resolve("hello-1.0-r0.apk"), hello.bytes());
        Files.write(folder.resolve("libgreet-2-r1.apk"), library.bytes());
        Files.write(folder.resolve("APKINDEX.tar.gz"), index);
        return folder.getParent();
    }

    private RealApk.Run add(RealApk apk, Path repository) throws IOException, InterruptedException {
        return apk.apk("--root", root.toString(), "--arch", "x86_64", "--keys-dir", scratch.resolve("keys").toString(),
                "--repository", repository.toString(), "--no-chown", "--initdb", "add", "hello");
    }

    @Test
    void the_real_apk_installs_what_it_writes_and_finds_nothing_changed() throws Exception {
        RealApk apk = RealApk.unpackedInto(scratch);
        for (String algorithm : List.of("RSA", "RSA256", "RSA512")) {
            ApkWriter signing = new ApkWriter(KEY, algorithm);
            Apk hello = signing.write(hello());
            Apk library = signing.write(library());
            Path repository = repository(hello, library, signing.index("test", List.of(signing.stanza(hello(), hello),
                    signing.stanza(library(), library))));
            RealApk.Run add = add(apk, repository);
            assertThat(add.text()).as(algorithm).contains("(1/2) Installing libgreet (2-r1)").contains("(2/2) Installing hello (1.0-r0)");
            assertThat(add.exitCode()).as(add.text()).isZero();
            assertThat(root.resolve(LONG_NAME)).hasContent("long");
            assertThat(Files.readSymbolicLink(root.resolve("usr/bin/greet"))).hasToString("hello");
            RealApk.Run audit = apk.apk("--root", root.toString(), "audit", "--system");
            assertThat(audit.text()).isEmpty();
            assertThat(Files.readString(root.resolve("lib/apk/db/installed"))).contains("C:" + hello.checksum() + "\nP:hello\nV:1.0-r0\n");
            lib.tool.Trees.delete(root);
            Files.createDirectories(root);
        }
    }

    @Test
    void the_real_apk_installs_a_package_file_by_its_own_signature() throws Exception {
        RealApk apk = RealApk.unpackedInto(scratch);
        Path file = Files.write(scratch.resolve("libgreet-2-r1.apk"), writer.write(library()).bytes());
        RealApk.Run add = apk.apk("--root", root.toString(), "--arch", "x86_64", "--keys-dir", scratch.resolve("keys").toString(),
                "--no-chown", "--initdb", "add", file.toString());
        assertThat(add.exitCode()).as(add.text()).isZero();
    }

    @Test
    void the_real_apk_refuses_an_index_signed_by_another_key_of_the_same_name() throws Exception {
        RealApk apk = RealApk.unpackedInto(scratch);
        ApkWriter stranger = new ApkWriter(SigningKey.generate("test.rsa.pub"));
        Apk hello = writer.write(hello());
        Apk library = writer.write(library());
        Path repository = repository(hello, library, stranger.index("test", List.of(writer.stanza(hello(), hello))));
        RealApk.Run add = add(apk, repository);
        assertThat(add.exitCode()).isNotZero();
        assertThat(add.text()).contains("BAD signature");
    }

    @Test
    void the_real_apk_refuses_a_package_put_together_from_two() throws Exception {
        RealApk apk = RealApk.unpackedInto(scratch);
        Apk hello = writer.write(hello());
        Apk library = writer.write(library());
        Apk mixed = new Apk(library.signature(), library.control(), hello.data());
        Path repository = repository(hello, mixed, writer.index("test", List.of(writer.stanza(hello(), hello), writer.stanza(library(), library))));
        RealApk.Run add = add(apk, repository);
        assertThat(add.exitCode()).isNotZero();
        assertThat(root.resolve("usr/bin/hello")).exists();
        assertThat(root.resolve("lib/libgreet.so.1")).doesNotExist();
    }

    @Test
    void the_same_package_is_written_to_the_same_bytes() {
        assertThat(writer.write(hello()).bytes()).isEqualTo(new ApkWriter(KEY).write(hello()).bytes());
    }

    @Test
    void a_saved_key_signs_as_the_one_that_was_saved() throws Exception {
        Path file = scratch.resolve("key");
        KEY.save(file);
        assertThat(Files.getPosixFilePermissions(file)).hasSize(2);
        SigningKey again = SigningKey.load("test.rsa.pub", file);
        assertThat(again.publicPem()).isEqualTo(KEY.publicPem());
        assertThat(new ApkWriter(again).signature(new byte[] {1})).isEqualTo(writer.signature(new byte[] {1}));
    }

    @Test
    void entries_keep_names_and_checksums_that_an_honest_tool_would_correct() throws Exception {
        byte[] data = ApkWriter.data(List.of(TarEntry.file("../outside", 0644, "x"), TarEntry.file("/absolute", 04755, "y"),
                TarEntry.file("false-sum", 0644, "z").with("APK-TOOLS.checksum.SHA1", "0".repeat(40)), TarEntry.characterDevice("dev/null", 0666, 1, 3)));
        Path tar = Files.write(scratch.resolve("data.tar"), new java.util.zip.GZIPInputStream(new ByteArrayInputStream(data)).readAllBytes());
        RealApk.Run list = RealApk.run(List.of("tar", "tvPf", tar.toString()));
        assertThat(list.exitCode()).as(list.text()).isZero();
        assertThat(list.text()).contains(" ../outside").contains("-rwsr-xr-x").contains(" /absolute").containsPattern("crw-rw-rw- .* 1,3 .*dev/null");
        assertThat(Files.readString(tar, java.nio.charset.StandardCharsets.ISO_8859_1)).contains("APK-TOOLS.checksum.SHA1=" + "0".repeat(40));
    }
}
