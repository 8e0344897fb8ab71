import static lib.TestProject.name;
import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.api.Assertions.fail;

import java.io.ByteArrayOutputStream;
import java.io.PrintStream;
import java.lang.reflect.Field;
import java.lang.reflect.Modifier;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Collection;
import java.util.Comparator;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.TreeMap;
import java.util.TreeSet;
import java.util.jar.JarFile;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import lib.TestProject;
import lib.tool.Console;
import lib.tool.Shell;
import lib.tool.Trees;
import org.junit.jupiter.api.DynamicTest;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestFactory;

/** The habits that AGENTS.md asks for, held by reading the project's own files. */
class HouseRulesTest {
    /** The ground floor of package lib: what every phase may use. */
    private static final Set<String> GROUND = Set.of("Architecture", "BuildConf", "BuildLock", "BuildOptions", "Config", "ContainerEngine", "Distribution", "FirmwareTree", "FlistWriter",
            "HtmlPage", "LinkedFirmware", "LockedSource", "ModuleFolder", "PackedSizes", "Program", "Recipes", "RootTree", "Seconds", "Service", "ServiceKeys", "Services", "SharedCache", "Signing", "Source", "SourceLine", "SourceUrl", "Store", "UserNamespace", "Workspace");

    /**
     * The phases (and what the other scripts are made of), each with the files that belong to it alone. A file whose name begins with
     * a phase's name belongs to that one without being listed (KernelSource, FirmwareTree).
     */
    private static final Map<String, Set<String>> PHASES = """
            Environment: Inventory
            Alpine: Miniroot PackageChoice PackageFetch PackageIndex PackageLock
            Components: CargoBuild CargoLock ComponentLock ProgramCheck ReleaseFile ReleaseInstall RepositoryBuild RustToolchain SourceFolder
            SystemSetup: Modules ServicePrograms
            Firmware: Microcode
            Hardware: DeviceList ModuleAlias
            Optimization: Cleanup ElfTree IdenticalFiles Strip Upx
            Initramfs: PackingProcess
            Kernel: Kbuild Kconfig ModuleObjects
            BuildReport: BuildPage Dist Origins Sbom Why
            Reproduction: ImageDifference
            Boot: Accelerator Background Bridge ChApi ChConfig Claim CloudHypervisor Control Disks Hypervisor Machine Network Qemu Qmp RunOptions RunRefusals SerialLines Session\
             Timeline Uefi
            Upload: Channel Channels ImageIndex ImageMetadata Retention RuntimeChannel Verification
            Flists:
            Container:
            Advice:
            Inspection:
            Lint:
            SizeLedger: SizeComparison SizeOwners SizePage SizeReport SizeVerb
            Manual:
            """.lines().map(line -> line.split(":")).collect(Collectors.toMap(line -> line[0],
                    line -> line.length == 1 ? Set.of() : Set.of(line[1].strip().split(" +"))));

    /** Put what the phases returned into one report; and AdviceVerb, a verb of image.java, knows an order as scripts do. */
    private static final Set<String> GATHERS_RESULTS = Set.of("Advice", "AdviceVerb", "BuildPage", "BuildReport", "Origins", "Sbom");

    /** Files of more than 300 lines, and why they are not split. Tests, lists of cases, may have 400. */
    private static final Map<String, String> LONG_FILES = Map.of(
            "lib/tool/Shell.java", "the one place that starts processes");

    /** Static fields whose value changes, and why. */
    private static final Map<String, String> STATIC_STATE = Map.of(
            "lib.tool.Shell.RUNNING", "Ctrl-C has to find every process, whichever object started it");

    /** Tests whose subject is not the Java file of their name. */
    private static final Map<String, String> SUBJECTS = """
            AlpineImageTest build.java
            BuildOptionsTest lib/BuildOptions.java
            ContainerBuildTest lib/ContainerBuild.java
            CrossBuildTest build.java
            DocsCommandsTest docs.java
            HouseRulesTest AGENTS.md
            ImageHardwareTest image.java
            ImagePublishTest image.java
            LauncherTest jbang
            RunitImageTest runit.java
            RuntimeFetchTest config/rootfs/usr/libexec/mos/runtime-fetch
            SharedCacheTest lib/SharedCache.java
            demo/MyInitTest demo/my_init/Cargo.toml
            lib/AlpineMirrorTest lib/Alpine.java
            lib/NodePackagesTest config/packages.list
            lib/KernelBootTest lib/Kernel.java
            lib/apk/HostileTest lib/apk/PackageFile.java
            """.lines().map(line -> line.split(" ")).collect(Collectors.toUnmodifiableMap(line -> line[0], line -> line[1]));

    /** Written in two parts, so that this file does not name them. */
    private static final List<String> REGISTRIES = List.of("deb.debian" + ".org", "archive.ubuntu" + ".com", "repo1.maven" + ".org", "repo.maven" + ".apache.org",
            "registry.npm" + "js.org", "crates" + ".io/", "pypi" + ".org", "proxy.golang" + ".org", "snapshot.debian" + ".org");

    private static final Path PROJECT = TestProject.folder();
    private static final Pattern DECLARED = Pattern.compile("\\b(?:class|record|enum|interface) ([A-Z]\\w*)");
    private static final Pattern IMPORT = Pattern.compile("(?m)^import (?:static )?(lib(?:\\.[a-z]+)*|demo)\\.([A-Z]\\w*)");

    @Test
    void tools_know_nothing_of_the_floors_above_them() {
        assertThat(imports("lib/tool", Set.of("lib.tool"))).isEmpty();
        assertThat(imports("lib/apk", Set.of("lib.tool", "lib.apk"))).isEmpty();
        assertThat(imports("lib/image", Set.of("lib.tool", "lib.image"))).isEmpty();
        assertThat(imports("lib", Set.of("lib", "lib.tool", "lib.apk", "lib.image"))).isEmpty();
    }

    private static List<String> imports(String folder, Set<String> allowed) {
        List<String> wrong = new ArrayList<>();
        for (Path file : TestProject.javaFiles(folder, false)) {
            Matcher m = IMPORT.matcher(Trees.read(file));
            while (m.find()) {
                if (!allowed.contains(m.group(1))) {
                    wrong.add(name(file) + " imports " + m.group(1) + "." + m.group(2));
                }
            }
        }
        return wrong;
    }

    @Test
    void every_file_of_lib_belongs_to_the_ground_floor_or_to_one_phase() {
        List<String> unknown = libTypes().stream().filter(type -> !GROUND.contains(type) && owner(type).isEmpty()).toList();

        assertThat(unknown).as("say in HouseRulesTest where these belong").isEmpty();
    }

    @Test
    void a_phase_uses_no_other_phase() {
        List<String> wrong = new ArrayList<>();
        Set<String> types = libTypes();
        for (String type : types.stream().filter(type -> !GATHERS_RESULTS.contains(type)).toList()) {
            String code = code(Trees.read(PROJECT.resolve("lib/" + type + ".java")));
            Set<String> words = words(code);
            // Config.Alpine is not the phase Alpine.
            DECLARED.matcher(code).results().forEach(result -> words.remove(result.group(1)));
            types.stream().filter(other -> !other.equals(type) && words.contains(other) && owner(other).isPresent()
                    && !owner(other).equals(owner(type)))
                    .forEach(other -> wrong.add("lib/" + type + ".java uses " + other));
        }

        assertThat(wrong).isEmpty();
    }

    /** The phase that a file of lib belongs to; empty for the ground floor and for unknown files. */
    private static Optional<String> owner(String type) {
        if (GROUND.contains(type)) {
            return Optional.empty();
        }
        return PHASES.entrySet().stream().filter(phase -> phase.getKey().equals(type) || phase.getValue().contains(type)).map(Map.Entry::getKey).findFirst()
                .or(() -> PHASES.keySet().stream().filter(type::startsWith).max(Comparator.comparing(String::length)));
    }

    private static Set<String> libTypes() {
        return TestProject.javaFiles("lib", false).stream().map(file -> name(file).replaceAll(".*/|\\.java", "")).collect(Collectors.toCollection(TreeSet::new));
    }

    /** Names of types and values that the code mentions; those after a dot belong to another type ({@code Config.Alpine}). */
    private static Set<String> words(String code) {
        return Pattern.compile("(?<![\\w.])[A-Z]\\w*").matcher(code).results().map(result -> result.group()).collect(Collectors.toCollection(HashSet::new));
    }

    /** Java text without comments, strings and imports. */
    private static String code(String java) {
        return java.replaceAll("(?s)/\\*.*?\\*/", "").replaceAll("(?s)\"\"\".*?\"\"\"", "\"\"").replaceAll("\"(?:\\\\.|[^\"\\\\\\n])*\"", "\"\"")
                .replaceAll("(?m)//.*$", "").replaceAll("(?m)^import .*$", "");
    }

    @Test
    void a_library_is_declared_once_in_one_exact_version() {
        Map<String, List<String>> declared = new TreeMap<>();
        for (Path file : TestProject.javaFiles()) {
            Pattern.compile("(?m)^//DEPS\\s+(\\S+)").matcher(Trees.read(file)).results().forEach(result -> {
                String[] parts = result.group(1).split(":");
                assertThat(parts).as(name(file) + ": " + result.group(1)).hasSizeGreaterThanOrEqualTo(3);
                assertThat(parts[2]).as(name(file) + ": an exact version").matches("\\d[\\w.-]*").doesNotContain("SNAPSHOT");
                declared.computeIfAbsent(parts[0] + ":" + parts[1], any -> new ArrayList<>()).add(name(file));
            });
        }

        assertThat(declared).isNotEmpty().allSatisfy((artifact, files) -> assertThat(files).as(artifact + " is declared in " + files).hasSize(1));
    }

    @Test
    void no_file_names_a_package_registry_or_the_machine_it_was_written_on() {
        for (Path file : TestProject.textFiles()) {
            String text = Trees.read(file);
            assertThat(REGISTRIES.stream().filter(text::contains)).as(name(file)).isEmpty();
            assertThat(text).as(name(file)).doesNotContain("/work" + "/");
        }
    }

    @Test
    void scripts_compile_in_any_locale() {
        for (Path file : TestProject.javaFiles().stream().filter(one -> !name(one).startsWith("test/")).toList()) {
            assertThat(Trees.read(file)).as(name(file)).matches("\\p{ASCII}*");
        }
    }

    @Test
    void nothing_is_left_to_do_and_no_shell_but_the_posix_one_is_needed() {
        for (Path file : TestProject.textFiles()) {
            assertThat(Trees.read(file)).as(name(file)).doesNotContainPattern("\\b(TO" + "DO|FIX" + "ME|X" + "XX)\\b")
                    .doesNotContainPattern("(?m)^#!.*\\bba" + "sh\\b");
        }
    }

    @Test
    void only_shell_starts_processes_and_only_tools_use_the_network() {
        for (Path file : TestProject.javaFiles()) {
            String code = code(Trees.read(file));
            if (!name(file).startsWith("test/") && !name(file).equals("lib/tool/Shell.java")) {
                assertThat(code).as(name(file)).doesNotContain("new ProcessBuilder", "new ProcessExecutor", "Runtime.getRuntime().exec");
            }
            if (!name(file).startsWith("test/") && !name(file).startsWith("lib/tool/")) {
                assertThat(code).as(name(file)).doesNotContain("HttpClient", "new Socket(", "openConnection(", "openStream(");
            }
        }
    }

    @Test
    void no_static_field_changes() throws Exception {
        List<String> wrong = new ArrayList<>();
        for (Class<?> type : classes()) {
            for (Field field : type.getDeclaredFields()) {
                String name = type.getName() + "." + field.getName();
                if (Modifier.isStatic(field.getModifiers()) && !field.isSynthetic() && !STATIC_STATE.containsKey(name) && changes(field)) {
                    wrong.add(name);
                }
            }
        }

        assertThat(wrong).isEmpty();
    }

    private static boolean changes(Field field) throws IllegalAccessException {
        if (!Modifier.isFinal(field.getModifiers())) {
            return true;
        }
        if (!Collection.class.isAssignableFrom(field.getType()) && !Map.class.isAssignableFrom(field.getType())
                && !field.getType().getName().startsWith("java.util.concurrent.")) {
            return false;
        }
        field.setAccessible(true);
        return !field.get(null).getClass().getName().matches(".*(Immutable|Unmodifiable|Empty).*");
    }

    /** The project's own classes, without those of the tests. */
    private static List<Class<?>> classes() throws Exception {
        Set<String> tests = new HashSet<>();
        for (Path file : TestProject.javaFiles("test", true)) {
            tests.add(name(file).replaceFirst("^test/", "").replace(".java", ""));
        }
        List<Class<?>> classes = new ArrayList<>();
        try (JarFile jar = new JarFile(Path.of(HouseRulesTest.class.getProtectionDomain().getCodeSource().getLocation().toURI()).toFile())) {
            for (String entry : jar.stream().map(Object::toString).filter(one -> one.endsWith(".class")).toList()) {
                if (!tests.contains(entry.replaceAll("(\\$.*)?\\.class$", ""))) {
                    classes.add(Class.forName(entry.replace(".class", "").replace('/', '.')));
                }
            }
        }
        return classes;
    }

    @Test
    void a_long_file_has_a_reason() {
        for (Path file : TestProject.javaFiles()) {
            long lines = Trees.read(file).lines().count();
            if (lines > (name(file).startsWith("test/") ? 400 : 300) && !LONG_FILES.containsKey(name(file))) {
                fail(name(file) + " has " + lines + " lines: split it, or give the reason in HouseRulesTest");
            }
        }
    }

    @Test
    void names_say_what_a_thing_is() {
        assertThat(TestProject.javaFiles()).noneMatch(file -> file.getFileName().toString().matches(".*(Utils?|Helpers?|Manager|Impl)\\.java|Abstract.*"));
    }

    @Test
    void every_test_has_a_subject() {
        for (Path file : TestProject.javaFiles("test", true).stream().filter(one -> one.toString().endsWith("Test.java")).toList()) {
            String test = name(file).replaceFirst("^test/", "").replaceFirst("\\.java$", "");
            String subject = test.replaceFirst("Test$", "");
            // DevContainerTest -> dev-container.java
            String script = subject.replaceAll("(?<=[a-z])(?=[A-Z])", "-").toLowerCase(java.util.Locale.ROOT);
            assertThat(Stream.of(SUBJECTS.getOrDefault(test, subject + ".java"), script + ".java").map(PROJECT::resolve)).as("the subject of " + test)
                    .anyMatch(Files::exists);
        }
    }

    @TestFactory
    List<DynamicTest> every_script_runs_by_itself_and_its_help_shows_its_exit_codes() {
        return TestProject.javaFiles("", false).stream().map(script -> DynamicTest.dynamicTest(name(script), () -> {
            assertThat(Trees.read(script)).startsWith("///usr/bin/env jbang \"$0\" \"$@\" ; exit $?\n//JAVA 17+\n");
            assertThat(script).isExecutable();
            Shell shell = new Shell(Console.plain(new PrintStream(new ByteArrayOutputStream(), true, StandardCharsets.UTF_8)));
            String help = shell.run(Shell.Command.of(PROJECT.resolve("jbang").toString(), name(script), "--help").in(PROJECT)).text();
            assertThat(help).startsWith("Usage: " + name(script)).contains("Exit codes:", "--help").containsPattern("(?m)^  0\\s").contains("130");
        })).toList();
    }
}
