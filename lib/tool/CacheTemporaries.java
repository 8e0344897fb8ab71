package lib.tool;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.concurrent.TimeUnit;
import java.util.function.Consumer;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Stream;

/** What is being made for a cache, in its folder {@code tmp}: {@code NAME.PROCESS.BEGIN-COUNTER}, numbers but the process's in hexadecimal. */
record CacheTemporaries(Path folder) {
    private static final Pattern NAME = Pattern.compile("\\.\\d+\\.([0-9a-f]{1,15})-[0-9a-f]+$");

    /** A path that nobody else has. */
    Path named(String name) {
        return folder.resolve(name + "." + ProcessHandle.current().pid() + "." + Long.toHexString(System.currentTimeMillis()) + "-" + Long.toHexString(System.nanoTime()));
    }

    /** Removes what processes that were killed left behind: nothing takes two days to make. */
    void sweep(Consumer<String> log) throws IOException {
        List<Path> old;
        try (Stream<Path> files = Files.list(folder)) {
            long limit = System.currentTimeMillis() - TimeUnit.DAYS.toMillis(2);
            old = files.filter(file -> begun(file) < limit).toList();
        }
        for (Path one : old) {
            try {
                Trees.delete(one);
            } catch (Failure e) {
                // Another process removes it too.
                log.accept("left in the cache: " + e.what());
            }
        }
    }

    /** In milliseconds, by the name: an archive may give the folder that it is unpacked into an old date. */
    private static long begun(Path temporary) {
        Matcher name = NAME.matcher(temporary.getFileName().toString());
        return name.find() ? Long.parseLong(name.group(1), 16) : temporary.toFile().lastModified();
    }
}
