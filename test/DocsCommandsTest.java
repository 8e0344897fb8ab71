import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Stream;
import lib.S3Server;
import lib.TestProject;
import lib.tool.Shell;
import lib.tool.Trees;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.MethodOrderer.OrderAnnotation;
import org.junit.jupiter.api.Order;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestMethodOrder;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/**
 * Every command that README.md and docs/ show is run as it stands there, in a fresh clone: first the README alone; then all others, with
 * the demo's inputs as config/ and a real S3 server as bucket. What cannot run here is named below with the reason.
 */
@Tag("slow")
@Timeout(1500)
@TestMethodOrder(OrderAnnotation.class)
class DocsCommandsTest {
    /** Commands that are not run as they stand, by what begins or ends them; the test still holds their options against --help. */
    private static final Map<String, String> NOT_HERE = new LinkedHashMap<>();

    static {
        NOT_HERE.put("./jbang test.java.*", "this is it");
        NOT_HERE.put("(HYPERVISOR=ch .*)?\\./jbang runit.java( (?!--check|--status|--help).*)?", "waits for a person at a terminal, or needs cloud-hypervisor and bridges, or boots many times: RunitTest, RunitImageTest, CloudHypervisorTest, NetworkTest");
        NOT_HERE.put("./jbang dev-container.java.*", "needs a container image from a registry: DevContainerTest runs each verb on one of its own");
        NOT_HERE.put("ALPINE_ARCH=aarch64 .*", "takes cross compilers and a kernel more: EnvironmentTest, EmulationTest, KernelTest");
        NOT_HERE.put(".* image.java (rollback|promote) .*", "needs the history of a bucket: ChannelsTest, ImagePublishTest");
        NOT_HERE.put("\\.ci/.*", "steps of workflows: every command in them is run here by itself");
        NOT_HERE.put(".*--menuconfig.*", "waits for a person in the kernel's menu: KernelTest");
        NOT_HERE.put(".* (advise|--remote-cache|--container|--install-deps|--repeat)\\b.*", "takes minutes, or changes this machine: the tests of lib/Advice, SharedCache, ContainerBuild, Environment, Boot");
        NOT_HERE.put(".* image.java hardware .*", "needs listings of machines: ImageHardwareTest");
        NOT_HERE.put("(sudo|podman) .*", "changes this machine");
        NOT_HERE.put("\\$EDITOR .*", "opens an editor");
    }

    @TempDir
    static Path folder;
    private static Path clone;
    private static Path work;

    private record Ran(int code, String output) { }

    @BeforeAll
    static void fresh() throws IOException, InterruptedException {
        assumeTrue(Shell.which("git").isPresent() && Shell.which("qemu-system-x86_64").isPresent(), "git or QEMU is not installed");
        clone = Files.createDirectory(folder.resolve("clone"));
        Path project = TestProject.folder();
        // What a clone of this state would have, the changes that are not committed yet among it.
        String names = sh(project, "git ls-files --cached --others --exclude-standard").output();
        for (String name : names.lines().filter(name -> Files.isRegularFile(project.resolve(name))).toList()) {
            Files.createDirectories(clone.resolve(name).getParent());
            Files.copy(project.resolve(name), clone.resolve(name), StandardCopyOption.COPY_ATTRIBUTES);
        }
        sh(clone, "git init -q && git add -A && git -c user.name=t -c user.email=t@localhost -c commit.gpgSign=false commit -qm clone");
    }

    private static Ran sh(Path where, String line) throws IOException, InterruptedException {
        ProcessBuilder builder = new ProcessBuilder("sh", "-c", line).directory(where.toFile()).redirectErrorStream(true).redirectInput(Path.of("/dev/null").toFile());
        // ContainerBuildTest builds in containers.
        builder.environment().put("MOS_BUILD", "host");
        Process process = builder.start();
        String output = new String(process.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
        return new Ran(process.waitFor(), output);
    }

    @Test
    @Order(1)
    void a_fresh_clone_becomes_a_booted_image_by_the_readme_alone() throws IOException, InterruptedException {
        List<String> first = blocks(Trees.read(clone.resolve("README.md"))).get(0);
        assertThat(first).hasSize(2);
        for (String command : first) {
            Ran ran = sh(clone, command);
            assertThat(ran.code()).as(command + "\n" + ran.output()).isZero();
        }
        assertThat(clone.resolve("dist/vmlinuz.efi")).exists();
        assertThat(clone.resolve("vm/default/boot.log")).content(StandardCharsets.ISO_8859_1).contains("my_init: ready in");
        assertThat(sh(clone, "git status --porcelain").output()).as("a build leaves nothing that git would see").isEmpty();
    }

    /** The indented blocks of a document, each as its lines without comments. */
    private static List<List<String>> blocks(String text) {
        List<List<String>> blocks = new ArrayList<>();
        boolean inside = false;
        for (String line : text.lines().toList()) {
            if (line.startsWith("    ") && !line.isBlank()) {
                if (!inside) {
                    blocks.add(new ArrayList<>());
                }
                blocks.get(blocks.size() - 1).add(line.strip().replaceFirst("\\s{2,}# .*$", ""));
            }
            inside = line.startsWith("    ");
        }
        return blocks;
    }

    private static final Pattern COMMAND = Pattern.compile("(?:[A-Z_]+=\\S+ )*(?:\\./jbang|\\.ci/|openssl |podman |sudo |\\$EDITOR |git diff ).*");

    /** Commands in the order of the documents: of blocks, and of words in `...`. */
    private static Set<String> commands() {
        Set<String> commands = new LinkedHashSet<>();
        for (Path file : DocsTest.documents()) {
            String text = Trees.read(file);
            text = text.contains(Docs.MARK) ? text.substring(0, text.indexOf(Docs.MARK)) : text;
            blocks(text).stream().flatMap(List::stream).filter(line -> COMMAND.matcher(line).matches()).forEach(commands::add);
            for (String line : text.lines().toList()) {
                // The first column of the migration tables is the past.
                String now = file.endsWith("MIGRATING.md") && line.startsWith("|") ? line.replaceFirst("^\\|[^|]*\\|", "") : line;
                Pattern.compile("`([^`]+)`").matcher(now).results().map(found -> found.group(1)).filter(word -> COMMAND.matcher(word).matches()).forEach(commands::add);
            }
        }
        return commands;
    }

    @Test
    @Order(2)
    void every_command_of_the_documents_runs() throws IOException, InterruptedException {
        workspace();
        List<String> order = new ArrayList<>(commands().stream().filter(one -> one.startsWith("openssl")).toList());
        commands().stream().filter(one -> !order.contains(one)).forEach(order::add);
        List<String> failed = new ArrayList<>();
        int run = 0;
        for (String command : order) {
            Optional<String> reason = NOT_HERE.entrySet().stream().filter(one -> command.matches(one.getKey())).map(Map.Entry::getValue).findFirst();
            if (reason.isPresent()) {
                requireOptions(command);
                continue;
            }
            Ran ran = sh(work, filled(command));
            run++;
            if (ran.code() != 0) {
                failed.add(command + " ended with " + ran.code() + "\n" + ran.output());
            }
        }
        assertThat(failed).isEmpty();
        assertThat(run).isGreaterThan(25);
        assertThat(NOT_HERE.keySet()).as("exceptions that nothing needs").allMatch(pattern -> order.stream().anyMatch(command -> command.matches(pattern)) || pattern.matches("\\(sudo.*|\\.\\* \\(advise.*"));
    }

    /** A workspace whose config/ can be built here: the demo's, with the project's environments, and a bucket. */
    private static void workspace() throws IOException, InterruptedException {
        if (work != null) {
            return;
        }
        if (!Files.isDirectory(clone.resolve(".demo"))) {
            sh(clone, "./jbang build.java --demo --until environment");
        }
        work = folder.resolve("work");
        sh(folder, "cp -a clone work && rm -rf work/dist work/vm work/initramfs && mv work/config work/config.own && cp -a work/.demo/* work/ && cp -a work/config.own/env work/config/");
        String bucket = S3Server.shared().bucket();
        StringBuilder conf = new StringBuilder("SIGNING_KEY_FILE=\"signing.pem\"\nS3_TIMEOUT=\"10\"\n");
        S3Server.environment(S3Server.shared().endpoint(), bucket).forEach((key, value) -> conf.append(key.equals("S3_TIMEOUT") ? "" : key + "=\"" + value + "\"\n"));
        Files.writeString(work.resolve("config/rfs.conf"), conf);
        Files.writeString(work.resolve("hello"), "#!/bin/sh\necho hello\n");
        sh(work, "chmod 600 config/rfs.conf && cp config.own/rfs.conf.example config/ && ln -s . before && git add -A");
    }

    /** Words in capitals stand for something of the reader's. */
    private static String filled(String command) {
        return command.replace("PATH-or-MODULE", "etc/passwd").replaceAll("\\bCHANNEL\\b", "testing").replaceAll("> FILE\\b", "> written").replaceAll("\\bFILE(\\.\\.\\.)?(?=\\s|$)", "hello").replaceAll("\\bDIR\\b", "written-man")
                .replaceFirst("^\\./jbang build.java$", "./jbang build.java --jobs 2");
    }

    /** An option that a script has not would be found by the script itself only. */
    private static void requireOptions(String command) throws IOException, InterruptedException {
        Matcher script = Pattern.compile("\\./jbang ((?:build|runit|clean|dev-container|docs)\\.java|image\\.java \\w+)(.*)").matcher(command);
        if (script.find() && script.group(2).contains("--")) {
            String help = sh(clone, "./jbang " + script.group(1) + " --help").output();
            Pattern.compile("--[a-z-]+").matcher(script.group(2)).results().forEach(option -> assertThat(help).as(command).contains(option.group()));
        }
    }

    @Test
    @Order(3)
    void everything_of_the_shell_tooling_has_a_new_place_that_exists() throws IOException, InterruptedException {
        workspace();
        if (!Files.exists(work.resolve("dist/vmlinuz.efi"))) {
            assertThat(sh(work, "./jbang build.java").code()).isZero();
        }
        String configuration = Trees.read(TestProject.folder().resolve("docs/CONFIGURATION.md"));
        Set<String> commands = commands();
        int rows = 0;
        for (String line : Trees.read(TestProject.folder().resolve("docs/MIGRATING.md")).lines().filter(one -> one.startsWith("| ") && !one.startsWith("| shell tooling")).toList()) {
            String[] cells = line.split("(?<!\\\\)\\|");
            List<String> places = Pattern.compile("`([^`]+)`").matcher(cells[2]).results().map(found -> found.group(1)).toList();
            assertThat(places).as(line).isNotEmpty();
            rows++;
            for (String place : places) {
                if (COMMAND.matcher(place).matches()) {
                    assertThat(commands).as(line).contains(place);
                } else if (place.matches("--[a-z-]+|[A-Z][A-Z0-9_]+")) {
                    assertThat(configuration).as(line).containsPattern("(?<![\\w-])" + place + "\\b");
                } else {
                    assertThat(Stream.of(work, TestProject.folder()).anyMatch(base -> exists(base, place))).as(line).isTrue();
                }
            }
        }
        assertThat(rows).isGreaterThan(60);
    }

    private static boolean exists(Path base, String place) {
        if (!place.contains("*")) {
            return Files.exists(base.resolve(place));
        }
        Path file = Path.of(place);
        try (Stream<Path> files = Files.list(base.resolve(file.getParent()))) {
            return files.anyMatch(one -> one.getFileName().toString().matches(file.getFileName().toString().replace(".", "\\.").replace("*", ".*")));
        } catch (IOException e) {
            return false;
        }
    }

    /** The shell tooling's own README, where it is at hand: nothing that it names is missing in the first columns. */
    @Test
    @Order(4)
    void nothing_that_the_shell_tooling_documented_is_missing() {
        String old = Trees.read(TestProject.shared("reference/shell-tooling-readme.txt"));
        String table = Trees.read(TestProject.folder().resolve("docs/MIGRATING.md")).lines().filter(line -> line.startsWith("| ")).map(line -> line.split("(?<!\\\\)\\|")[1]).reduce("", (a, b) -> a + "\n" + b);
        Set<String> wanted = new LinkedHashSet<>();
        Pattern.compile("\\./(?:scripts/)?[a-z-]+\\.sh(?: (?:start|shell))?|scripts/lib/[a-z]+\\.sh").matcher(old).results().forEach(found -> wanted.add(found.group()));
        Pattern.compile("(?<=\\s)--(?:hypervisor|memory|disks|reset|disk-size|bridge|check-deps|help)\\b").matcher(old).results().forEach(found -> wanted.add(found.group()));
        Pattern.compile("(?m)\\b([A-Z][A-Z0-9]*_[A-Z0-9_]+|DEBUG|HYPERVISOR)=").matcher(old).results().forEach(found -> wanted.add(found.group(1)));
        Pattern.compile("config/(?:[a-z_]+/)?[a-z_]+\\.(?:list|conf|config)").matcher(old).results().forEach(found -> wanted.add(found.group()));
        wanted.addAll(List.of("kernels.txt", "kernels.json", "modules-{VERSION}.fls", "firmware-{TAG}.fl", "vmlinuz.efi", "initramfs.cpio.xz", "Dockerfile"));

        assertThat(wanted).hasSizeGreaterThan(35).allSatisfy(name -> assertThat(table).contains(name));
    }
}
