package lib.tool;

import java.io.IOException;
import java.io.InputStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.util.HexFormat;

/** Message digests in lower-case hexadecimal. */
public final class Digest {
    private Digest() { }

    public static String sha256(byte[] bytes) {
        return hex(newSha256().digest(bytes));
    }

    public static String sha256(String text) {
        return sha256(text.getBytes(java.nio.charset.StandardCharsets.UTF_8));
    }

    /** SHA-256 of a file's bytes. */
    public static String sha256(Path file) {
        return of("SHA-256", file);
    }

    /** Digest of a file's bytes by a JCA algorithm name such as SHA-512. */
    public static String of(String algorithm, Path file) {
        MessageDigest digest = instance(algorithm);
        byte[] buffer = new byte[1 << 16];
        try (InputStream in = Files.newInputStream(file)) {
            for (int n = in.read(buffer); n >= 0; n = in.read(buffer)) {
                digest.update(buffer, 0, n);
            }
        } catch (IOException e) {
            throw Failure.io("cannot read " + file, e);
        }
        return hex(digest.digest());
    }

    public static MessageDigest newSha256() {
        return instance("SHA-256");
    }

    public static MessageDigest instance(String algorithm) {
        try {
            return MessageDigest.getInstance(algorithm);
        } catch (NoSuchAlgorithmException e) {
            throw new IllegalStateException(e);
        }
    }

    public static String hex(byte[] bytes) {
        return HexFormat.of().formatHex(bytes);
    }
}
