package lib;

import java.nio.ByteBuffer;
import java.nio.CharBuffer;
import java.nio.charset.CharsetDecoder;
import java.nio.charset.CodingErrorAction;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;
import java.util.regex.Pattern;

/** Turns the bytes of a serial console into lines of plain text: no carriage returns, no escape sequences (ECMA-48). */
final class SerialLines {
    /** A guest that never ends its line must not fill our memory. */
    private static final int LONGEST = 16_384;
    /** CSI, then OSC and its like up to BEL or ST, then two-character escapes with intermediates. */
    private static final Pattern ESCAPES = Pattern.compile(
            "\033\\[[0-?]*[ -/]*[@-~]|\033[\\]P^_X][^\007\033]*(?:\007|\033\\\\)|\033[ -/]*[0-~]");
    /** What is left of an escape sequence whose end has not come yet. */
    private static final Pattern UNFINISHED = Pattern.compile("\033(?:\\[[0-?]*[ -/]*|[\\]P^_X][^\007\033]*\033?|[ -/]*)?$");
    private static final Pattern CONTROLS = Pattern.compile("[\\p{Cntrl}&&[^\t]]");

    private final CharsetDecoder decoder = StandardCharsets.UTF_8.newDecoder()
            .onMalformedInput(CodingErrorAction.REPLACE).onUnmappableCharacter(CodingErrorAction.REPLACE);
    private final StringBuilder line = new StringBuilder();
    private byte[] undecoded = {};

    /** Takes the next bytes and returns the lines that they complete. */
    List<String> add(byte[] bytes, int length) {
        ByteBuffer in = ByteBuffer.allocate(undecoded.length + length).put(undecoded).put(bytes, 0, length).flip();
        CharBuffer out = CharBuffer.allocate(in.remaining() + 1);
        decoder.decode(in, out, false);
        undecoded = new byte[in.remaining()];
        in.get(undecoded);
        List<String> complete = new ArrayList<>();
        for (char c : out.flip().toString().toCharArray()) {
            if (c == '\n' || line.length() >= LONGEST) {
                complete.add(plain(line.toString()));
                line.setLength(0);
            }
            if (c != '\n') {
                line.append(c);
            }
        }
        return complete;
    }

    /** What has come of the line that is not complete yet, such as a prompt. */
    String partial() {
        return plain(UNFINISHED.matcher(line).replaceFirst(""));
    }

    private static String plain(String text) {
        return CONTROLS.matcher(ESCAPES.matcher(text).replaceAll("")).replaceAll("");
    }
}
