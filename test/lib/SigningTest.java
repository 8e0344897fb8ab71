package lib;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.security.GeneralSecurityException;
import java.security.KeyPair;
import java.security.KeyPairGenerator;
import java.time.Duration;
import java.time.Instant;
import java.util.Base64;
import java.util.Map;
import java.util.Optional;
import lib.tool.Failure;
import lib.tool.Json;
import lib.tool.Shell;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class SigningTest {
    private static final Map<String, byte[]> FILES = Map.of("kernels.json", "{}".getBytes(UTF_8));

    @TempDir
    Path folder;

    private Path secret;
    private Path open;

    /** A key pair in the two PEM files that openssl would make. */
    static void keys(Path secret, Path open) throws IOException {
        try {
            KeyPair pair = KeyPairGenerator.getInstance("Ed25519").generateKeyPair();
            Files.writeString(secret, pem("PRIVATE KEY", pair.getPrivate().getEncoded()));
            Files.setPosixFilePermissions(secret, PosixFilePermissions.fromString("rw-------"));
            Files.writeString(open, pem("PUBLIC KEY", pair.getPublic().getEncoded()));
        } catch (GeneralSecurityException e) {
            throw new IllegalStateException(e);
        }
    }

    private static String pem(String type, byte[] der) {
        return "-----BEGIN " + type + "-----\n" + Base64.getEncoder().encodeToString(der) + "\n-----END " + type + "-----\n";
    }

    @BeforeEach
    void keys() throws IOException {
        secret = folder.resolve("signing.pem");
        open = folder.resolve("signing.pub");
        keys(secret, open);
    }

    private Signing signer() {
        return new Signing.Source(Optional.of(secret), Optional.empty(), open, 90).signer().orElseThrow();
    }

    private Signing.Statement verified(byte[] envelope, Instant now) {
        return Signing.verified(envelope, Signing.publicKey(open), "kernels.json.sig", now);
    }

    @Test
    void a_signature_covers_exactly_the_files_it_was_made_over() {
        byte[] envelope = signer().envelope("kernels.json", 7, true, FILES);

        Signing.Statement statement = verified(envelope, Instant.now());
        assertThat(statement.version()).isEqualTo(7);
        assertThat(statement.covers("kernels.json", FILES)).isTrue();
        assertThat(statement.covers("kernels.json", Map.of("kernels.json", "{ }".getBytes(UTF_8)))).isFalse();
        assertThat(statement.covers("other.json", FILES)).isFalse();
        assertThat(signer().made(envelope)).isTrue();
    }

    @Test
    void any_changed_byte_of_the_statement_is_refused() {
        String envelope = new String(signer().envelope("kernels.json", 7, true, FILES), UTF_8);
        String payload = Json.parse(envelope, "").path("payload").asText();
        byte[] statement = Base64.getDecoder().decode(payload);
        for (int i = 0; i < statement.length; i++) {
            byte[] changed = statement.clone();
            changed[i] ^= 1;
            byte[] forged = envelope.replace(payload, Base64.getEncoder().encodeToString(changed)).getBytes(UTF_8);
            assertThatThrownBy(() -> verified(forged, Instant.now())).isInstanceOf(Failure.class).hasMessageContaining("the signature is wrong");
        }
    }

    @Test
    void another_key_and_a_missing_signature_are_refused() throws IOException {
        byte[] envelope = signer().envelope("kernels.json", 7, true, FILES);
        String unsigned = new String(envelope, UTF_8).replaceAll("(?s)\"signatures\" : \\[.*?\\]", "\"signatures\" : []");
        assertThat(unsigned).contains("[]");
        assertThatThrownBy(() -> verified(unsigned.getBytes(UTF_8), Instant.now())).isInstanceOf(Failure.class);

        keys(folder.resolve("other.pem"), open);
        assertThatThrownBy(() -> verified(envelope, Instant.now())).isInstanceOf(Failure.class)
                .satisfies(e -> assertThat(((Failure) e).exitCode()).isEqualTo(Failure.CONTRACT));
        assertThatThrownBy(this::signer).isInstanceOf(Failure.class).hasMessageContaining("does not belong to config/signing.pub");
    }

    @Test
    void a_signature_expires_and_is_renewed_in_the_second_half_of_its_time() {
        byte[] envelope = signer().envelope("kernels.json", 7, true, FILES);

        assertThatThrownBy(() -> verified(envelope, Instant.now().plus(Duration.ofDays(91)))).isInstanceOf(Failure.class).hasMessageContaining("expired");
        Signing.Statement fresh = verified(envelope, Instant.now());
        assertThat(signer().ageing(fresh)).isFalse();
        Signing.Statement old = new Signing.Statement(fresh.about(), 7, fresh.issued(), Optional.of(Instant.now().plus(Duration.ofDays(44))), fresh.sha256());
        assertThat(signer().ageing(old)).isTrue();
    }

    @Test
    void versions_grow_even_when_the_signature_file_was_lost() {
        long now = Instant.now().getEpochSecond();
        assertThat(Signing.next(Optional.empty())).isGreaterThanOrEqualTo(now);
        Signing.Statement future = new Signing.Statement("x", now + 1000, Instant.now(), Optional.empty(), Map.of());
        assertThat(Signing.next(Optional.of(future))).isEqualTo(now + 1001);
    }

    @Test
    void the_key_comes_from_the_environment_too_and_a_file_that_others_may_read_is_refused() throws IOException {
        String text = Files.readString(secret);
        Signing fromText = new Signing.Source(Optional.empty(), Optional.of(text), open, 90).signer().orElseThrow();
        assertThat(fromText.made(signer().envelope("a", 1, false, FILES))).isTrue();
        Files.setPosixFilePermissions(secret, PosixFilePermissions.fromString("rw-r-----"));
        assertThatThrownBy(this::signer).isInstanceOf(Failure.class).hasMessageContaining("others may read it").satisfies(e ->
                assertThat(((Failure) e).hint()).isEqualTo("chmod 600 " + secret));
    }

    @Test
    void a_broken_key_is_not_shown() {
        String half = "-----BEGIN PRIVATE KEY-----\nTUVIUFNFQ1JFVA==\n-----END PRIVATE KEY-----";
        Signing.Source source = new Signing.Source(Optional.empty(), Optional.of(half), open, 90);

        assertThatThrownBy(source::signer).isInstanceOf(Failure.class).hasMessageContaining("SIGNING_KEY is not an Ed25519 private key").satisfies(e -> {
            assertThat(e.getMessage() + e.getCause()).doesNotContain("TUVIUFNFQ1JFVA");
            assertThat(source.toString()).doesNotContain("TUVIUFNFQ1JFVA");
        });
    }

    @Test
    void openssl_agrees() throws IOException, InterruptedException {
        assumeTrue(Shell.which("openssl").isPresent(), "openssl is not installed");
        run("openssl", "genpkey", "-algorithm", "ed25519", "-out", secret.toString());
        run("openssl", "pkey", "-in", secret.toString(), "-pubout", "-out", open.toString());
        byte[] envelope = signer().envelope("kernels.json", 7, true, FILES);
        var json = Json.parse(new String(envelope, UTF_8), "");
        Files.write(folder.resolve("message"), Signing.encoding(Base64.getDecoder().decode(json.path("payload").asText())));
        Files.write(folder.resolve("signature"), Base64.getDecoder().decode(json.at("/signatures/0/sig").asText()));

        run("openssl", "pkeyutl", "-verify", "-pubin", "-inkey", open.toString(), "-rawin", "-in", folder.resolve("message").toString(),
                "-sigfile", folder.resolve("signature").toString());
    }

    private static void run(String... argv) throws IOException, InterruptedException {
        Process process = new ProcessBuilder(argv).redirectErrorStream(true).start();
        String said = new String(process.getInputStream().readAllBytes(), UTF_8);
        assertThat(process.waitFor()).as(said).isZero();
    }
}
