package lib;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatCode;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.ByteArrayInputStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.stream.IntStream;
import javax.xml.parsers.DocumentBuilderFactory;
import lib.BootCheck.Verdict;
import lib.tool.Failure;
import lib.tool.Json;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.w3c.dom.Element;
import org.w3c.dom.NodeList;

class BootReportTest {
    @TempDir
    Path folder;

    private final BootContract contract = BootContract.parse("boot.expect", "must a <b>\nmust c\n");

    private static Boot.Outcome boot(Verdict verdict, String why, double seconds, String... seen) {
        Timeline.Recorder recorder = new Timeline.Recorder();
        for (String name : seen) {
            recorder.put(name, seconds / 2, java.util.Optional.of(seconds));
        }
        return new Boot.Outcome(verdict, why, seconds, recorder.timeline(), List.of("last \u0007 line"));
    }

    private BootReport met(double... seconds) {
        return BootReport.of("default", contract, java.util.Arrays.stream(seconds).mapToObj(one -> boot(Verdict.MET, "", one, "must a <b>", "must c")).toList(), false);
    }

    @Test
    void median_and_spread_forgive_one_slow_boot() {
        BootReport report = met(3.0, 9.0, 3.2);

        assertThat(report.median()).isEqualTo(3.2);
        assertThat(report.spread()).isEqualTo(0.2);
        assertThat(report.text()).contains("3 boots: median 3.20 s, spread 0.20 s (host clock)");
    }

    @Test
    void boots_may_be_a_little_slower_than_the_baseline_but_not_more() throws Exception {
        Path baseline = Files.writeString(folder.resolve("baseline.json"), Json.pretty(met(3.0)));

        assertThatCode(() -> met(3.29).compareTo(baseline, 0.1)).doesNotThrowAnyException();
        assertThatThrownBy(() -> met(3.31).compareTo(baseline, 0.1)).hasMessage("boots have become slower: 3.31 s, before 3.00 s, allowed 3.30 s")
                .satisfies(e -> assertThat(((Failure) e).exitCode()).isEqualTo(Failure.CONTRACT));
        assertThatThrownBy(() -> met(3).compareTo(folder.resolve("none"), 0.1)).hasMessageStartingWith("there is no baseline");
        Path other = Files.writeString(folder.resolve("other.json"), Json.pretty(met(3.0)).replace("\"host\"", "\"guest\""));
        assertThatThrownBy(() -> met(3).compareTo(other, 0.1)).hasMessageEndingWith("is not a report by the host clock");
    }

    @Test
    void percentages_are_read_with_and_without_their_sign() {
        assertThat(BootReport.percent("10%")).isEqualTo(0.1);
        assertThat(BootReport.percent("2.5")).isEqualTo(0.025);
        assertThatThrownBy(() -> BootReport.percent("a lot")).hasMessage("not a percentage: a lot");
    }

    @Test
    void ci_systems_see_a_test_for_each_line_and_one_for_the_rest() throws Exception {
        Element good = parse(met(3).junit(contract));
        assertThat(good.getAttribute("failures")).isEqualTo("0");

        BootReport missing = BootReport.of("default", contract, List.of(boot(Verdict.TIMEOUT, "too late\n  missing: c (boot.expect:2)", 60, "must a <b>")), false);
        Element late = parse(missing.junit(contract));
        assertThat(late.getAttribute("failures")).isEqualTo("1");
        assertThat(late.getElementsByTagName("testcase").getLength()).isEqualTo(4);
        assertThat(((Element) late.getElementsByTagName("testcase").item(0)).getAttribute("name")).isEqualTo("a <b>");

        BootReport panic = BootReport.of("default", contract, List.of(boot(Verdict.PANIC, "the kernel gave up: x", 2, "must a <b>", "must c")), false);
        assertThat(parse(panic.junit(contract)).getAttribute("failures")).isEqualTo("1");
        assertThat(panic.result()).isEqualTo("panic");
    }

    @Test
    void ci_systems_see_how_long_each_phase_took_and_when_services_came_up() throws Exception {
        Timeline.Recorder recorder = new Timeline.Recorder();
        recorder.line("[    0.000000] Linux version 6.12.44", 1.5);
        recorder.line("[    0.700000] Run /init as init process", 2.25);
        recorder.line("service 'net' running", 2.5);
        recorder.line("service 'time' failed", 2.75);
        Boot.Outcome outcome = new Boot.Outcome(Verdict.MET, "", 3, recorder.timeline(), List.of());

        NodeList cases = parse(BootReport.of("default", contract, List.of(outcome), false).junit(contract)).getElementsByTagName("testcase");

        assertThat(IntStream.range(3, cases.getLength()).mapToObj(i -> (Element) cases.item(i)).map(one -> one.getAttribute("name") + " " + one.getAttribute("time")))
                .containsExactly("phase firmware 1.5", "phase kernel 0.75", "phase init 0.75", "service net running 2.5");
    }

    private static Element parse(String xml) throws Exception {
        return DocumentBuilderFactory.newInstance().newDocumentBuilder().parse(new ByteArrayInputStream(xml.getBytes(StandardCharsets.UTF_8))).getDocumentElement();
    }
}
