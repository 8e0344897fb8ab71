package demo;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.security.GeneralSecurityException;
import java.security.KeyFactory;
import java.security.KeyPair;
import java.security.KeyPairGenerator;
import java.security.Signature;
import java.security.interfaces.RSAPrivateCrtKey;
import java.security.spec.PKCS8EncodedKeySpec;
import java.security.spec.RSAPublicKeySpec;
import java.util.Base64;
import lib.tool.Failure;

/**
 * An RSA key that signs packages and indexes.
 *
 * @param name name of the public key's file in etc/apk/keys, for example {@code demo.rsa.pub}; a signature names its key by it
 */
public record SigningKey(String name, KeyPair pair) {
    private static final int BITS = 2048;

    /** A new random key. */
    public static SigningKey generate(String name) {
        try {
            KeyPairGenerator generator = KeyPairGenerator.getInstance("RSA");
            generator.initialize(BITS);
            return new SigningKey(name, generator.generateKeyPair());
        } catch (GeneralSecurityException e) {
            throw new IllegalStateException("this Java has no RSA", e);
        }
    }

    /** A key that {@link #save} wrote. */
    public static SigningKey load(String name, Path file) {
        try {
            KeyFactory rsa = KeyFactory.getInstance("RSA");
            RSAPrivateCrtKey secret = (RSAPrivateCrtKey) rsa.generatePrivate(new PKCS8EncodedKeySpec(Files.readAllBytes(file)));
            return new SigningKey(name, new KeyPair(rsa.generatePublic(
                    new RSAPublicKeySpec(secret.getModulus(), secret.getPublicExponent())), secret));
        } catch (GeneralSecurityException e) {
            throw new Failure(file + " is not an RSA key in PKCS #8 form", "delete it: a new one is made", e);
        } catch (IOException e) {
            throw Failure.io("cannot read the signing key " + file, e);
        }
    }

    /** Writes the secret key (PKCS #8, DER) into a new file that only its owner can read. */
    public void save(Path file) throws IOException {
        Files.createFile(file, PosixFilePermissions.asFileAttribute(PosixFilePermissions.fromString("rw-------")));
        Files.write(file, pair.getPrivate().getEncoded());
    }

    /** The public key as it belongs into etc/apk/keys: PEM, SubjectPublicKeyInfo. */
    public String publicPem() {
        String body = Base64.getMimeEncoder(64, new byte[] {'\n'}).encodeToString(pair.getPublic().getEncoded());
        return "-----BEGIN PUBLIC KEY-----\n" + body + "\n-----END PUBLIC KEY-----\n";
    }

    /**
     * The tar entry {@code .SIGN.ALGORITHM.NAME} over {@code signed}.
     *
     * @param algorithm as apk names it: RSA (with SHA-1, what Alpine uses), RSA256 or RSA512
     */
    TarEntry signature(String algorithm, byte[] signed) {
        try {
            Signature signature = Signature.getInstance(switch (algorithm) {
                case "RSA" -> "SHA1withRSA";
                case "RSA256" -> "SHA256withRSA";
                case "RSA512" -> "SHA512withRSA";
                default -> throw new IllegalArgumentException("no signature algorithm of apk: " + algorithm);
            });
            signature.initSign(pair.getPrivate());
            signature.update(signed);
            return TarEntry.file(".SIGN." + algorithm + "." + name, 0644, signature.sign());
        } catch (GeneralSecurityException e) {
            throw new IllegalStateException("cannot sign with RSA", e);
        }
    }

    @Override
    public String toString() {
        return "SigningKey " + name;
    }
}
