package lib.apk;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.GeneralSecurityException;
import java.security.KeyFactory;
import java.security.PublicKey;
import java.security.Signature;
import java.security.spec.X509EncodedKeySpec;
import java.util.Base64;
import java.util.Map;
import java.util.TreeMap;
import java.util.stream.Stream;
import lib.tool.Failure;

/**
 * Public keys by file name: whom we trust to sign indexes. A signature names its key; an unknown name is passed over, a wrong
 * signature by a known key is an error whatever else there is.
 */
public final class Keys {
    private final Map<String, PublicKey> keys = new TreeMap<>();
    private final Map<String, byte[]> files = new TreeMap<>();

    /** Adds all {@code *.pub} files (PEM) of a folder that may be absent. */
    public Keys addFolder(Path folder) {
        if (!Files.isDirectory(folder)) {
            return this;
        }
        try (Stream<Path> list = Files.list(folder)) {
            list.filter(file -> file.toString().endsWith(".pub")).sorted().forEach(file -> add(file.getFileName().toString(), bytes(file), file.toString()));
        } catch (IOException e) {
            throw Failure.io("cannot read the keys in " + folder, e);
        }
        return this;
    }

    private static byte[] bytes(Path file) {
        try {
            return Files.readAllBytes(file);
        } catch (IOException e) {
            throw Failure.io("cannot read the key " + file, e);
        }
    }

    /** Adds one key; {@code source} names it in errors. */
    public void add(String name, byte[] pem, String source) {
        try {
            String body = new String(pem, StandardCharsets.US_ASCII).replaceAll("-----[A-Z ]+-----", "").replaceAll("\\s", "");
            keys.put(name, KeyFactory.getInstance("RSA").generatePublic(new X509EncodedKeySpec(Base64.getDecoder().decode(body))));
            files.put(name, pem);
        } catch (GeneralSecurityException | IllegalArgumentException e) {
            throw new Failure(source + " is not an RSA public key in PEM form", "an Alpine key begins with -----BEGIN PUBLIC KEY-----", e);
        }
    }

    /** Names of all keys. */
    public java.util.Set<String> names() {
        return keys.keySet();
    }

    /** The key files by name, as they are to be found in etc/apk/keys. */
    public Map<String, byte[]> files() {
        return files;
    }

    boolean knows(String name) {
        return keys.containsKey(name);
    }

    /** Whether {@code signature} by key {@code name} fits the bytes; {@code algorithm} is RSA, RSA256 or RSA512. */
    boolean fits(String name, String algorithm, byte[] signature, byte[] bytes) {
        try {
            Signature verifier = Signature.getInstance(switch (algorithm) {
                case "RSA" -> "SHA1withRSA";
                case "RSA256" -> "SHA256withRSA";
                default -> "SHA512withRSA";
            });
            verifier.initVerify(keys.get(name));
            verifier.update(bytes);
            return verifier.verify(signature);
        } catch (GeneralSecurityException e) {
            return false;
        }
    }
}
