package demo;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import lib.tool.Digest;
import lib.tool.Failure;

/** A folder of the project as an input: its regular files, without what cargo builds in place. */
record Folder(Path path) {
    List<Path> files() {
        try (Stream<Path> all = Files.walk(path)) {
            return all.filter(file -> Files.isRegularFile(file) && !path.relativize(file).startsWith("target")).sorted().toList();
        } catch (IOException e) {
            throw Failure.io("cannot read " + path, e);
        }
    }

    /** SHA-256 over names and contents of all files. */
    String digest() {
        return Digest.sha256(files().stream().map(file -> path.relativize(file) + "\0" + Digest.sha256(file) + "\n").collect(Collectors.joining()));
    }

    /** Copies contents; modes and time stamps become those of new files. */
    void copyTo(Path target) throws IOException {
        for (Path file : files()) {
            Path copy = target.resolve(path.relativize(file).toString());
            Files.createDirectories(copy.getParent());
            Files.write(copy, Files.readAllBytes(file));
        }
    }
}
