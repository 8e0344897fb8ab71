package lib.apk;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.charset.CharacterCodingException;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;

/** .PKGINFO: {@code key = value} lines, of which some may be repeated, and comments. */
final class PackageInfo {
    private final Map<String, List<String>> values = new HashMap<>();

    private PackageInfo() { }

    static PackageInfo parse(byte[] text) throws IOException {
        PackageInfo info = new PackageInfo();
        String lines;
        try {
            lines = StandardCharsets.UTF_8.newDecoder().decode(ByteBuffer.wrap(text)).toString();
        } catch (CharacterCodingException e) {
            throw new IOException(".PKGINFO is not UTF-8", e);
        }
        for (int start = 0; start < lines.length(); ) {
            int end = lines.indexOf('\n', start) < 0 ? lines.length() : lines.indexOf('\n', start);
            int equals = lines.indexOf(" = ", start);
            if (equals > start && equals < end && lines.charAt(start) != '#') {
                info.values.computeIfAbsent(lines.substring(start, equals), any -> new ArrayList<>()).add(lines.substring(equals + 3, end));
            }
            start = end + 1;
        }
        return info;
    }

    /** The first value; empty when there is none. */
    String get(String key) {
        return all(key).isEmpty() ? "" : all(key).get(0);
    }

    /** All values in their order. */
    List<String> all(String key) {
        return values.getOrDefault(key, List.of());
    }
}
