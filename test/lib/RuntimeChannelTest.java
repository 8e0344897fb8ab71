package lib;

import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.stream.Stream;
import lib.tool.Shell;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** The image's own script fetches on this machine, by its shell, what was published; RuntimeFetchTest does all of it in a guest. */
class RuntimeChannelTest {
    @TempDir
    Path folder;

    private RuntimeServer server;
    private Path target;
    private Path note;

    record Run(int exitCode, String said) { }

    @BeforeEach
    void publish() throws IOException {
        assumeTrue(Stream.of("jq", "openssl", "wget").allMatch(program -> Shell.which(program).isPresent()), "jq, openssl or wget is not installed");
        PublishingTests.keys(folder.resolve("signing.pem"), folder.resolve("signing.pub"));
        String bucket = S3Server.shared().bucket();
        Map<String, String> environment = new TreeMap<>(S3Server.environment(S3Server.shared().endpoint(), bucket));
        environment.put("SIGNING_KEY", Files.readString(folder.resolve("signing.pem")));
        Store store = Store.read(Path.of("/nonexistent/rfs.conf"), environment).orElseThrow();
        Path hello = Files.writeString(folder.resolve("hello"), "hello\n");
        new RuntimeChannel(store, TestTools.in(folder, new ByteArrayOutputStream(), false)).publish("testing", List.of(hello), false);
        server = new RuntimeServer(List.of(S3Server.shared().endpoint() + "/" + bucket));
        target = Files.createDirectories(folder.resolve("target"));
        note = target.resolve(".version-testing");
    }

    @AfterEach
    void close() {
        if (server != null) {
            server.close();
        }
    }

    private Run fetch() throws IOException, InterruptedException {
        ProcessBuilder builder = new ProcessBuilder("sh", TestProject.folder().resolve("config/rootfs/usr/libexec/mos/runtime-fetch").toString(), "--once").redirectErrorStream(true);
        builder.environment().putAll(Map.of("RUNTIME_TARGET", target.toString(), "RUNTIME_CONF", "/nonexistent/runtime.conf", "RUNTIME_KEY", folder.resolve("signing.pub").toString(),
                "RUNTIME_URL", "http://127.0.0.1:" + server.port() + "/mos/images/runtime", "RUNTIME_CHANNEL", "testing"));
        Process process = builder.start();
        String said = new String(process.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
        return new Run(process.waitFor(), said);
    }

    @Test
    void a_version_that_a_full_disk_or_a_power_cut_left_unwritten_does_not_stop_fetching() throws Exception {
        for (String left : List.of("", "\0\0\0\0", "no number\n")) {
            Files.writeString(note, left);
            Run run = fetch();
            assertThat(run.exitCode()).as(run.said()).isZero();
            assertThat(target.resolve("hello")).hasContent("hello");
            assertThat(Files.readString(note)).matches("[1-9]\\d*\n");
        }
    }

    @Test
    void an_older_version_is_refused() throws Exception {
        Files.writeString(note, Long.MAX_VALUE + "\n");

        assertThat(fetch().said()).contains("is older than what was here before");
        assertThat(target.resolve("hello")).doesNotExist();
    }

    @Test
    void where_the_version_cannot_be_written_the_one_before_stays() throws Exception {
        Files.writeString(note, "1\n");
        Files.createDirectory(target.resolve(".version.part"));

        Run run = fetch();

        assertThat(run.exitCode()).as(run.said()).isZero();
        assertThat(run.said()).contains("cannot note that version");
        assertThat(note).hasContent("1");
    }
}
