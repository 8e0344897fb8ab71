package lib;

import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import java.io.ByteArrayOutputStream;
import java.io.PrintStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.Optional;
import java.util.stream.Stream;
import lib.tool.Console;
import lib.tool.Shell;

/** A headless Chromium without a network. */
final class TestBrowser {
    private TestBrowser() { }

    /** The page's document after its script ran, in a window so many pixels wide; an error of the script fails the test. */
    static String shown(Path page, int width) {
        Optional<Path> browser = Stream.of("chromium", "chromium-browser", "google-chrome").flatMap(name -> Shell.which(name).stream()).findFirst();
        assumeTrue(browser.isPresent(), "Chromium is not installed");
        Shell shell = new Shell(Console.plain(new PrintStream(new ByteArrayOutputStream(), true, StandardCharsets.UTF_8)));
        Shell.Result result = shell.attempt(Shell.Command.of(browser.get().toString(), "--headless", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage",
                "--user-data-dir=" + page.resolveSibling("profile"), "--host-resolver-rules=MAP * ~NOTFOUND", "--enable-logging=stderr",
                "--window-size=" + width + ",900", "--virtual-time-budget=3000", "--dump-dom", page.toUri().toString()).timeout(120));
        assumeTrue(!result.text().isEmpty(), "Chromium does not run here: " + String.join(" ", result.tail()));
        assertThat(result.tail()).noneMatch(line -> line.contains("CONSOLE") && line.contains("rror"));
        return result.text();
    }
}
