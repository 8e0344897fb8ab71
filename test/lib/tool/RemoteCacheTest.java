package lib.tool;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.fail;

import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.PrintStream;
import java.net.URI;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.FileTime;
import java.nio.file.attribute.PosixFilePermissions;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import lib.Curl;
import lib.PublishingTests;
import lib.S3Server;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Two machines, which are two cache folders, and a real S3 server between them. */
class RemoteCacheTest {
    private static final Cache.Key KEY = Cache.Key.of("kernel-objects", "linux").with("configuration", "abc");
    private static final Instant TIME = Instant.parse("2024-05-06T07:08:09.1234567Z");

    @TempDir
    Path folder;

    private final ByteArrayOutputStream printed = new ByteArrayOutputStream();
    private final List<String> explained = new ArrayList<>();
    private String bucket;

    @BeforeEach
    void empty() {
        bucket = S3Server.shared().bucket();
    }

    /** Work of a machine with its own cache; returns when everything is sent. */
    private Path onMachine(String name, URI endpoint, Cache.Key key, Cache.Maker maker) {
        Console console = Console.plain(new PrintStream(printed, true));
        try (RemoteCache remote = new RemoteCache(endpoint, () -> S3Server.shared().client(endpoint, bucket, console), "team/x", console)) {
            return new Cache(folder.resolve(name), explained::add, Optional.of(remote)).get(key, maker);
        }
    }

    private Path onMachine(String name, Cache.Maker maker) {
        return onMachine(name, S3Server.shared().endpoint(), KEY, maker);
    }

    private static void make(Path target) throws IOException {
        Files.createDirectories(target.resolve("deep/empty"));
        Path program = Files.writeString(target.resolve("deep/program"), "made");
        Files.setPosixFilePermissions(program, PosixFilePermissions.fromString("rwxr-x--x"));
        Files.createSymbolicLink(target.resolve("link"), Path.of("deep/program"));
        Files.setLastModifiedTime(program, FileTime.from(TIME));
    }

    @Test
    void what_one_machine_made_the_other_fetches_with_modes_links_and_times() throws IOException {
        onMachine("one", RemoteCacheTest::make);

        Path there = onMachine("two", target -> fail("made again"));

        assertThat(there).startsWith(folder.resolve("two"));
        assertThat(there.resolve("deep/program")).hasContent("made");
        assertThat(PosixFilePermissions.toString(Files.getPosixFilePermissions(there.resolve("deep/program")))).isEqualTo("rwxr-x--x");
        assertThat(Files.getLastModifiedTime(there.resolve("deep/program")).toInstant()).isEqualTo(TIME);
        assertThat(Files.readSymbolicLink(there.resolve("link"))).isEqualTo(Path.of("deep/program"));
        assertThat(there.resolve("deep/empty")).isEmptyDirectory();
        assertThat(explained).last().asString().isEqualTo("hit  kernel-objects linux (remote cache)");
        assertThat(folder.resolve("two/tmp")).isEmptyDirectory();
    }

    @Test
    void an_entry_can_be_one_file() {
        onMachine("one", target -> Files.writeString(target, "one file"));

        assertThat(onMachine("two", target -> fail("made again"))).hasContent("one file");
    }

    @Test
    void what_is_in_a_local_cache_is_sent_when_it_is_used() {
        new Cache(folder.resolve("one"), line -> { }).get(KEY, RemoteCacheTest::make);
        onMachine("one", target -> fail("it is here"));

        assertThat(onMachine("two", target -> fail("made again")).resolve("deep/program")).hasContent("made");
    }

    @Test
    void damaged_content_is_made_anew_and_replaced() {
        onMachine("one", RemoteCacheTest::make);
        damage();

        assertThat(onMachine("two", target -> Files.writeString(target, "made anew"))).hasContent("made anew");
        assertThat(printed.toString()).contains("damaged");
        assertThat(onMachine("three", target -> fail("made again"))).hasContent("made anew");
    }

    /** Changes a bit of the first content that is there. */
    private void damage() {
        try (S3 s3 = client()) {
            String key = s3.list("team/x/content/").get(0).key();
            byte[] bytes = s3.find(key).orElseThrow().bytes();
            bytes[bytes.length / 2] ^= 1;
            s3.put(key, bytes, new S3.Kind("application/zstd", ""), S3.Condition.NONE);
        }
    }

    @Test
    void a_server_that_is_down_is_mentioned_once_and_fails_nothing() {
        URI nobody = URI.create("http://127.0.0.1:1");

        assertThat(onMachine("one", nobody, KEY, target -> Files.writeString(target, "made"))).hasContent("made");

        assertThat(printed.toString().lines()).singleElement().asString().startsWith("remote cache: cannot fetch kernel-objects linux: ").endsWith("going on without it");
    }

    @Test
    void with_keys_that_may_only_read_what_is_there_is_fetched_whatever_else_is_missing_or_damaged() throws IOException {
        Cache.Key damaged = Cache.Key.of("kernel-objects", "damaged").with("configuration", "d");
        onMachine("one", S3Server.shared().endpoint(), damaged, target -> Files.writeString(target, "damaged"));
        damage();
        onMachine("one", RemoteCacheTest::make);
        printed.reset();
        Console console = Console.plain(new PrintStream(printed, true));
        try (var proxy = PublishingTests.denying(S3Server.shared().port(), "(PUT|POST|DELETE) .*")) {
            URI endpoint = URI.create(proxy.endpoint());
            Cache.Key missing = Cache.Key.of("kernel-objects", "missing").with("configuration", "m");
            onMachine("two", endpoint, missing, target -> Files.writeString(target, "made"));
            try (RemoteCache remote = new RemoteCache(endpoint, () -> S3Server.shared().client(endpoint, bucket, console), "team/x", console)) {
                Cache cache = new Cache(folder.resolve("two"), explained::add, Optional.of(remote));
                assertThat(cache.get(damaged, target -> Files.writeString(target, "made anew"))).hasContent("made anew");
                assertThat(cache.get(KEY, target -> fail("made again")).resolve("deep/program")).hasContent("made");
            }
        }

        assertThat(printed.toString().lines()).hasSize(3).first().asString().startsWith("remote cache: cannot send kernel-objects missing: ").endsWith("; nothing more is sent");
    }

    @Test
    void a_wrong_key_is_mentioned_and_fails_nothing() {
        URI endpoint = S3Server.shared().endpoint();
        Console console = Console.plain(new PrintStream(printed, true));
        S3.Place place = new S3.Place(endpoint, "us-east-1", bucket, S3Server.ACCESS, "k3y-of-others", S3.Style.AUTO, Optional.empty(), java.time.Duration.ofSeconds(3));
        try (RemoteCache remote = new RemoteCache(endpoint, () -> new S3(place, console), "", console)) {
            assertThat(new Cache(folder.resolve("one"), explained::add, Optional.of(remote)).get(KEY, target -> Files.writeString(target, "made"))).hasContent("made");
        }

        assertThat(printed.toString()).contains("going on without it").doesNotContain("k3y-of-others");
    }

    @Test
    void downloads_and_unpacked_sources_stay_on_their_machine() {
        onMachine("one", S3Server.shared().endpoint(), Cache.Key.of("kernel-source", "linux"), target -> Files.writeString(target, "source"));

        try (S3 s3 = client()) {
            assertThat(s3.list("team/x/content/")).isEmpty();
        }
    }

    private S3 client() {
        return S3Server.shared().client(S3Server.shared().endpoint(), bucket, Console.plain(new PrintStream(printed, true)));
    }

    @Test
    void objects_are_named_by_key_and_content() {
        onMachine("one", RemoteCacheTest::make);

        String index = new String(Curl.get(S3Server.shared().endpoint() + "/" + bucket + "/team/x/kernel-objects/" + KEY.digest() + ".json").body(), UTF_8);
        String sha256 = Json.parse(index, "index").path("sha256").asText();
        assertThat(Digest.sha256(Curl.get(S3Server.shared().endpoint() + "/" + bucket + "/team/x/content/" + sha256).body())).isEqualTo(sha256);
    }
}
