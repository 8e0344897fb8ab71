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
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.Optional;
import java.util.stream.Stream;
import lib.Machine.Payload;
import lib.Network.Forward;
import lib.tool.Shell;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

class QemuTest {
    @TempDir
    Path folder;

    private final Payload direct = new Payload(Path.of("/i/vmlinuz.efi"), Optional.empty(), Optional.of("console=ttyS0 a=b"), false);

    private static Qemu qemu(Payload payload, Network network, Architecture architecture, Path... disks) {
        Machine machine = new Machine("node", Path.of("/w/vm/node"), payload, 1024, 2, List.of(disks), network);
        Optional<Uefi> uefi = payload.efi() ? Optional.of(new Uefi(Path.of("/f/code.fd"), Path.of("/f/vars.fd"))) : Optional.empty();
        return new Qemu(machine, architecture, Accelerator.TRANSLATION, uefi);
    }

    @Test
    void disks_keep_their_order_and_commas_in_paths_survive() {
        List<String> argv = qemu(direct, new Network.None(), Architecture.X86_64, Path.of("/a,b/disk0.raw"), Path.of("/d1")).argv(Hypervisor.Serial.OUTPUT);

        assertThat(argv).containsSubsequence("-machine", "q35", "-m", "1024", "-smp", "2", "-kernel", "/i/vmlinuz.efi", "-append", "console=ttyS0 a=b",
                "if=none,id=disk0,format=raw,discard=unmap,file=/a,,b/disk0.raw", "if=none,id=disk1,format=raw,discard=unmap,file=/d1");
        assertThat(argv).contains("-no-reboot").doesNotContain("-netdev");
    }

    @Test
    void networks_are_as_the_machine_says() {
        Network user = Network.user("/w/vm/node", List.of(new Forward(2222, 22), new Forward(8080, 80)));
        assertThat(qemu(direct, user, Architecture.X86_64).argv(Hypervisor.Serial.TERMINAL))
                .contains("user,id=net0,hostfwd=tcp:127.0.0.1:2222-:22,hostfwd=tcp:127.0.0.1:8080-:80", "mon:stdio");
        Network.Tap tap = (Network.Tap) Network.tap("/w/vm/node", "mosbr");
        assertThat(qemu(direct, tap, Architecture.X86_64).argv(Hypervisor.Serial.SOCKET))
                .contains("tap,id=net0,script=no,downscript=no,ifname=" + tap.device(), "virtio-net-pci,netdev=net0,romfile=,mac=" + tap.mac(), "-daemonize");
    }

    @Test
    void firmware_starts_from_a_partition_unless_it_has_to_hand_something_over() {
        Payload partition = new Payload(Path.of("/i/vmlinuz.efi"), Optional.empty(), Optional.empty(), true);
        assertThat(qemu(partition, new Network.None(), Architecture.X86_64).argv(Hypervisor.Serial.OUTPUT))
                .contains("if=pflash,unit=0,format=raw,readonly=on,file=/f/code.fd", "if=pflash,unit=1,format=raw,file=/w/vm/node/efivars.fd",
                        "if=none,id=esp,format=raw,readonly=on,file=fat:/w/vm/node/esp").doesNotContain("-kernel", "-append");
        Payload handed = new Payload(Path.of("/i/vmlinuz.efi"), Optional.empty(), Optional.of("quiet"), true);
        assertThat(qemu(handed, new Network.None(), Architecture.X86_64).argv(Hypervisor.Serial.OUTPUT)).contains("-kernel", "-append");
    }

    @Test
    void other_processors_have_their_own_machine() {
        assertThat(qemu(direct, new Network.None(), Architecture.AARCH64).argv(Hypervisor.Serial.OUTPUT)).startsWith("qemu-system-aarch64").contains("virt");
    }

    @Test
    void firmware_boots_from_the_card_and_from_nothing_else_when_there_is_a_url() {
        Payload payload = new Payload(Path.of("/i/vmlinuz.efi"), Optional.empty(), Optional.of("quiet"), true, Optional.of("http://10.0.2.2:80/boot.ipxe"));
        assumeTrue(Stream.of("/usr/lib/ipxe/qemu", "/usr/share/qemu").anyMatch(folder -> Files.exists(Path.of(folder, "efi-virtio.rom"))), "QEMU has no iPXE here");

        assertThat(qemu(payload, Network.user("/w", List.of()), Architecture.X86_64).argv(Hypervisor.Serial.OUTPUT))
                .contains("user,id=net0,bootfile=http://10.0.2.2:80/boot.ipxe").anyMatch(word -> word.contains("bootindex=0,romfile=/"))
                .doesNotContain("-kernel", "-append").noneMatch(word -> word.contains("esp"));
        assertThatThrownBy(() -> qemu(payload, Network.user("/w", List.of()), Architecture.AARCH64).argv(Hypervisor.Serial.OUTPUT)).hasMessage("QEMU has no iPXE for aarch64 guests");
    }

    /** Both emulators set the machine up, firmware, disks and card included, and stop before its first instruction. */
    @ParameterizedTest
    @EnumSource(Architecture.class)
    @Timeout(60)
    void qemu_itself_takes_the_arguments(Architecture architecture) throws Exception {
        assumeTrue(Shell.which(architecture.qemu).isPresent(), architecture.qemu + " is not installed");
        Optional<Uefi> uefi = uefi(architecture);
        assumeTrue(uefi.isPresent(), "there is no UEFI firmware for " + architecture);
        Path kernel = architecture == Architecture.AARCH64 ? kernel(0x38, "ARMd") : kernel(0x202, "HdrS");
        Path disk = Files.write(folder.resolve("disk0.raw"), new byte[1 << 20]);
        Machine machine = new Machine("node", folder, new Payload(kernel, Optional.empty(), Optional.empty(), true), 256, 2, List.of(disk),
                Network.user(folder.toString(), List.of()));
        uefi.get().prepare(folder.resolve("efivars.fd"), folder.resolve("esp"), kernel, architecture);
        List<String> argv = new ArrayList<>(new Qemu(machine, architecture, Accelerator.TRANSLATION, uefi, List.of("-S")).argv(Hypervisor.Serial.OUTPUT));

        Process process = new ProcessBuilder(argv).redirectErrorStream(true).redirectOutput(folder.resolve("said").toFile()).start();
        Qmp qmp = new Qmp(machine.control());
        while (process.isAlive() && qmp.state().equals("gone")) {
            Thread.sleep(20);
        }

        assertThat(qmp.state()).as(Files.readString(folder.resolve("said"))).isEqualTo("prelaunch");
        assertThat(qmp.unplug()).isTrue();
        assertThat(process.waitFor()).isZero();
    }

    private static Optional<Uefi> uefi(Architecture architecture) {
        try {
            return Optional.of(Uefi.find(architecture));
        } catch (lib.tool.Failure e) {
            return Optional.empty();
        }
    }

    @Test
    void the_processor_is_read_from_the_kernels_header() throws IOException {
        assertThat(Architecture.of(kernel(0x202, "HdrS"))).isEqualTo(Architecture.X86_64);
        assertThat(Architecture.of(kernel(0x38, "ARMd"))).isEqualTo(Architecture.AARCH64);
        assertThat(Architecture.of(kernel(4, "zimg"))).isEqualTo(Architecture.AARCH64);
        Path vmlinux = kernel(0, "\u007fELF");
        byte[] elf = Files.readAllBytes(vmlinux);
        ByteBuffer.wrap(elf).order(ByteOrder.LITTLE_ENDIAN).putShort(0x12, (short) 0x3e);
        assertThat(Architecture.of(Files.write(vmlinux, elf))).isEqualTo(Architecture.X86_64);

        assertThatThrownBy(() -> Architecture.of(kernel(0, "#!/bin/sh"))).hasMessageContaining("is not a Linux kernel: it has neither");
        assertThatThrownBy(() -> Architecture.of(Files.writeString(folder.resolve("short"), "MZ"))).hasMessageContaining("it is shorter than a kernel's header");
    }

    private Path kernel(int offset, String magic) throws IOException {
        byte[] bytes = new byte[0x400];
        byte[] text = magic.getBytes(StandardCharsets.ISO_8859_1);
        System.arraycopy(text, 0, bytes, offset, text.length);
        return Files.write(folder.resolve("kernel" + offset), bytes);
    }

    @Test
    void firmware_is_chosen_by_its_descriptor_and_not_the_kind_that_starts_signed_files_only() throws IOException {
        Files.writeString(folder.resolve("40-secure.json"), descriptor("x86_64", "pc-q35-*", "\"requires-smm\", \"secure-boot\""));
        Files.writeString(folder.resolve("50-arm.json"), descriptor("aarch64", "virt-*", ""));
        Files.writeString(folder.resolve("60-plain.json"), descriptor("x86_64", "pc-q35-*", "\"acpi-s3\""));

        assertThat(Uefi.described(Architecture.X86_64, folder)).containsExactly(new Uefi(Path.of("/x86_64/pc-q35-*.fd"), Path.of("/vars.fd")));
        assertThat(Uefi.described(Architecture.AARCH64, folder)).containsExactly(new Uefi(Path.of("/aarch64/virt-*.fd"), Path.of("/vars.fd")));
        assertThat(Uefi.described(Architecture.X86_64, folder.resolve("none"))).isEqualTo(Collections.emptyList());
    }

    private static String descriptor(String architecture, String machine, String features) {
        return """
                {"interface-types": ["uefi"], "features": [%s], "targets": [{"architecture": "%s", "machines": ["%s"]}],
                 "mapping": {"device": "flash", "executable": {"filename": "/%s/%s.fd", "format": "raw"},
                             "nvram-template": {"filename": "/vars.fd", "format": "raw"}}}
                """.formatted(features, architecture, machine, architecture, machine);
    }
}
