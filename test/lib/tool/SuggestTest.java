package lib.tool;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class SuggestTest {
    @ParameterizedTest
    @CsvSource({"openssh-sever,openssh-server", "udev,eudev", "dhcpd,dhcpcd", "ALPINE_VERSOIN,ALPINE_VERSION", "--dry-urn,--dry-run"})
    void the_nearest_known_word_is_suggested(String typed, String meant) {
        assertThat(Suggest.closest(typed, List.of("openssh-server", "openssh", "eudev", "dhcpcd", "ALPINE_VERSION", "--dry-run"))).contains(meant);
    }

    @Test
    void a_word_that_resembles_none_gets_the_other_hint() {
        assertThat(Suggest.hint("xyzzy", List.of("git", "release"), "the types are git and release")).isEqualTo("the types are git and release");
        assertThat(Suggest.hint("gti", List.of("git", "release"), "")).isEqualTo("did you mean git?");
        assertThat(Suggest.closest("git", List.of())).isEmpty();
    }

    @ParameterizedTest
    @CsvSource({"abc,abc,0", "abc,acb,1", "abc,ab,1", "abc,xabc,1", "kitten,sitting,3", "'',abc,3"})
    void a_swap_of_neighbours_counts_once(String a, String b, int distance) {
        assertThat(Suggest.distance(a, b)).isEqualTo(distance);
    }
}
