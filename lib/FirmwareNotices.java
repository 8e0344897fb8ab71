package lib;

import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Collection;
import java.util.LinkedHashSet;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;
import java.util.TreeSet;
import lib.image.Compressed;
import lib.image.Whence.Licence;
import lib.tool.Failure;

/** The licences of the firmware in an image, in one text. */
final class FirmwareNotices {
    /**
     * Beside the files that it is about, so that it goes wherever they go: most licences ask for that. Folders such as
     * usr/share/licenses are taken out of images.
     */
    static final String PATH = "lib/firmware/NOTICES.txt";
    private static final String LINE = "-".repeat(74) + "\n";

    private FirmwareNotices() { }

    /** @param files by their own names; links have no licence of their own */
    static String text(FirmwareTree tree, Collection<String> files) {
        Map<String, Set<String>> statements = new TreeMap<>();
        Set<String> texts = new LinkedHashSet<>();
        for (String file : new TreeSet<>(files)) {
            Licence licence = tree.entry(file).map(entry -> entry.licence()).orElse(new Licence("", java.util.List.of()));
            statements.computeIfAbsent(licence.text().isEmpty() ? licence.title() : licence.text(), any -> new TreeSet<>()).add(file);
            texts.addAll(licence.files());
        }
        StringBuilder text = new StringBuilder("Licences of the firmware in this folder, as linux-firmware's WHENCE states them.\n\n");
        statements.forEach((statement, those) -> {
            text.append(LINE).append(String.join("\n", those)).append("\n\n").append(statement).append("\n\n");
        });
        new TreeSet<>(texts).forEach(name -> text.append(licence(tree, name)));
        return text.toString();
    }

    /** A licence file's text. Those named LICENCE.x must be there, as WHENCE says; other names may be a mere manner of speaking. */
    private static String licence(FirmwareTree tree, String name) {
        Path file = tree.folder().resolve(name);
        if (!Files.isRegularFile(file) && name.matches("(.*/)?LICEN[CS]E\\..*")) {
            throw new Failure("WHENCE names the licence " + name + ", which is not in " + tree.folder(), "the firmware may not be passed on without it: complete the folder");
        }
        return Files.isRegularFile(file) ? LINE + name + "\n\n" + new String(Compressed.read(file), StandardCharsets.UTF_8).strip() + "\n\n" : "";
    }
}
