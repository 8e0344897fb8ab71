package lib;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.regex.Pattern;
import java.util.stream.Stream;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class SizePageTest {
    @TempDir
    Path folder;

    private static String page() throws IOException {
        SizeReport report = SizeLedgerTest.report("1.7-r0", 14_000);
        SizeReport.Item hostile = new SizeReport.Item("packages", "</script><b id=planted>", "1", 0, 0, "", List.of());
        return SizePage.of(new SizeReport(report.image(), report.bytes(), report.initramfs(), report.unpacked(),
                Stream.concat(report.items().stream(), Stream.of(hostile)).toList()));
    }

    @Test
    void names_nothing_outside_of_itself() throws IOException {
        assertThat(page()).doesNotContainPattern("(?i)https?:|src=|@import|url\\(|<link|<b id=planted").contains("default-src 'none'");
    }

    @Tag("slow")
    @ParameterizedTest
    @ValueSource(ints = {1280, 500})
    void a_browser_draws_the_treemap_and_fills_the_table(int width) throws IOException {
        String shown = TestBrowser.shown(Files.writeString(folder.resolve("size.html"), page()), width);

        assertThat(shown).contains("<h1 id=\"title\">vmlinuz.efi: ");
        assertThat(Pattern.compile("<button [^>]*title=\"[^\"]+: [\\d.]+ (B|KiB|MiB), [\\d.]+ %\"").matcher(shown).results().count()).isBetween(6L, 20L);
        assertThat(shown).contains("<b>busybox</b>").containsPattern("<tr><td><i [^>]*></i>jq 1.7-r0</td><td class=\"wide\">packages</td><td class=\"n\">13.\\d KiB</td>")
                .contains("</i>&lt;/script&gt;&lt;b id=planted&gt; 1</td>");
    }
}
