package lib.tool;

import static org.assertj.core.api.Assertions.assertThat;

import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

class ByteSizeTest {
    @ParameterizedTest
    @CsvSource({"0,0", "1000,1000", "900K,921600", "12M,12582912", "12 MiB,12582912", "1g,1073741824", "2TB,2199023255552", "8388607T,9223370937343148032",
        "9223372036854775807,9223372036854775807"})
    void sizes_are_in_powers_of_1024(String text, long bytes) {
        assertThat(ByteSize.parse(text)).contains(bytes);
    }

    @ParameterizedTest
    @ValueSource(strings = {"", "M", "-1", "1.5G", "12X", "lots", "9223372036854775808", "8388608T", "99999999999999999999999G"})
    void what_is_none_or_too_large_is_empty(String text) {
        assertThat(ByteSize.parse(text)).isEmpty();
    }
}
