import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Set;
import java.util.TreeSet;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import lib.Manual;
import lib.ManualCompletion;
import lib.ManualPage;
import lib.ManualPicture;
import lib.TestProject;
import lib.tool.Shell;
import lib.tool.Trees;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import picocli.CommandLine.Model.CommandSpec;

/** What is written about the scripts is what they are. {@link DocsCommandsTest} runs the commands. */
class DocsTest {
    private static final Path PROJECT = TestProject.folder();
    private static final String WRITE = "run ./jbang docs.java write";
    /** Options of other programs that the documents mention. */
    private static final Set<String> FOREIGN = Set.of("--map-root-user", "--map-auto", "--add-subuids", "--add-subgids", "--release", "--features", "--fast", "--list",
            "--version", "--file");

    @Test
    void the_reference_is_made_of_the_code() {
        assertThat(Trees.read(PROJECT.resolve("docs/CONFIGURATION.md"))).as(WRITE).isEqualTo(new Manual(PROJECT, Docs.commands()).text());
    }

    @Test
    void every_message_is_in_the_list_and_has_something_to_do() {
        String text = Trees.read(PROJECT.resolve("docs/TROUBLESHOOTING.md"));

        assertThat(text).as(WRITE).isEqualTo(Docs.troubleshooting(PROJECT));
        List<String> rows = text.substring(text.indexOf(Docs.MARK)).lines().filter(line -> line.startsWith("| ") && !line.startsWith("| message")).toList();
        assertThat(rows).hasSizeGreaterThan(300).allSatisfy(row -> assertThat(row.split("(?<!\\\\)\\|", -1)).hasSize(5).allMatch(cell -> row.startsWith("|")));
        assertThat(rows).allSatisfy(row -> assertThat(row.split("(?<!\\\\)\\|")[2].strip()).as(row).isNotEmpty());
        assertThat(rows).anyMatch(row -> row.contains("no component installs /… | sources.conf needs a line such as git:my_init:URL:BRANCH:build_my_init | 2 |"));
    }

    @Test
    void texts_in_quotes_of_the_first_table_are_messages_of_the_program() {
        String text = Trees.read(PROJECT.resolve("docs/TROUBLESHOOTING.md"));
        String own = Stream.of("lib", "config").flatMap(folder -> {
            try (Stream<Path> files = Files.walk(PROJECT.resolve(folder))) {
                return files.filter(Files::isRegularFile).map(Trees::read).toList().stream();
            } catch (IOException e) {
                throw new java.io.UncheckedIOException(e);
            }
        }).collect(Collectors.joining());
        own += Trees.read(PROJECT.resolve("runit.java"));
        List<String> quoted = text.substring(0, text.indexOf(Docs.MARK)).lines().filter(line -> line.startsWith("| ") && !line.startsWith("| podman") && !line.contains("AccessDenied")
                && !line.contains("publickey")).map(line -> line.split("\\|")[1]).flatMap(cell -> Pattern.compile("\"([^\"]+)\"").matcher(cell).results().map(m -> m.group(1))).toList();

        assertThat(quoted).hasSizeGreaterThan(8);
        for (String one : quoted) {
            for (String part : one.split("\\.\\.\\.|CONFIG_")) {
                String words = part.replaceFirst("^runtime-fetch: ", "").strip();
                assertThat(own.contains(words.replaceFirst("^/etc/subuid ", ""))).as("no message has the words: " + words).isTrue();
            }
        }
    }

    /** Variables that the code asks for, wherever it does. */
    @Test
    void every_variable_that_is_read_is_in_the_reference() {
        String reference = Trees.read(PROJECT.resolve("docs/CONFIGURATION.md"));
        Set<String> read = new TreeSet<>();
        // Set by the system or by ourselves for a child.
        Set<String> others = Set.of("HOME", "PATH", "USER", "TMPDIR", "XDG_CACHE_HOME", "XDG_RUNTIME_DIR", "LC_ALL", "LANG", "MOS_USER_NAMESPACE", "MOS_PROJECT", "SUDO_USER", "CARGO_HOME", "RUSTUP_HOME", "CARGO_ENCODED_RUSTFLAGS");
        for (Path file : TestProject.javaFiles()) {
            if (!TestProject.name(file).matches("(test|demo|bench)/.*")) {
                Matcher m = Pattern.compile("(?:getenv\\(\"|getenv\\(\\)\\.get(?:OrDefault)?\\(\"|environment\\.get(?:OrDefault)?\\(\"|\\$\\{env:)([A-Z][A-Z0-9_]+)").matcher(Trees.read(file));
                while (m.find()) {
                    read.add(m.group(1));
                }
            }
        }
        read.removeAll(others);
        assertThat(read).contains("DEBUG", "HYPERVISOR", "MOS_ENV").allSatisfy(name -> assertThat(reference).as("docs/CONFIGURATION.md on " + name).containsPattern("\\b" + name + "\\b"));
    }

    @Test
    void every_option_and_file_that_the_documents_name_exists() {
        Set<String> options = new TreeSet<>(FOREIGN);
        Stream.concat(Docs.commands().stream(), Stream.of(new picocli.CommandLine(new Docs()).getCommandSpec())).forEach(spec -> names(spec, options));
        for (Path file : documents()) {
            String text = Trees.read(file);
            text = text.contains(Docs.MARK) ? text.substring(0, text.indexOf(Docs.MARK)) : text;
            Matcher m = Pattern.compile("`[^`\n]*`|(?m)^ {4,}\\./jbang .*$").matcher(text);
            while (m.find()) {
                if (m.group().contains(".sh") || m.group().contains("podman") || m.group().contains("gh pr")) {
                    continue;
                }
                Matcher option = Pattern.compile("(?<=[\\s`/(\\[])--[a-z][a-z-]+").matcher(m.group());
                while (option.find()) {
                    assertThat(options).as(TestProject.name(file) + ": " + m.group()).contains(option.group());
                }
            }
            Matcher path = Pattern.compile("(?<![\\w/.{}-])(?:docs|lib|\\.ci)/[\\w.-]+\\w").matcher(text.replaceAll("(?m)^\\| `?[^|]*\\.sh[^|]*\\|", "|"));
            // What help texts name is in CONFIGURATION.md too, and theirs to keep.
            while (path.find() && !file.endsWith("CONFIGURATION.md")) {
                if (!path.group().equals("lib/modules")) {
                    assertThat(PROJECT.resolve(path.group())).as(TestProject.name(file)).exists();
                }
            }
        }
    }

    private static void names(CommandSpec spec, Set<String> names) {
        spec.options().forEach(option -> names.addAll(List.of(option.names())));
        spec.subcommands().values().forEach(inner -> names(inner.getCommandSpec(), names));
    }

    /** The documents that people read. */
    static List<Path> documents() {
        try (Stream<Path> docs = Files.list(PROJECT.resolve("docs"))) {
            return Stream.concat(Stream.of(PROJECT.resolve("README.md")), docs.filter(file -> file.toString().endsWith(".md")).sorted()).toList();
        } catch (IOException e) {
            throw new java.io.UncheckedIOException(e);
        }
    }

    /** Scripts whose common options are called the same everywhere. */
    @Test
    void options_have_one_name_in_all_scripts() {
        for (CommandSpec spec : Docs.commands()) {
            Set<String> names = new TreeSet<>();
            names(spec, names);
            assertThat(names).as(spec.name()).contains("-C", "--help", "-h", "--debug", "--json", "--quiet", "-q")
                    .doesNotContain("--verbose", "--workspace", "--directory", "--silent");
        }
    }

    @Test
    void manual_pages_are_read_by_man_without_complaint(@TempDir Path folder) throws IOException, InterruptedException {
        for (CommandSpec spec : Docs.commands()) {
            Path page = Files.writeString(folder.resolve(spec.name() + ".1"), new ManualPage(spec).text());
            assertThat(Trees.read(page)).contains(".SH NAME", ".SH EXIT STATUS", "\\-\\-help");
            if (Shell.which("man").isPresent()) {
                Ran ran = run("man", "--warnings", "-E", "UTF-8", "-l", "-Tutf8", "-Z", page.toString());
                assertThat(ran.code()).isZero();
                assertThat(ran.err()).isEmpty();
            }
        }
    }

    @Test
    void bash_completes_options_words_and_verbs_with_and_without_the_launcher(@TempDir Path folder) throws IOException, InterruptedException {
        assumeTrue(Shell.which("bash").isPresent(), "bash is not installed");
        Path file = Files.writeString(folder.resolve("c"), new ManualCompletion(Docs.commands()).text("bash"));
        assertThat(bash(file, "_complete_mos_jbang", "./jbang build.java --unt")).containsExactly("--until");
        assertThat(bash(file, "_complete_mos_jbang", "./jbang build.java --until al")).containsExactly("alpine");
        assertThat(bash(file, "_complete_mos_jbang", "./jbang im")).containsExactly("image.java");
        assertThat(bash(file, "_complete_image.java", "image.java pub")).containsExactly("publish");
    }

    private static List<String> bash(Path file, String function, String line) throws IOException, InterruptedException {
        return run("bash", "-c", "compopt() { :; }; . \"$1\"; COMP_WORDS=($3); COMP_CWORD=$((${#COMP_WORDS[@]} - 1)); $2; printf '%s\\n' \"${COMPREPLY[@]}\"", "bash", file.toString(),
                function, line).out().lines().toList();
    }

    @Test
    void zsh_and_fish_read_theirs(@TempDir Path folder) throws IOException, InterruptedException {
        Path zsh = Files.writeString(folder.resolve("zsh"), new ManualCompletion(Docs.commands()).text("zsh"));
        Path fish = Files.writeString(folder.resolve("fish"), new ManualCompletion(Docs.commands()).text("fish"));
        if (Shell.which("zsh").isPresent()) {
            Ran ran = run("zsh", "-fc", ". \"$1\" && whence -w _complete_build.java && print ${_comps[build.java]}", "zsh", zsh.toString());
            assertThat(ran.out()).as(ran.err()).contains("_complete_build.java: function", "_bash_complete");
        }
        if (Shell.which("fish").isPresent()) {
            Ran ran = run("fish", "-c", ". " + fish + "; complete -C './jbang build.java --unt'; complete -C 'build.java --until al'; complete -C './jbang image.java pub'");
            assertThat(ran.out().lines().map(line -> line.split("\t")[0])).as(ran.err()).containsExactly("--until", "alpine", "publish");
        }
        assertThat(Trees.read(fish)).contains("-l hypervisor").contains("qemu ch");
    }

    @Test
    void pictures_are_well_formed_and_show_what_was_printed() throws Exception {
        for (String svg : List.of(new ManualPicture("a <title> & \"more\"", "$ cmd\n\033[1m1/6 Phase\033[0m\na < b && c\tz\n").svg(), Trees.read(PROJECT.resolve("docs/pictures/build.svg")),
                Trees.read(PROJECT.resolve("docs/pictures/boot.svg")))) {
            var document = javax.xml.parsers.DocumentBuilderFactory.newInstance().newDocumentBuilder().parse(new java.io.ByteArrayInputStream(svg.getBytes(StandardCharsets.UTF_8)));
            assertThat(document.getElementsByTagName("text").getLength()).isGreaterThan(3);
        }
        assertThat(Trees.read(PROJECT.resolve("docs/pictures/build.svg"))).contains("$ ./jbang build.java --demo", "6/6 Packaging", "boot it: ./jbang runit.java");
        assertThat(Trees.read(PROJECT.resolve("docs/pictures/boot.svg"))).contains("$ ./jbang runit.java --check", "boot contract met");
    }

    /** Workflows: nothing that moves by itself, no rights that a job does not need, no steps that cannot be run here. */
    @Test
    void workflows_are_pinned_and_have_the_least_rights() throws IOException {
        for (String name : List.of("build.yml", "test.yml")) {
            String text = Trees.read(PROJECT.resolve(".github/workflows").resolve(name));
            lib.tool.Yaml.Entries yaml = lib.tool.Yaml.parse(text, name);
            assertThat(yaml.find("permissions").orElseThrow().value()).isInstanceOfSatisfying(lib.tool.Yaml.Entries.class, all -> assertThat(all.entries()).isEmpty());
            assertThat(text.lines().filter(line -> line.contains("uses:"))).isNotEmpty().allSatisfy(line -> assertThat(line).matches(".*uses: [\\w/-]+@[0-9a-f]{40} # v\\d+\\.\\d+\\.\\d+"));
            assertThat(text.lines().filter(line -> line.contains("write"))).allMatch(line -> line.strip().equals("pull-requests: write") || line.strip().startsWith("#"));
            assertThat(text).doesNotContain("pull_request_target");
            Matcher script = Pattern.compile("(?:run: |then )(\\.ci/\\w+|\\./jbang \\S+)").matcher(text);
            List<String> scripts = new ArrayList<>();
            while (script.find()) {
                scripts.add(script.group(1));
                assertThat(PROJECT.resolve(script.group(1).replace("./jbang ", ""))).isExecutable();
            }
            assertThat(scripts).isNotEmpty();
        }
        Set<String> files = new LinkedHashSet<>();
        try (Stream<Path> list = Files.list(PROJECT.resolve(".ci"))) {
            list.forEach(file -> files.add(file.getFileName().toString()));
        }
        assertThat(files).contains("run", "build", "release", "size", "rootless").allSatisfy(name -> assertThat(run("sh", "-n", PROJECT.resolve(".ci").resolve(name).toString()).code()).isZero());
    }

    record Ran(int code, String out, String err) { }

    private static Ran run(String... argv) throws IOException, InterruptedException {
        Path err = Files.createTempFile("err", "");
        Process process = new ProcessBuilder(argv).redirectError(err.toFile()).start();
        process.getOutputStream().close();
        String out = new String(process.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
        int code = process.waitFor();
        String said = Files.readString(err);
        Files.delete(err);
        return new Ran(code, out, said);
    }
}
