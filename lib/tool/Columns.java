package lib.tool;

import java.util.Arrays;
import java.util.List;
import java.util.stream.Collectors;

/** Tables for people. */
public final class Columns {
    private Columns() { }

    /** Lines of cells padded to the widest cell of their column, two blanks between columns; every row has as many cells as the first. */
    public static String aligned(List<List<String>> rows) {
        int[] widths = new int[rows.isEmpty() ? 0 : rows.get(0).size()];
        rows.forEach(row -> Arrays.setAll(widths, i -> Math.max(widths[i], row.get(i).length())));
        return rows.stream().map(row -> line(row, widths)).collect(Collectors.joining("\n", "", "\n"));
    }

    private static String line(List<String> row, int[] widths) {
        StringBuilder text = new StringBuilder();
        for (int i = 0; i < row.size(); i++) {
            text.append(row.get(i)).append(" ".repeat(widths[i] - row.get(i).length() + 2));
        }
        return text.toString().stripTrailing();
    }
}
