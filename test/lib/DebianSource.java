package lib;

import static org.junit.jupiter.api.Assumptions.assumeTrue;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Stream;
import lib.tool.Cache;
import lib.tool.Console;
import lib.tool.Shell;
import lib.tool.Shell.Command;
import lib.tool.Trees;

/**
 * Linux sources of the Debian or Ubuntu that runs here, of its own release or of its backports. apt fetches each once, into the cache;
 * tests are skipped, with the reason, where it cannot.
 */
public final class DebianSource {
    private final Shell shell = new Shell(Console.plain(System.err));

    private DebianSource() { }

    /** The tarball of this release's own kernel, which the demo is built from. */
    public static Path own() {
        assumeTrue(Shell.which("apt-cache").isPresent() && Shell.which("dpkg-deb").isPresent(), "the kernel's source comes from Debian's packages");
        DebianSource debian = new DebianSource();
        Optional<String> version = debian.shell.attempt(Command.of("apt-cache", "depends", "linux-source").with("LC_ALL", "C")).text().lines().map(String::strip)
                .filter(line -> line.startsWith("Depends: linux-source-")).map(line -> line.substring("Depends: linux-source-".length())).findFirst();
        assumeTrue(version.isPresent(), "apt knows no package linux-source");
        return of(version.get());
    }

    /** The tarball of a version such as 6.12: installed, else from a configured suite, else from the backports of this release. */
    public static Path of(String version) {
        String name = "linux-source-" + version;
        Optional<Path> installed = tarball(Path.of("/usr/src"), name);
        if (installed.isPresent()) {
            return installed.get();
        }
        assumeTrue(Shell.which("apt-get").isPresent() && Shell.which("dpkg-deb").isPresent(), name + " comes from Debian's packages");
        Path fetched = new Cache(Cache.defaultFolder(System.getenv()), line -> { })
                .get(Cache.Key.of("test-source", name).with("package", name), target -> new DebianSource().fetch(name, target));
        return tarball(fetched, name).orElseThrow();
    }

    private static Optional<Path> tarball(Path below, String name) {
        if (!Files.isDirectory(below)) {
            return Optional.empty();
        }
        try (Stream<Path> files = Files.walk(below, 4)) {
            return files.filter(file -> file.getFileName().toString().matches(Pattern.quote(name) + "(\\.0)?\\.tar\\.(xz|bz2)") && Files.isRegularFile(file)).findFirst();
        } catch (IOException | java.io.UncheckedIOException e) {
            return Optional.empty();
        }
    }

    private void fetch(String name, Path target) throws IOException {
        Path download = Files.createDirectories(target.resolve("download"));
        if (!download(name, download, List.of())) {
            List<String> options = backports(Files.createDirectories(target.resolve("apt")));
            boolean done = !options.isEmpty() && download(name, download, options);
            assumeTrue(done, "apt offers no " + name + ", and neither do the backports of this release");
        }
        try (Stream<Path> files = Files.list(download)) {
            shell.run("dpkg-deb", "--extract", files.findFirst().orElseThrow().toString(), target.toString());
        }
        Trees.delete(download);
        Trees.delete(target.resolve("apt"));
    }

    private boolean download(String name, Path folder, List<String> options) {
        List<String> argv = new ArrayList<>(List.of("apt-get", "download", "-q", "-o", "APT::Sandbox::User=root"));
        argv.addAll(options);
        argv.add(name);
        return shell.attempt(Command.of(argv).in(folder)).exitCode() == 0;
    }

    /** Options that let apt see the backports of this release only, with lists of their own; none where there are no backports. */
    List<String> backports(Path folder) throws IOException {
        String codename = Files.readString(Path.of("/etc/os-release")).lines().filter(line -> line.startsWith("VERSION_CODENAME="))
                .map(line -> line.substring("VERSION_CODENAME=".length()).replace("\"", "")).findFirst().orElse("none");
        Optional<String> source = mainSource(codename);
        if (source.isEmpty()) {
            return List.of();
        }
        Files.writeString(Files.createDirectories(folder.resolve("sources")).resolve("backports.sources"), source.get());
        Files.createDirectories(folder.resolve("lists/partial"));
        List<String> options = List.of("-o", "Dir::Etc::sourcelist=/dev/null", "-o", "Dir::Etc::sourceparts=" + folder.resolve("sources"),
                "-o", "Dir::State::lists=" + folder.resolve("lists"), "-o", "Dir::Cache=" + folder, "-o", "APT::Sandbox::User=root");
        List<String> update = new ArrayList<>(List.of("apt-get", "update", "-q"));
        update.addAll(options);
        return shell.attempt(Command.of(update)).exitCode() == 0 ? options : List.of();
    }

    /** The machine's own source of this release, with the suite of its backports in place of its own (sources.list(5), both forms). */
    private static Optional<String> mainSource(String codename) throws IOException {
        for (Path file : sources()) {
            for (String stanza : Files.readString(file).split("\n\\s*\n")) {
                if (stanza.matches("(?s).*(^|\n)Types:[^\n]*\\bdeb\\b.*") && stanza.matches("(?s).*\nSuites:[^\n]*\\b" + codename + "(\\s.*|\n.*|$)")) {
                    return Optional.of(stanza.replaceAll("\nSuites:[^\n]*", "\nSuites: " + codename + "-backports") + "\n");
                }
                Matcher line = Pattern.compile("(?m)^deb\\s+(?:\\[([^\\]]*)\\]\\s+)?(\\S+)\\s+" + codename + "\\s+(.*)$").matcher(stanza);
                if (line.find()) {
                    String signed = Optional.ofNullable(line.group(1)).filter(text -> text.matches("signed-by=\\S+")).map(text -> "Signed-By: " + text.substring(10) + "\n").orElse("");
                    return Optional.of("Types: deb\nURIs: " + line.group(2) + "\nSuites: " + codename + "-backports\nComponents: " + line.group(3) + "\n" + signed);
                }
            }
        }
        return Optional.empty();
    }

    private static List<Path> sources() throws IOException {
        List<Path> all = new ArrayList<>();
        try (Stream<Path> files = Files.walk(Path.of("/etc/apt"), 2)) {
            files.filter(file -> file.toString().matches(".*/(sources\\.list|sources\\.list\\.d/.*\\.(list|sources))")).sorted().forEach(all::add);
        }
        return all;
    }
}
