package lib;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Optional;
import java.util.stream.IntStream;
import lib.image.Elf;
import lib.tool.Failure;
import lib.tool.GitServer;
import lib.tool.Shell;
import lib.tool.TestRepository;
import lib.tool.Tools;
import lib.tool.Trees;
import org.junit.jupiter.api.Assumptions;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.MethodOrderer;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestInstance;
import org.junit.jupiter.api.TestMethodOrder;
import org.junit.jupiter.api.io.TempDir;

/** Real repositories, real cargo. Compiling takes seconds, so all tests share one cache and the crates in it. */
@TestInstance(TestInstance.Lifecycle.PER_CLASS)
@TestMethodOrder(MethodOrderer.MethodName.class)
class ComponentsTest {
    private static final String TARGET = System.getProperty("os.arch").replace("amd64", "x86_64") + "-unknown-linux-gnu";
    private static final String HELLO = "git:hello:file:hello:main:cargo";
    private static final String DAEMON = "git:agent:file:agent:v1:cargo:dir=daemon:bin=daemon";

    private Path shared;
    private Path folder;
    private TestRepository hello;
    private TestRepository agent;
    private String first;
    private int runs;
    private ByteArrayOutputStream printed;
    private Tools tools;
    private RootTree root;
    private BuildLock.Use lock;

    @BeforeAll
    void repositories(@TempDir Path temporary) {
        shared = temporary;
        Assumptions.assumeTrue(Shell.which("cargo").isPresent(), "cargo is not installed");
        hello = TestRepository.create(shared.resolve("hello"));
        hello.write("Cargo.toml", crate("hello", "0.3.1", ""));
        hello.write("Cargo.lock", "version = 3\n\n[[package]]\nname = \"hello\"\nversion = \"0.3.1\"\n");
        first = hello.commit("src/main.rs", """
                fn main() {
                    match std::env::args().nth(1).as_deref() {
                        Some("--version") => println!("hello {}", env!("CARGO_PKG_VERSION")),
                        _ => println!("hello from {}", file!()),
                    }
                }
                """);
        hello.git("tag", "v1");
        TestRepository far = TestRepository.create(shared.resolve("far"));
        far.write("Cargo.toml", crate("far", "0.1.0", ""));
        far.commit("src/lib.rs", "pub fn shout(text: &str) -> String { if text.is_empty() { panic!(\"nothing\") } text.to_uppercase() }\n");
        agent = TestRepository.create(shared.resolve("agent"));
        agent.write("near/Cargo.toml", crate("near", "0.1.0", ""));
        agent.write("near/src/lib.rs", "pub fn show<T: std::fmt::Debug>(t: T) -> String { format!(\"{t:?} in {}\", file!()) }\n");
        agent.write("daemon/Cargo.toml", crate("daemon", "0.1.0", "near = { path = \"../near\" }\nfar = { git = \"" + far.url() + "\" }\n"));
        agent.commit("daemon/src/main.rs", "fn main() { println!(\"{} {} {}\", near::show(7), far::shout(\"far\"), env!(\"CARGO_MANIFEST_DIR\").len()) }\n");
        agent.git("tag", "v1");
    }

    @BeforeEach
    void tools() throws IOException {
        folder = Files.createDirectories(shared.resolve("run" + ++runs));
        Files.createSymbolicLink(folder.resolve("cache"), Files.createDirectories(shared.resolve("cache")));
        printed = new ByteArrayOutputStream();
        tools = TestTools.in(folder, printed, false);
        root = new RootTree(Files.createDirectories(folder.resolve("root")));
        lock = BuildLock.Use.of(folder.resolve("build.lock"), BuildLock.Mode.USE);
    }

    @Test
    void a_cargo_project_becomes_a_static_program_of_the_image() {
        List<Components.Built> built = install(HELLO);

        Path program = folder.resolve("root/usr/bin/hello");
        assertThat(Elf.read(program).isStatic()).isTrue();
        assertThat(tools.shell().output(program.toString())).isEqualTo("hello from src/main.rs");
        assertThat(built.get(0).identity()).isEqualTo(first);
        assertThat(built.get(0).reports()).isEqualTo(canIsolate() ? "0.3.1" : "");
        assertThat(printed.toString()).contains("hello main (" + first.substring(0, 10) + ", ");
        assertThat(BuildLock.read(lock.file()).entry("components", "hello").orElseThrow().toString())
                .isEqualTo("{\"name\":\"hello\",\"url\":\"file:hello\",\"version\":\"main\",\"commit\":\"" + first + "\"}");
    }

    @Test
    void a_build_with_nothing_changed_starts_no_process_and_needs_no_repository() throws IOException {
        install(HELLO, DAEMON);
        Path away = shared.resolve("away");
        Files.move(hello.folder(), away);
        try {
            Tools again = TestTools.in(folder.resolve("again"), printed, true);
            Tools warm = new Tools(again.console(), again.shell(), tools.cache(), again.download());
            new Components(sources(HELLO, DAEMON), toolchain(), lock, warm, true, 2).installInto(root);
            assertThat(Trees.read(folder.resolve("again/log/build.log"))).doesNotContain("$ ");
        } finally {
            Files.move(away, hello.folder());
        }
    }

    @Test
    void a_cold_cache_without_a_network_is_one_clear_error(@TempDir Path other) {
        Tools cold = TestTools.in(other);

        assertThatThrownBy(() -> components(cold, "git x http://127.0.0.1:1/x.git main cargo").installInto(root))
                .hasMessageContaining("git ls-remote").hasMessageContaining("127.0.0.1");
        assertThatThrownBy(() -> new Components(sources(HELLO), toolchain(), lock, cold, true, 2).installInto(root))
                .hasMessageContaining("--offline forbids");
    }

    @Test
    void the_same_commit_gives_the_same_bytes_from_another_folder_and_server(@TempDir Path other) throws IOException {
        install(DAEMON);
        byte[] built = Files.readAllBytes(folder.resolve("root/usr/bin/daemon"));
        assertThat(tools.shell().output(folder.resolve("root/usr/bin/daemon").toString())).startsWith("7 in ").contains("FAR");

        Tools elsewhere = TestTools.in(Files.createDirectories(other.resolve("a folder with blanks")));
        RootTree otherRoot = new RootTree(Files.createDirectories(other.resolve("root")));
        try (GitServer server = GitServer.smart(shared)) {
            components(elsewhere, "git agent " + server.url("agent/.git") + " v1 cargo dir=daemon bin=daemon").installInto(otherRoot);
        }
        assertThat(otherRoot.folder().resolve("usr/bin/daemon")).hasBinaryContent(built);
        assertThat(new String(built, java.nio.charset.StandardCharsets.ISO_8859_1)).doesNotContain(shared.toString());
    }

    @Test
    void a_repository_without_cargo_lock_keeps_the_versions_of_its_first_build() {
        install(DAEMON);
        String commit = agent.git("rev-parse", "HEAD");

        assertThat(Trees.read(tools.cache().folder("cargo-lock").resolve("agent-" + commit))).contains("name = \"far\"");
        assertThat(printed.toString()).satisfiesAnyOf(text -> assertThat(text).contains("agent: the repository has no Cargo.lock"),
                text -> assertThat(tools.cache().misses()).isEmpty());
    }

    @Test
    void a_moved_branch_changes_a_build_only_with_update_lock() {
        install(HELLO);
        String second = hello.commit("NEWS", "new");
        try {
            assertThat(install(HELLO).get(0).identity()).isEqualTo(first);

            assertThat(update("hello").installInto(root).get(0).identity()).isEqualTo(second);
            assertThat(printed.toString()).contains("build.lock: hello: main " + first.substring(0, 10) + " -> main " + second.substring(0, 10));
            assertThat(install(HELLO).get(0).identity()).isEqualTo(second);
        } finally {
            hello.git("reset", "--quiet", "--hard", first);
        }
    }

    @Test
    void a_rewritten_tag_is_an_error_that_shows_both_commits(@TempDir Path other) {
        String line = "git:hello:file:hello:v1:cargo";
        install(line);
        String second = hello.commit("NEWS", "rewritten");
        hello.git("tag", "--force", "v1");
        try {
            assertThat(install(line).get(0).identity()).isEqualTo(first);
            assertThatThrownBy(() -> components(TestTools.in(other), line).installInto(root)).hasMessageContaining("was rewritten")
                    .hasMessageContaining("locked " + first).hasMessageContaining("found  " + second);
            BuildLock.Use all = BuildLock.Use.of(lock.file(), BuildLock.Mode.UPDATE);
            assertThatThrownBy(() -> new Components(sources(line), toolchain(), all, tools, false, 2).installInto(root)).hasMessageContaining("was rewritten")
                    .extracting(e -> ((Failure) e).hint()).asString().contains("--update-lock=hello");
            assertThat(BuildLock.read(lock.file()).entry("components", "hello").orElseThrow().path("commit").asText()).isEqualTo(first);

            BuildLock.Use named = new BuildLock.Use(lock.file(), BuildLock.Mode.UPDATE, Optional.of("hello"));
            assertThat(new Components(sources(line), toolchain(), named, tools, false, 2).installInto(root).get(0).identity()).isEqualTo(second);
        } finally {
            hello.git("reset", "--quiet", "--hard", first);
            hello.git("tag", "--force", "v1");
        }
    }

    @Test
    void locked_means_that_sources_conf_and_lock_agree() {
        install(HELLO);
        BuildLock.Use locked = BuildLock.Use.of(lock.file(), BuildLock.Mode.LOCKED);
        assertThat(new Components(sources(HELLO), toolchain(), locked, tools, false, 2).installInto(root)).hasSize(1);

        assertThatThrownBy(() -> new Components(sources("git:hello:file:hello:v1:cargo", DAEMON), toolchain(), locked, tools, false, 2).installInto(root))
                .hasMessageContaining("git:hello:file:hello:v1:cargo\n    is locked as main of file:hello, " + first)
                .hasMessageContaining("sources.conf:2: agent is not in the lock");
        assertThatThrownBy(() -> new Components(sources(), toolchain(), locked, tools, false, 2).installInto(root))
                .hasMessageContaining("hello is in the lock and not in sources.conf");
    }

    @Test
    void one_component_is_built_alone_and_the_lock_keeps_the_others() {
        install(HELLO, DAEMON);
        Components both = components(tools, HELLO, DAEMON);

        assertThat(both.only(Optional.of("hello")).installInto(root)).extracting(Components.Built::name).containsExactly("hello");
        assertThat(BuildLock.read(lock.file()).entries("components")).hasSize(2);
        assertThatThrownBy(() -> both.only(Optional.of("helo"))).hasMessageContaining("no component helo")
                .extracting(e -> ((Failure) e).hint()).isEqualTo("did you mean hello?");
    }

    @Test
    void one_that_fails_shows_its_last_lines_and_lets_the_others_finish() {
        String broken = "git:broken:file:broken:main:cargo";
        TestRepository repository = TestRepository.create(shared.resolve("broken"));
        repository.write("Cargo.toml", crate("broken", "0.1.0", ""));
        repository.commit("src/main.rs", "fn main() { nonsense }\n");

        assertThatThrownBy(() -> install(broken, "git:gone:file:nowhere:main:cargo", HELLO)).hasMessageContaining("2 components failed")
                .hasMessageContaining("cannot find value `nonsense`").hasMessageContaining("sources.conf:1: broken does not compile").hasMessageContaining("git ls-remote");
        assertThat(printed.toString()).contains("broken main failed", "gone main failed", "hello main (");
        assertThat(BuildLock.read(lock.file()).entries("components")).isEmpty();
    }

    @Test
    void a_wrong_folder_or_program_is_named_with_the_option_that_helps() {
        assertThatThrownBy(() -> install(HELLO + ":dir=sub")).hasMessageContaining("no Cargo.toml in the folder sub")
                .extracting(e -> ((Failure) e).hint()).asString().contains("dir=");
        assertThatThrownBy(() -> install(HELLO + ":bin=hallo")).hasMessageContaining("no bin target named `hallo`");
    }

    @Test
    void a_missing_rust_target_is_explained() {
        String withoutLibrary = "x86_64-wrs-vxworks";
        assertThatThrownBy(() -> build(withoutLibrary)).isInstanceOfSatisfying(Failure.class, failure -> {
            assertThat(failure.exitCode()).isEqualTo(Failure.MACHINE);
            assertThat(failure.what()).contains("Rust's standard library for " + withoutLibrary + " is not installed");
            assertThat(failure.hint()).contains("rustup target add " + withoutLibrary);
        });
    }

    @Test
    void a_missing_linker_for_another_processor_is_explained() {
        Assumptions.assumeTrue(Shell.which("riscv64gc-linux-gnu-gcc").isEmpty(), "a linker for RISC-V is installed");
        assertThatThrownBy(() -> build("riscv64gc-unknown-linux-musl")).isInstanceOfSatisfying(Failure.class, failure -> {
            assertThat(failure.exitCode()).isEqualTo(Failure.MACHINE);
            assertThat(failure.what()).contains("links for riscv64gc-unknown-linux-musl");
        });
    }

    private void build(String target) {
        new Components(sources(HELLO), new Config.Toolchain(target, shared, 1), lock, tools, false, 2).installInto(root);
    }

    @Test
    void a_makefile_makes_a_program_too() {
        Assumptions.assumeTrue(Shell.which("make").isPresent() && Shell.which("gcc").isPresent(), "make or gcc is not installed");
        TestRepository repository = TestRepository.create(shared.resolve("tiny"));
        repository.write("Makefile", "tiny: tiny.c\n\tgcc $(LDFLAGS) -o $@ $<\n");
        repository.commit("tiny.c", "#include <stdio.h>\nint main(void) { puts(\"tiny\"); return 0; }\n");

        install("git:tiny:file:tiny:main:make:install=/opt/tiny");

        assertThat(tools.shell().output(folder.resolve("root/opt/tiny").toString())).isEqualTo("tiny");
    }

    private static String crate(String name, String version, String dependencies) {
        return "[package]\nname = \"" + name + "\"\nversion = \"" + version + "\"\nedition = \"2021\"\n\n[dependencies]\n" + dependencies;
    }

    private boolean canIsolate() {
        return tools.shell().attempt(Shell.Command.of("unshare", "--net", "--pid", "--kill-child", "--mount", "--setgid", "65534", "--setuid", "65534", "true")).exitCode() == 0
                || tools.shell().attempt(Shell.Command.of("unshare", "--user", "--net", "--pid", "--kill-child", "true")).exitCode() == 0;
    }

    private Components update(String name) {
        BuildLock.Use renewing = new BuildLock.Use(lock.file(), BuildLock.Mode.UPDATE, Optional.of(name));
        return new Components(sources(HELLO), toolchain(), renewing, tools, false, 2);
    }

    private List<Components.Built> install(String... lines) {
        return components(tools, lines).installInto(root);
    }

    private Components components(Tools with, String... lines) {
        return new Components(sources(lines), toolchain(), lock, with, false, 2);
    }

    private static List<Source> sources(String... lines) {
        return Source.all(IntStream.range(0, lines.length).mapToObj(i -> new Config.Line("sources.conf", i + 1, lines[i])).toList(), "x86_64");
    }

    private Config.Toolchain toolchain() {
        return new Config.Toolchain(TARGET, shared, 1_700_000_000L);
    }
}
