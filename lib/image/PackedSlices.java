package lib.image;

import java.util.Optional;
import java.util.function.Supplier;

/**
 * Parts of archives that were packed before, or that another thread is about to pack. A part is told from others by a digest of all that its
 * bytes depend on: the content up to its end and how it is packed.
 */
public interface PackedSlices {
    /** Remembers nothing. */
    PackedSlices NONE = new PackedSlices() {
        @Override
        public Optional<Supplier<byte[]>> find(String digest) {
            return Optional.empty();
        }

        @Override
        public void put(String digest, byte[] packed) { }
    };

    /** The packed bytes, for which the supplier may have to wait; empty when the caller is who has to {@link #put} them here. */
    Optional<Supplier<byte[]>> find(String digest);

    /** Several threads do so at once. */
    void put(String digest, byte[] packed);
}
