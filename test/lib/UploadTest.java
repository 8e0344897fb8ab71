package lib;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.net.URI;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.ThreadLocalRandom;
import java.util.function.BiFunction;
import lib.FaultyProxy.Fault;
import lib.FaultyProxy.Request;
import lib.tool.Digest;
import lib.tool.Failure;
import lib.tool.Json;
import lib.tool.Tools;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

class UploadTest {
    private static final String KERNEL = "mos/images/kernel/";

    @TempDir
    Path folder;

    private final S3Server server = S3Server.shared();
    private final ByteArrayOutputStream printed = new ByteArrayOutputStream();
    private String bucket;
    private Tools tools;

    @BeforeEach
    void bucket() {
        bucket = server.bucket();
        tools = TestTools.in(folder, printed, false);
    }

    @Test
    void an_image_arrives_with_its_metadata_and_both_indexes_as_another_client_sees_them() throws IOException {
        Path image = image("6.12.44-MyceliumOS-abc1234", 300_000);
        Files.writeString(folder.resolve("build.json"), Json.pretty(Map.of("version", "6.12.44-MyceliumOS-abc1234",
                "alpine", Map.of("release", "3.22.1", "arch", "x86_64"), "packages", List.of("musl=1.2.5-r0"),
                "components", List.of(Map.of("name", "my_init", "identity", "abc1234def")), "initramfs", Map.of("bytes", 9 << 20, "unpacked", 40 << 20),
                "files", Map.of(image.getFileName().toString(), Map.of("sha256", Digest.sha256(image))))));

        Upload.Published published = new Upload(store(server.endpoint()), tools).publish(folder, "kernel");

        assertThat(published.changed()).isTrue();
        Curl.Answer object = get("vmlinuz-6.12.44-MyceliumOS-abc1234.efi");
        assertThat(object.body()).isEqualTo(Files.readAllBytes(image));
        assertThat(object.header("Cache-Control")).hasValueSatisfying(text -> assertThat(text).contains("immutable"));
        assertThat(object.header("Content-Type")).contains("application/efi");
        Curl.Answer index = get("kernels.json");
        assertThat(index.header("Cache-Control")).contains("no-store");
        assertThat(index.header("Content-Type")).contains("application/json");
        var json = Json.parse(index.text(), "kernels.json");
        assertThat(json.fieldNames()).toIterable().containsExactly("kernels", "updated", "count");
        assertThat(json.path("count").asInt()).isEqualTo(1);
        assertThat(json.path("updated").asText()).matches("\\d{4}-\\d\\d-\\d\\dT\\d\\d:\\d\\d:\\d\\dZ");
        assertThat(get("kernels.txt").text()).isEqualTo("vmlinuz-6.12.44-MyceliumOS-abc1234.efi\n");
        var metadata = Json.parse(get("vmlinuz-6.12.44-MyceliumOS-abc1234.efi.json").text(), "metadata");
        assertThat(metadata.path("sha256").asText()).isEqualTo(Digest.sha256(image));
        assertThat(metadata.path("size").asLong()).isEqualTo(300_000);
        assertThat(metadata.at("/versions/alpine").asText()).isEqualTo("3.22.1");
        assertThat(metadata.at("/versions/components/my_init").asText()).isEqualTo("abc1234def");
        assertThat(metadata.path("minimumMemoryMiB").asInt()).isEqualTo(192);
    }

    @Test
    void the_same_bytes_again_change_nothing_and_other_bytes_under_the_name_are_refused_unless_forced() throws IOException {
        Path image = image("6.1.0-demo-aaaaaaa", 5_000);
        Upload upload = new Upload(store(server.endpoint()), tools);
        upload.publish(image, "kernel", Upload.Mode.NORMAL);
        String before = get("kernels.json").text();

        assertThat(upload.publish(image, "kernel", Upload.Mode.NORMAL).changed()).isFalse();
        assertThat(get("kernels.json").text()).isEqualTo(before);

        Files.write(image, new byte[5_000]);
        assertThatThrownBy(() -> upload.publish(image, "kernel", Upload.Mode.NORMAL)).isInstanceOf(Failure.class).hasMessageContaining("exists with other bytes");
        assertThat(get(image.getFileName().toString()).body()).isNotEqualTo(Files.readAllBytes(image));

        upload.publish(image, "kernel", new Upload.Mode(true, false));
        assertThat(get(image.getFileName().toString()).body()).isEqualTo(Files.readAllBytes(image));
        assertThat(Json.parse(get(image.getFileName() + ".json").text(), "").path("sha256").asText()).isEqualTo(Digest.sha256(image));
        assertThat(listed()).containsExactly(image.getFileName().toString());
        assertThat(get(image.getFileName() + ".removing").status()).isEqualTo(404);
    }

    @Test
    void a_dry_run_says_what_it_would_do_and_writes_nothing() throws IOException {
        try (FaultyProxy proxy = new FaultyProxy(server.port(), (request, before) -> Fault.NONE)) {
            new Upload(store(proxy.endpoint()), tools).publish(image("6.1.0-demo-aaaaaaa", 500), "kernel", new Upload.Mode(false, true));
            assertThat(proxy.log()).isNotEmpty().noneMatch(Request::write);
        }
        assertThat(printed.toString()).contains("would upload:", "kernel/vmlinuz-6.1.0-demo-aaaaaaa.efi (500 bytes)", "kernels.json");
    }

    @Test
    void a_large_image_goes_in_parts_and_parts_of_a_killed_upload_are_removed() throws IOException {
        Path image = image("6.1.0-demo-bbbbbbb", 40 << 20);
        try (FaultyProxy proxy = new FaultyProxy(server.port(), (request, before) ->
                request.method().equals("POST") && request.target().contains("uploadId") && before == 0 ? Fault.LOST
                        : request.target().contains("partNumber=2") && before == 0 ? Fault.CUT : Fault.NONE)) {
            new Upload(store(proxy.endpoint()), tools).publish(image, "kernel", Upload.Mode.NORMAL);
            assertThat(proxy.count("PUT", "partNumber=")).isEqualTo(4);
        }
        assertThat(Digest.sha256(get(image.getFileName().toString()).body())).isEqualTo(Digest.sha256(image));
        String key = KERNEL + "vmlinuz-6.1.0-demo-ccccccc.efi";
        Curl.run("POST", server.endpoint() + "/" + bucket + "/" + key + "?uploads=", new byte[0]).requireStatus(200);
        try (var s3 = server.client(server.endpoint(), bucket, tools.console())) {
            assertThat(s3.abortAbandoned(KERNEL, java.time.Duration.ZERO)).containsExactly(key);
            assertThat(s3.abortAbandoned(KERNEL, java.time.Duration.ZERO)).isEmpty();
        }
    }

    @Test
    void images_of_the_shell_tooling_stay_in_the_index_and_a_rebuild_finds_them() throws IOException {
        put("vmlinuz-6.1.0-old-0000000.efi", "old kernel");
        put("kernels.json", "{\"kernels\": [\"vmlinuz-6.1.0-old-0000000.efi\", \"vmlinuz-6.1.0-gone-0000000.efi\"], \"updated\": \"2025-01-04T12:00:00Z\", \"count\": 2}");
        Upload upload = new Upload(store(server.endpoint()), tools);
        pause();

        upload.publish(image("6.2.0-new-1111111", 100), "kernel", Upload.Mode.NORMAL);
        assertThat(listed()).containsExactly("vmlinuz-6.2.0-new-1111111.efi", "vmlinuz-6.1.0-old-0000000.efi");

        put("kernels.json", "not JSON at all");
        put("kernels.txt", "nonsense\n");
        pause();
        assertThatThrownBy(() -> upload.publish(image("6.3.0-new-2222222", 100), "kernel", Upload.Mode.NORMAL)).isInstanceOf(Failure.class);
        assertThat(upload.rebuildIndex("kernel", true)).hasSize(3);
        assertThat(get("kernels.txt").text()).isEqualTo("nonsense\n");
        assertThat(upload.rebuildIndex("kernel", false)).containsExactly("vmlinuz-6.3.0-new-2222222.efi", "vmlinuz-6.2.0-new-1111111.efi", "vmlinuz-6.1.0-old-0000000.efi");
        assertThat(listed()).hasSize(3);
    }

    private enum Conditions { ATOMIC, UNKNOWN, OVERLOOKED, STALE }

    @ParameterizedTest
    @EnumSource(Conditions.class)
    @Tag("slow")
    void of_eight_builders_publishing_at_once_twenty_times_none_is_lost_and_none_is_there_twice(Conditions conditions) throws Exception {
        int rounds = conditions == Conditions.ATOMIC ? 20 : 4;
        BiFunction<Request, Integer, Fault> faults = switch (conditions) {
            case ATOMIC -> (request, before) -> Fault.NONE;
            case UNKNOWN -> (request, before) -> Fault.NO_CONDITIONS;
            case OVERLOOKED -> (request, before) -> Fault.CONDITIONS_OVERLOOKED;
            case STALE -> (request, before) -> request.target().contains("kernels.") && ThreadLocalRandom.current().nextInt(4) == 0 ? Fault.STALE : Fault.NONE;
        };
        List<String> expected = new ArrayList<>();
        try (FaultyProxy proxy = new FaultyProxy(server.port(), faults)) {
            Store store = signing(proxy.endpoint());
            ExecutorService builders = Executors.newFixedThreadPool(8);
            for (int round = 0; round < rounds; round++) {
                List<Future<Upload.Published>> running = new ArrayList<>();
                for (int builder = 0; builder < 8; builder++) {
                    Path image = image("6.12." + round + "-load-" + String.format("%07d", builder), 2_000);
                    expected.add(image.getFileName().toString());
                    running.add(builders.submit(() -> new Upload(store, tools).publish(image, "kernel", Upload.Mode.NORMAL)));
                }
                for (Future<Upload.Published> one : running) {
                    one.get();
                }
            }
            builders.shutdown();
        }
        assertThat(expected).hasSize(8 * rounds);
        assertThat(listed()).containsExactlyInAnyOrderElementsOf(expected);
        assertThat(get("kernels.txt").text().lines()).containsExactlyElementsOf(listed());
        assertThat(Json.parse(get("kernels.json").text(), "").path("count").asInt()).isEqualTo(expected.size());
        assertThat(Signing.verified(get("kernels.json.sig").body(), Signing.publicKey(folder.resolve("signing.pub")), "signature", java.time.Instant.now())
                .covers("kernels.json", Map.of("kernels.json", get("kernels.json").body(), "kernels.txt", get("kernels.txt").body()))).isTrue();
    }

    @Test
    @Tag("slow")
    void cuts_lost_answers_busy_servers_and_halved_answers_at_any_request_do_no_harm() throws IOException {
        for (Fault fault : List.of(Fault.CUT, Fault.LOST, Fault.BUSY, Fault.HALF)) {
            Path image = image("6.1.0-" + fault.name().toLowerCase(java.util.Locale.ROOT) + "-aaaaaaa", 20_000);
            try (FaultyProxy proxy = new FaultyProxy(server.port(), (request, before) -> request.number() % 3 == 1 ? fault : Fault.NONE)) {
                new Upload(store(proxy.endpoint()), tools).publish(image, "kernel", Upload.Mode.NORMAL);
            }
            assertThat(listed()).as(fault.name()).contains(image.getFileName().toString()).doesNotHaveDuplicates();
            assertThat(get(image.getFileName().toString()).body()).isEqualTo(Files.readAllBytes(image));
        }
        assertThat(get("kernels.txt").text().lines()).containsExactlyElementsOf(listed());
    }

    @Test
    @Tag("slow")
    void a_server_that_stalls_is_asked_again_and_a_dead_one_is_named() throws IOException {
        Path image = image("6.1.0-stall-aaaaaaa", 20_000);
        try (FaultyProxy proxy = new FaultyProxy(server.port(), (request, before) ->
                request.method().equals("PUT") && request.target().endsWith(".efi") && before == 0 ? Fault.STALL : Fault.NONE)) {
            new Upload(store(proxy.endpoint()), tools).publish(image, "kernel", Upload.Mode.NORMAL);
        }
        assertThat(listed()).contains(image.getFileName().toString());
        URI dead = URI.create("http://127.0.0.1:1");
        assertThatThrownBy(() -> new Upload(store(dead), tools).publish(image, "kernel", Upload.Mode.NORMAL)).isInstanceOf(Failure.class)
                .hasMessageContaining("127.0.0.1:1").satisfies(e -> assertThat(((Failure) e).hint()).contains("is the server running"));
    }

    /** The store with a signing key. */
    private Store signing(URI endpoint) throws IOException {
        SigningTest.keys(folder.resolve("signing.pem"), folder.resolve("signing.pub"));
        Map<String, String> environment = new java.util.HashMap<>(S3Server.environment(endpoint, bucket));
        environment.put("SIGNING_KEY_FILE", "signing.pem");
        return Store.read(folder.resolve("rfs.conf"), environment).orElseThrow();
    }

    @Test
    void an_empty_variable_for_the_folder_is_as_good_as_none() {
        assertThat(Upload.subpath(Map.of())).isEqualTo("kernel");
        assertThat(Upload.subpath(Map.of("KERNEL_SUBPATH", ""))).isEqualTo("kernel");
        assertThat(Upload.subpath(Map.of("KERNEL_SUBPATH", "kernels"))).isEqualTo("kernels");
    }

    @Test
    void a_signed_index_takes_no_publishing_without_the_key() throws IOException {
        new Upload(signing(server.endpoint()), tools).publish(image("6.1.0-demo-aaaaaaa", 500), "kernel", Upload.Mode.NORMAL);
        String before = get("kernels.json").text();

        assertThatThrownBy(() -> new Upload(store(server.endpoint()), tools).publish(image("6.2.0-demo-aaaaaaa", 500), "kernel", Upload.Mode.NORMAL))
                .isInstanceOf(Failure.class).hasMessageContaining("is signed, and no signing key is here");
        assertThat(get("kernels.json").text()).isEqualTo(before);
    }

    private Store store(URI endpoint) {
        return server.store(endpoint, bucket);
    }

    private Path image(String version, int bytes) throws IOException {
        byte[] content = new byte[bytes];
        new Random(Arrays.hashCode(version.toCharArray())).nextBytes(content);
        return Files.write(folder.resolve("vmlinuz-" + version + ".efi"), content);
    }

    private Curl.Answer get(String name) {
        return Curl.get(server.endpoint() + "/" + bucket + "/" + KERNEL + name);
    }

    private void put(String name, String text) {
        Curl.put(server.endpoint() + "/" + bucket + "/" + KERNEL + name, text);
    }

    private List<String> listed() {
        List<String> names = new ArrayList<>();
        Json.parse(get("kernels.json").text(), "kernels.json").path("kernels").forEach(name -> names.add(name.asText()));
        return names;
    }

    /** Times of objects are whole seconds. */
    private static void pause() {
        try {
            Thread.sleep(1_100);
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
    }
}
