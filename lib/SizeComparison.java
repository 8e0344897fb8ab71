package lib;

import java.util.ArrayList;
import java.util.Comparator;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.stream.Collectors;
import lib.SizeReport.Item;
import lib.tool.Columns;

/**
 * What became larger or smaller between two builds.
 *
 * @param rows what changed by itself, the largest changes first
 * @param neighbours bytes that packages with the very same files take more or less, because of what is packed beside them
 */
public record SizeComparison(String image, long before, long after, List<Row> rows, long neighbours) {
    /** One item; a version is empty where there is none, sizes are 0 where the item is not there. */
    public record Row(String group, String name, String versionBefore, String versionAfter, long before, long after) {
        public long change() {
            return after - before;
        }

        /** {@code packages/jq 1.6 -> 1.7}. */
        public String title() {
            String versions = versionBefore.equals(versionAfter) || versionBefore.isEmpty() ? versionAfter : versionAfter.isEmpty() ? versionBefore
                    : versionBefore + " -> " + versionAfter;
            return group + "/" + name + (versions.isEmpty() ? "" : " " + versions) + (before == 0 ? " (new)" : after == 0 ? " (gone)" : "");
        }
    }

    public static SizeComparison of(SizeReport before, SizeReport after) {
        Map<String, Item> old = before.byName();
        Map<String, Item> now = after.byName();
        Set<String> names = new LinkedHashSet<>(old.keySet());
        names.addAll(now.keySet());
        List<Row> rows = new ArrayList<>();
        long neighbours = 0;
        for (String name : names) {
            Item a = old.get(name);
            Item b = now.get(name);
            Item any = b == null ? a : b;
            Row row = new Row(any.group(), any.name(), a == null ? "" : a.version(), b == null ? "" : b.version(), a == null ? 0 : a.bytes(), b == null ? 0 : b.bytes());
            if (a != null && b != null && !a.content().isEmpty() && a.content().equals(b.content())) {
                neighbours += row.change();
            } else if (row.change() != 0) {
                rows.add(row);
            }
        }
        rows.sort(Comparator.comparing((Row row) -> -Math.abs(row.change())).thenComparing(Row::title));
        return new SizeComparison(after.image(), before.bytes(), after.bytes(), List.copyOf(rows), neighbours);
    }

    /** For people. */
    public String table() {
        return Columns.aligned(cells("CHANGE", "BEFORE", "AFTER", "WHAT"));
    }

    /** For a pull request. */
    public String markdown() {
        List<List<String>> cells = cells("Change", "Before", "After", "What");
        cells.add(1, List.of("---:", "---:", "---:", "---"));
        String percent = before == 0 ? "" : String.format(java.util.Locale.ROOT, " (%+.2f %%)", 100.0 * (after - before) / before);
        return "### Image size: " + SizeReport.signed(after - before) + " bytes" + percent + "\n\n" + cells.stream()
                .map(row -> row.stream().map(cell -> cell.replace("|", "\\|")).collect(Collectors.joining(" | ", "| ", " |\n"))).collect(Collectors.joining());
    }

    private List<List<String>> cells(String... heading) {
        List<List<String>> cells = new ArrayList<>();
        cells.add(List.of(heading));
        rows.forEach(row -> cells.add(List.of(SizeReport.signed(row.change()), Long.toString(row.before()), Long.toString(row.after()), row.title())));
        if (neighbours != 0) {
            cells.add(List.of(SizeReport.signed(neighbours), "", "", "unchanged files, packed beside others"));
        }
        cells.add(List.of(SizeReport.signed(after - before), Long.toString(before), Long.toString(after), image));
        return cells;
    }
}
