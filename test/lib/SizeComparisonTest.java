package lib;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import lib.tool.Json;
import org.junit.jupiter.api.Test;

class SizeComparisonTest {
    @Test
    void names_what_changed_and_keeps_apart_what_only_moved() throws IOException {
        SizeComparison comparison = SizeComparison.of(SizeLedgerTest.report("1.6-r0", 4_000), SizeLedgerTest.report("1.7-r0", 14_000));

        assertThat(comparison.rows().get(0).title()).isEqualTo("packages/jq 1.6-r0 -> 1.7-r0");
        assertThat(comparison.rows().get(0).change()).isBetween(9_500L, 10_500L);
        assertThat(comparison.rows()).extracting(SizeComparison.Row::name).doesNotContain("busybox", "my_init");
        assertThat(comparison.rows().stream().mapToLong(SizeComparison.Row::change).sum() + comparison.neighbours())
                .isEqualTo(comparison.after() - comparison.before());
    }

    @Test
    void an_image_compared_with_itself_has_no_rows() throws IOException {
        SizeComparison comparison = SizeComparison.of(SizeLedgerTest.report("1.6-r0", 4_000), SizeLedgerTest.report("1.6-r0", 4_000));

        assertThat(comparison.rows()).isEmpty();
        assertThat(comparison.table().lines()).hasSize(2).last().asString().startsWith("0 ");
    }

    @Test
    void is_printed_for_people_for_programs_and_for_pull_requests() throws IOException {
        SizeComparison comparison = SizeComparison.of(SizeLedgerTest.report("1.6-r0", 4_000), SizeLedgerTest.report("1.7-r0", 14_000));

        assertThat(comparison.table()).containsPattern("(?m)^\\+\\d{4,5} +\\d+ +\\d+ +packages/jq 1.6-r0 -> 1.7-r0$").containsPattern("(?m)^\\+\\d{4,5} .* vmlinuz.efi$");
        assertThat(comparison.markdown()).startsWith("### Image size: +").contains("| Change | Before | After | What |\n| ---: | ---: | ---: | --- |\n| +");
        assertThat(Json.parse(Json.pretty(comparison), "test").path("rows").path(0).path("versionAfter").asText()).isEqualTo("1.7-r0");
    }
}
