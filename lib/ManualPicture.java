package lib;

import java.util.List;

/** A terminal's text as an SVG picture. */
public record ManualPicture(String title, String capture) {
    private static final int LINE = 18;
    private static final int TOP = 44;
    private static final double LETTER = 7.83;
    private static final int WIDEST = 150;

    /** The picture; lines that are too wide for it end with an ellipsis. */
    public String svg() {
        List<String> lines = capture.replaceAll("\033\\[[0-9;?]*[A-Za-z]", "").replace("\r", "").stripTrailing().lines()
                .map(line -> line.replaceAll("\\p{Cntrl}", " ")).map(line -> line.length() > WIDEST ? line.substring(0, WIDEST - 1) + "\u2026" : line).toList();
        int width = (int) (lines.stream().mapToInt(String::length).max().orElse(1) * LETTER) + 32;
        int height = TOP + lines.size() * LINE + 14;
        StringBuilder svg = new StringBuilder("<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"" + width + "\" height=\"" + height + "\" viewBox=\"0 0 " + width + " " + height
                + "\" role=\"img\" aria-label=\"" + escaped(title) + "\">\n<rect width=\"100%\" height=\"100%\" rx=\"8\" fill=\"#161b22\"/>\n"
                + "<text x=\"16\" y=\"24\" fill=\"#8b949e\" font-family=\"monospace\" font-size=\"13\">" + escaped(title) + "</text>\n"
                + "<g font-family=\"ui-monospace, 'DejaVu Sans Mono', Menlo, Consolas, monospace\" font-size=\"13\" fill=\"#e6edf3\" xml:space=\"preserve\">\n");
        for (int i = 0; i < lines.size(); i++) {
            String line = lines.get(i);
            svg.append("<text x=\"16\" y=\"").append(TOP + (i + 1) * LINE - 6).append('"').append(style(line)).append('>').append(escaped(line)).append("</text>\n");
        }
        return svg.append("</g>\n</svg>\n").toString();
    }

    /** What was typed and headings stand out. */
    private static String style(String line) {
        return line.startsWith("$ ") ? " fill=\"#7ee787\"" : line.matches("\\d/\\d .*") ? " font-weight=\"bold\" fill=\"#79c0ff\"" : "";
    }

    private static String escaped(String text) {
        return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;").replace("\"", "&quot;");
    }
}
