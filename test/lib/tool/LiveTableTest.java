package lib.tool;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;

import java.io.ByteArrayOutputStream;
import java.io.PrintStream;
import java.util.ArrayList;
import java.util.List;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.junit.jupiter.api.Test;

/** What stands on the screen of a terminal, not which bytes were sent to it. */
class LiveTableTest {
    private static final List<String> PHASES = List.of("1/2 Alpine Base", "2/2 Packaging");
    private static final Pattern CONTROL = Pattern.compile("\\x1b(?:([78])|\\[(\\d*)([A-Z]))");

    private final ByteArrayOutputStream sent = new ByteArrayOutputStream();
    private final PrintStream terminal = new PrintStream(sent, true, UTF_8);

    /** The lines of a screen that got these bytes: CR, LF, cursor up, erase line and below, save and restore the cursor. */
    private List<String> screen() {
        List<StringBuilder> lines = new ArrayList<>(List.of(new StringBuilder()));
        int[] at = {0, 0};
        int[] saved = {0, 0};
        String text = sent.toString(UTF_8);
        Matcher control = CONTROL.matcher(text);
        for (int i = 0; i < text.length(); i++) {
            char c = text.charAt(i);
            if (c == '\033') {
                assertThat(control.region(i, text.length()).lookingAt()).as("a control sequence that the table may use").isTrue();
                obey(control, lines, at, saved);
                i = control.end() - 1;
            } else if (c == '\r') {
                at[1] = 0;
            } else if (c == '\n') {
                at[0]++;
                at[1] = 0;
                if (at[0] == lines.size()) {
                    lines.add(new StringBuilder());
                }
            } else {
                StringBuilder line = lines.get(at[0]);
                line.append(" ".repeat(Math.max(0, at[1] + 1 - line.length())));
                line.setCharAt(at[1]++, c);
            }
        }
        return lines.stream().map(line -> line.toString().stripTrailing()).toList();
    }

    private static void obey(Matcher control, List<StringBuilder> lines, int[] at, int[] saved) {
        String what = control.group(1) != null ? control.group(1) : control.group(3);
        switch (what) {
            case "7" -> System.arraycopy(at, 0, saved, 0, 2);
            case "8" -> System.arraycopy(saved, 0, at, 0, 2);
            case "A" -> at[0] = Math.max(0, at[0] - Integer.parseInt(control.group(2)));
            case "K" -> lines.get(at[0]).setLength(Math.min(at[1], lines.get(at[0]).length()));
            case "J" -> {
                lines.get(at[0]).setLength(Math.min(at[1], lines.get(at[0]).length()));
                lines.subList(at[0] + 1, lines.size()).clear();
            }
            default -> throw new AssertionError(what);
        }
    }

    @Test
    void rows_fill_while_lines_scroll_by_above_them() {
        try (LiveTable table = new LiveTable(terminal, false, PHASES)) {
            assertThat(screen()).containsExactly("  1/2 Alpine Base", "  2/2 Packaging", "");
            table.begin(PHASES.get(0));
            terminal.print("\r\033[K  unpacking ...");
            table.above("  36 packages");
            table.end(PHASES.get(0), 1.5, 24 << 20);
            table.begin(PHASES.get(1));
            table.end(PHASES.get(1), 0.5, 0);
        }
        assertThat(screen()).containsExactly("  36 packages",
                "* 1/2 Alpine Base                  1.5 s  ###############          24.00 MiB",
                "* 2/2 Packaging                    0.5 s  #####", "");
    }

    @Test
    void a_running_phase_shows_its_time_without_a_word_from_the_build() throws InterruptedException {
        try (LiveTable table = new LiveTable(terminal, false, PHASES)) {
            table.begin(PHASES.get(1));
            for (int tries = 0; !screen().get(1).matches(". 2/2 Packaging +0\\.[3-9] s +#{20}") && tries < 100; tries++) {
                Thread.sleep(50);
            }
            assertThat(screen().get(1)).matches("[|/\\\\-] 2/2 Packaging +\\d+\\.\\d s +#{20}");
        }
    }

    @Test
    void no_row_is_wider_than_a_terminal_of_which_it_is_asked_for() {
        new LiveTable(terminal, false, List.of("6/6 Packaging: Initramfs")).close();
        assertThat(sent.toString(UTF_8).lines().findFirst().orElseThrow()).hasSizeLessThanOrEqualTo(LiveTable.WIDTH);
    }
}
