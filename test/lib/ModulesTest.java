package lib;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.Callable;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.stream.Stream;
import lib.image.ModuleFile;
import lib.image.ModuleIndex;
import lib.image.ModuleTables;
import lib.tool.Failure;
import lib.tool.Shell;
import lib.tool.Shell.Command;
import lib.tool.Tools;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Against a whole distribution kernel (4,000 modules) and kmod's own depmod and modprobe. */
class ModulesTest {
    @TempDir
    static Path temp;

    @TempDir
    Path root;

    private static Path kernel;
    private static String release;
    private static Path modules;
    private static Tools tools;

    @BeforeAll
    static void a_distribution_kernel() throws IOException {
        tools = TestTools.in(temp);
        assumeTrue(Shell.which("depmod").isPresent() && Shell.which("modprobe").isPresent(), "kmod is not installed");
        assumeTrue(Shell.which("apt-get").isPresent() && Shell.which("dpkg-deb").isPresent(), "there is no apt to fetch a kernel with");
        String name = tools.shell().attempt(Command.of("apt-cache", "depends", "linux-image-amd64").with("LC_ALL", "C")).text().lines().map(String::strip)
                .filter(line -> line.startsWith("Depends: linux-image-")).map(line -> line.substring("Depends: ".length())).findFirst().orElse("");
        assumeTrue(!name.isEmpty(), "apt knows no package linux-image-amd64");
        Path fetched = Files.createDirectories(temp.resolve("fetched"));
        assumeTrue(tools.shell().attempt(Command.of("apt-get", "download", name).in(fetched)).exitCode() == 0, name + " cannot be fetched");
        try (Stream<Path> files = Files.list(fetched)) {
            tools.shell().run("dpkg-deb", "-x", files.findFirst().orElseThrow().toString(), temp.resolve("kernel").toString());
        }
        kernel = temp.resolve("kernel");
        // Merged /usr: newer distributions keep modules below usr/lib.
        Path folder = Stream.of("lib/modules", "usr/lib/modules").map(kernel::resolve).filter(Files::isDirectory).findFirst().orElseThrow();
        if (!folder.equals(kernel.resolve("lib/modules"))) {
            Files.createSymbolicLink(kernel.resolve("lib"), Path.of("usr/lib"));
        }
        try (Stream<Path> releases = Files.list(folder)) {
            release = releases.findFirst().orElseThrow().getFileName().toString();
        }
        modules = kernel.resolve("lib/modules").resolve(release);
        ModuleIndex.write(modules);
    }

    private static Modules.Installed install(Path root, String... lines) {
        List<Config.Line> wanted = new ArrayList<>();
        for (int i = 0; i < lines.length; i++) {
            wanted.add(new Config.Line("modules.conf", i + 1, lines[i]));
        }
        return new Modules(wanted, tools).installInto(root, release, kernel);
    }

    private static List<String> modprobe(Path root, String name) {
        return Arrays.stream(tools.shell().run("modprobe", "-C", "/dev/null", "-S", release, "-d", root.toString(), "--show-depends", name).text().split("\n"))
                .filter(line -> line.startsWith("insmod ")).map(line -> ModuleFile.nameOf(line.split(" ")[1])).distinct().toList();
    }

    @Test
    void index_files_equal_those_of_depmod() throws IOException {
        Path other = Files.createDirectories(temp.resolve("depmod/lib/modules"));
        tools.shell().run("cp", "-al", modules.toString(), other.toString());
        try (Stream<Path> files = Files.list(other.resolve(release))) {
            for (Path file : files.filter(Files::isRegularFile).filter(file -> !file.toString().matches(".*modules\\.(order|builtin|builtin\\.modinfo)")).toList()) {
                Files.delete(file);
            }
        }
        tools.shell().run("depmod", "-b", temp.resolve("depmod").toString(), release);
        Map<String, Boolean> same = new LinkedHashMap<>();
        try (Stream<Path> files = Files.list(other.resolve(release))) {
            for (Path file : files.filter(Files::isRegularFile).sorted().toList()) {
                Path ours = modules.resolve(file.getFileName());
                boolean equal = file.endsWith("modules.symbols") ? Files.readAllLines(file).stream().sorted().toList().equals(Files.readAllLines(ours).stream().sorted().toList())
                        : Files.mismatch(file, ours) < 0;
                same.put(file.getFileName().toString(), equal);
            }
        }
        assertThat(same).containsKeys("modules.dep", "modules.dep.bin", "modules.alias.bin", "modules.symbols.bin", "modules.builtin.bin", "modules.softdep",
                "modules.devname").doesNotContainValue(false);
    }

    @Test
    void every_module_loads_what_modprobe_would_load_in_its_order() throws Exception {
        ModuleTables tables = ModuleTables.read(modules);
        assertThat(tables.names()).hasSizeGreaterThan(3500);
        ExecutorService workers = Executors.newFixedThreadPool(Runtime.getRuntime().availableProcessors());
        try {
            Map<String, Future<List<String>>> expected = new LinkedHashMap<>();
            tables.names().forEach(name -> expected.put(name, workers.submit((Callable<List<String>>) () -> modprobe(kernel, name))));
            for (Map.Entry<String, Future<List<String>>> one : expected.entrySet()) {
                assertThat(tables.loadOrder(one.getKey())).as(one.getKey()).isEqualTo(one.getValue().get());
                assertThat(closure(tables, one.getKey())).as(one.getKey()).containsExactlyInAnyOrderElementsOf(one.getValue().get());
            }
        } finally {
            workers.shutdownNow();
        }
    }

    /** What single steps from module to module lead to: so --why tells it, and so it gets into the image. */
    private static Set<String> closure(ModuleTables tables, String module) {
        Set<String> all = new LinkedHashSet<>(List.of(module));
        for (List<String> open = List.of(module); !open.isEmpty(); ) {
            open = open.stream().flatMap(one -> tables.asksFor(one).entrySet().stream()).filter(step -> !step.getValue().equals("weakdep"))
                    .map(Map.Entry::getKey).filter(all::add).toList();
        }
        return all;
    }

    @Test
    void the_image_holds_the_closure_and_modprobe_finds_all_of_it_there() {
        Modules.Installed installed = install(root, "btrfs", "r8169", "xhci-pci", "pci:v00008086d0000100Esv00000000sd00000000bc02sc00i00");
        assertThat(installed.loaded()).containsExactly("btrfs", "r8169", "xhci_pci", "e1000");
        ModuleTables inside = ModuleTables.read(root.resolve("lib/modules").resolve(release));
        for (String name : installed.loaded()) {
            // With fewer modules around, independent ones may change places.
            assertThat(modprobe(root, name)).as(name).containsExactlyInAnyOrderElementsOf(modprobe(kernel, name)).isEqualTo(inside.loadOrder(name));
        }
        assertThat(installed.modules().stream().map(Modules.Module::name)).containsExactlyInAnyOrderElementsOf(inside.names());
        assertThat(installed.modules()).contains(new Modules.Module("realtek", inside.path("realtek"), "r8169", "softdep"),
                new Modules.Module("r8169", inside.path("r8169"), "r8169", "modules.conf:2 r8169"));
        assertThat(root.resolve("etc/modules-load.d/mos.conf")).hasContent("btrfs\nr8169\nxhci_pci\ne1000\n");
        assertThat(root.resolve("lib/modules").resolve(release).resolve("modules.dep.bin")).exists();
    }

    @Test
    void parameters_are_checked_and_written_for_modprobe() {
        install(root, "loop max_loop=8 max_part=4");
        assertThat(root.resolve("etc/modprobe.d/mos.conf")).hasContent("options loop max_loop=8 max_part=4\n");
        assertThatThrownBy(() -> install(root, "loop", "loop max_lop=8")).isInstanceOf(Failure.class).hasMessageContaining("modules.conf:2")
                .hasMessageContaining("no parameter max_lop").extracting(e -> ((Failure) e).hint()).isEqualTo("did you mean max_loop?");
    }

    @Test
    void built_in_and_optional_ones_need_no_file() {
        String builtIn = ModuleTables.read(modules).builtIn().stream().sorted().findFirst().orElseThrow();
        Modules.Installed installed = install(root, builtIn, "no_such_driver?");
        assertThat(installed.modules()).isEmpty();
        assertThat(installed.builtIn()).containsExactly(builtIn);
        assertThat(installed.missing()).containsExactly("no_such_driver");
        assertThatThrownBy(() -> install(root, builtIn + " x=1")).isInstanceOf(Failure.class).hasMessageContaining("built into this kernel");
    }

    @Test
    void a_missing_module_is_an_error_with_a_suggestion() {
        assertThatThrownBy(() -> install(root, "btrfs", "virtio-nett")).isInstanceOfSatisfying(Failure.class, failure -> {
            assertThat(failure.exitCode()).isEqualTo(Failure.USAGE);
            assertThat(failure.what()).isEqualTo("modules.conf:2: this kernel has no module virtio-nett: virtio-nett");
            assertThat(failure.hint()).isEqualTo("did you mean virtio_net?");
        });
    }

    @Test
    void compressed_modules_are_unpacked_and_damaged_or_foreign_ones_refused() throws IOException {
        Path packed = Files.createDirectories(temp.resolve("packed/lib/modules").resolve(release).resolve("kernel"));
        Path loop = modules.resolve(ModuleTables.read(modules).path("loop"));
        assumeTrue(loop.toString().endsWith(".ko") && Shell.which("xz").isPresent() && Shell.which("zstd").isPresent(), "plain modules, xz and zstd are needed");
        for (List<String> packer : List.of(List.of("gzip", "-9c"), List.of("xz", "--check=crc32", "-c"), List.of("zstd", "-qc"))) {
            String suffix = Map.of("gzip", ".gz", "xz", ".xz", "zstd", ".zst").get(packer.get(0));
            List<String> argv = new ArrayList<>(packer);
            argv.add(loop.toString());
            try (Stream<Path> old = Files.list(packed)) {
                old.forEach(file -> file.toFile().delete());
            }
            Files.write(packed.resolve("loop.ko" + suffix), tools.shell().run(Command.of(argv)).stdout());
            Files.writeString(packed.resolveSibling("modules.order"), "kernel/loop.ko\n");
            ModuleIndex.write(packed.getParent());
            new Modules(List.of(new Config.Line("modules.conf", 1, "loop")), tools).installInto(root, release, temp.resolve("packed"));
            assertThat(root.resolve("lib/modules").resolve(release).resolve("kernel/loop.ko")).hasSameBinaryContentAs(loop);
        }
        Modules modules = new Modules(List.of(new Config.Line("modules.conf", 1, "loop")), tools);
        Path plain = packed.resolve("loop.ko.zst");
        Files.write(plain, Arrays.copyOf(Files.readAllBytes(plain), 1000));
        assertThatThrownBy(() -> modules.installInto(root, release, temp.resolve("packed"))).isInstanceOf(Failure.class).hasMessageContaining("loop.ko.zst");
    }
}
