package lib;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.LinkOption;
import java.nio.file.Path;
import java.nio.file.attribute.FileTime;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Random;
import lib.FaultyProxy.Fault;
import lib.image.Flist;
import lib.image.FlistBlock;
import lib.tool.Digest;
import lib.tool.Failure;
import lib.tool.Shell;
import lib.tool.Tools;
import lib.tool.User;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class FlistsTest {
    private static final int FILES = 5_000;

    @TempDir
    Path folder;

    private final S3Server server = S3Server.shared();
    private String bucket;
    private Tools tools;
    private Path tree;

    @BeforeEach
    void bucket() throws IOException {
        bucket = server.bucket();
        tools = TestTools.in(folder, new ByteArrayOutputStream(), false);
        tree = Files.createDirectories(folder.resolve("tree"));
    }

    @Test
    @Tag("slow")
    void five_thousand_files_round_trip_and_the_second_upload_sends_no_block() throws IOException {
        plant();

        Flists.Published first = new Flists(server.store(server.endpoint(), bucket), tools).modules(tree, "6.12.44-test", FlistWriter.NATIVE);

        assertThat(first.key()).isEqualTo("mos/images/manifests/modules-6.12.44-test.fl");
        assertThat(first.files()).isEqualTo(FILES);
        assertThat(first.sent()).isEqualTo(first.blocks()).isLessThan(FILES);
        Path manifest = Files.write(folder.resolve("got.fl"), Curl.get(url(first.key())).body());
        compare(manifest);
        try (FaultyProxy proxy = new FaultyProxy(server.port(), (request, before) -> Fault.NONE)) {
            Store seen = server.store(proxy.endpoint(), bucket);
            Store store = new Store(seen.endpoint(), seen.region(), bucket, seen.prefix(), seen.accessKey(), seen.secretKey(), seen.style(), seen.certificates(),
                    seen.patience(), java.util.Optional.of(server.store(server.endpoint(), bucket).readers()), "fl", seen.signing(), seen.secretFile());
            assertThat(new Flists(store, tools).modules(tree, "6.12.44-test", FlistWriter.NATIVE).sent()).isZero();
            assertThat(proxy.log()).noneMatch(FaultyProxy.Request::write);
        }
    }

    @Test
    void an_upload_that_was_cut_goes_on_where_it_was() throws IOException {
        for (int i = 0; i < 40; i++) {
            Files.writeString(tree.resolve("file" + i), "content " + i);
        }
        try (FaultyProxy proxy = new FaultyProxy(server.port(), (request, before) -> request.number() > 60 ? Fault.BUSY : Fault.NONE)) {
            Thread builder = new Thread(() -> assertThatThrownBy(() -> publish(server.store(proxy.endpoint(), bucket))).isInstanceOf(Failure.class));
            builder.start();
            while (proxy.log().size() < 70) {
                Thread.onSpinWait();
            }
            builder.interrupt();
            join(builder);
        }

        Flists.Published second = publish(server.store(server.endpoint(), bucket));

        assertThat(second.blocks()).isEqualTo(40);
        assertThat(second.sent()).isBetween(1, 39);
    }

    @Test
    void a_block_that_was_changed_in_the_store_is_noticed() throws IOException {
        Files.writeString(tree.resolve("file"), "content");
        publish(server.store(server.endpoint(), bucket));
        FlistBlock block = FlistBlock.encode("content".getBytes(UTF_8));
        byte[] changed = block.stored().clone();
        changed[0] ^= 1;
        Curl.run("PUT", url(block.name()), changed).requireStatus(200);

        assertThatThrownBy(() -> publish(server.store(server.endpoint(), bucket))).isInstanceOf(Failure.class).hasMessageContaining(block.name());
    }

    @Test
    void the_routes_hold_neither_secret_nor_access_key_and_the_old_extension_is_a_setting() throws IOException {
        Files.writeString(tree.resolve("file"), "content");
        Map<String, String> environment = new HashMap<>(S3Server.environment(server.endpoint(), bucket));
        environment.put("FLIST_EXTENSION", "fls");
        environment.put("S3_PUBLIC_URL", "https://cdn.example.com/mos");
        Store store = Store.read(Path.of("/nonexistent/rfs.conf"), environment).orElseThrow();

        Flists.Published modules = new Flists(store, tools).modules(tree, "6.1", FlistWriter.NATIVE);
        Flists.Published firmware = new Flists(store, tools).firmware(tree, "20250708", FlistWriter.NATIVE);

        assertThat(modules.key()).endsWith("/manifests/modules-6.1.fls");
        assertThat(firmware.key()).endsWith("/manifests/firmware-20250708.fl");
        String text = new String(Curl.get(url(modules.key())).body(), java.nio.charset.StandardCharsets.ISO_8859_1);
        assertThat(text).contains("https://cdn.example.com/mos").doesNotContain(S3Server.SECRET).doesNotContain(S3Server.ACCESS);
    }

    /** rfs itself cannot be built here; what stands in its place packs into a folder, as rfs does, and notes its arguments. */
    @Test
    void an_installed_rfs_packs_without_seeing_the_secret() throws IOException {
        Files.writeString(tree.resolve("file"), "content");
        FlistBlock block = FlistBlock.encode("content".getBytes(UTF_8));
        Path made = folder.resolve("made.fl");
        Flist.write(made, List.of(new Flist.Entry("", Flist.Inode.of(tree), java.util.Optional.empty(), List.of()),
                new Flist.Entry("file", Flist.Inode.of(tree.resolve("file")), java.util.Optional.empty(), List.of(new Flist.Ref(block.id(), block.key())))),
                List.of(Flist.Route.all("dir:///somewhere")), Map.of());
        Files.write(folder.resolve("block"), block.stored());
        Path rfs = Files.writeString(folder.resolve("rfs"), """
                #!/bin/sh
                echo "$@" > %1$s/argv; env >> %1$s/argv
                dir=${5#dir://}; mkdir -p "$dir/%2$s"
                cp %1$s/block "$dir/%2$s/%3$s"; cp %1$s/made.fl "$3"
                """.formatted(folder, block.name().substring(0, 2), block.name()));
        assertThat(rfs.toFile().setExecutable(true)).isTrue();
        assumeTrue(Shell.which("rfs").isEmpty(), "a real rfs is installed");

        assertThatThrownBy(() -> new Flists(server.store(server.endpoint(), bucket), tools).modules(tree, "6.1", FlistWriter.RFS)).isInstanceOf(Failure.class)
                .hasMessageContaining("rfs is not installed");

        Flists.Published published = new Flists(server.store(server.endpoint(), bucket), tools).pack(tree, "modules-6.1.fl", rfs.toString());
        assertThat(published.sent()).isEqualTo(1);
        assertThat(Files.readString(folder.resolve("argv"))).startsWith("pack -m ").doesNotContain(S3Server.SECRET);
        Path manifest = Files.write(folder.resolve("got.fl"), Curl.get(url(published.key())).body());
        assertThat(new String(Files.readAllBytes(manifest), java.nio.charset.StandardCharsets.ISO_8859_1)).contains(server.endpoint() + "/" + bucket).doesNotContain("dir://");
    }

    private Flists.Published publish(Store store) {
        return new Flists(store, tools).publish(tree, "test.fl", Map.of(), FlistWriter.NATIVE);
    }

    private String url(String key) {
        return server.endpoint() + "/" + bucket + "/" + key;
    }

    private static void join(Thread thread) {
        try {
            thread.join();
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
    }

    /** Empty, small and large files, the same content many times, links good and bad, odd names, modes, owners, times, devices. */
    private void plant() throws IOException {
        Random random = new Random(7);
        byte[] large = new byte[3 * FlistBlock.SIZE + 17];
        random.nextBytes(large);
        for (int i = 0; i < FILES; i++) {
            Path place = Files.createDirectories(tree.resolve("kernel/d" + i % 37 + (i % 5 == 0 ? "/deeper" : "")));
            Path file = place.resolve(i % 400 == 0 ? "weird name ü" + i : "f" + i + ".ko");
            byte[] content = i % 100 == 0 ? new byte[0] : i == 7 ? large : i == 8 ? new byte[FlistBlock.SIZE] : i % 3 > 0 ? "the same twice".getBytes(UTF_8) : ("module " + i).getBytes(UTF_8);
            Files.write(file, content);
            Files.setAttribute(file, "unix:mode", i % 2 == 0 ? 0640 : i % 7 == 0 ? 04755 : 0600);
            if (User.isRoot()) {
                Files.setAttribute(file, "unix:uid", i % 1000);
                Files.setAttribute(file, "unix:gid", i % 77);
                Files.setAttribute(file, "unix:mode", i % 2 == 0 ? 0640 : i % 7 == 0 ? 04755 : 0600);
            }
            Files.setLastModifiedTime(file, FileTime.fromMillis(1_500_000_000_000L + i * 1000L));
        }
        Files.createSymbolicLink(tree.resolve("link"), Path.of("kernel/d1"));
        Files.createSymbolicLink(tree.resolve("broken"), Path.of("/nowhere/at all"));
        if (User.isRoot()) {
            new ProcessBuilder("mknod", tree.resolve("null").toString(), "c", "1", "3").start().onExit().join();
            new ProcessBuilder("mkfifo", tree.resolve("fifo").toString()).start().onExit().join();
        }
    }

    /** Walks the tree beside the flist with nothing of the code that made it but the block decoder. */
    private void compare(Path manifest) throws IOException {
        Map<String, byte[]> blocks = new HashMap<>();
        List<Flist.Entry> entries = Flist.read(manifest);
        try (var all = Files.walk(tree)) {
            assertThat(entries).hasSize((int) all.count());
        }
        try (var s3 = server.client(server.endpoint(), bucket, tools.console())) {
            for (Flist.Entry entry : entries) {
                Path path = tree.resolve(entry.path());
                Map<String, Object> stat = Files.readAttributes(path, "unix:mode,uid,gid,rdev", LinkOption.NOFOLLOW_LINKS);
                assertThat(entry.inode().mode()).as(entry.path()).isEqualTo(stat.get("mode"));
                assertThat(entry.inode().uid()).isEqualTo(stat.get("uid"));
                assertThat(entry.inode().gid()).isEqualTo(stat.get("gid"));
                assertThat(entry.inode().mtime()).isEqualTo(Files.getLastModifiedTime(path, LinkOption.NOFOLLOW_LINKS).toMillis() / 1000);
                assertThat(entry.target()).isEqualTo(Files.isSymbolicLink(path) ? java.util.Optional.of(Files.readSymbolicLink(path).toString()) : java.util.Optional.empty());
                if (entry.path().equals("null")) {
                    assertThat(entry.inode().rdev()).isEqualTo(0x103);
                }
                if (entry.inode().isFile()) {
                    ByteArrayOutputStream content = new ByteArrayOutputStream();
                    for (Flist.Ref ref : entry.blocks()) {
                        content.write(blocks.computeIfAbsent(Digest.hex(ref.id()), name -> FlistBlock.decode(ref.id(), ref.key(), s3.find(name).orElseThrow().bytes())));
                    }
                    assertThat(content.toByteArray()).as(entry.path()).isEqualTo(Files.readAllBytes(path));
                    assertThat(entry.inode().size()).isEqualTo(content.size());
                }
            }
        }
    }
}
