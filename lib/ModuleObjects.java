package lib;

import java.io.IOException;
import java.nio.file.FileVisitResult;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.SimpleFileVisitor;
import java.nio.file.attribute.BasicFileAttributes;
import java.util.ArrayList;
import java.util.List;

/** Objects of modules in a kernel's object folder: once the modules are installed, links of the kernel itself do without them. */
final class ModuleObjects {
    private ModuleObjects() { }

    /** Deletes them. A file X.mod lists the objects of the module X, relative to the object folder (scripts/Makefile.build). */
    static void delete(Path objects) throws IOException {
        List<Path> lists = new ArrayList<>();
        Files.walkFileTree(objects, new SimpleFileVisitor<>() {
            @Override
            public FileVisitResult visitFile(Path file, BasicFileAttributes attributes) {
                if (file.toString().endsWith(".mod")) {
                    lists.add(file);
                }
                return FileVisitResult.CONTINUE;
            }
        });
        for (Path list : lists) {
            for (String object : Files.readString(list).split("\\s+")) {
                if (!object.isEmpty()) {
                    Files.deleteIfExists(objects.resolve(object));
                }
            }
            String module = list.getFileName().toString().replaceFirst("\\.mod$", "");
            for (String suffix : List.of(".ko", ".o", ".mod.c", ".mod.o", ".mod")) {
                Files.deleteIfExists(list.resolveSibling(module + suffix));
            }
        }
    }
}
