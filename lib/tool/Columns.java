package lib.tool;

import java.util.Arrays;
import java.util.List;
import java.util.Locale;
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

    /** Bytes as people read them, small ones too: {@code 6.28 MiB}, {@code 13.5 KiB}, {@code 856 B}. */
    public static String size(long bytes) {
        return bytes >= 1 << 20 ? Console.mib(bytes) : bytes >= 1 << 10 ? String.format(Locale.ROOT, "%.1f KiB", bytes / 1024.0) : bytes + " B";
    }

    private static String line(List<String> row, int[] widths) {
        StringBuilder text = new StringBuilder();
        for (int i = 0; i < row.size(); i++) {
            text.append(row.get(i)).append(" ".repeat(widths[i] - row.get(i).length() + 2));
        }
        return text.toString().stripTrailing();
    }
}
