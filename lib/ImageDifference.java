package lib;

import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;
import java.util.function.Function;
import lib.image.CpioEntry;
import lib.image.Elf;
import lib.image.FinishedImage;
import lib.tool.Failure;

/**
 * The first difference between two images that should be the same, down to the file, the field of its header or the byte of its content.
 *
 * @param what which file, and what of it differs
 * @param cause what makes builds differ in this way, as far as the bytes tell; may be empty
 */
record ImageDifference(String what, String cause) {
    private static final int AROUND = 24;
    /** What a header says of a file, by the name that people use. */
    private static final List<Map.Entry<String, Function<CpioEntry, Object>>> FIELDS = List.of(Map.entry("type and mode", CpioEntry::modeText),
            Map.entry("user id", CpioEntry::uid), Map.entry("group id", CpioEntry::gid), Map.entry("number of links", CpioEntry::links),
            Map.entry("device numbers", entry -> entry.major() + ":" + entry.minor()), Map.entry("time stamp", CpioEntry::mtime));

    /** Compares what is in both; empty when neither order, headers nor contents differ. */
    static Optional<ImageDifference> between(FinishedImage one, FinishedImage other) {
        List<CpioEntry> ours = one.entries();
        List<CpioEntry> theirs = other.entries();
        for (int i = 0; i < Math.max(ours.size(), theirs.size()); i++) {
            if (i >= ours.size() || i >= theirs.size() || !ours.get(i).path().equals(theirs.get(i).path())) {
                return Optional.of(missing(one, other, i));
            }
            Optional<ImageDifference> found = between(ours.get(i), theirs.get(i));
            if (found.isPresent()) {
                return found;
            }
        }
        return Optional.empty();
    }

    private static ImageDifference missing(FinishedImage one, FinishedImage other, int at) {
        for (CpioEntry entry : one.entries().subList(Math.min(at, one.entries().size()), one.entries().size())) {
            if (!other.byPath().containsKey(FinishedImage.plain(entry.path()))) {
                return new ImageDifference(FinishedImage.plain(entry.path()) + " is in the first image only", "something that made it did not do so again");
            }
        }
        for (CpioEntry entry : other.entries().subList(Math.min(at, other.entries().size()), other.entries().size())) {
            if (!one.byPath().containsKey(FinishedImage.plain(entry.path()))) {
                return new ImageDifference(FinishedImage.plain(entry.path()) + " is in the second image only", "something made it that did not do so before");
            }
        }
        return new ImageDifference("entry " + at + " of the archive is another file in each, " + FinishedImage.plain(one.entries().get(at).path()) + " and "
                + FinishedImage.plain(other.entries().get(at).path()), "the order of the archive depends on the folder or the locale");
    }

    private static Optional<ImageDifference> between(CpioEntry one, CpioEntry other) {
        String path = FinishedImage.plain(one.path());
        Optional<ImageDifference> content = contents(path, one.bytes(), other.bytes());
        if (content.isPresent()) {
            return content;
        }
        return FIELDS.stream().filter(field -> !Objects.equals(field.getValue().apply(one), field.getValue().apply(other))).findFirst()
                .map(field -> new ImageDifference(path + ": " + field.getKey() + " " + field.getValue().apply(one) + " and " + field.getValue().apply(other)
                        + " (cpio header at byte " + one.start() + " of the archive)", field.getKey().equals("type and mode") ? "a file was made with the umask of the build" : ""));
    }

    /** The first byte that differs, with the section or line that it is in. */
    static Optional<ImageDifference> contents(String path, byte[] one, byte[] other) {
        int at = java.util.Arrays.mismatch(one, other);
        if (at < 0) {
            return Optional.empty();
        }
        String here = around(one, at);
        String there = around(other, at);
        return Optional.of(new ImageDifference(path + ": content differs at byte " + at + place(path, one, at) + ": \"" + here + "\" and \"" + there + "\"",
                cause(here, there, one.length != other.length)));
    }

    private static String place(String path, byte[] content, int at) {
        if (Elf.isElf(content)) {
            try {
                return Elf.parse(path, content).sections().stream().filter(one -> one.type() != Elf.NO_BITS && one.size() > 0 && at >= one.offset()
                        && at < one.offset() + one.size()).findFirst().map(one -> " (section " + one.name() + ")").orElse("");
            } catch (Failure damaged) {
                return "";
            }
        }
        for (byte value : content) {
            if (value == 0) {
                return "";
            }
        }
        return " (line " + (new String(content, 0, at, StandardCharsets.UTF_8).chars().filter(one -> one == '\n').count() + 1) + ")";
    }

    /** The text around a byte; what cannot be printed is a dot. */
    private static String around(byte[] content, int at) {
        StringBuilder text = new StringBuilder();
        for (int i = Math.max(0, at - AROUND); i < Math.min(content.length, at + AROUND); i++) {
            text.append(content[i] >= 32 && content[i] < 127 ? (char) content[i] : '.');
        }
        return text.toString();
    }

    private static String cause(String here, String there, boolean lengths) {
        List<String> causes = new ArrayList<>();
        String both = here + there;
        if (both.matches(".*(/tmp/|/home/|/root/|/build|/verify).*")) {
            causes.add("the path of a folder of this machine got into the file");
        } else if (both.matches(".*(\\d{1,2}:\\d\\d(:\\d\\d)?|20\\d\\d-\\d\\d|\\b1[6-9]\\d{8}\\b|\\b(2\\d{4})\\b:).*")) {
            causes.add("looks like a date or a time");
        }
        if (lengths) {
            causes.add("the lengths differ");
        }
        return String.join("; ", causes);
    }
}
