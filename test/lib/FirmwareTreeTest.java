package lib;

import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import java.io.IOException;
import java.nio.file.FileSystems;
import java.nio.file.Files;
import java.nio.file.LinkOption;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Set;
import java.util.TreeMap;
import java.util.TreeSet;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import lib.image.Whence;
import lib.tool.Console;
import lib.tool.Shell;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** The firmware of a whole distribution kernel, against modinfo and the JDK's own globs. */
class FirmwareTreeTest {
    @TempDir
    Path temp;

    private static void touch(Path file) throws IOException {
        Files.createDirectories(file.getParent());
        Files.writeString(file, "");
    }

    @Test
    void the_set_for_all_drivers_of_a_distribution_is_what_modinfo_and_whence_say() throws Exception {
        assumeTrue(Shell.which("modinfo").isPresent(), "modinfo is not installed");
        Path project = Stream.iterate(Path.of("").toAbsolutePath(), folder -> folder != null, Path::getParent)
                .filter(folder -> Files.exists(folder.resolve("jbang"))).findFirst().orElseThrow();
        Path whence = project.resolveSibling("shared/reference/WHENCE");
        assumeTrue(Files.exists(whence), "there is no shared/reference/WHENCE beside the project");
        DebianKernel kernel = DebianKernel.of("linux-image-amd64");
        Whence known = Whence.parse("WHENCE", Files.readString(whence));
        Path real = realSource(known, whence);

        Set<String> asked = modinfo(kernel);
        Set<String> ours = new TreeSet<>();
        new ModuleFolder(kernel.modules().resolve("lib/modules/" + kernel.release())).modules().forEach(driver -> ours.addAll(driver.firmware()));
        assertThat(ours).isEqualTo(asked).hasSizeGreaterThan(1500);

        FirmwareTree tree = FirmwareTree.of(real);
        FirmwareChoice choice = FirmwareChoice.of(tree, FirmwareRules.parse(List.of()), List.of(new ModuleFolder.Driver("all", false, List.copyOf(asked), List.of())));
        RootTree target = new RootTree(Files.createDirectories(temp.resolve("target")));
        new FirmwareCopy(tree, List.of()).into(target, choice.wanted(), List.of());
        assertThat(listed(target.folder().resolve("lib/firmware"))).isEqualTo(expected(asked, known)).hasSizeGreaterThan(1000);
        assertThat(choice.misses().get("module all")).isNotEmpty().noneMatch(name -> known.file(name).isPresent());
    }

    /** A folder with an empty file for each that WHENCE lists. */
    private Path realSource(Whence known, Path whence) throws IOException {
        Path folder = Files.createDirectories(temp.resolve("real"));
        Files.copy(whence, folder.resolve("WHENCE"));
        for (Whence.Entry entry : known.files()) {
            touch(folder.resolve(entry.path()));
            for (String licence : entry.licence().files()) {
                touch(folder.resolve(licence));
            }
        }
        return folder;
    }

    private Set<String> modinfo(DebianKernel kernel) throws IOException {
        List<String> argv = new ArrayList<>(List.of("modinfo", "-F", "firmware"));
        try (Stream<Path> files = Files.walk(kernel.modules().resolve("lib/modules"))) {
            files.filter(file -> file.toString().matches(".*\\.ko(\\.xz)?")).map(Path::toString).forEach(argv::add);
        }
        return new Shell(Console.plain(System.err)).run(Shell.Command.of(argv)).text().lines().map(String::strip).collect(Collectors.toCollection(TreeSet::new));
    }

    /** Files and links that the names lead to, worked out with the JDK's own globs and paths. */
    private static Set<String> expected(Set<String> asked, Whence known) {
        TreeMap<String, String> links = new TreeMap<>();
        known.links().forEach(link -> links.put(link.path(), Path.of("/" + link.path()).resolveSibling(link.target()).normalize().toString().substring(1)));
        Set<String> files = known.files().stream().map(Whence.Entry::path).collect(Collectors.toSet());
        Set<String> result = new TreeSet<>();
        for (String name : asked) {
            var matcher = FileSystems.getDefault().getPathMatcher("glob:" + name);
            Stream.concat(files.stream(), links.keySet().stream()).filter(one -> one.equals(name) || matcher.matches(Path.of(one))).forEach(one -> {
                List<String> chain = new ArrayList<>(List.of(one));
                while (links.containsKey(chain.get(chain.size() - 1))) {
                    chain.add(links.get(chain.get(chain.size() - 1)));
                }
                if (files.contains(chain.get(chain.size() - 1))) {
                    result.addAll(chain);
                }
            });
        }
        return result;
    }

    private static Set<String> listed(Path folder) throws IOException {
        try (Stream<Path> files = Files.walk(folder)) {
            return files.filter(file -> !Files.isDirectory(file, LinkOption.NOFOLLOW_LINKS)).map(file -> folder.relativize(file).toString())
                    .filter(name -> !name.equals("NOTICES.txt")).collect(Collectors.toCollection(TreeSet::new));
        }
    }
}
