package lib.image;

import java.util.function.Supplier;

/**
 * Parts of archives that were packed before. A part is told from others by a digest of all that its bytes depend on: the content up to its
 * end and how it is packed.
 */
public interface PackedSlices {
    /** Remembers nothing. */
    PackedSlices NONE = new PackedSlices() {
        @Override
        public boolean has(String digest) {
            return false;
        }

        @Override
        public byte[] get(String digest, Supplier<byte[]> pack) {
            return pack.get();
        }
    };

    /** Whether {@link #get} has it at hand. */
    boolean has(String digest);

    /** The packed bytes, by {@code pack} when they are not known; several threads ask at once. */
    byte[] get(String digest, Supplier<byte[]> pack);
}
