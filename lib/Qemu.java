package lib;

import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.stream.Collectors;
import lib.tool.Failure;
import lib.tool.Shell;

/**
 * A machine on QEMU: only virtio devices, nothing by default, no reboot (a guest that reboots ends the run).
 *
 * @param uefi firmware, for payloads that ask for it
 */
public record Qemu(Machine machine, Architecture architecture, Accelerator accelerator, Optional<Uefi> uefi) {
    /** Where the serial console goes. */
    public enum Serial {
        /** To the terminal that runit.java runs on, with QEMU's monitor one key away. */
        TERMINAL,
        /** To standard output only. */
        OUTPUT,
        /** To a socket, with the process in the background. */
        SOCKET
    }

    /** Takes what the machine needs from this computer; a Failure says what is missing. */
    public static Qemu of(Machine machine, Accelerator.Wanted accel, Shell shell) {
        Architecture architecture = Architecture.of(machine.payload().kernel());
        if (Shell.which(architecture.qemu).isEmpty()) {
            throw Failure.machine("the program " + architecture.qemu + " is not installed",
                    "build.java --check-deps shows how to install it");
        }
        Optional<Uefi> uefi = machine.payload().efi() ? Optional.of(Uefi.find(architecture)) : Optional.empty();
        uefi.ifPresent(firmware -> firmware.prepare(variables(machine), esp(machine), machine.payload().kernel(), architecture));
        return new Qemu(machine, architecture, Accelerator.choose(accel, architecture, shell), uefi);
    }

    private static Path variables(Machine machine) {
        return machine.folder().resolve("efivars.fd");
    }

    private static Path esp(Machine machine) {
        return machine.folder().resolve("esp");
    }

    /** The whole command line of QEMU. */
    public List<String> argv(Serial serial) {
        List<String> argv = new ArrayList<>(List.of(architecture.qemu, "-name", "mos-" + machine.name(), "-nodefaults", "-no-user-config",
                "-machine", architecture.machine, "-accel", accelerator.name(), "-cpu", accelerator.name().equals("kvm") ? "host" : "max",
                "-m", Integer.toString(machine.memory()), "-smp", Integer.toString(machine.cpus()),
                "-display", "none", "-no-reboot", "-device", "virtio-rng-pci",
                "-qmp", "unix:" + escape(machine.control()) + ",server=on,wait=off"));
        argv.addAll(payload());
        argv.addAll(serial(serial));
        argv.addAll(disks());
        argv.addAll(network());
        return argv;
    }

    private List<String> payload() {
        Machine.Payload payload = machine.payload();
        List<String> argv = new ArrayList<>();
        uefi.ifPresent(firmware -> argv.addAll(List.of(
                "-drive", "if=pflash,unit=0,format=raw,readonly=on,file=" + escape(firmware.code()),
                "-drive", "if=pflash,unit=1,format=raw,file=" + escape(variables(machine)))));
        if (payload.efi() && payload.cmdline().isEmpty() && payload.initrd().isEmpty()) {
            // on AHCI or USB, so that the guest's virtio disks keep their names
            argv.addAll(List.of("-drive", "if=none,id=esp,format=raw,readonly=on,file=fat:" + escape(esp(machine)),
                    "-device", "qemu-xhci", "-device", "usb-storage,drive=esp,bootindex=0"));
            return argv;
        }
        argv.addAll(List.of("-kernel", payload.kernel().toString()));
        payload.initrd().ifPresent(file -> argv.addAll(List.of("-initrd", file.toString())));
        payload.cmdline().ifPresent(text -> argv.addAll(List.of("-append", text)));
        return argv;
    }

    private List<String> serial(Serial serial) {
        return switch (serial) {
            case TERMINAL -> List.of("-serial", "mon:stdio");
            case OUTPUT -> List.of("-chardev", "stdio,id=console,signal=off,logfile=" + escape(machine.bootLog()), "-serial", "chardev:console");
            case SOCKET -> List.of("-chardev", "socket,id=console,path=" + escape(machine.console()) + ",server=on,wait=off,mux=on,logfile="
                    + escape(machine.bootLog()), "-serial", "chardev:console", "-mon", "chardev=console,mode=readline", "-daemonize",
                    "-pidfile", machine.folder().resolve("pid").toString());
        };
    }

    private List<String> disks() {
        List<String> argv = new ArrayList<>();
        for (int i = 0; i < machine.disks().size(); i++) {
            argv.addAll(List.of("-drive", "if=none,id=disk" + i + ",format=raw,discard=unmap,file=" + escape(machine.disks().get(i)),
                    "-device", "virtio-blk-pci,drive=disk" + i + ",serial=disk" + i));
        }
        return argv;
    }

    private List<String> network() {
        if (machine.network() instanceof Network.User user) {
            String forwards = user.forwards().stream().map(f -> ",hostfwd=tcp:127.0.0.1:" + f.host() + "-:" + f.guest()).collect(Collectors.joining());
            return List.of("-netdev", "user,id=net0" + forwards, "-device", card(user.mac()));
        }
        return List.of();
    }

    /** Without its boot ROM, which would only cost time: nothing is booted from the network. */
    private static String card(String mac) {
        return "virtio-net-pci,netdev=net0,romfile=,mac=" + mac;
    }

    /** A path inside an option: commas are doubled. */
    static String escape(Path path) {
        return path.toString().replace(",", ",,");
    }

    /** For the status line. */
    public String describe() {
        return "machine " + machine.name() + ": QEMU " + architecture.machine + (uefi.isPresent() ? " with UEFI" : "") + ", " + accelerator.why()
                + ", " + machine.describe();
    }
}
