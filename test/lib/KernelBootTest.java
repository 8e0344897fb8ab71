package lib;

import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import java.io.IOException;
import java.io.OutputStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import lib.image.Cpio;
import lib.tool.Cache;
import lib.tool.Console;
import lib.tool.Download;
import lib.tool.Shell;
import lib.tool.Tools;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/**
 * Kernels with their initramfs inside, and modules by their index files, in real guests. A kernel is compiled once in a cache, with the
 * demo's small configuration (about nine CPU minutes).
 */
@Tag("slow")
class KernelBootTest extends RunitProcess {
    private static final String MICROCODE = "amd-ucode/microcode_amd_fam17h.bin";
    private Tools tools;

    @BeforeEach
    void tools() {
        assumeTrue(System.getProperty("os.arch").equals("amd64"), "the kernels are for x86_64");
        Console console = Console.plain(System.err).logTo(workspace.resolve("build.log"));
        Cache cache = new Cache(Cache.defaultFolder(System.getenv()), console::log);
        tools = new Tools(console, new Shell(console), cache, new Download(console, cache, true));
        for (String program : List.of("make", "gcc", "flex", "bison", "bc", "xz")) {
            assumeTrue(Shell.which(program).isPresent(), program + " is not installed");
        }
    }

    @ParameterizedTest
    @ValueSource(strings = {"6.1", "6.12"})
    void boots_by_bios_and_as_an_efi_program_with_its_initramfs_inside(String version) throws Exception {
        Config config = Config.read(TestProject.folder().resolve("demo/config"), Map.of("KERNEL_SOURCE", DebianSource.of(version).toString()));
        Optional<LinkedFirmware> microcode = version.equals("6.1") ? Optional.empty() : microcode();
        Kernel kernel = new Kernel(config.kernel(), tools, Runtime.getRuntime().availableProcessors()).with(microcode);
        Kernel.Compiled compiled = kernel.compile(Config.Compression.XZ);
        assertThat(compiled.release()).startsWith(version + ".").endsWith("-MyceliumOS");

        RootTree root = new RootTree(Files.createDirectories(workspace.resolve("root")));
        Modules.Installed modules = new Modules(config.guest().modules(), tools).installInto(root.folder(), compiled.release(), compiled.modules());
        List<String> names = modules.modules().stream().map(Modules.Module::name).toList();
        ModuleGuest.writeInto(root, names, tools);
        Path image = kernel.link(compiled, new Initramfs(config.budget(), Architecture.X86_64, tools, 2).pack(root.folder()).file());

        expect("must guest: Linux " + compiled.release(), "must guest: booted by BIOS", "must guest: done", "must-not Kernel panic", "within 300");
        // Counting instructions: kernels give up ("IO-APIC + timer doesn't work") when a busy computer keeps an emulated timer waiting.
        boot(names, "--icount", "--kernel", image.toString(), "--cmdline", "console=ttyS0");
        assumeTrue(Files.exists(Path.of("/usr/share/OVMF")), "there is no UEFI firmware (package ovmf)");
        expect("must guest: Linux " + compiled.release(), "must guest: booted by EFI", "must guest: done", "must-not Kernel panic", "within 300");
        boot(names, "--icount", "--kernel", image.toString(), "--efi");
        if (microcode.isPresent()) {
            assertThat(new String(Files.readAllBytes(compiled.objects().resolve("vmlinux")), StandardCharsets.ISO_8859_1)).contains(MICROCODE, "microcode of the test");
        }
    }

    /** Boots, and both programs load all modules of the image. */
    private void boot(List<String> names, String... arguments) throws Exception {
        List<String> argv = command("--memory", "512", "--cpus", "1", "--check");
        argv.addAll(List.of(arguments));
        Ran ran = run(argv);
        assertThat(ran.code()).as(ran.err()).isZero();
        for (String tool : List.of("kmod", "busybox")) {
            assertThat(ModuleGuest.loaded(workspace.resolve("vm/default/boot.log"), tool)).as(tool).containsExactlyInAnyOrderElementsOf(names);
        }
    }

    private Optional<LinkedFirmware> microcode() throws IOException {
        Path file = workspace.resolve("linux-firmware").resolve(MICROCODE);
        Files.writeString(Files.createDirectories(file.getParent()).resolve(file.getFileName()), "microcode of the test");
        Config.Line line = new Config.Line("firmware.conf", 1, "microcode amd");
        return new Firmware(new Config.Firmware(Optional.of("linux-firmware"), Optional.empty(), List.of(line), workspace), tools, true).linked();
    }

    /** The node's own modules.conf with a distribution's kernel, which has all of these drivers as modules. */
    @Test
    void modprobe_of_kmod_and_of_busybox_load_every_module_of_an_image() throws Exception {
        DebianKernel debian = DebianKernel.of("linux-image-amd64");
        Config node = Config.read(TestProject.folder().resolve("config"), Map.of());
        RootTree root = new RootTree(Files.createDirectories(workspace.resolve("root")));
        Modules.Installed modules = new Modules(node.guest().modules(), tools).installInto(root.folder(), debian.release(), debian.modules());
        List<String> names = modules.modules().stream().map(Modules.Module::name).toList();
        assertThat(names).hasSizeGreaterThan(80);
        ModuleGuest.writeInto(root, names, tools);
        Path archive = workspace.resolve("modules.cpio");
        try (OutputStream out = Files.newOutputStream(archive)) {
            Cpio.write(root.folder(), List.of(new Cpio.Device("dev/console", 0600, 5, 1)), 0, out);
        }
        expect("must guest: done", "must-not Kernel panic", "within 300");
        boot(names, "--kernel", debian.image().toString(), "--initrd", archive.toString(), "--cmdline", "console=ttyS0 quiet no_timer_check");
    }
}
