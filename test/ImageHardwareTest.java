import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import com.fasterxml.jackson.databind.JsonNode;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;
import java.util.TreeSet;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import java.util.stream.StreamSupport;
import lib.DebianKernel;
import lib.image.ModuleIndex;
import lib.tool.Console;
import lib.tool.Failure;
import lib.tool.Json;
import lib.tool.Shell;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** The image of these tests holds some modules of the distribution's kernel; all of that kernel's modules are there at run time. */
class ImageHardwareTest {
    private static final Set<String> IN_IMAGE = Set.of("nvme", "r8169", "virtio_net", "virtio_blk", "e1000", "bnx2", "ahci", "xhci-pci", "usb-storage");
    private static final String FLEET = """
            00:00.0 Host bridge [0600]: Intel Corporation 440FX - 82441FX PMC [Natoma] [8086:1237] (rev 02)
            00:03.0 Ethernet controller [0200]: Intel Corporation 82540EM Gigabit Ethernet Controller [8086:100e] (rev 03)
            \tSubsystem: Red Hat, Inc. QEMU Virtual Machine [1af4:1100]
            \tKernel driver in use: e1000
            \tKernel modules: e1000
            00:04.0 Ethernet controller [0200]: Realtek Semiconductor Co., Ltd. RTL8111/8168/8411 PCI Express Gigabit Ethernet Controller [10ec:8168] (rev 15)
            00:05.0 Ethernet controller [0200]: Broadcom Inc. and subsidiaries NetXtreme II BCM5709 Gigabit Ethernet [14e4:1639] (rev 20)
            00:06.0 Ethernet controller [0200]: Mellanox Technologies MT27800 Family [ConnectX-5] [15b3:1017]
            00:07.0 Non-Volatile memory controller [0108]: Samsung Electronics Co Ltd NVMe SSD Controller SM981/PM981/PM983 [144d:a808]
            00:08.0 SATA controller [0106]: Intel Corporation Sunrise Point-LP SATA Controller [AHCI mode] [8086:9d03] (rev 21)
            00:14.0 USB controller [0c03]: Intel Corporation Sunrise Point-LP USB 3.0 xHCI Controller [8086:9d2f] (rev 21)
            00:1f.0 System peripheral [0880]: Nobody Unknown thing [dead:beef]
            """;

    @TempDir
    Path temp;
    private DebianKernel kernel;
    private Path fleet;
    private Path inImage;

    @BeforeEach
    void build() throws IOException {
        kernel = DebianKernel.of("linux-image-amd64");
        Path all = kernel.modules().resolve("lib/modules").resolve(kernel.release());
        inImage = Files.createDirectories(temp.resolve("initramfs/lib/modules").resolve(kernel.release()));
        try (Stream<Path> files = Files.walk(all)) {
            for (Path file : files.filter(file -> IN_IMAGE.contains(file.getFileName().toString().replaceFirst("\\.ko.*", ""))).toList()) {
                Files.createDirectories(inImage.resolve(all.relativize(file)).getParent());
                Files.copy(file, inImage.resolve(all.relativize(file)));
            }
        }
        for (String list : List.of("modules.builtin", "modules.builtin.modinfo")) {
            Files.copy(all.resolve(list), inImage.resolve(list));
        }
        ModuleIndex.write(inImage);
        Files.createDirectories(temp.resolve("config"));
        Files.writeString(temp.resolve("config/build.conf"), "");
        Path firmware = Files.createDirectories(temp.resolve("initramfs/lib/firmware/rtl_nic"));
        Files.writeString(firmware.resolve("rtl8168h-2.fw"), "firmware");
        fleet = Files.createDirectories(temp.resolve("fleet"));
    }

    private record Run(int exitCode, String out, String err) { }

    private Run image(String... words) throws IOException, InterruptedException {
        List<String> argv = new ArrayList<>(List.of(Path.of(System.getProperty("java.home"), "bin/java").toString(), "-cp", System.getProperty("java.class.path"),
                "Image"));
        argv.addAll(List.of(words));
        if (words.length > 1) {
            argv.addAll(List.of("-C", temp.toString()));
        }
        Process process = new ProcessBuilder(argv).redirectError(temp.resolve("err").toFile()).start();
        String out = new String(process.getInputStream().readAllBytes(), UTF_8);
        return new Run(process.waitFor(), out, Files.readString(temp.resolve("err")));
    }

    private Map<String, String> states(String... more) throws Exception {
        List<String> words = new ArrayList<>(List.of("hardware", fleet.toString(), "--json"));
        words.addAll(List.of(more));
        Run run = image(words.toArray(String[]::new));
        assertThat(run.exitCode()).as(run.err()).isZero();
        return StreamSupport.stream(Json.parse(run.out(), "stdout").get("verdicts").spliterator(), false)
                .collect(Collectors.toMap(one -> one.get("id").asText(), one -> one.get("state").asText(), (one, other) -> one + " " + other, TreeMap::new));
    }

    @Test
    void a_table_says_how_each_device_is_served() throws Exception {
        Files.writeString(fleet.resolve("node1.txt"), FLEET);
        Files.writeString(fleet.resolve("node2.txt"), "00:07.0 Non-Volatile memory controller [0108]: Samsung Electronics Co Ltd NVMe SSD Controller SM981/PM981/PM983 [144d:a808]\n");

        Run run = image("hardware", fleet.toString(), "--modules", kernel.modules().toString());

        assertThat(run.exitCode()).as(run.err()).isZero();
        assertThat(run.out().lines().map(line -> line.replaceAll(" {2,}", "|"))).contains(
                "9 devices: 1 built in, 5 in the image, 1 firmware missing, 1 only at run time, 1 no driver")
                .anyMatch(line -> line.startsWith("no driver|dead:beef|-|node1.txt|System peripheral"))
                .anyMatch(line -> line.startsWith("only at run time|15b3:1017|mlx5_core|"))
                .anyMatch(line -> line.startsWith("firmware missing|14e4:1639|bnx2|") && line.contains("lib/firmware has none of bnx2/"))
                .anyMatch(line -> line.startsWith("in the image|10ec:8168|r8169|"))
                .anyMatch(line -> line.startsWith("in the image|144d:a808|nvme|2 files|"))
                .anyMatch(line -> line.startsWith("in the image|8086:9d03|ahci|"))
                .anyMatch(line -> line.startsWith("in the image|8086:9d2f|xhci_pci|"))
                .anyMatch(line -> line.startsWith("built in|8086:1237|"));
        assertThat(run.out().lines().skip(1).findFirst().orElseThrow()).startsWith("no driver");
    }

    @Test
    void require_ends_with_exit_code_4_until_every_device_is_served() throws Exception {
        Files.writeString(fleet.resolve("node1.txt"), FLEET);
        String modules = kernel.modules().toString();

        Run run = image("hardware", fleet.toString(), "--modules", modules, "--require");
        assertThat(run.exitCode()).isEqualTo(Failure.CONTRACT);
        assertThat(run.err()).contains("3 of 9 devices are not served by this image");
        assertThat(run.out()).contains("dead:beef");
        assertThat(image("hardware", fleet.toString(), "--modules", modules, "--require", "--run-time", "--ignore", "dead:*").err()).contains("1 of 9 devices");
        assertThat(image("hardware", fleet.toString(), "--modules", modules, "--require", "--run-time", "--ignore", "dead:*", "--ignore", "14e4:1639").exitCode()).isZero();
    }

    @Test
    void modaliases_and_lsusb_are_understood() throws Exception {
        Files.writeString(fleet.resolve("aliases"), """
                /sys/devices/pci0000:00/0000:00:03.0/modalias:pci:v00001AF4d00001000sv00001AF4sd00000001bc02sc00i00
                MODALIAS=virtio:d00000001v00001AF4
                usb:v0BDAp8153d3000dc00dsc00dp00icFFiscFFip00in00
                acpi:LNXSYSTM:
                """);
        Files.writeString(fleet.resolve("usb"), """
                Bus 002 Device 001: ID 1d6b:0003 Linux Foundation 3.0 root hub
                Bus 001 Device 003: ID 0781:5567 SanDisk Corp. Cruzer Blade flash drive
                Bus 001 Device 004: ID ffff:0001 Nobody
                """);

        assertThat(states("--modules", kernel.modules().toString())).containsEntry("virtio:d00000001v00001AF4", "IN_IMAGE").containsEntry("0bda:8153", "RUN_TIME")
                .containsEntry("0781:5567", "IN_IMAGE").containsEntry("ffff:0001", "NO_DRIVER").containsEntry("1af4:1000", "RUN_TIME")
                .doesNotContainKey("acpi:LNXSYSTM:").containsKey("1d6b:0003");
    }

    @Test
    void a_driver_inside_the_kernel_is_known_by_class_or_by_lspci_nnk() throws Exception {
        Files.writeString(inImage.resolve("modules.builtin"), "kernel/drivers/ata/ata_piix.ko\nkernel/drivers/usb/host/ehci-pci.ko\n");
        Files.writeString(fleet.resolve("node"), """
                00:01.1 IDE interface [0101]: Intel Corporation 82371SB PIIX3 IDE [Natoma/Triton II] [8086:7010]
                \tKernel driver in use: ata_piix
                00:01.2 IDE interface [0101]: Intel Corporation 82371AB/EB/MB PIIX4 IDE [8086:7111] (rev 01)
                00:1d.7 USB controller [0c03]: Intel Corporation USB2 EHCI Controller [8086:293a] (rev 03)
                """);

        assertThat(states()).containsExactlyInAnyOrderEntriesOf(Map.of("8086:7010", "BUILT_IN", "8086:7111", "NO_DRIVER", "8086:293a", "BUILT_IN"));
    }

    @Test
    void the_same_modules_fit_as_modprobe_says() throws Exception {
        assumeTrue(Shell.which("modprobe").isPresent(), "modprobe is not installed");
        Shell shell = new Shell(Console.plain(System.err));
        List<String> patterns = Files.readAllLines(inImage.resolve("modules.alias")).stream().filter(line -> line.startsWith("alias pci:") || line.startsWith("alias usb:"))
                .map(line -> line.split(" ")[1]).toList();
        Map<String, Set<String>> expected = new TreeMap<>();
        for (int i = 0; i < patterns.size(); i += Math.max(1, patterns.size() / 60)) {
            String device = concrete(patterns.get(i));
            expected.put(device, new TreeSet<>(shell.run("modprobe", "-d", temp.resolve("initramfs").toString(), "-S", kernel.release(), "-R", device).text().lines().toList()));
        }
        Files.write(fleet.resolve("aliases"), expected.keySet());

        Run run = image("hardware", fleet.toString(), "--json");

        Map<String, Set<String>> found = new TreeMap<>();
        for (JsonNode one : Json.parse(run.out(), run.err()).get("verdicts")) {
            Set<String> drivers = new TreeSet<>();
            one.get("drivers").forEach(driver -> drivers.add(driver.asText()));
            found.put(one.get("modalias").asText(), drivers);
        }
        assertThat(found).isEqualTo(expected).hasSizeGreaterThan(40);
    }

    /** A device that fits the pattern. */
    private static String concrete(String pattern) {
        return pattern.replaceAll("\\[(.)[^\\]]*\\]", "$1").replaceAll("(sv|sd)\\*", "$100000000").replaceAll("([vd])\\*(?=d|sv)", "$100001234")
                .replaceAll("(bc|sc|i|dc|dsc|dp|ic|isc|ip|in)\\*", "$100").replaceAll("i([0-9A-F]{2})\\*$", "i$1").replaceAll("d\\*", "d0100").replaceAll("\\*", "0").replace("?", "0");
    }

    @Test
    void wrong_folders_and_words_are_errors_with_exit_code_2() throws Exception {
        assertThat(image("hardware", fleet.toString()).err()).contains("lists devices", "lspci -nnk");
        Files.writeString(fleet.resolve("notes"), "bought in May\n");
        assertThat(image("hardware", fleet.toString()).err()).contains("the first line is notes: bought in May");
        assertThat(image("hardware", temp.resolve("none").toString())).extracting(Run::exitCode).isEqualTo(Failure.USAGE);
        assertThat(image("hardwre").err()).contains("did you mean hardware?");
        assertThat(image().err()).contains("no verb is given");
        assertThat(image("hardware", fleet.toString(), "--modules", temp.toString()).err()).contains("--modules takes the folder with lib/modules/" + kernel.release());
    }
}
