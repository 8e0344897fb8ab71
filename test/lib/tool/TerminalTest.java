package lib.tool;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.ByteArrayInputStream;
import java.io.ByteArrayOutputStream;
import java.nio.charset.StandardCharsets;
import java.util.Optional;
import org.junit.jupiter.api.Test;

class TerminalTest {
    private final ByteArrayOutputStream guest = new ByteArrayOutputStream();

    private Optional<Character> type(String keys) {
        return Terminal.copyKeys(new ByteArrayInputStream(keys.getBytes(StandardCharsets.ISO_8859_1)), guest::writeBytes, "dx");
    }

    @Test
    void keys_reach_the_guest_ctrl_c_among_them() {
        assertThat(type("ls\r\003")).isEmpty();
        assertThat(guest).hasToString("ls\r\003");
    }

    @Test
    void ctrl_a_d_leaves_and_ctrl_a_before_another_key_is_handed_on() {
        assertThat(type("a\001c\001\001b\001dnever")).contains('d');
        assertThat(guest).hasToString("a\001c\001\001b");
    }

    @Test
    void keys_for_a_guest_that_has_ended_are_no_error() {
        assertThat(Terminal.copyKeys(new ByteArrayInputStream(new byte[] {'x'}), bytes -> {
            throw new Failure("gone", "");
        }, "d")).isEmpty();
    }
}
