package lib;

import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.stream.Stream;
import lib.tool.Columns;
import lib.tool.Failure;
import lib.tool.Json;
import lib.tool.Trees;

/**
 * What several boots of one image showed that differ in one thing.
 *
 * @param kind {@code matrix} or {@code chaos}
 * @param result {@code met} when no boot failed
 */
public record BootTable(String kind, String result, List<Row> rows) {
    private static final String MET = "met";
    private static final String SKIPPED = "skipped";

    /**
     * One boot.
     *
     * @param memory MiB
     * @param result as in reports of single boots; or {@code skipped}, or {@code not-started}
     * @param exitCode of runit.java, had it been the only one
     * @param why what went wrong, or why it was skipped
     * @param log all that the guest said
     */
    public record Row(String name, int memory, String result, int exitCode, double seconds, String why, List<String> tail, String log) {
        static Row of(String name, int memory, Boot.Outcome outcome, Path log) {
            return new Row(name, memory, BootReport.name(outcome.verdict()), outcome.verdict().exitCode, Math.round(outcome.seconds() * 1000) / 1000.0,
                    outcome.why(), outcome.met() ? List.of() : outcome.tail(), log.toString());
        }

        /** A boot that did not come to its beginning. */
        static Row notStarted(String name, int memory, Failure e) {
            return new Row(name, memory, "not-started", e.exitCode(), 0, e.what() + (e.hint().isEmpty() ? "" : "; " + e.hint()), List.of(), "");
        }

        static Row skipped(String name, int memory, String why) {
            return new Row(name, memory, SKIPPED, 0, 0, why, List.of(), "");
        }

        boolean failed() {
            return exitCode != 0;
        }
    }

    static BootTable of(String kind, List<Row> rows) {
        return new BootTable(kind, rows.stream().filter(Row::failed).map(Row::result).findFirst().orElse(MET), List.copyOf(rows));
    }

    /** For people: a line a boot, and below it what went wrong. */
    public String text() {
        List<List<String>> lines = new ArrayList<>();
        for (Row row : rows) {
            lines.add(List.of("  " + row.name(), row.memory() + " MiB", row.result(), row.seconds() == 0 ? "" : Seconds.text(row.seconds()),
                    row.result().equals(MET) ? "" : row.why().lines().findFirst().orElse("")));
        }
        return String.format(Locale.ROOT, "%s: %d of %d boots met their contract%n", kind, rows.stream().filter(row -> row.result().equals(MET)).count(), rows.size())
                + Columns.aligned(lines);
    }

    /** A test for each boot. */
    public String junit() {
        return new BootJunit(kind, rows.stream().mapToDouble(Row::seconds).sum(), rows.stream().map(row -> new BootJunit.Case(
                row.name() + ", " + row.memory() + " MiB", row.seconds(), row.failed() ? row.result() + ": " + row.why() : "", row.tail(),
                row.result().equals(SKIPPED) ? row.why() : "")).toList()).xml();
    }

    /** Prints the table on stdout, writes the JUnit form where one is wanted, and fails as the first boot that failed. */
    public void report(RunOptions options) {
        options.test.junit.ifPresent(file -> Trees.replace(file.toAbsolutePath(), junit()));
        System.out.print(options.json ? Json.pretty(this) : text());
        rows.stream().filter(Row::failed).findFirst().ifPresent(row -> {
            String others = rows.stream().filter(Row::failed).skip(1).map(one -> one.name() + " with " + one.memory() + " MiB").reduce("", (a, b) -> a + "\n  also: " + b);
            throw new Failure(row.name() + " with " + row.memory() + " MiB: " + row.why() + last(row) + others,
                    row.log().isEmpty() ? "" : "everything that the guest said is in " + row.log()).exit(row.exitCode());
        });
    }

    private static String last(Row row) {
        return row.tail().isEmpty() ? "" : Stream.of("\n  last lines of the guest:", BootCheck.indented(row.tail())).reduce("", String::concat);
    }
}
