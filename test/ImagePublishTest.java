import static java.nio.charset.StandardCharsets.ISO_8859_1;
import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;

import com.sun.net.httpserver.HttpServer;
import java.io.IOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
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
    private List<String> virtualMachine = List.of();

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
            assertThat(run.exitCode()).as(name + ": " + run.stderr()).isEqualTo(Failure.CONTRACT);
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
                java.util.concurrent.locks.LockSupport.parkNanos(20_000_000);
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
    void what_does_not_go_together_is_refused_before_anything_is_sent() throws Exception {
        for (String more : List.of(image.toString(), "--channel=canary", "--force")) {
            Run run = image("publish", "--rebuild-index", more);
            assertThat(run.exitCode()).as(more).isEqualTo(Failure.USAGE);
            assertThat(run.stderr()).contains("--rebuild-index uploads nothing");
        }
        Run channel = image("publish", "--channel", "Canary!");
        assertThat(channel.exitCode()).isEqualTo(Failure.USAGE);
        assertThat(channel.stderr()).contains("a channel cannot be called Canary!");
        assertThat(get(NAME).status()).isEqualTo(404);
        Run version = image("verify", "--at-least", "99", image.toString());
        assertThat(version.exitCode()).isEqualTo(Failure.USAGE);
        assertThat(version.stderr()).contains("--at-least is for an index");
    }

    @Test
    void a_configuration_that_others_may_read_is_refused() throws Exception {
        Files.setPosixFilePermissions(workspace.resolve("config/rfs.conf"), PosixFilePermissions.fromString("rw-r--r--"));

        Run run = image("list");

        assertThat(run.exitCode()).isEqualTo(Failure.USAGE);
        assertThat(run.stderr()).contains("others may read it (rw-r--r--)", "hint: chmod 600");
    }

    /** What is in the bucket changes with the requests that write: a kill before each of them and after the last meets every state. */
    @Test
    @Tag("slow")
    void killed_at_any_step_it_leaves_indexes_of_complete_images_and_a_second_run_finishes() throws Exception {
        sign();
        String settings = Files.readString(workspace.resolve("config/rfs.conf"));
        List<Integer> steps = new ArrayList<>();
        try (var proxy = PublishingTests.killing(server.port(), Integer.MAX_VALUE, () -> { })) {
            use(settings, proxy.endpoint());
            ok("publish", "--channel", "canary");
            steps.addAll(proxy.writes());
        }
        assertThat(steps).hasSizeBetween(8, 16);
        steps.add(steps.get(steps.size() - 1) + 1);
        for (int at : steps) {
            bucket = server.bucket();
            AtomicReference<Process> running = new AtomicReference<>();
            try (var proxy = PublishingTests.killing(server.port(), at, () -> running.get().destroyForcibly())) {
                use(settings, proxy.endpoint());
                assertThat(image(running, "publish", "--channel", "canary").exitCode()).as("killed at request " + at).isEqualTo(137);
            }
            if (get("kernels.json").status() == 200) {
                Json.parse(get("kernels.json").text(), "").path("kernels").forEach(name -> {
                    assertThat(Digest.sha256(get(name.asText()).body())).isEqualTo(Digest.sha256(image));
                    assertThat(get(name.asText() + ".json").status()).isEqualTo(200);
                });
            }
            use(settings, server.endpoint().toString());
            ok("publish", "--channel", "canary");
            assertThat(get("kernels.txt").text()).as("killed at request " + at).isEqualTo(NAME + "\n");
            assertThat(get("channels/canary.ipxe").text()).contains(NAME);
        }
        assertThat(ok("verify").stdout()).contains(NAME, "channel canary");
    }

    private void use(String settings, String endpoint) throws IOException {
        Files.writeString(workspace.resolve("config/rfs.conf"), settings.replaceAll("S3_ENDPOINT=.*", "S3_ENDPOINT=\"" + endpoint + "\"")
                .replaceAll("S3_BUCKET=.*", "S3_BUCKET=\"" + bucket + "\""));
    }

    @Test
    void the_bucket_can_stand_in_the_host_name() throws Exception {
        S3Server hosts = S3Server.withHostNames("s3.test");
        PublishingTests.put("http://mos-bucket.s3.test:" + hosts.port() + "/", new byte[0]);
        Path names = Files.writeString(folder.resolve("hosts"), "127.0.0.1 s3.test mos-bucket.s3.test\n");
        bucket = "mos-bucket";
        configure("http://s3.test:" + hosts.port());
        Files.writeString(workspace.resolve("config/rfs.conf"), "S3_STYLE=\"virtual\"\n", java.nio.file.StandardOpenOption.APPEND);
        virtualMachine = List.of("-Djdk.net.hosts.file=" + names);

        ok("publish");

        assertThat(Curl.get("http://mos-bucket.s3.test:" + hosts.port() + "/mos/kernel/kernels.txt").text()).isEqualTo(NAME + "\n");
    }

    @Test
    void a_web_server_is_verified_without_any_credentials() throws Exception {
        sign();
        ok("publish");
        Map<String, byte[]> files = new java.util.HashMap<>();
        for (String name : List.of("kernels.json", "kernels.txt", "kernels.json.sig", NAME, NAME + ".json", NAME + ".json.sig")) {
            files.put("/kernel/" + name, get(name).body());
        }
        HttpServer http = HttpServer.create(new InetSocketAddress(InetAddress.getLoopbackAddress(), 0), 0);
        http.createContext("/", exchange -> {
            byte[] body = files.getOrDefault(exchange.getRequestURI().getPath(), new byte[0]);
            exchange.sendResponseHeaders(body.length > 0 ? 200 : 404, body.length > 0 ? body.length : -1);
            exchange.getResponseBody().write(body);
            exchange.close();
        });
        http.start();
        try {
            String url = "http://127.0.0.1:" + http.getAddress().getPort() + "/kernel/";
            assertThat(ok("verify", url).stdout()).contains(NAME, "good until");
            assertThat(ok("verify", url + NAME).stdout()).contains(NAME);
            files.get("/kernel/" + NAME)[77] ^= 1;
            assertThat(image("verify", url + "kernels.json").exitCode()).isEqualTo(Failure.CONTRACT);
        } finally {
            http.stop(0);
        }
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
        List<String> argv = new ArrayList<>(List.of(Path.of(System.getProperty("java.home"), "bin/java").toString(), "-XX:TieredStopAtLevel=1", "-XX:+UseSerialGC"));
        argv.addAll(virtualMachine);
        argv.addAll(List.of("-cp", System.getProperty("java.class.path"), "Image"));
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
