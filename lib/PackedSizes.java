package lib;

import java.nio.file.Path;
import java.util.function.Supplier;

/** Bytes that two trees have when they are packed: a tree as it is, and one made of it to see whether that helps. */
public record PackedSizes(long plain, long other) {
    /** Finds them out. */
    @FunctionalInterface
    public interface Measure {
        /** @param other makes the other tree while the first one is packed; the two have most of their content in common */
        PackedSizes of(Path tree, Supplier<Path> other);
    }
}
