import static java.nio.charset.StandardCharsets.ISO_8859_1;
import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.concurrent.atomic.AtomicReference;
import java.util.stream.Stream;
import lib.Curl;
import lib.PublishingTests;
import lib.S3Server;
import lib.tool.Digest;
import lib.tool.Failure;
import lib.tool.Json;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** image.java as a process, as a user or a CI job runs it. */
class ImagePublishTest {
    private static final String NAME = "vmlinuz-6.12.44-MyceliumOS-abc1234.efi";

    @TempDir
    Path folder;

    private final S3Server server = S3Server.shared();
    private String bucket;
    private Path workspace;
    private Path image;

    record Run(int exitCode, String stdout, String stderr) { }

    @BeforeEach
    void workspace() throws IOException {
        bucket = server.bucket();
        workspace = Files.createDirectories(folder.resolve("node"));
        Files.createDirectories(workspace.resolve("config"));
        Files.writeString(workspace.resolve("config/build.conf"), "");
        Path dist = Files.createDirectories(workspace.resolve("dist"));
        byte[] bytes = new byte[200_000];
        new Random(1).nextBytes(bytes);
        image = Files.write(dist.resolve(NAME), bytes);
        Files.writeString(dist.resolve("build.json"), Json.pretty(Map.of("version", "6.12.44-MyceliumOS-abc1234",
                "files", Map.of(NAME, Map.of("sha256", Digest.sha256(image))))));
        configure(server.endpoint().toString());
    }

    private void configure(String endpoint) throws IOException {
        Path conf = workspace.resolve("config/rfs.conf");
        Files.writeString(conf, "S3_ENDPOINT=\"" + endpoint + "\"\nS3_BUCKET=\"" + bucket + "\"\nS3_PREFIX=\"mos\"\nS3_ACCESS_KEY=\"" + S3Server.ACCESS
                + "\"\nS3_SECRET_KEY=\"" + S3Server.SECRET + "\"\nS3_TIMEOUT=\"5\"\n");
        Files.setPosixFilePermissions(conf, PosixFilePermissions.fromString("rw-------"));
    }

    private void sign() throws IOException {
        PublishingTests.keys(workspace.resolve("config/signing.pem"), workspace.resolve("config/signing.pub"));
        Files.writeString(workspace.resolve("config/rfs.conf"), "SIGNING_KEY_FILE=\"signing.pem\"\n", java.nio.file.StandardOpenOption.APPEND);
    }

    @Test
    void an_image_goes_through_all_verbs() throws Exception {
        sign();
        assertThat(ok("publish", "--channel", "canary").stdout()).isEqualTo("mos/kernel/" + NAME + "\n");
        assertThat(ok("promote", NAME, "canary", "production").stdout()).isEqualTo("production: " + NAME + "\n");
        assertThat(ok("list").stdout()).startsWith(NAME).contains("canary production");
        assertThat(Json.parse(ok("list", "--json").stdout(), "").get(0).path("size").asLong()).isEqualTo(200_000);
        assertThat(ok("prune", "--keep", "1", "--dry-run").stdout()).isEmpty();
        assertThat(ok("verify").stdout()).contains(NAME, "channel canary", "channel production", "good until");
        Run none = image("rollback", "production");
        assertThat(none.exitCode()).isEqualTo(Failure.BUILD);
        assertThat(none.stderr()).contains("error: production never named another image");
        assertThat(image().exitCode()).isEqualTo(Failure.USAGE);
        assertThat(image("prune").exitCode()).isEqualTo(Failure.USAGE);
    }

    @Test
    void a_changed_byte_in_object_metadata_or_index_and_an_old_index_are_refused() throws Exception {
        sign();
        ok("publish", "--channel", "canary");
        Map<String, String> old = new java.util.HashMap<>();
        for (String name : List.of("kernels.json", "kernels.txt", "kernels.json.sig")) {
            old.put(name, get(name).text());
        }
        assertThat(ok("verify").exitCode()).isZero();
        for (String name : List.of(NAME, NAME + ".json", "kernels.json", "kernels.txt", NAME + ".json.sig", "kernels.json.sig", "channels/canary.json", "channels/canary.ipxe")) {
            byte[] bytes = get(name).body();
            byte[] changed = bytes.clone();
            changed[changed.length / 2] ^= 1;
            put(name, changed);
            Run run = image("verify");
            assertThat(run.exitCode()).as(name + ": " + run.stderr()).isIn(Failure.CONTRACT, Failure.USAGE);
            put(name, bytes);
        }
        Files.copy(image, image.resolveSibling("vmlinuz-6.12.45-MyceliumOS-abc1234.efi"));
        Thread.sleep(1_100);
        ok("publish", image.resolveSibling("vmlinuz-6.12.45-MyceliumOS-abc1234.efi").toString());
        assertThat(ok("verify").stdout()).contains("6.12.45");
        for (Map.Entry<String, String> one : old.entrySet()) {
            put(one.getKey(), one.getValue().getBytes(UTF_8));
        }
        Run rolledBack = image("verify");
        assertThat(rolledBack.exitCode()).isEqualTo(Failure.CONTRACT);
        assertThat(rolledBack.stderr()).contains("a roll-back");
    }

    @Test
    void an_image_file_is_verified_offline_and_a_folder_by_its_path() throws Exception {
        sign();
        ok("publish");
        Path copy = Files.createDirectories(folder.resolve("copy"));
        for (String name : List.of("kernels.json", "kernels.txt", "kernels.json.sig", NAME, NAME + ".json", NAME + ".json.sig")) {
            Files.write(copy.resolve(name), get(name).body());
        }
        String key = workspace.resolve("config/signing.pub").toString();

        assertThat(ok("verify", "--key", key, copy.resolve(NAME).toString()).stdout()).contains(NAME);
        assertThat(ok("verify", "--key", key, copy + "/").stdout()).contains("good until");
        Files.write(copy.resolve(NAME), new byte[] {1}, java.nio.file.StandardOpenOption.APPEND);
        Run changed = image("verify", "--key", key, copy.resolve(NAME).toString());
        assertThat(changed.exitCode()).isEqualTo(Failure.CONTRACT);
        assertThat(changed.stderr()).contains("do not boot it");
    }

    @Test
    void the_secret_is_nowhere_to_be_found() throws Exception {
        sign();
        String signingKey = Files.readAllLines(workspace.resolve("config/signing.pem")).get(1);
        List<String> seen = new ArrayList<>();
        AtomicReference<Process> running = new AtomicReference<>();
        Thread watcher = new Thread(() -> {
            while (!Thread.currentThread().isInterrupted()) {
                ProcessHandle.allProcesses().map(handle -> Path.of("/proc", Long.toString(handle.pid()), "cmdline")).forEach(file -> {
                    try {
                        String line = Files.readString(file, ISO_8859_1);
                        if (line.contains(S3Server.SECRET) || line.contains(signingKey)) {
                            seen.add(line);
                        }
                    } catch (IOException ended) {
                        return;
                    }
                });
            }
        });
        watcher.start();
        Run good = image(running, "--debug", "publish", "--channel", "canary");
        configure(server.endpoint().toString().replaceAll("\\d+$", "1"));
        Run dead = image(running, "--debug", "list");
        configure(server.endpoint().toString());
        Files.writeString(workspace.resolve("config/rfs.conf"), Files.readString(workspace.resolve("config/rfs.conf")).replace(S3Server.ACCESS, "AKNOBODY"));
        Run denied = image(running, "--debug", "list");
        watcher.interrupt();
        watcher.join();

        assertThat(good.exitCode()).as(good.stderr()).isZero();
        assertThat(dead.exitCode()).isEqualTo(Failure.BUILD);
        assertThat(denied.stderr()).contains("does not know this S3_ACCESS_KEY");
        assertThat(seen).isEmpty();
        for (Run run : List.of(good, dead, denied)) {
            assertThat(run.stdout() + run.stderr()).doesNotContain(S3Server.SECRET).doesNotContain(signingKey);
        }
        try (Stream<Path> all = Files.walk(folder)) {
            for (Path file : all.filter(one -> Files.isRegularFile(one) && !one.startsWith(workspace.resolve("config"))).toList()) {
                assertThat(Files.readString(file, ISO_8859_1)).as(file.toString()).doesNotContain(S3Server.SECRET).doesNotContain(signingKey);
            }
        }
    }

    @Test
    void a_configuration_that_others_may_read_is_refused() throws Exception {
        Files.setPosixFilePermissions(workspace.resolve("config/rfs.conf"), PosixFilePermissions.fromString("rw-r--r--"));

        Run run = image("list");

        assertThat(run.exitCode()).isEqualTo(Failure.USAGE);
        assertThat(run.stderr()).contains("others may read it (rw-r--r--)", "hint: chmod 600");
    }

    @Test
    @Tag("slow")
    void killed_at_any_request_it_leaves_indexes_of_complete_images_and_a_second_run_finishes() throws Exception {
        ok("publish");
        long requests;
        try (var proxy = PublishingTests.killing(server.port(), Integer.MAX_VALUE, () -> { })) {
            configure(proxy.endpoint());
            image("publish", second().toString());
            requests = proxy.requests();
        }
        assertThat(requests).isBetween(10L, 40L);
        for (int at = 1; at <= requests; at += 2) {
            bucket = server.bucket();
            configure(server.endpoint().toString());
            AtomicReference<Process> running = new AtomicReference<>();
            try (var proxy = PublishingTests.killing(server.port(), at, () -> running.get().destroyForcibly())) {
                configure(proxy.endpoint());
                assertThat(image(running, "publish").exitCode()).as("killed at request " + at).isEqualTo(137);
            }
            if (get("kernels.json").status() == 200) {
                Json.parse(get("kernels.json").text(), "").path("kernels").forEach(name -> {
                    assertThat(get(name.asText()).body()).hasSize(200_000);
                    assertThat(get(name.asText() + ".json").status()).isEqualTo(200);
                });
            }
            PublishingTests.publish(server, bucket, image);
            assertThat(Json.parse(get("kernels.json").text(), "").path("count").asInt()).as("killed at request " + at).isEqualTo(1);
            assertThat(get("kernels.txt").text()).isEqualTo(NAME + "\n");
            assertThat(Digest.sha256(get(NAME).body())).isEqualTo(Digest.sha256(image));
        }
    }

    private Path second() throws IOException {
        return Files.copy(image, image.resolveSibling("vmlinuz-6.12.46-MyceliumOS-abc1234.efi"));
    }

    private Curl.Answer get(String name) {
        return Curl.get(server.endpoint() + "/" + bucket + "/mos/kernel/" + name);
    }

    private void put(String name, byte[] bytes) {
        PublishingTests.put(server.endpoint() + "/" + bucket + "/mos/kernel/" + name, bytes);
    }

    private Run ok(String... args) throws IOException, InterruptedException {
        Run run = image(args);
        assertThat(run.exitCode()).as(run.stderr()).isZero();
        return run;
    }

    private Run image(String... args) throws IOException, InterruptedException {
        return image(new AtomicReference<>(), args);
    }

    private Run image(AtomicReference<Process> running, String... args) throws IOException, InterruptedException {
        List<String> argv = new ArrayList<>(List.of(Path.of(System.getProperty("java.home"), "bin/java").toString(), "-XX:TieredStopAtLevel=1", "-XX:+UseSerialGC",
                "-cp", System.getProperty("java.class.path"), "Image"));
        argv.addAll(List.of(args));
        ProcessBuilder builder = new ProcessBuilder(argv).directory(workspace.toFile()).redirectError(folder.resolve("stderr").toFile());
        builder.environment().put("MOS_CACHE_DIR", folder.resolve("cache").toString());
        builder.environment().keySet().removeIf(name -> name.startsWith("S3_") || name.startsWith("SIGNING_"));
        Process process = builder.start();
        running.set(process);
        String stdout = new String(process.getInputStream().readAllBytes(), UTF_8);
        return new Run(process.waitFor(), stdout, Files.readString(folder.resolve("stderr")));
    }
}
