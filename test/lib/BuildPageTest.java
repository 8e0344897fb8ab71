package lib;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import lib.tool.Json;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class BuildPageTest {
    private static final BootReport BOOT = new BootReport("met", "default", "boot.expect", "host", 6.5, 0, List.of(new BootReport.Run("met", "", 6.5,
            Map.of("kernel", 6.5), List.of(new Timeline.Event("service web running", 6.2, Optional.empty())), List.of())));

    @TempDir
    Path dist;

    @BeforeEach
    void a_build() throws IOException {
        build("11");
        Files.writeString(dist.resolve(SizeReport.FILE), SizeLedgerTest.report("1.7-r0", 14_000).json());
    }

    private void build(String sha256) throws IOException {
        Files.writeString(dist.resolve("build.json"), Json.pretty(Map.of("version", "6.12.44-MyceliumOS-</script>", "kernel", Map.of("release", "6.12.44"),
                "alpine", Map.of("release", "3.22.1", "arch", "x86_64"), "made", List.of("x"), "cached", 3,
                "components", List.of(Map.of("name", "my_init", "version", "v1.2", "identity", "0123456789abcdef", "path", "/sbin/my_init")),
                "spans", List.of(Map.of("phase", "Alpine Base", "step", "36 packages", "start", 1.0, "seconds", 0.5, "bytes", 0),
                        Map.of("phase", "Alpine Base", "step", "", "start", 0.5, "seconds", 1.5, "bytes", 4096)),
                "files", Map.of("vmlinuz.efi", Map.of("sha256", sha256, "bytes", 4_600_000)))));
    }

    private String page() throws IOException {
        return Files.readString(dist.resolve("report.html"));
    }

    @Test
    void names_nothing_outside_of_itself_and_stays_whole_whatever_the_names_are() throws IOException {
        BuildPage.write(dist);

        assertThat(page()).doesNotContainPattern("(?i)https?:|src=|@import|url\\(|<link").contains("default-src 'none'")
                .doesNotContain("MyceliumOS-</script>");
    }

    @Test
    void a_boot_is_shown_until_another_image_is_built() throws IOException {
        BuildPage.booted(dist, BOOT);
        assertThat(page()).contains("service web running");

        build("22");
        BuildPage.write(dist);
        assertThat(page()).doesNotContain("service web running");
    }

    @Test
    void a_boot_of_an_image_without_a_report_writes_nothing() throws IOException {
        Files.delete(dist.resolve("build.json"));

        BuildPage.booted(dist, BOOT);

        assertThat(dist.resolve("boot.json")).doesNotExist();
    }

    @Tag("slow")
    @ParameterizedTest
    @ValueSource(ints = {1280, 500})
    void a_browser_draws_both_time_lines_the_treemap_and_the_tables(int width) {
        BuildPage.booted(dist, BOOT);

        String shown = TestBrowser.shown(dist.resolve("report.html"), width);

        assertThat(shown).containsPattern("<h1 id=\"title\">MyceliumOS 6.12.44-MyceliumOS-&lt;/script&gt;: 4.39 MiB")
                .containsPattern("class=\"bar phase\"><span title=\"Alpine Base\">Alpine Base</span><div class=\"track\"><i style=\"left: 0%; width: 100%;\"></i></div><b>1.50 s")
                .containsPattern("class=\"bar step\"><span title=\"36 packages\">36 packages</span><div class=\"track\"><i style=\"left: 33.3\\d*%; width: 33.3\\d*%;")
                .contains("Machine default: contract met after 6.50 s").contains("service web running").contains("<b>busybox</b>")
                .containsPattern("<td>my_init</td><td>v1.2</td><td class=\"wide\">0123456789ab</td>").containsPattern("<td>jq</td><td>1.7-r0</td>");
    }
}
