package lib.image;

//DEPS org.bouncycastle:bcprov-jdk18on:1.84
//DEPS org.xerial.snappy:snappy-java:1.1.10.8

import java.io.IOException;
import java.security.GeneralSecurityException;
import java.util.Arrays;
import java.util.HexFormat;
import javax.crypto.Cipher;
import javax.crypto.spec.GCMParameterSpec;
import javax.crypto.spec.SecretKeySpec;
import lib.tool.Failure;
import org.bouncycastle.crypto.digests.Blake2bDigest;
import org.xerial.snappy.Snappy;

/**
 * A block of a file as rfs stores it: raw Snappy, then AES-256-GCM under the BLAKE2b-256 of the plain bytes, named by the
 * BLAKE2b-256 of the result. So the name tells nothing of the content, and the same content always has the same name.
 *
 * @param id name of the stored object, 32 bytes
 * @param key what the flist keeps to decrypt it, 32 bytes
 * @param stored bytes of the object
 */
public record FlistBlock(byte[] id, byte[] key, byte[] stored) {
    /** Plain bytes of every block of a file but the last; readers that mount a flist count on it. */
    public static final int SIZE = 512 << 10;
    private static final int NONCE = 12;
    private static final int TAG_BITS = 128;

    /** Encodes up to {@link #SIZE} bytes. */
    public static FlistBlock encode(byte[] plain) {
        byte[] key = blake2b(plain);
        try {
            byte[] stored = cipher(Cipher.ENCRYPT_MODE, key).doFinal(Snappy.compress(plain));
            return new FlistBlock(blake2b(stored), key, stored);
        } catch (IOException | GeneralSecurityException e) {
            throw new IllegalStateException("a block cannot be encoded", e);
        }
    }

    /** The plain bytes of a stored object; other bytes than those that belong to {@code id} and {@code key} are a Failure. */
    public static byte[] decode(byte[] id, byte[] key, byte[] stored) {
        if (!Arrays.equals(blake2b(stored), id)) {
            throw new Failure("the block " + hex(id) + " has other bytes than its name says", "it was changed or cut in the store; remove it there and upload again");
        }
        try {
            byte[] plain = Snappy.uncompress(cipher(Cipher.DECRYPT_MODE, key).doFinal(stored));
            if (!Arrays.equals(blake2b(plain), key)) {
                throw new Failure("the block " + hex(id) + " holds something else than its key says", "the flist is damaged");
            }
            return plain;
        } catch (IOException | GeneralSecurityException e) {
            throw new Failure("the block " + hex(id) + " cannot be decrypted: " + e.getMessage(), "the key in the flist is not the block's", e);
        }
    }

    private static Cipher cipher(int mode, byte[] key) throws GeneralSecurityException {
        Cipher cipher = Cipher.getInstance("AES/GCM/NoPadding");
        // The nonce is part of the key: a key is used for one plain text only, which it is made from.
        cipher.init(mode, new SecretKeySpec(key, "AES"), new GCMParameterSpec(TAG_BITS, key, 0, NONCE));
        return cipher;
    }

    /** The key of a block with these plain bytes. */
    public static byte[] key(byte[] plain) {
        return blake2b(plain);
    }

    static byte[] blake2b(byte[] bytes) {
        Blake2bDigest digest = new Blake2bDigest(256);
        digest.update(bytes, 0, bytes.length);
        byte[] out = new byte[32];
        digest.doFinal(out, 0);
        return out;
    }

    static String hex(byte[] bytes) {
        return HexFormat.of().formatHex(bytes);
    }

    /** Name of the object in a store. */
    public String name() {
        return hex(id);
    }
}
