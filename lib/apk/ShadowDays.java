package lib.apk;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Optional;

/** The third field of shadow(5), the day of the last change: adduser sets it to today, and two builds would differ. */
final class ShadowDays {
    private ShadowDays() { }

    static void settle(Tree tree, long firstDay, long lastDay, long day) throws IOException {
        for (String file : List.of("etc/shadow", "etc/shadow-")) {
            Optional<byte[]> found = tree.bytes(file);
            if (found.isPresent()) {
                String before = new String(found.get(), StandardCharsets.UTF_8);
                String after = settled(before, firstDay, lastDay, day);
                if (!after.equals(before)) {
                    Path place = tree.place(file);
                    Files.writeString(place, after);
                }
            }
        }
    }

    static String settled(String shadow, long firstDay, long lastDay, long day) {
        StringBuilder result = new StringBuilder();
        for (String line : shadow.split("(?<=\n)")) {
            String[] words = line.split(":", -1);
            for (long today = firstDay; words.length > 2 && today <= lastDay; today++) {
                if (words[2].equals(Long.toString(today))) {
                    words[2] = Long.toString(day);
                    break;
                }
            }
            result.append(String.join(":", words));
        }
        return result.toString();
    }
}
