package lib;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Stream;
import lib.tool.Cache;
import lib.tool.Console;
import lib.tool.Digest;
import lib.tool.Download;
import lib.tool.Failure;
import lib.tool.Shell;
import lib.tool.Shell.Command;
import lib.tool.Tools;
import lib.tool.Trees;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** With the distribution's kernel source and the demo's configuration, in the cache that builds use: objects are compiled there once. */
@Tag("slow")
class KernelTest {
    private static final Pattern RULE = Pattern.compile("(?m)^\\s*obj-\\$\\((CONFIG_\\w+)\\)\\s*[+:]?=(.*)$");

    @TempDir
    Path temp;

    private Tools tools;
    private Config.Kernel demo;

    @BeforeEach
    void the_demos_kernel() throws IOException {
        Console console = Console.plain(System.err).logTo(temp.resolve("build.log"));
        Cache cache = new Cache(Cache.defaultFolder(System.getenv()), console::log);
        tools = new Tools(console, new Shell(console), cache, new Download(console, cache, true));
        for (String program : List.of("make", "gcc", "flex", "bison", "bc", "xz", "cpio")) {
            assumeTrue(Shell.which(program).isPresent(), program + " is not installed");
        }
        Path source = DebianSource.own();
        Config.Kernel read = Config.read(TestProject.folder().resolve("demo/config"), Map.of()).kernel();
        demo = new Config.Kernel(read.version(), Optional.of(source.toUri()), read.localVersion(), read.config(), read.arch(), read.epoch());
    }

    private Kernel with(String configuration) throws IOException {
        Path file = Files.writeString(temp.resolve("kernel.config"), configuration);
        return new Kernel(new Config.Kernel(demo.version(), demo.source(), demo.localVersion(), file, demo.arch(), demo.epoch()), tools, 2);
    }

    private String demoConfiguration() throws IOException {
        return Files.readString(demo.config());
    }

    @Test
    void options_that_the_kernel_does_not_grant_stop_the_build_before_anything_is_compiled() throws IOException {
        Kernel kernel = with(demoConfiguration().replace("CONFIG_NET_VENDOR_INTEL=y", "# CONFIG_NET_VENDOR_INTEL is not set")
                + "CONFIG_VIRTIO_NTE=m\nCONFIG_LATER_RELEASE=y # optional\n");
        assertThatThrownBy(() -> kernel.compile(Config.Compression.XZ)).isInstanceOfSatisfying(Failure.class, failure -> {
            assertThat(failure.exitCode()).isEqualTo(Failure.USAGE);
            assertThat(failure.what()).containsPattern("kernel\\.config:\\d+: CONFIG_E1000=m: it became n \\(it depends on PCI\\)")
                    .containsPattern("CONFIG_VIRTIO_NTE=m: this kernel has no such option; did you mean CONFIG_VIRTIO_NET\\?").doesNotContain("LATER");
        });
        assertThat(tools.cache().misses()).noneMatch(miss -> miss.startsWith("kernel-objects"));
    }

    @Test
    void an_option_that_every_image_needs_cannot_be_switched_off() throws IOException {
        Kernel kernel = with(demoConfiguration() + "# CONFIG_RD_XZ is not set\n");
        assertThatThrownBy(() -> kernel.compile(Config.Compression.XZ)).isInstanceOf(Failure.class).hasMessageContaining("every image needs CONFIG_RD_XZ=y");
    }

    @Test
    void microcode_goes_into_the_kernel_and_its_configuration_is_the_same_everywhere() throws IOException {
        Path file = temp.resolve("linux-firmware/amd-ucode/microcode_amd_fam17h.bin");
        Files.writeString(Files.createDirectories(file.getParent()).resolve(file.getFileName()), "microcode");
        Config.Firmware asked = new Config.Firmware(Optional.of("linux-firmware"), Optional.empty(), List.of(new Config.Line("firmware.conf", 1, "microcode amd")), temp);
        Optional<LinkedFirmware> linked = new Firmware(asked, tools, true).linked();
        Map<String, String> granted = KernelConfig.values(new Kernel(demo, tools, 2).with(linked).configuration(Config.Compression.XZ));
        assertThat(granted).containsEntry("CONFIG_EXTRA_FIRMWARE", "\"amd-ucode/microcode_amd_fam17h.bin\"").containsEntry("CONFIG_MICROCODE", "y");
        assertThat(granted.get("CONFIG_EXTRA_FIRMWARE_DIR")).startsWith("\"../../microcode/");

        Kernel other = with(demoConfiguration() + "CONFIG_EXTRA_FIRMWARE=\"other.bin\"\n").with(linked);
        assertThatThrownBy(() -> other.configuration(Config.Compression.XZ)).isInstanceOf(Failure.class)
                .hasMessageContaining("CONFIG_EXTRA_FIRMWARE=\"other.bin\": firmware.conf:1 microcode amd needs CONFIG_EXTRA_FIRMWARE=\"amd-ucode");
    }

    @Test
    void a_compiler_cache_runs_the_compiler_with_its_own_settings() throws IOException {
        Path wrapper = Files.writeString(temp.resolve("wrapper"), "#!/bin/sh\necho \"$CCACHE_DIR $S3_SECRET_KEY $*\" >>" + temp.resolve("seen") + "\nexec \"$@\"\n");
        assertThat(wrapper.toFile().setExecutable(true)).isTrue();
        Kbuild kbuild = new Kbuild(demo, tools, 2, Map.of("PATH", System.getenv("PATH"), "CC_WRAPPER", wrapper.toString(), "CCACHE_DIR", "kept", "S3_SECRET_KEY", "secret"));
        tools.shell().run(kbuild.make(new KernelSource(demo, tools).unpacked().folder(), Files.createDirectory(temp.resolve("objects")), "allnoconfig"));
        assertThat(temp.resolve("seen")).content().contains("kept  gcc ").doesNotContain("secret");
    }

    @Test
    void the_menu_carries_over_what_was_changed_and_nothing_else() throws IOException {
        Kernel kernel = with(demoConfiguration());
        KernelSource.Tree source = new KernelSource(demo, tools).unpacked();
        Kbuild kbuild = new Kbuild(demo, tools, 2);
        Map<String, String> changes = kernel.edit(source, Config.Compression.XZ, new KernelMenu(kbuild, tools), objects -> {
            // What a person does in the menu: a module more, a driver less.
            Path file = objects.resolve(".config");
            Files.writeString(file, Files.readString(file).replace("CONFIG_E1000=m", "# CONFIG_E1000 is not set") + "CONFIG_DUMMY=m\n");
            tools.shell().run(kbuild.make(source.folder(), objects, "olddefconfig"));
        });
        assertThat(changes).isEqualTo(Map.of("CONFIG_DUMMY", "m", "CONFIG_E1000", "n"));
        assertThat(temp.resolve("kernel.config")).hasContent(demoConfiguration().replace("CONFIG_E1000=m", "# CONFIG_E1000 is not set") + "CONFIG_DUMMY=m\n");
    }

    @Test
    void what_the_menu_showed_is_what_the_next_build_has() throws IOException {
        Kernel kernel = with(demoConfiguration());
        Path later = Files.writeString(Files.createDirectories(temp.resolve("kernel.d")).resolve("10.config"), "CONFIG_DUMMY=m\n");
        KernelSource.Tree source = new KernelSource(demo, tools).unpacked();
        Kbuild kbuild = new Kbuild(demo, tools, 2);
        Map<String, String> changes = kernel.edit(source, Config.Compression.XZ, new KernelMenu(kbuild, tools), objects -> {
            Path file = objects.resolve(".config");
            Files.writeString(file, Files.readString(file).replace("CONFIG_DUMMY=m", "# CONFIG_DUMMY is not set")
                    .replace("# CONFIG_USB_SUPPORT is not set\n", "") + "CONFIG_USB_SUPPORT=y\nCONFIG_USB=m\n");
            tools.shell().run(kbuild.make(source.folder(), objects, "olddefconfig"));
        });
        // The menu offers the last one with yes; the demo's base, allnoconfig, says no to all that nobody asks for.
        assertThat(changes).containsEntry("CONFIG_USB", "m").containsEntry("CONFIG_DUMMY", "n").containsEntry("CONFIG_USB_DEFAULT_PERSIST", "y");
        assertThat(later).hasContent("# CONFIG_DUMMY is not set\n");
        assertThat(KernelConfig.values(kernel.configuration(Config.Compression.XZ))).containsAllEntriesOf(changes);
    }

    @ParameterizedTest
    @ValueSource(strings = {"x86_64", "aarch64"})
    void the_configuration_of_a_node_is_granted_and_has_what_modules_conf_names(String arch) throws IOException {
        String gcc = Architecture.named(arch).toolPrefix() + "gcc";
        assumeTrue(Shell.which(gcc).isPresent(), gcc + " is not installed");
        Path folder = TestProject.folder().resolve("config");
        Config.Kernel node = new Config.Kernel("6.12", Optional.of(DebianSource.of("6.12").toUri()), "-MyceliumOS", folder.resolve("kernel.config"), arch, 0);
        Map<String, String> granted = KernelConfig.values(new Kernel(node, tools, 2).configuration(Config.Compression.XZ));
        Map<String, Set<String>> options = optionsByModule(new KernelSource(node, tools).unpacked().folder());
        for (Config.Line line : Config.read(folder, Map.of()).guest().modules()) {
            String module = line.text().replaceFirst("[ ?].*", "").replace('-', '_');
            assertThat(options.getOrDefault(module, Set.of()).stream().map(option -> granted.getOrDefault(option, "n"))).as(line.text()).containsAnyOf("m", "y");
        }
    }

    /** Which options build which module, by the Makefiles. */
    private static Map<String, Set<String>> optionsByModule(Path source) throws IOException {
        Map<String, Set<String>> options = new HashMap<>();
        for (String part : List.of("drivers", "fs", "net")) {
            List<Path> makefiles;
            try (Stream<Path> files = Files.walk(source.resolve(part))) {
                makefiles = files.filter(file -> file.endsWith("Makefile")).toList();
            }
            for (Path makefile : makefiles) {
                Matcher rule = RULE.matcher(Files.readString(makefile).replace("\\\n", " "));
                while (rule.find()) {
                    for (String object : rule.group(2).split("\\s+")) {
                        options.computeIfAbsent(object.replaceFirst("\\.o$", "").replace('-', '_'), any -> new HashSet<>()).add(rule.group(1));
                    }
                }
            }
        }
        return options;
    }

    @Test
    void an_initramfs_is_linked_in_and_the_same_one_gives_the_same_bytes() throws IOException {
        Kernel kernel = new Kernel(demo, tools, 2);
        Kernel.Compiled compiled = compiled(kernel);
        assertThat(compiled.release()).endsWith(demo.localVersion());
        assertThat(compiled.modules().resolve("lib/modules").resolve(compiled.release()).resolve("modules.dep.bin")).exists();

        Path initramfs = initramfs(Long.toString(System.nanoTime()));
        Path first = Files.copy(kernel.link(compiled, initramfs), temp.resolve("first.efi"));
        assertThat(release(first)).isEqualTo(compiled.release());
        forget(compiled, initramfs);
        Path second = kernel.link(compiled, initramfs);
        assertThat(second).hasSameBinaryContentAs(first);
        forget(compiled, initramfs);
    }

    @Test
    void a_link_cleans_up_after_one_that_was_killed() throws Exception {
        Kernel kernel = new Kernel(demo, tools, 2);
        Kernel.Compiled compiled = compiled(kernel);
        Path work = tools.cache().folder("kernel-work").resolve(compiled.key().substring(0, 16));
        Path initramfs = initramfs("after a crash " + System.nanoTime());
        Process orphan = tools.cache().locked("kernel-work-" + compiled.key().substring(0, 16), () -> {
            Files.createDirectories(work);
            Files.writeString(work.resolve("Makefile"), "half of a file");
            return tools.shell().start(Command.of("sleep", "600").with(Kbuild.MARK, work.toString()));
        });
        Path image = kernel.link(compiled, initramfs);
        assertThat(release(image)).isEqualTo(compiled.release());
        assertThat(orphan.isAlive()).isFalse();
        assertThat(work).doesNotExist();
        forget(compiled, initramfs);
    }

    @Test
    void an_initramfs_packed_otherwise_than_configured_is_refused() throws IOException {
        Kernel kernel = new Kernel(demo, tools, 2);
        Kernel.Compiled compiled = compiled(kernel);
        Path other = Files.write(temp.resolve("initramfs.cpio.gz"), new byte[] {0x1f, (byte) 0x8b, 8, 0, 0, 0});
        assertThatThrownBy(() -> kernel.link(compiled, other)).isInstanceOf(Failure.class).hasMessageContaining("GZIP");
    }

    /** The demo's objects, which the demo's build left in the cache; compiling them takes minutes and is that test's work. */
    private Kernel.Compiled compiled(Kernel kernel) {
        assumeTrue(kernel.isCompiled(Config.Compression.XZ), "build.java --demo has not compiled its kernel in this cache yet");
        return kernel.compile(Config.Compression.XZ);
    }

    private Path initramfs(String content) throws IOException {
        Path root = Files.createDirectories(temp.resolve("root"));
        Files.writeString(root.resolve("init"), content);
        Path cpio = temp.resolve("initramfs.cpio");
        Files.write(cpio, tools.shell().run(Command.of("cpio", "-o", "-H", "newc", "--quiet").in(root).input("init\n".getBytes(StandardCharsets.UTF_8))).stdout());
        tools.shell().run("xz", "-f", "-k", "--check=crc32", cpio.toString());
        return temp.resolve("initramfs.cpio.xz");
    }

    private void forget(Kernel.Compiled compiled, Path initramfs) {
        Cache.Key key = Cache.Key.of("kernel-linked", "vmlinuz").with("objects", compiled.key()).with("initramfs", Digest.sha256(initramfs));
        Path entry = tools.cache().folder("kernel-linked").resolve(key.digest());
        assertThat(entry).exists();
        Trees.delete(entry);
        Trees.delete(entry.resolveSibling(entry.getFileName() + ".inputs"));
    }

    /** The release that the header of a bzImage names (Documentation/arch/x86/boot.rst: kernel_version). */
    private static String release(Path image) throws IOException {
        byte[] bytes = Files.readAllBytes(image);
        assertThat(new String(bytes, 0, 2, StandardCharsets.US_ASCII)).isEqualTo("MZ");
        int at = ByteBuffer.wrap(bytes).order(ByteOrder.LITTLE_ENDIAN).getShort(0x20e) + 0x200;
        return new String(bytes, at, 80, StandardCharsets.US_ASCII).split(" ")[0];
    }
}
