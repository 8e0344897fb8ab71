package lib;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.zip.GZIPOutputStream;
import java.util.zip.ZipEntry;
import java.util.zip.ZipOutputStream;
import lib.image.Elf;
import lib.tool.Failure;
import lib.tool.Shell;
import lib.tool.Tools;
import org.junit.jupiter.api.Assumptions;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class ComponentsTest {
    @TempDir
    Path folder;
    private Tools tools;
    private RootTree root;
    private Path crate;

    @BeforeEach
    void repository() throws IOException {
        Assumptions.assumeTrue(Shell.which("cargo").isPresent(), "cargo is not installed");
        tools = TestTools.in(folder);
        root = new RootTree(Files.createDirectories(folder.resolve("root")));
        crate = Files.createDirectories(folder.resolve("crate"));
        Files.createDirectories(crate.resolve("src"));
        Files.writeString(crate.resolve("Cargo.toml"), "[package]\nname = \"hello\"\nversion = \"0.1.0\"\nedition = \"2021\"\n");
        Files.writeString(crate.resolve("src/main.rs"), "fn main() { println!(\"hello from {}\", file!()); }\n");
        git("init", "--quiet", "--initial-branch=main");
        commit("first");
    }

    @Test
    void a_cargo_project_becomes_a_static_program_of_the_image() {
        List<Components.Built> built = install("git:hello:file:crate:main:cargo");

        Path program = folder.resolve("root/usr/bin/hello");
        assertThat(Elf.read(program).isStatic()).isTrue();
        assertThat(tools.shell().output(program.toString())).isEqualTo("hello from src/main.rs");
        assertThat(built.get(0).identity()).isEqualTo(head());
    }

    @Test
    void the_same_commit_gives_the_same_bytes_in_another_folder_and_compiles_only_once(@TempDir Path other) throws IOException {
        install("git:hello:file:crate:main:cargo");
        byte[] first = Files.readAllBytes(folder.resolve("root/usr/bin/hello"));
        install("git:hello:file:crate:main:cargo");
        assertThat(tools.cache().misses()).containsExactly("component hello");

        Tools elsewhere = TestTools.in(other);
        RootTree otherRoot = new RootTree(Files.createDirectories(other.resolve("root")));
        components(elsewhere, "git:hello:file:crate:main:cargo").installInto(otherRoot);
        assertThat(Files.readAllBytes(other.resolve("root/usr/bin/hello"))).isEqualTo(first);
    }

    @Test
    void a_program_that_does_not_compile_shows_the_compiler_and_the_line_of_sources_conf() throws IOException {
        Files.writeString(crate.resolve("src/main.rs"), "fn main() { nonsense }\n");
        commit("broken");

        assertThatThrownBy(() -> install("git:hello:file:crate:main:cargo")).isInstanceOf(Failure.class).hasMessageContaining("nonsense")
                .extracting(e -> ((Failure) e).hint()).asString().contains("sources.conf:1");
    }

    @Test
    void one_component_that_fails_lets_the_others_finish() {
        assertThatThrownBy(() -> install("git:bad:file:nowhere:main:cargo", "git:hello:file:crate:main:cargo")).hasMessageContaining("git ls-remote");
        assertThat(tools.cache().misses()).containsExactly("component hello");
        install("git:hello:file:crate:main:cargo");
        assertThat(tools.cache().misses()).containsExactly("component hello");
    }

    @Test
    void two_components_never_install_the_same_path() {
        assertThatThrownBy(() -> install("git:a:file:crate:main:cargo:bin=hello", "git:hello:file:crate:main:cargo"))
                .hasMessageContaining("both install /usr/bin/hello").hasMessageContaining("sources.conf:1");
    }

    @Test
    void a_binary_of_another_name_is_found_with_bin() throws IOException {
        Files.writeString(crate.resolve("Cargo.toml"), "\n[[bin]]\nname = \"greet\"\npath = \"src/main.rs\"\n", java.nio.file.StandardOpenOption.APPEND);
        commit("renamed");

        assertThatThrownBy(() -> install("git:hello:file:crate:main:cargo")).hasMessageContaining("hello");
        install("git:hello:file:crate:main:cargo:bin=greet");
        assertThat(folder.resolve("root/usr/bin/greet")).isExecutable();
    }

    @Test
    void a_release_is_installed_from_an_archive_or_as_it_is() throws IOException {
        install("git:hello:file:crate:main:cargo");
        Path program = folder.resolve("root/usr/bin/hello");
        Path plain = Files.copy(program, folder.resolve("tool-1.0-amd64"));
        try (var out = new GZIPOutputStream(Files.newOutputStream(folder.resolve("tool.gz")))) {
            Files.copy(program, out);
        }
        tools.shell().run(Shell.Command.of("tar", "-cJf", "tool.tar.xz", "-C", "root/usr/bin", "hello").in(folder));

        tools.shell().run(Shell.Command.of("tar", "--zstd", "-cf", "tool.tar.zst", "-C", "root/usr/bin", ".").in(folder));
        try (var zip = new ZipOutputStream(Files.newOutputStream(folder.resolve("tool.zip")))) {
            zip.putNextEntry(new ZipEntry("bin/hello"));
            Files.copy(program, zip);
            zip.putNextEntry(new ZipEntry("README"));
        }

        install("release:a:file:tool-1.0-amd64:1.0:install:rename=renamed", "release:b:file:tool.gz:1.0:install",
                "release:c:file:tool.tar.xz:1.0:install:path=hello:install=/opt/c/run", "release:hello:file:tool.tar.zst:1.0:install",
                "release:z:file:tool.zip:1.0:install:path=bin/hello");

        assertThat(folder.resolve("root/usr/bin/renamed")).hasSameBinaryContentAs(plain);
        assertThat(folder.resolve("root/usr/bin/b")).hasSameBinaryContentAs(plain).isExecutable();
        assertThat(folder.resolve("root/opt/c/run")).hasSameBinaryContentAs(plain);
        assertThat(folder.resolve("root/usr/bin/hello")).hasSameBinaryContentAs(plain);
        assertThat(folder.resolve("root/usr/bin/z")).hasSameBinaryContentAs(plain);
        assertThatThrownBy(() -> install("release:x:file:tool.zip:1.0:install")).hasMessageContaining("which file of the archive")
                .extracting(e -> ((Failure) e).hint()).asString().contains("README bin/hello");
    }

    @Test
    void a_release_with_other_bytes_than_its_sha256_is_refused() throws IOException {
        Files.writeString(folder.resolve("tool"), "changed");

        assertThatThrownBy(() -> install("release:tool:file:tool:1.0:install:sha256=" + "0".repeat(64))).hasMessageContaining("wrong checksum");
    }

    @Test
    void what_is_not_a_static_program_is_refused() throws IOException {
        Files.writeString(folder.resolve("script"), "#!/bin/sh\n");
        assertThatThrownBy(() -> install("release:script:file:script:1.0:install")).hasMessageContaining("no ELF header");

        Path dynamic = Shell.which("ls").orElseThrow().toRealPath();
        Files.copy(dynamic, folder.resolve("dynamic"));
        assertThatThrownBy(() -> install("release:dynamic:file:dynamic:1.0:install")).hasMessageContaining("not static");
        assertThat(folder.resolve("root/usr/bin/dynamic")).doesNotExist();
    }

    private List<Components.Built> install(String... lines) {
        return components(tools, lines).installInto(root);
    }

    private Components components(Tools with, String... lines) {
        List<Source> sources = java.util.stream.IntStream.range(0, lines.length).mapToObj(i -> Source.parse("sources.conf", i + 1, lines[i])).toList();
        String target = System.getProperty("os.arch").replace("amd64", "x86_64") + "-unknown-linux-gnu";
        return new Components(sources, new Config.Toolchain(target, folder, 1_700_000_000L), with, false, 2);
    }

    private void commit(String message) {
        git("add", "--all");
        git("-c", "user.name=test", "-c", "user.email=test@example.org", "commit", "--quiet", "-m", message);
    }

    private String head() {
        return tools.shell().run(Shell.Command.of("git", "rev-parse", "HEAD").in(crate)).text();
    }

    private void git(String... arguments) {
        List<String> argv = new java.util.ArrayList<>(List.of("git"));
        argv.addAll(List.of(arguments));
        tools.shell().run(Shell.Command.of(argv).in(crate));
    }
}
