package lib;

import com.fasterxml.jackson.databind.JsonNode;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.GeneralSecurityException;
import java.security.KeyFactory;
import java.security.PrivateKey;
import java.security.PublicKey;
import java.security.Signature;
import java.security.spec.PKCS8EncodedKeySpec;
import java.security.spec.X509EncodedKeySpec;
import java.time.Duration;
import java.time.Instant;
import java.time.temporal.ChronoUnit;
import java.util.Arrays;
import java.util.Base64;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.TreeMap;
import lib.tool.Digest;
import lib.tool.Failure;
import lib.tool.Json;
import lib.tool.Trees;

/**
 * Ed25519 signatures over statements: these files have these digests, this is version N, valid until then.
 *
 * <p>A signature file is a DSSE envelope (github.com/secure-systems-lab/dsse): the statement travels inside it as base64, and what is
 * signed is its type and length with it, so that no other text with the same bytes can pass for it.
 */
public final class Signing {
    static final String TYPE = "application/vnd.mos.statement+json";
    private static final Base64.Encoder BASE64 = Base64.getEncoder();

    private final PrivateKey key;
    private final Optional<PublicKey> expected;
    private final int days;

    /**
     * Where the private key is: PEM text in the environment's SIGNING_KEY, or a PEM file.
     *
     * @param publicKey signing.pub, which the image and verifiers have; a key that does not belong to it is refused
     * @param days how long a signature is good
     */
    public record Source(Optional<Path> file, Optional<String> text, Path publicKey, int days) {
        /** Without the key. */
        @Override
        public String toString() {
            return "signing key from " + text.map(any -> "SIGNING_KEY").or(() -> file.map(Path::toString)).orElse("nowhere");
        }

        /** The signer, when a key was given. */
        Optional<Signing> signer() {
            Optional<PublicKey> known = Files.exists(publicKey) ? Optional.of(Signing.publicKey(publicKey)) : Optional.empty();
            if (text.isPresent()) {
                return Optional.of(new Signing(privateKey(text.get(), "SIGNING_KEY"), known, days));
            }
            file.ifPresent(one -> {
                if (!Files.isRegularFile(one)) {
                    throw Failure.usage("SIGNING_KEY_FILE names " + one + ", which is no file", "make one: openssl genpkey -algorithm ed25519 -out " + one);
                }
                Store.requirePrivate(one, "a signing key");
            });
            return file.map(one -> new Signing(privateKey(Trees.read(one), one.toString()), known, days));
        }
    }

    Signing(PrivateKey key, Optional<PublicKey> expected, int days) {
        this.key = key;
        this.expected = expected;
        this.days = days;
        expected.ifPresent(one -> {
            byte[] probe = "probe".getBytes(StandardCharsets.UTF_8);
            if (!verifies(one, probe, sign(probe))) {
                throw Failure.usage("the signing key does not belong to config/signing.pub", "make it anew: openssl pkey -in KEY -pubout -out config/signing.pub");
            }
        });
    }

    /** The key that signatures of this signer are checked with, when config/signing.pub exists. */
    Optional<PublicKey> publicKey() {
        return expected;
    }

    /**
     * What is signed.
     *
     * @param about name of the thing: a file's name, or a channel's
     * @param version grows with each change; a verifier refuses one that is lower than it has seen
     * @param sha256 lower-case hexadecimal digests by file name
     */
    public record Statement(String about, long version, Instant issued, Optional<Instant> expires, Map<String, String> sha256) {
        static Statement parse(byte[] payload, String source) {
            JsonNode json = Json.parse(new String(payload, StandardCharsets.UTF_8), source);
            Map<String, String> digests = new TreeMap<>();
            json.path("sha256").fields().forEachRemaining(field -> digests.put(field.getKey(), field.getValue().asText()));
            try {
                return new Statement(json.path("about").asText(), json.path("version").asLong(), Instant.parse(json.path("issued").asText()),
                        Optional.of(json.path("expires").asText()).filter(text -> !text.isEmpty()).map(Instant::parse), digests);
            } catch (java.time.format.DateTimeParseException e) {
                throw new Failure(source + " holds no statement: " + e.getMessage(), "");
            }
        }

        byte[] json() {
            Map<String, Object> json = new LinkedHashMap<>();
            json.put("about", about);
            json.put("version", version);
            json.put("issued", issued.toString());
            expires.ifPresent(at -> json.put("expires", at.toString()));
            json.put("sha256", new TreeMap<>(sha256));
            return Json.line(json).getBytes(StandardCharsets.UTF_8);
        }

        /** Whether exactly these files with these bytes are meant. */
        boolean covers(String thing, Map<String, byte[]> files) {
            return about.equals(thing) && sha256.equals(digests(files));
        }
    }

    static Map<String, String> digests(Map<String, byte[]> files) {
        Map<String, String> digests = new TreeMap<>();
        files.forEach((name, bytes) -> digests.put(name, Digest.sha256(bytes)));
        return digests;
    }

    /** The version after {@code before}; never lower than the seconds since 1970, so that a lost signature file does not start over. */
    static long next(Optional<Statement> before) {
        return Math.max(before.map(Statement::version).orElse(0L) + 1, Instant.now().getEpochSecond());
    }

    /** A signature file over {@code files}; {@code expiring} ones are good for the days of rfs.conf. */
    byte[] envelope(String about, long version, boolean expiring, Map<String, byte[]> files) {
        Instant now = Instant.now().truncatedTo(ChronoUnit.SECONDS);
        byte[] payload = new Statement(about, version, now, expiring ? Optional.of(now.plus(Duration.ofDays(days))) : Optional.empty(), digests(files)).json();
        Map<String, Object> json = new LinkedHashMap<>();
        json.put("payloadType", TYPE);
        json.put("payload", BASE64.encodeToString(payload));
        json.put("signatures", List.of(Map.of("sig", BASE64.encodeToString(sign(encoding(payload))))));
        return Json.pretty(json).getBytes(StandardCharsets.UTF_8);
    }

    /** Whether a signature file was made with this signer's key. */
    boolean made(byte[] envelope) {
        try {
            JsonNode json = Json.parse(new String(envelope, StandardCharsets.UTF_8), "signature");
            // Ed25519 is deterministic: the same key makes the same signature.
            return json.path("signatures").path(0).path("sig").asText().equals(BASE64.encodeToString(sign(encoding(payload(json)))));
        } catch (Failure | IllegalArgumentException e) {
            return false;
        }
    }

    /** Whether a statement is to be signed anew: less than half of its time is left. */
    boolean ageing(Statement statement) {
        return statement.expires().filter(end -> end.isBefore(Instant.now().plus(Duration.ofHours(12L * days)))).isPresent();
    }

    /** The statement of a signature file, with no look at the signature; empty when it is none. */
    static Optional<Statement> unchecked(byte[] envelope) {
        try {
            return Optional.of(Statement.parse(payload(Json.parse(new String(envelope, StandardCharsets.UTF_8), "signature")), "signature"));
        } catch (Failure | IllegalArgumentException e) {
            return Optional.empty();
        }
    }

    /** The statement of a signature file whose signature is right and whose time is not over. */
    static Statement verified(byte[] envelope, PublicKey key, String source, Instant now) {
        JsonNode json = Json.parse(new String(envelope, StandardCharsets.UTF_8), source);
        try {
            byte[] payload = payload(json);
            boolean good = TYPE.equals(json.path("payloadType").asText()) && json.path("signatures").size() > 0
                    && java.util.stream.StreamSupport.stream(json.path("signatures").spliterator(), false)
                    .anyMatch(one -> verifies(key, encoding(payload), Base64.getDecoder().decode(one.path("sig").asText())));
            if (!good) {
                throw Failure.contract(source + ": the signature is wrong", "it was changed, or signed with another key");
            }
            Statement statement = Statement.parse(payload, source);
            statement.expires().filter(end -> end.isBefore(now)).ifPresent(end -> {
                throw Failure.contract(source + ": the signature expired at " + end, "sign anew: image.java publish --rebuild-index; or somebody serves old files");
            });
            return statement;
        } catch (IllegalArgumentException e) {
            throw Failure.contract(source + " is not a signature file: " + e.getMessage(), "");
        }
    }

    private static byte[] payload(JsonNode envelope) {
        return Base64.getDecoder().decode(envelope.path("payload").asText());
    }

    /** Pre-authentication encoding of DSSE v1. */
    static byte[] encoding(byte[] payload) {
        byte[] head = ("DSSEv1 " + TYPE.length() + " " + TYPE + " " + payload.length + " ").getBytes(StandardCharsets.UTF_8);
        byte[] all = Arrays.copyOf(head, head.length + payload.length);
        System.arraycopy(payload, 0, all, head.length, payload.length);
        return all;
    }

    private byte[] sign(byte[] bytes) {
        try {
            Signature signature = Signature.getInstance("Ed25519");
            signature.initSign(key);
            signature.update(bytes);
            return signature.sign();
        } catch (GeneralSecurityException e) {
            throw new IllegalStateException("Ed25519 is part of every JDK", e);
        }
    }

    private static boolean verifies(PublicKey key, byte[] bytes, byte[] signed) {
        try {
            Signature signature = Signature.getInstance("Ed25519");
            signature.initVerify(key);
            signature.update(bytes);
            return signature.verify(signed);
        } catch (GeneralSecurityException e) {
            return false;
        }
    }

    /** A key in a PEM file ({@code PUBLIC KEY}), as {@code openssl pkey -pubout} writes it. */
    public static PublicKey publicKey(Path file) {
        try {
            return KeyFactory.getInstance("Ed25519").generatePublic(new X509EncodedKeySpec(pem(Trees.read(file), "PUBLIC KEY")));
        } catch (GeneralSecurityException | IllegalArgumentException e) {
            throw Failure.usage(file + " is not an Ed25519 public key in PEM form", "make it: openssl pkey -in KEY -pubout -out " + file);
        }
    }

    private static PrivateKey privateKey(String text, String source) {
        try {
            return KeyFactory.getInstance("Ed25519").generatePrivate(new PKCS8EncodedKeySpec(pem(text, "PRIVATE KEY")));
        } catch (GeneralSecurityException | IllegalArgumentException e) {
            // Neither the text nor the cause is shown: both may hold the key.
            throw Failure.usage(source + " is not an Ed25519 private key in PEM form", "make one: openssl genpkey -algorithm ed25519 -out FILE");
        }
    }

    private static byte[] pem(String text, String type) {
        return Base64.getMimeDecoder().decode(text.replaceAll("\\\\n", "\n").replaceAll("-----(BEGIN|END) " + type + "-----", "").strip());
    }
}
