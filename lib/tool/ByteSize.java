package lib.tool;

import java.math.BigInteger;
import java.util.Locale;
import java.util.Optional;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/** Sizes as people write them: {@code 900K}, {@code 12M}, {@code 10 GiB}, in powers of 1024, or a plain number of bytes. */
public final class ByteSize {
    private static final Pattern TEXT = Pattern.compile("(\\d+)\\s*([KMGT]?)(?:I?B)?");

    private ByteSize() { }

    /** Bytes; empty when the text is no size, or more than a file can have. */
    public static Optional<Long> parse(String text) {
        Matcher m = TEXT.matcher(text.strip().toUpperCase(Locale.ROOT));
        if (!m.matches()) {
            return Optional.empty();
        }
        BigInteger bytes = new BigInteger(m.group(1)).shiftLeft(m.group(2).isEmpty() ? 0 : 10 * ("KMGT".indexOf(m.group(2)) + 1));
        return Optional.of(bytes).filter(number -> number.bitLength() < Long.SIZE).map(BigInteger::longValue);
    }
}
