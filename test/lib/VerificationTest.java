package lib;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.time.Instant;
import java.util.HashMap;
import java.util.Map;
import java.util.Optional;
import lib.tool.Failure;
import lib.tool.Tools;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** With a signing key and a bucket; ImagePublishTest does the same through the script, against changed bytes. */
class VerificationTest {
    private static final String IMAGE = "vmlinuz-6.1.0-test-0000001.efi";

    @TempDir
    Path folder;

    private final S3Server server = S3Server.shared();
    private String bucket;
    private Tools tools;

    @BeforeEach
    void bucket() throws IOException {
        bucket = server.bucket();
        tools = TestTools.in(folder);
        SigningTest.keys(folder.resolve("signing.pem"), folder.resolve("signing.pub"));
    }

    @Test
    void old_bytes_of_an_image_that_was_replaced_are_refused_where_a_channel_names_it() throws IOException {
        Upload upload = new Upload(store(90), tools);
        upload.publish(image("first"), "kernel", Upload.Mode.NORMAL);
        Map<String, String> old = new HashMap<>();
        for (String name : new String[] {IMAGE, IMAGE + ".json", IMAGE + ".json.sig"}) {
            old.put(name, get(name));
        }
        upload.publish(image("other"), "kernel", new Upload.Mode(true, false));
        new Channels(store(90), tools).point("kernel", "canary", IMAGE, false);
        assertThat(verify().channels()).containsExactly("canary");

        old.forEach((name, text) -> Curl.put(url(name), text));

        assertThatThrownBy(this::verify).isInstanceOfSatisfying(Failure.class, failure -> {
            assertThat(failure.what()).contains("channel canary names " + IMAGE + " with other bytes");
            assertThat(failure.exitCode()).isEqualTo(Failure.CONTRACT);
        });
    }

    @Test
    void publishing_renews_the_signatures_of_channels_in_the_second_half_of_their_time() throws IOException {
        new Upload(store(1), tools).publish(image("first"), "kernel", Upload.Mode.NORMAL);
        new Channels(store(1), tools).point("kernel", "production", IMAGE, false);
        String channel = get("channels/production.json");
        assertThat(expiry()).isBefore(Instant.now().plus(Duration.ofDays(2)));

        new Upload(store(90), tools).publish(image("first"), "kernel", Upload.Mode.NORMAL);

        assertThat(expiry()).isAfter(Instant.now().plus(Duration.ofDays(89)));
        assertThat(get("channels/production.json")).isEqualTo(channel);
        assertThat(verify().channels()).containsExactly("production");
    }

    @Test
    void a_rollback_goes_back_whether_the_signature_is_old_or_not_there_at_all() throws IOException {
        String second = IMAGE.replace("0001", "0002");
        Upload upload = new Upload(store(1), tools);
        upload.publish(image("first"), "kernel", Upload.Mode.NORMAL);
        upload.publish(Files.writeString(folder.resolve(second), "second"), "kernel", Upload.Mode.NORMAL);
        Channels channels = new Channels(store(1), tools);
        for (boolean signed : new boolean[] {true, false}) {
            channels.point("kernel", "production", IMAGE, false);
            channels.point("kernel", "production", second, false);
            if (!signed) {
                Curl.run("DELETE", url("channels/production.json.sig"), new byte[0]);
            }

            assertThat(new Channels(store(90), tools).rollback("kernel", "production", false).to()).isEqualTo(IMAGE);
            assertThat(get("channels/production.ipxe")).contains("kernel ../" + IMAGE);
        }
    }

    @Test
    void every_channel_of_a_folder_is_looked_at() throws IOException {
        new Upload(store(90), tools).publish(image("first"), "kernel", Upload.Mode.NORMAL);
        new Channels(store(90), tools).point("kernel", "beta", IMAGE, false);
        Path shelf = Files.createDirectories(folder.resolve("shelf/channels")).getParent();
        for (String name : new String[] {"kernels.json", "kernels.txt", "kernels.json.sig", IMAGE, IMAGE + ".json", IMAGE + ".json.sig", "channels/beta.json",
            "channels/beta.json.sig", "channels/beta.ipxe"}) {
            Files.writeString(shelf.resolve(name), get(name));
        }
        Verification verification = new Verification(Signing.publicKey(folder.resolve("signing.pub")), tools, Optional.empty());
        assertThat(verification.verify(shelf.toString(), folder).channels()).containsExactly("beta");

        Files.writeString(shelf.resolve("channels/beta.ipxe"), "#!ipxe\nkernel http://elsewhere/\n");
        assertThatThrownBy(() -> verification.verify(shelf.toString(), folder)).isInstanceOf(Failure.class).hasMessageContaining("beta.ipxe is not what was signed");
    }

    private Instant expiry() {
        byte[] signature = get("channels/production.json.sig").getBytes(StandardCharsets.UTF_8);
        return Signing.unchecked(signature).flatMap(Signing.Statement::expires).orElseThrow();
    }

    private Verification.Verified verify() {
        return new Verification(Signing.publicKey(folder.resolve("signing.pub")), tools, Optional.empty()).verify(store(90), "kernel");
    }

    private Store store(int days) {
        Map<String, String> environment = new HashMap<>(S3Server.environment(server.endpoint(), bucket));
        environment.put("SIGNING_KEY_FILE", "signing.pem");
        environment.put("SIGNING_DAYS", Integer.toString(days));
        return Store.read(folder.resolve("rfs.conf"), environment).orElseThrow();
    }

    private Path image(String content) throws IOException {
        return Files.writeString(folder.resolve(IMAGE), content);
    }

    private String get(String name) {
        return Curl.get(url(name)).text();
    }

    private String url(String name) {
        return server.endpoint() + "/" + bucket + "/mos/images/kernel/" + name;
    }
}
