package demo;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import java.io.IOException;
import java.io.OutputStream;
import java.io.PrintStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.stream.Stream;
import lib.tool.Cache;
import lib.tool.Console;
import lib.tool.Download;
import lib.tool.Failure;
import lib.tool.Shell;
import lib.tool.Tools;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class DemoTest {
    @TempDir
    Path scratch;

    /** Real tools on the user's own cache, so that packages of the distribution are fetched once and not for each test. */
    static Tools tools() {
        Console console = Console.plain(new PrintStream(OutputStream.nullOutputStream()));
        Cache cache = new Cache(Cache.defaultFolder(System.getenv()), line -> { });
        return new Tools(console, new Shell(console), cache, new Download(console, cache, false));
    }

    private Demo demo() throws IOException {
        assumeTrue(Shell.which("apt-get").isPresent() && Shell.which("dpkg-deb").isPresent(), "the demo is made of packages of Debian or Ubuntu");
        assumeTrue(System.getProperty("os.arch").equals("amd64"), "the demo is for x86_64");
        Path sources = scratch.resolve("demo");
        if (!Files.exists(sources)) {
            for (String part : List.of("demo/config", "demo/packages", "demo/my_init", "config/rootfs")) {
                copy(RealApk.project().resolve(part), scratch.resolve(part));
            }
        }
        return new Demo(sources, scratch.resolve("workspace/.demo"), tools());
    }

    private static void copy(Path from, Path to) throws IOException {
        try (Stream<Path> all = Files.walk(from)) {
            for (Path file : all.filter(Files::isRegularFile).filter(file -> !from.relativize(file).startsWith("target")).toList()) {
                Path target = to.resolve(from.relativize(file).toString());
                Files.createDirectories(target.getParent());
                Files.copy(file, target);
            }
        }
    }

    private String commit() {
        return tools().shell().output("git", "-C", scratch.resolve("workspace/.demo/my_init").toString(), "rev-parse", "main");
    }

    @Test
    void makes_all_inputs_and_a_configuration_that_names_them() throws Exception {
        Path config = demo().prepare();
        Path folder = config.getParent();
        assertThat(Files.readString(config.resolve("build.conf"))).containsPattern("RUST_TARGET=\"x86_64-unknown-linux-(musl|gnu)\"");
        String source = Files.readAllLines(config.resolve("build.conf")).stream().filter(line -> line.startsWith("KERNEL_SOURCE=")).findFirst().orElseThrow()
                .replaceAll("^KERNEL_SOURCE=\"|\"$", "");
        assertThat(folder.resolve(source)).isRegularFile();
        assertThat(folder.resolve(source).toFile().length()).isGreaterThan(50L << 20);
        assertThat(folder.resolve("mirror/v1.0/main/x86_64/APKINDEX.tar.gz")).isRegularFile();
        assertThat(config.resolve("my_init/services/web.yaml")).isRegularFile();
        assertThat(tools().shell().output("git", "-C", folder.resolve("my_init").toString(), "status", "--porcelain")).isEmpty();
    }

    @Test
    void makes_only_what_has_changed() throws Exception {
        Path config = demo().prepare();
        String before = commit();
        Files.writeString(config.resolve("packages.list"), "busybox\n");
        demo().prepare();
        assertThat(config.resolve("packages.list")).as("what the user tries out stays").hasContent("busybox");
        assertThat(commit()).isEqualTo(before);

        Files.writeString(scratch.resolve("demo/config/packages.list"), "jq\n");
        demo().prepare();
        assertThat(config.resolve("packages.list")).hasContent("jq");

        Path main = scratch.resolve("demo/my_init/src/main.rs");
        String text = Files.readString(main);
        Files.writeString(main, text + "// more\n");
        demo().prepare();
        assertThat(commit()).isNotEqualTo(before);
        Files.writeString(main, text);
        demo().prepare();
        assertThat(commit()).as("the same sources are the same commit, whenever it is made").isEqualTo(before);
    }

    @Test
    void a_part_that_was_deleted_comes_back() throws Exception {
        Path folder = demo().prepare().getParent();
        lib.tool.Trees.delete(folder.resolve("mirror"));
        demo().prepare();
        assertThat(folder.resolve("mirror/v1.0/community/x86_64/APKINDEX.tar.gz")).exists();
    }

    @Test
    void debian_versions_become_versions_of_alpine() {
        assertThat(Debs.alpineVersion("1:1.35.0-4+deb12u1+b1")).isEqualTo("1.35.0-r4");
        assertThat(Debs.alpineVersion("1.6-2.1+deb12u3")).isEqualTo("1.6-r2");
        assertThat(Debs.alpineVersion("2.39-0ubuntu8.4")).isEqualTo("2.39-r0");
        assertThat(Debs.alpineVersion("6.9.9+dfsg-1")).isEqualTo("6.9.9-r1");
        assertThat(Debs.alpineVersion("20240101")).isEqualTo("20240101-r0");
    }

    @Test
    void a_line_of_a_recipe_that_is_not_understood_is_named() throws Exception {
        Path folder = Files.createDirectories(scratch.resolve("odd"));
        Files.writeString(folder.resolve("PACKAGE"), "pkgver = 1-r0\n# comment\nfoldr srv\n");
        assertThatThrownBy(() -> Recipe.read(folder).build(new Debs(scratch), 0)).isInstanceOf(Failure.class).hasMessageContaining("PACKAGE:3: ")
                .hasMessageContaining("foldr srv");
    }
}
