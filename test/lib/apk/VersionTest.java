package lib.apk;

import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.api.Assertions.assertAll;

import java.io.IOException;
import java.nio.file.Files;
import java.util.stream.Stream;
import lib.TestProject;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class VersionTest {
    @Test
    void all_comparisons_of_apk_tools() throws IOException {
        assertAll(Files.readAllLines(TestProject.shared("apk-oracle/version.data")).stream().map(line -> line.trim().split("\\s+"))
                .filter(words -> words.length == 3).map(words -> () -> {
                    int order = Version.compare(words[0], words[2]);
                    assertThat(order < 0 ? "<" : order > 0 ? ">" : "=").as(String.join(" ", words)).isEqualTo(words[1]);
                    assertThat(Integer.signum(Version.compare(words[2], words[0]))).as("the other way round").isEqualTo(-Integer.signum(order));
                }));
    }

    @ParameterizedTest
    @CsvSource({"1.0,1.0-r0", "1.0-r9,1.0-r10", "1.2_alpha,1.2_beta", "1.2_rc,1.2", "1.2,1.2_p", "1.2_p,1.2a", "1.2a,1.2.1", "1.0,1.0.0", "1.00,1.0",
        "1.0,1.01", "1.001,1.01", "1.2.4-r9,1.2.4_git20230717-r4", "1.0_foo,1.0", "1.0a,1.0ab", "0.104.n,0.104.o", "1.0.0b1-r4,1.0.0b1-r5"})
    void is_older_than(String older, String newer) {
        assertThat(Version.compare(older, newer)).isNegative();
        assertThat(Version.compare(newer, older)).isPositive();
    }

    @ParameterizedTest
    @CsvSource({"1.2,1.2-r0,true", "1.2,1.2.9,true", "1.2,1.2_p3,true", "1.2,1.2_alpha1,true", "1.2,1.20,false", "1.2,1.02,false", "1.3,1.36,false",
        "1.36.1-r1,1.36.1-r19,false"})
    void fuzzy_equality_goes_by_components(String wanted, String version, boolean equal) {
        assertThat(Version.fuzzyEqual(version, wanted)).isEqualTo(equal);
    }

    @Test
    void words_are_no_versions() {
        assertThat(Stream.of("bogus", "", "1.", "1.0-x", "1_foo", "1.0-r").filter(Version::valid)).containsExactly("1.", "1.0-r");
        assertThat(Stream.of("1", "1.2.3", "1.2a", "1.2_rc1_p3-r12", "20240226-r0").allMatch(Version::valid)).isTrue();
    }
}
