import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.concurrent.TimeUnit;
import java.util.stream.Stream;
import lib.TestProject;
import lib.tool.Cache;
import lib.tool.Shell;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** Runs the launcher as a user does, with a small script of the test's own. */
@Timeout(value = 4, unit = TimeUnit.MINUTES)
class LauncherTest {
    /** No installed JBang, no Maven: only what the launcher's own words need. */
    private static final List<String> TOOLS = List.of("sh", "cat", "cut", "env", "grep", "head", "id", "ls", "mkdir", "mv", "readlink", "rm", "sed",
            "sha256sum", "sort", "uname", "dirname");

    private static final String SAY = "class Say { public static void main(String... args) { System.out.println(lib.Word.WORD); } }\n";

    private static final String WORD = "package lib;\npublic class Word { public static final String WORD = \"%s\"; }\n";

    @TempDir
    Path folder;

    private Path script;

    @BeforeEach
    void write() throws IOException {
        script = Files.writeString(folder.resolve("words.java"), """
                //JAVA 17+
                class Words {
                    public static void main(String... args) throws Exception {
                        for (String arg : args) {
                            System.out.println("<" + arg + ">");
                        }
                        System.out.println(new String(System.in.readAllBytes(), "UTF-8"));
                        System.err.println("to stderr");
                        System.exit(args.length > 0 && args[0].matches("[0-9]+") ? Integer.parseInt(args[0]) : 0);
                    }
                }
                """);
    }

    private record Run(int exitCode, String stdout, String stderr) { }

    @Test
    void arguments_reach_the_script_as_they_were_typed() throws Exception {
        String[] words = {"a b", "it's", "$HOME `id` $(id)", "\"quoted\"", "", "*", "new\nline", "back\\slash", "~", "--debug", "-x", "a;b|c&d", "%{deps}", "@file"};

        Run run = launch(Map.of(), "", words);

        assertThat(run.stdout()).isEqualTo(Stream.of(words).map(word -> "<" + word + ">\n").reduce("", String::concat) + "\n");
    }

    @ParameterizedTest
    @ValueSource(ints = {1, 42, 254})
    void the_exit_code_is_the_scripts(int code) throws Exception {
        assertThat(launch(Map.of(), "", Integer.toString(code)).exitCode()).isEqualTo(code);
    }

    @Test
    void standard_input_reaches_the_script_and_standard_output_holds_nothing_else() throws Exception {
        Run run = launch(Map.of(), "line 1\nline 2", "x");

        assertThat(run.stdout()).isEqualTo("<x>\nline 1\nline 2\n");
        assertThat(run.stderr()).contains("to stderr");
    }

    @ParameterizedTest
    @ValueSource(strings = {"dash", "bash", "busybox sh", "mksh"})
    void any_posix_shell_runs_it(String shell) throws Exception {
        List<String> argv = new ArrayList<>(List.of(shell.split(" ")));
        assumeTrue(Shell.which(argv.get(0)).isPresent(), argv.get(0) + " is not installed");
        argv.addAll(List.of(launcher().toString(), script.toString(), "it's $HOME"));

        assertThat(run(argv, Map.of(), "").stdout()).isEqualTo("<it's $HOME>\n\n");
    }

    @Test
    void a_signal_reaches_the_script_itself() throws Exception {
        Files.writeString(script, """
                //JAVA 17+
                class Words {
                    public static void main(String... args) throws Exception {
                        Runtime.getRuntime().addShutdownHook(new Thread(() -> System.out.println("cleaned up")));
                        System.out.println("running as " + ProcessHandle.current().pid());
                        Thread.sleep(600_000);
                    }
                }
                """);
        Process process = new ProcessBuilder(launcher().toString(), script.toString()).redirectError(folder.resolve("stderr").toFile()).start();
        try {
            assertThat(process.inputReader().readLine()).isEqualTo("running as " + process.pid());

            process.toHandle().destroy();

            assertThat(process.waitFor(20, TimeUnit.SECONDS)).isTrue();
            assertThat(process.inputReader().readLine()).isEqualTo("cleaned up");
            assertThat(process.exitValue()).isEqualTo(128 + 15);
        } finally {
            process.destroyForcibly();
        }
    }

    @Test
    void a_script_that_does_not_compile_is_an_error_on_stderr() throws Exception {
        Files.writeString(script, "//JAVA 17+\nclass Words { int x = \"\"; }\n");

        Run run = launch(Map.of(), "");

        assertThat(run.exitCode()).isNotZero().isNotEqualTo(255);
        assertThat(run.stdout()).isEmpty();
        assertThat(run.stderr()).contains("incompatible types");
    }

    @Test
    void an_installed_jbang_that_is_new_enough_is_used_and_asked_for_its_version_once() throws Exception {
        Path installed = installed("0.999.0");

        Run run = launch(onPath(installed), "", "a b");
        Run again = launch(onPath(installed), "", "c");

        assertThat(run.stdout()).isEqualTo("installed jbang: " + script + " a b \n");
        assertThat(again.stdout()).isEqualTo("installed jbang: " + script + " c \n");
        assertThat(folder.resolve("bin/asked")).content().hasLineCount(1);
    }

    @Test
    void an_installed_jbang_that_is_too_old_is_not_used() throws Exception {
        assertThat(launch(onPath(installed("0.9.0")), "", "x").stdout()).isEqualTo("<x>\n\n");
    }

    @Test
    void a_launcher_on_the_path_is_not_taken_for_a_jbang() throws Exception {
        Path other = Files.createDirectories(folder.resolve("checkout"));
        Files.copy(launcher(), other.resolve("jbang"), java.nio.file.StandardCopyOption.COPY_ATTRIBUTES);

        assertThat(launch(onPath(other), "", "x").stdout()).isEqualTo("<x>\n\n");
    }

    @Test
    void an_unchanged_script_of_the_project_starts_without_jbang_and_a_changed_one_does_not() throws Exception {
        Path project = Files.createDirectories(folder.resolve("a project/lib")).getParent();
        Path copy = Files.copy(launcher(), project.resolve("jbang"), java.nio.file.StandardCopyOption.COPY_ATTRIBUTES);
        Files.writeString(project.resolve("say.java"), "//JAVA 17+\n//SOURCES lib/**.java\n" + SAY);
        Path source = Files.writeString(project.resolve("lib/Word.java"), WORD.formatted("first"));
        Map<String, String> cache = onPath(folder.resolve("none"));
        List<String> argv = List.of(copy.toString(), project.resolve("say.java").toString());
        assertThat(run(argv, cache, "").stdout()).isEqualTo("first\n");
        Path jbang = withoutJBang(folder.resolve("cache/jbang"));

        assertThat(run(argv, cache, "").stdout()).isEqualTo("first\n");
        assertThat(run(argv, Map.of("MOS_CACHE_DIR", cache.get("MOS_CACHE_DIR"), "JBANG_DIR", folder.resolve("other").toString()), "").exitCode()).isNotZero();
        Files.writeString(project.resolve("lib/More.java"), "package lib;\nclass More { }\n");
        assertThat(run(argv, cache, "").exitCode()).as("JBang is asked about a new source").isNotZero();
        Files.delete(project.resolve("lib/More.java"));
        assertThat(run(argv, cache, "").stdout()).isEqualTo("first\n");
        java.nio.file.attribute.FileTime before = Files.getLastModifiedTime(source);
        Files.writeString(source, WORD.formatted("other"));
        Files.setLastModifiedTime(source, before);
        assertThat(run(argv, cache, "").exitCode()).as("JBang is asked about a source of the same size and time").isNotZero();
        Files.delete(jbang);
        onPath(folder.resolve("none"));
        assertThat(run(argv, cache, "").stdout()).isEqualTo("other\n");

        Path answer = folder.resolve("cache/jbang").toFile().listFiles((parent, name) -> name.startsWith("answer-"))[0].toPath();
        Files.writeString(answer, Files.readString(answer).replaceFirst("-classpath \\S*", "-classpath /gone.jar"));
        assertThat(run(argv, cache, "").stdout()).as("JBang is asked when a file of the class path is gone").isEqualTo("other\n");
        Files.writeString(answer, "");
        assertThat(run(argv, cache, "").stdout()).as("JBang is asked when its answer was cut short").isEqualTo("other\n");
    }

    /** Puts something that does not start in the place of the cache's JBang. */
    private static Path withoutJBang(Path cache) throws IOException {
        try (Stream<Path> files = Files.list(cache)) {
            Path jar = files.filter(file -> file.toString().endsWith(".jar")).findFirst().orElseThrow();
            Files.delete(jar);
            return Files.writeString(jar, "no jar");
        }
    }

    @Test
    void the_scripts_jvm_has_its_own_options_and_no_others() throws Exception {
        Files.writeString(script, """
                //JAVA 17+
                //RUNTIME_OPTIONS -Xmx123m
                class Words {
                    public static void main(String... args) {
                        System.out.println(java.lang.management.ManagementFactory.getRuntimeMXBean().getInputArguments());
                    }
                }
                """);

        assertThat(launch(Map.of(), "").stdout()).isEqualTo("[-Xmx123m]\n");
    }

    @Test
    void a_script_of_the_project_uses_the_classes_that_an_earlier_run_has_left_and_lists_them_while_none_are() throws Exception {
        Path copy = Files.copy(launcher(), folder.resolve("jbang"), java.nio.file.StandardCopyOption.COPY_ATTRIBUTES);
        Path shows = Files.writeString(folder.resolve("shows.java"), """
                //JAVA 17+
                class Shows {
                    public static void main(String... args) {
                        System.out.println(String.join("\\n", java.lang.management.ManagementFactory.getRuntimeMXBean().getInputArguments()));
                    }
                }
                """);
        Map<String, String> environment = Map.of("JBANG_CACHE_DIR", folder.resolve("scripts").toString());
        List<String> argv = List.of(copy.toString(), shows.toString());

        List<String> options = run(argv, environment, "").stdout().lines().toList();

        Path archive = Path.of(options.get(3).replaceFirst("-Dmos.class-archive=", ""));
        assertThat(archive.getParent()).isDirectoryContaining("glob:**/shows.jar").isDirectoryContaining("glob:**.list");
        assertThat(options).contains("-XX:DumpLoadedClassList=" + archive + ".%p.list").hasSize(4);
        Files.writeString(archive, "not one that the JVM understands");
        assertThat(run(argv, environment, "").stdout().lines()).contains("-XX:SharedArchiveFile=" + archive).hasSize(4);
    }

    @Test
    void a_java_home_that_is_no_jdk_is_passed_over() throws Exception {
        assertThat(launch(Map.of("JAVA_HOME", folder.toString()), "", "x").stdout()).isEqualTo("<x>\n\n");
    }

    @Test
    void without_maven_and_without_root_one_line_says_what_to_install() throws Exception {
        assumeTrue(Shell.which("setpriv").isPresent() && lib.tool.User.isRoot(), "becoming another user takes root and setpriv");
        Path bin = Files.createDirectories(folder.resolve("tools"));
        for (String tool : TOOLS) {
            Files.createSymbolicLink(bin.resolve(tool), Shell.which(tool).orElseThrow());
        }
        Shell.which("apt-get").ifPresent(apt -> link(bin.resolve("apt-get"), apt));
        for (Path path : List.of(folder, bin)) {
            path.toFile().setExecutable(true, false);
            path.toFile().setReadable(true, false);
        }
        // Read here, since the checkout's own folders may be closed to other users.
        List<String> argv = List.of(Shell.which("setpriv").orElseThrow().toString(), "--reuid=65534", "--clear-groups", "sh", "-c",
                Files.readString(launcher()), "jbang", script.toString());

        Run run = run(argv, Map.of("PATH", bin.toString(), "JAVA_HOME", System.getProperty("java.home"), "MOS_CACHE_DIR", folder.resolve("empty").toString()), "");

        assertThat(run.exitCode()).isEqualTo(3);
        assertThat(run.stdout()).isEmpty();
        assertThat(run.stderr().lines()).hasSize(2).first().asString().isEqualTo("error: Maven is missing");
        assertThat(run.stderr()).contains(Shell.which("apt-get").isPresent() ? "hint: sudo apt-get install -y --no-install-recommends maven" : "hint: ");
    }

    @Test
    void a_jbang_with_other_bytes_is_refused() throws Exception {
        Path bin = Files.createDirectories(folder.resolve("bin"));
        program(bin.resolve("mvn"), """
                #!/bin/sh
                for word; do
                    case $word in
                        -Dartifact=*) version=$(echo "$word" | cut -d : -f 3) ;;
                        -DoutputDirectory=*) folder=${word#*=} ;;
                    esac
                done
                echo tampered >"$folder/jbang-cli-$version-all.jar"
                """);

        Run run = launch(Map.of("PATH", bin + ":" + System.getenv("PATH"), "MOS_CACHE_DIR", folder.resolve("cache").toString()), "", "x");

        assertThat(run.exitCode()).isEqualTo(3);
        assertThat(run.stderr()).contains("error: the JBang that Maven fetched has SHA-256");
        try (Stream<Path> kept = Files.walk(folder.resolve("cache"))) {
            assertThat(kept.filter(Files::isRegularFile)).isEmpty();
        }
    }

    private Path installed(String version) throws IOException {
        Path bin = Files.createDirectories(folder.resolve("bin"));
        program(bin.resolve("jbang"), """
                #!/bin/sh
                if [ "$1" = version ]; then echo asked >>"%s"; echo %s; else printf 'installed jbang: '; printf '%%s ' "$@"; echo; fi
                """.formatted(bin.resolve("asked"), version));
        return bin;
    }

    /** The folder in front of PATH, and a cache in which the launcher's own JBang is but no answer of an installed one. */
    private Map<String, String> onPath(Path bin) throws IOException {
        Path own = Files.createDirectories(folder.resolve("cache/jbang"));
        Path kept = Cache.defaultFolder(System.getenv()).resolve("jbang");
        try (Stream<Path> files = Files.isDirectory(kept) ? Files.list(kept) : Stream.empty()) {
            for (Path jar : files.filter(file -> file.toString().endsWith(".jar")).toList()) {
                link(own.resolve(jar.getFileName()), jar);
            }
        }
        return Map.of("PATH", bin + ":" + System.getenv("PATH"), "MOS_CACHE_DIR", folder.resolve("cache").toString());
    }

    private static void link(Path link, Path target) {
        try {
            if (!Files.exists(link)) {
                Files.createSymbolicLink(link, target);
            }
        } catch (IOException e) {
            throw new java.io.UncheckedIOException(e);
        }
    }

    private static void program(Path file, String text) throws IOException {
        Files.writeString(file, text);
        file.toFile().setExecutable(true);
    }

    private static Path launcher() {
        return TestProject.folder().resolve("jbang");
    }

    private Run launch(Map<String, String> environment, String stdin, String... args) throws IOException, InterruptedException {
        List<String> argv = new ArrayList<>(List.of(launcher().toString(), script.toString()));
        argv.addAll(List.of(args));
        return run(argv, environment, stdin);
    }

    private Run run(List<String> argv, Map<String, String> environment, String stdin) throws IOException, InterruptedException {
        ProcessBuilder builder = new ProcessBuilder(argv).redirectError(folder.resolve("stderr").toFile());
        builder.environment().putAll(environment);
        Process process = builder.start();
        process.getOutputStream().write(stdin.getBytes(UTF_8));
        process.getOutputStream().close();
        String stdout = new String(process.getInputStream().readAllBytes(), UTF_8);
        return new Run(process.waitFor(), stdout, Files.readString(folder.resolve("stderr")));
    }
}
