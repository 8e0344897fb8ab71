package lib;

import com.fasterxml.jackson.databind.JsonNode;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import lib.BootCheck.Verdict;
import lib.tool.Failure;
import lib.tool.Json;
import lib.tool.Trees;

/**
 * What one or more boots of the same machine showed.
 *
 * @param measure whose clock {@code median} is from: {@code host}, or {@code guest} where the guest's clock counts instructions
 * @param median seconds of a boot
 * @param spread median distance of the boots from the median, in seconds
 */
public record BootReport(String result, String machine, String contract, String measure, double median, double spread, List<Run> runs) {

    /** One boot. */
    public record Run(String result, String why, double seconds, Map<String, Double> phases, List<Timeline.Event> events, List<String> tail) {
        static Run of(Boot.Outcome outcome) {
            return new Run(name(outcome.verdict()), outcome.why(), Math.round(outcome.seconds() * 1000) / 1000.0,
                    outcome.timeline().phases(outcome.seconds()), outcome.timeline().events(), outcome.verdict() == Verdict.MET ? List.of() : outcome.tail());
        }
    }

    static String name(Verdict verdict) {
        return verdict.name().toLowerCase(Locale.ROOT).replace('_', '-');
    }

    /** @param byGuestClock measure by the guest's clock: with {@code -icount} it hardly depends on how busy this computer is */
    public static BootReport of(String machine, BootContract contract, List<Boot.Outcome> outcomes, boolean byGuestClock) {
        List<Double> seconds = outcomes.stream().map(outcome -> byGuestClock && outcome.met() ? guestSeconds(outcome) : outcome.seconds()).toList();
        double median = median(seconds);
        double spread = median(seconds.stream().map(one -> Math.abs(one - median)).toList());
        Verdict worst = outcomes.stream().map(Boot.Outcome::verdict).filter(verdict -> verdict != Verdict.MET).findFirst().orElse(Verdict.MET);
        return new BootReport(name(worst), machine, contract.source(), byGuestClock ? "guest" : "host", round(median), round(spread),
                outcomes.stream().map(Run::of).toList());
    }

    private static double guestSeconds(Boot.Outcome outcome) {
        return outcome.timeline().lastGuestTime().orElseThrow(() -> new Failure("no line of the guest has a time stamp",
                "measure without --icount, or boot a kernel with CONFIG_PRINTK_TIME"));
    }

    static double median(List<Double> values) {
        List<Double> sorted = values.stream().sorted().toList();
        int middle = sorted.size() / 2;
        return sorted.size() % 2 == 1 ? sorted.get(middle) : (sorted.get(middle - 1) + sorted.get(middle)) / 2;
    }

    private static double round(double seconds) {
        return Math.round(seconds * 1000) / 1000.0;
    }

    /** 0.1 of a text such as {@code 10%}. */
    public static double percent(String text) {
        if (!text.matches("\\d{1,4}(\\.\\d+)?%?")) {
            throw Failure.usage("not a percentage: " + text, "for example: --max-slower 10%");
        }
        return Double.parseDouble(text.replace("%", "")) / 100;
    }

    /** For people. */
    public String text() {
        Run last = runs.get(runs.size() - 1);
        String several = runs.size() == 1 ? "" : String.format(Locale.ROOT, "%d boots: median %.2f s, spread %.2f s (%s clock)%n", runs.size(), median,
                spread, measure);
        return String.format(Locale.ROOT, "boot contract met in %.1f s (%s)%n", last.seconds(), contract)
                + new Timeline(last.events()).table(last.seconds()) + several;
    }

    static void requireBaseline(Path file) {
        if (!Files.isRegularFile(file)) {
            throw Failure.usage("there is no baseline " + file, "write one with: runit.java --check --json > " + file);
        }
    }

    /**
     * Fails when boots take longer than an earlier report says.
     *
     * @param maxSlower 0.1 allows ten percent more
     */
    public void compareTo(Path baseline, double maxSlower) {
        requireBaseline(baseline);
        JsonNode before = Json.read(baseline);
        if (!before.path("median").isNumber() || !before.path("measure").asText().equals(measure)) {
            throw Failure.usage(baseline + " is not a report by the " + measure + " clock", "write it with the same options as now, --json and --icount among them");
        }
        double limit = before.path("median").asDouble() * (1 + maxSlower);
        if (median > limit) {
            throw Failure.contract(String.format(Locale.ROOT, "boots have become slower: %.2f s, before %.2f s, allowed %.2f s", median,
                    before.path("median").asDouble(), limit), "the phases of both boots are in the reports; a new baseline is made with --json");
        }
    }

    /**
     * The last boot in the form that CI systems read: a test for each line that must appear, one for those that must not, and the
     * timeline, since such systems show the time of each test and how it changes.
     */
    public String junit(BootContract rules) {
        Run run = runs.get(runs.size() - 1);
        List<BootJunit.Case> cases = new ArrayList<>();
        for (BootContract.Rule rule : rules.must()) {
            Optional<Timeline.Event> event = seen(run, rule);
            cases.add(new BootJunit.Case(rule.pattern().toString(), event.map(Timeline.Event::seconds).orElse(run.seconds()),
                    event.isPresent() ? "" : "the line did not appear (" + run.result() + ")", run.tail(), ""));
        }
        cases.add(new BootJunit.Case("nothing that must not appear", run.seconds(), clean(run) ? "" : run.why(), run.tail(), ""));
        run.phases().forEach((name, seconds) -> cases.add(BootJunit.Case.measured("phase " + name, seconds)));
        new Timeline(run.events()).servicesUp().forEach(event -> cases.add(BootJunit.Case.measured(event.name(), event.seconds())));
        return new BootJunit("boot", run.seconds(), cases).xml();
    }

    private static Optional<Timeline.Event> seen(Run run, BootContract.Rule rule) {
        return run.events().stream().filter(event -> event.name().equals("must " + rule.pattern())).findFirst();
    }

    /** Whether the run ended for no other reason than a missing line. */
    private static boolean clean(Run run) {
        return run.why().isEmpty() || run.why().contains("\n  missing: ");
    }

    /** Writes the JUnit form of the report. */
    public void writeJunit(Path file, BootContract rules) {
        Trees.replace(file.toAbsolutePath(), junit(rules));
    }
}
