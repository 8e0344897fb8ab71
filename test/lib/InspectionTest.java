package lib;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.LinkOption;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.util.List;
import lib.image.FinishedImage;
import lib.image.TestArchive;
import lib.tool.Failure;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class InspectionTest {
    @TempDir
    Path folder;

    private static Inspection of(TestArchive archive) {
        return new Inspection(FinishedImage.parse("test.cpio", archive.bytes()));
    }

    private static TestArchive tree() {
        return new TestArchive().folder("bin", 0755).file("bin/su", 04755, "su").link("sbin", "bin").folder("dev", 0755).device("dev/console", 0600)
                .folder("root", 0700).file("root/\33[31mred", 0400, "x").folder("tmp", 01777);
    }

    @Test
    void lists_what_there_is_as_ls_would() {
        List<Inspection.Listed> lines = of(tree()).list("");

        assertThat(lines).extracting(Inspection.Listed::path).isSorted().contains("bin/su", "dev/console");
        assertThat(Inspection.table(lines)).containsPattern("-rwsr-xr-x +0:0 +2 +\\d+ +bin/su\n").containsPattern("lrwxrwxrwx .* sbin -> bin\n")
                .containsPattern("crw------- .* dev/console -> 5:1\n").containsPattern("drwxrwxrwt .* tmp\n").doesNotContain("\33");
        assertThat(of(tree()).list("/sbin/")).extracting(Inspection.Listed::path).containsExactly("bin", "bin/su");
    }

    @Test
    void shows_a_file_to_the_byte() {
        Inspection inspection = of(tree());
        ByteArrayOutputStream out = new ByteArrayOutputStream();
        inspection.cat(inspection.file("sbin/su").orElseThrow(), out);

        assertThat(out.toString(StandardCharsets.UTF_8)).isEqualTo("su");
        assertThat(inspection.file("sbin")).isEmpty();
        assertThatThrownBy(() -> inspection.list("usr/none")).isInstanceOf(Failure.class).hasMessage("there is no /usr/none in test.cpio");
    }

    @Test
    void unpacks_without_root_and_without_what_only_root_may_make() throws IOException {
        Inspection.Extracted done = of(tree()).extract("", folder.resolve("tree"));

        assertThat(done.leftOut()).containsExactly("dev/console");
        assertThat(PosixFilePermissions.toString(Files.getPosixFilePermissions(folder.resolve("tree/bin/su")))).isEqualTo("rwxr-xr-x");
        assertThat((Integer) Files.getAttribute(folder.resolve("tree/bin/su"), "unix:mode") & 07000).isZero();
        assertThat(Files.readSymbolicLink(folder.resolve("tree/sbin"))).hasToString("bin");
        assertThat(folder.resolve("tree/root/\33[31mred")).hasContent("x");
        assertThat(of(tree()).extract("bin", folder.resolve("part")).entries()).isEqualTo(2);
        assertThatThrownBy(() -> of(tree()).extract("", folder.resolve("tree"))).hasMessageContaining("is not an empty folder");
    }

    @ParameterizedTest
    @ValueSource(strings = {"../outside", "etc/../../outside", "/etc/passwd", "etc/..", "bin/su/below", "sbin/through-a-link"})
    void refuses_paths_that_lead_elsewhere_before_it_writes_anything(String path) {
        Path target = folder.resolve("tree");
        Inspection inspection = of(tree().link("out", folder.toString()).file(path, 0644, "evil"));

        assertThatThrownBy(() -> inspection.extract("", target)).isInstanceOf(Failure.class).hasMessageContaining("unsafe path: " + path);
        assertThat(target).doesNotExist();
        assertThat(Files.exists(folder.resolve("outside"), LinkOption.NOFOLLOW_LINKS)).isFalse();
    }

    @Test
    void a_link_that_leads_out_is_made_but_nothing_is_written_through_it() throws IOException {
        of(new TestArchive().link("out", folder.toString()).file("z", 0644, "z")).extract("", folder.resolve("tree"));

        assertThat(Files.list(folder)).containsExactly(folder.resolve("tree"));
    }
}
