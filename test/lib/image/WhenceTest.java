package lib.image;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.EnumMap;
import java.util.List;
import java.util.Map;
import java.util.stream.Stream;
import lib.image.Whence.Entry;
import lib.image.Whence.Kind;
import lib.image.Whence.Licence;
import lib.image.Whence.Line;
import lib.image.Whence.Link;
import lib.tool.Failure;
import org.junit.jupiter.api.Test;

class WhenceTest {
    private static final String SAMPLE = """
                     **********
                     * WHENCE *
                     **********

            This file attempts to document the origin.

            --------------------------------------------------------------------------

            Driver: microcode_amd - AMD CPU Microcode Update Driver for Linux

            RawFile: amd-ucode/microcode_amd.bin
            Version: 2013-07-10
            RawFile: amd-ucode/microcode_amd_fam17h.bin
            Version: 2024-11-21
            File: amd-ucode/README

            License: Redistributable. See LICENSE.amd-ucode for details

            --------------------------------------------------------------------------

            Driver: usbdux/usbduxfast -- data acquisition cards
            Driver:Atheros AR300x UART HCI Bluetooth Chip driver

            File:rt/nospace.fw
            File: "rt/name with blanks.txt"
            Link: rt/link\\ with\\ blanks.txt -> nospace.fw
            Link: sample.fw -> rt/nospace.fw

            Licence: Redistributable. See LICENCE.sample and qcom/NOTICE.txt for details

            File: rt/second.bin
            Source: rt/src/
            Info: made up

            Licence:
             Copyright (C) 1999
             Found in hex form in kernel source. See GPL-2 for
             details.
            File rt/not-an-entry.bin
            """;

    @Test
    void reads_files_with_their_versions_and_licences() {
        Licence amd = new Licence("Redistributable. See LICENSE.amd-ucode for details", List.of("LICENSE.amd-ucode"));
        Whence whence = Whence.parse("WHENCE", SAMPLE);

        assertThat(whence.of("microcode-amd").get(0).files()).containsExactly(
                new Entry("amd-ucode/microcode_amd.bin", true, "2013-07-10", amd),
                new Entry("amd-ucode/microcode_amd_fam17h.bin", true, "2024-11-21", amd),
                new Entry("amd-ucode/README", false, "", amd));
    }

    @Test
    void reads_quoted_and_escaped_names() {
        Whence whence = Whence.parse("WHENCE", SAMPLE);

        assertThat(whence.files()).extracting(Entry::path).contains("rt/nospace.fw", "rt/name with blanks.txt").doesNotContain("rt/not-an-entry.bin");
        assertThat(whence.links()).extracting(Link::path, Link::target)
                .containsExactly(org.assertj.core.groups.Tuple.tuple("rt/link with blanks.txt", "nospace.fw"),
                        org.assertj.core.groups.Tuple.tuple("sample.fw", "rt/nospace.fw"));
    }

    @Test
    void a_licence_covers_the_files_since_the_one_before_and_goes_on_over_prose() {
        Whence whence = Whence.parse("WHENCE", SAMPLE);

        assertThat(whence.file("rt/nospace.fw").orElseThrow().licence().files()).containsExactly("LICENCE.sample", "qcom/NOTICE.txt");
        Licence second = whence.file("rt/second.bin").orElseThrow().licence();
        assertThat(second.title()).isEqualTo("Copyright (C) 1999");
        assertThat(second.text()).contains("Found in hex form");
        assertThat(second.files()).containsExactly("GPL-2");
    }

    @Test
    void a_section_may_have_several_drivers_and_a_line_several_names() {
        Whence whence = Whence.parse("WHENCE", SAMPLE);

        assertThat(whence.of("usbduxfast")).isEqualTo(whence.of("Atheros AR300x UART HCI Bluetooth Chip driver")).hasSize(1);
        assertThat(whence.of("usb")).isEmpty();
    }

    @Test
    void every_line_is_accounted_for() {
        Whence whence = Whence.parse("WHENCE", SAMPLE);

        assertThat(whence.text()).isEqualTo(SAMPLE);
        assertThat(whence.lines()).filteredOn(line -> line.kind() == Kind.SOURCE || line.kind() == Kind.INFO).extracting(Line::value)
                .containsExactly("rt/src/", "made up");
    }

    @Test
    void errors_name_the_line() {
        assertWrong("File:", "WHENCE:1: a line without a name: File:");
        assertWrong("\nFile: \"a b", "WHENCE:2: a name whose quotes do not pair: File: \"a b");
        assertWrong("File: ../../etc/passwd", "WHENCE:1: a path outside of the firmware folder");
        assertWrong("Link: a/b.bin", "WHENCE:1: not a link");
        assertWrong("Link: a/b.bin -> ../../c.bin", "WHENCE:1: a link that leaves the firmware folder");
    }

    private static void assertWrong(String text, String message) {
        assertThatThrownBy(() -> Whence.parse("WHENCE", text)).isInstanceOf(Failure.class).hasMessageStartingWith(message);
    }

    @Test
    void the_real_file_is_read_without_loss() throws IOException {
        Path file = shared("WHENCE");
        String text = Files.readString(file);

        Whence whence = Whence.parse(file.toString(), text);

        assertThat(whence.text()).isEqualTo(text);
        Map<Kind, Integer> counts = new EnumMap<>(Kind.class);
        whence.lines().forEach(line -> counts.merge(line.kind(), 1, Integer::sum));
        Map<Kind, String> keys = Map.of(Kind.DRIVER, "Driver:", Kind.FILE, "File:", Kind.LINK, "Link:", Kind.VERSION, "Version:", Kind.INFO, "Info:",
                Kind.SOURCE, "Source:", Kind.RULE, "--------------------");
        keys.forEach((kind, key) -> assertThat(counts.get(kind)).as(key).isEqualTo((int) text.lines().filter(line -> line.startsWith(key)).count()));
        assertThat(counts.get(Kind.LICENCE)).isEqualTo((int) text.lines().filter(line -> line.matches("Licen[cs]e:.*")).count());
        assertThat(whence.lines()).filteredOn(line -> line.kind() == Kind.PROSE).extracting(Line::text)
                .noneMatch(line -> line.matches("\\s*(File|RawFile|Link|Driver|Version|Licen[cs]e|Info|Source)\\s*:.*"));
        assertThat(whence.files()).hasSize(2695).noneMatch(entry -> entry.path().contains("\"")).extracting(Entry::path)
                .contains("intel/ibt-20-0-3.sfi", "brcm/brcmfmac43241b4-sdio.Intel Corp.-VALLEYVIEW C0 PLATFORM.txt");
        assertThat(whence.links()).hasSize(430).extracting(Link::path).contains("brcm/brcmfmac43455-sdio.Raspberry Pi Foundation-Raspberry Pi 4 Model B.txt");
        assertThat(whence.files()).allMatch(entry -> !entry.licence().text().isEmpty());
    }

    @Test
    void the_grammar_of_newer_files_is_read_without_loss() throws IOException {
        Path file = shared("module-samples/WHENCE.rawfile-sample");
        String text = Files.readString(file);

        Whence whence = Whence.parse(file.toString(), text);

        assertThat(whence.text()).isEqualTo(text);
        assertThat(whence.files()).filteredOn(Entry::raw).extracting(Entry::path).containsExactly("amd-ucode/microcode_amd.bin", "amd-ucode/microcode_amd_fam17h.bin");
        assertThat(whence.files()).extracting(Entry::path).contains("amd-ucode/README", "rt/sample-1.fw", "rt/nospace.fw", "rt/name with blanks.txt").hasSize(6);
        assertThat(whence.links()).extracting(Link::path).containsExactly("rt/link with blanks.txt", "sample.fw");
        assertThat(whence.files()).allMatch(entry -> !entry.licence().files().isEmpty());
    }

    /** A file of the folder {@code shared} beside the project; without it the test is skipped. */
    private static Path shared(String name) {
        Path project = Stream.iterate(Path.of("").toAbsolutePath(), folder -> folder != null, Path::getParent)
                .filter(folder -> Files.exists(folder.resolve("jbang"))).findFirst().orElse(Path.of("").toAbsolutePath());
        Path file = project.resolveSibling("shared/reference").resolve(name);
        assumeTrue(Files.exists(file), "there is no shared/reference/" + name + " beside the project");
        return file;
    }
}
