package lib;

import java.io.ByteArrayOutputStream;
import java.io.PrintStream;
import java.nio.file.Path;
import lib.tool.Cache;
import lib.tool.Console;
import lib.tool.Download;
import lib.tool.Shell;
import lib.tool.Tools;

/** Real tools for tests: everything they keep lies in a temporary folder, what they print is collected. */
public final class TestTools {
    private TestTools() { }

    public static Tools in(Path folder) {
        return in(folder, new ByteArrayOutputStream(), false);
    }

    public static Tools in(Path folder, ByteArrayOutputStream printed, boolean offline) {
        Console console = Console.plain(new PrintStream(printed, true)).logTo(folder.resolve("log/build.log"));
        Cache cache = new Cache(folder.resolve("cache"), console::log);
        return new Tools(console, new Shell(console), cache, new Download(console, cache, offline));
    }
}
