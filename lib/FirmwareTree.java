package lib;

import java.io.IOException;
import java.nio.file.FileVisitResult;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.SimpleFileVisitor;
import java.nio.file.attribute.BasicFileAttributes;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collections;
import java.util.Deque;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.NavigableSet;
import java.util.Optional;
import java.util.TreeMap;
import java.util.TreeSet;
import java.util.regex.Pattern;
import lib.image.Whence;
import lib.tool.Failure;
import lib.tool.Glob;
import lib.tool.Trees;

/**
 * What a firmware folder offers, by the names that drivers use. The files are those on disk, packed ones (.xz, .zst) under their name
 * without the ending; links are those on disk and those that WHENCE says to make, to files and to folders.
 */
final class FirmwareTree {
    private static final int MAX_LINKS = 40;
    private static final Pattern PACKED = Pattern.compile("\\.(xz|zst)$");

    private final Path folder;
    private final Optional<Whence> whence;
    private final Map<String, Whence.Entry> entries = new LinkedHashMap<>();
    private final TreeMap<String, Path> files = new TreeMap<>();
    private final TreeMap<String, String> links = new TreeMap<>();
    private final NavigableSet<String> names;

    /** A link on the way to a file; {@code toFile} says that the link stands for the file itself and not for a folder above it. */
    record Link(String path, String target, boolean toFile) { }

    /** Where a name leads: the links on the way in order, then the file's own name and its place on this machine. */
    record Reached(List<Link> links, String name, Path file) {
        /** .xz, .zst or nothing: how the file is packed. */
        String packing() {
            String ending = file.getFileName().toString().substring(Math.min(file.getFileName().toString().length(), last(name).length()));
            return PACKED.matcher(ending).matches() ? ending : "";
        }
    }

    private FirmwareTree(Path folder, Optional<Whence> whence) {
        this.folder = folder;
        this.whence = whence;
        whence.ifPresent(known -> known.files().forEach(entry -> entries.putIfAbsent(entry.path(), entry)));
        readDisk();
        whence.ifPresent(known -> known.links().stream().filter(link -> !files.containsKey(link.path()))
                .forEach(link -> links.put(link.path(), link.target())));
        names = Collections.unmodifiableNavigableSet(allNames());
    }

    static FirmwareTree of(Path folder) {
        Path file = folder.resolve("WHENCE");
        return new FirmwareTree(folder, Files.isRegularFile(file) ? Optional.of(Whence.parse(file.toString(), Trees.read(file))) : Optional.empty());
    }

    Path folder() {
        return folder;
    }

    Optional<Whence> whence() {
        return whence;
    }

    /** What WHENCE says of a file; empty for one that it does not list. */
    Optional<Whence.Entry> entry(String name) {
        return Optional.ofNullable(entries.get(name));
    }

    private void readDisk() {
        try {
            Files.walkFileTree(folder, new SimpleFileVisitor<>() {
                @Override
                public FileVisitResult preVisitDirectory(Path at, BasicFileAttributes attributes) {
                    boolean hidden = !at.equals(folder) && at.getFileName().toString().startsWith(".");
                    return hidden ? FileVisitResult.SKIP_SUBTREE : FileVisitResult.CONTINUE;
                }

                @Override
                public FileVisitResult visitFile(Path at, BasicFileAttributes attributes) throws IOException {
                    String name = folder.relativize(at).toString();
                    String plain = entries.containsKey(name) ? name : PACKED.matcher(name).replaceFirst("");
                    if (attributes.isSymbolicLink()) {
                        String target = Files.readSymbolicLink(at).toString();
                        links.put(plain, plain.equals(name) ? target : PACKED.matcher(target).replaceFirst(""));
                    } else if (plain.equals(name) || !files.containsKey(plain)) {
                        files.put(plain, at);
                    }
                    return FileVisitResult.CONTINUE;
                }
            });
        } catch (IOException e) {
            throw Failure.io("cannot read " + folder, e);
        }
    }

    /** Files, links to files, and the names that files get through links to folders. */
    private TreeSet<String> allNames() {
        TreeSet<String> all = new TreeSet<>(files.keySet());
        for (String link : links.keySet()) {
            Optional<String> end = end(link, new ArrayList<>());
            if (end.isPresent() && files.containsKey(end.get())) {
                all.add(link);
            } else if (end.isPresent()) {
                files.subMap(end.get() + "/", end.get() + "0").keySet().forEach(file -> all.add(link + file.substring(end.get().length())));
            }
        }
        return all;
    }

    /** Every name that leads to a file. */
    NavigableSet<String> names() {
        return names;
    }

    /** The names that a name, a folder's name or a glob stands for; none when there is no such file. */
    List<String> matching(String pattern) {
        if (find(pattern).isPresent()) {
            return List.of(pattern);
        }
        if (!Glob.isGlob(pattern)) {
            String below = pattern.replaceFirst("/+$", "") + "/";
            return names.tailSet(below).stream().takeWhile(name -> name.startsWith(below)).toList();
        }
        Pattern glob = Glob.path(pattern);
        return names.stream().filter(name -> glob.matcher(name).matches()).toList();
    }

    /** What WHENCE lists under a name or a glob, or at the end of a link with that name, and the folder does not have. */
    List<String> absent(String pattern) {
        List<String> listed = new ArrayList<>();
        if (Glob.isGlob(pattern)) {
            Pattern glob = Glob.path(pattern);
            entries.keySet().stream().filter(name -> glob.matcher(name).matches()).forEach(listed::add);
        } else {
            end(pattern, new ArrayList<>()).filter(entries::containsKey).ifPresent(listed::add);
        }
        return listed.stream().filter(name -> !files.containsKey(name) && end(name, new ArrayList<>()).filter(files::containsKey).isEmpty()).toList();
    }

    /** The file behind a name, over all links. */
    Optional<Reached> find(String name) {
        List<Link> passed = new ArrayList<>();
        return end(name, passed).filter(files::containsKey).map(end -> new Reached(List.copyOf(passed), end, files.get(end)));
    }

    /** Where a path ends when its links are followed inside the tree; empty when it leaves the tree or goes in circles. */
    private Optional<String> end(String path, List<Link> passed) {
        Deque<String> parts = new ArrayDeque<>(Arrays.asList(path.split("/")));
        String at = "";
        while (!parts.isEmpty()) {
            String part = parts.removeFirst();
            if (part.isEmpty() || part.equals(".")) {
                continue;
            }
            if (part.equals("..")) {
                if (at.isEmpty()) {
                    return Optional.empty();
                }
                at = at.substring(0, Math.max(0, at.lastIndexOf('/')));
                continue;
            }
            String next = at.isEmpty() ? part : at + "/" + part;
            String target = links.get(next);
            if (target == null) {
                at = next;
                continue;
            }
            if (target.startsWith("/") || passed.size() == MAX_LINKS) {
                return Optional.empty();
            }
            passed.add(new Link(next, target, parts.isEmpty()));
            List<String> more = new ArrayList<>(Arrays.asList(target.split("/")));
            Collections.reverse(more);
            more.forEach(parts::addFirst);
        }
        return Optional.of(at);
    }

    private static String last(String name) {
        return name.substring(name.lastIndexOf('/') + 1);
    }
}
