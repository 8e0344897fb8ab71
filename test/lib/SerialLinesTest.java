package lib;

import static org.assertj.core.api.Assertions.assertThat;

import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.Test;

class SerialLinesTest {
    private final SerialLines lines = new SerialLines();

    private List<String> add(String text) {
        byte[] bytes = text.getBytes(StandardCharsets.UTF_8);
        return lines.add(bytes, bytes.length);
    }

    @Test
    void colours_cursor_movements_titles_and_carriage_returns_go() {
        assertThat(add("\033[2J\033[01;01HBdsDxe: loading\r\n\033]0;title\007[\033[1;32m OK \033[0m] done\r\r\n\033(Bplain\n"))
                .containsExactly("BdsDxe: loading", "[ OK ] done", "plain");
    }

    @Test
    void pieces_of_any_size_give_the_same_lines() {
        byte[] bytes = "caf\u00e9 \033[1mbold\033[0m\nprompt: ".getBytes(StandardCharsets.UTF_8);
        List<String> complete = new ArrayList<>();
        for (byte one : bytes) {
            complete.addAll(lines.add(new byte[] {one}, 1));
        }
        assertThat(complete).containsExactly("caf\u00e9 bold");
        assertThat(lines.partial()).isEqualTo("prompt: ");
    }

    @Test
    void a_prompt_is_seen_without_the_escape_sequence_that_has_only_begun() {
        add("login: \033[3");
        assertThat(lines.partial()).isEqualTo("login: ");
        assertThat(add("2m\n")).containsExactly("login: ");
    }

    @Test
    void bytes_that_are_no_text_do_no_harm_and_endless_lines_are_cut() {
        assertThat(lines.add(new byte[] {(byte) 0xff, 'a', 0, 'b', '\n'}, 5)).containsExactly("\ufffdab");
        assertThat(add("x".repeat(40_000)).get(0)).hasSizeLessThan(20_000);
    }
}
