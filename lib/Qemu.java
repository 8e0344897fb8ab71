package lib;

import java.io.InputStream;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.function.Function;
import java.util.stream.Collectors;
import lib.tool.Failure;
import lib.tool.Guard;
import lib.tool.Shell;
import lib.tool.Shell.Command;
import lib.tool.Trees;
import lib.tool.UnixSocket;

/**
 * A machine on QEMU: only virtio devices, nothing by default, no reboot (a guest that reboots ends the run).
 *
 * @param uefi firmware, for payloads that ask for it
 * @param more arguments besides those that the machine asks for
 */
public record Qemu(Machine machine, Architecture architecture, Accelerator accelerator, Optional<Uefi> uefi, List<String> more) implements Hypervisor {
    Qemu(Machine machine, Architecture architecture, Accelerator accelerator, Optional<Uefi> uefi) {
        this(machine, architecture, accelerator, uefi, List.of());
    }

    /** Takes what the machine needs from this computer; a Failure says what is missing. {@code accelerator} chooses for a processor. */
    public static Qemu of(Machine machine, Function<Architecture, Accelerator> accelerator, Shell shell) {
        UnixSocket.fitting(machine.console());
        Architecture architecture = Architecture.of(machine.payload().kernel());
        if (Shell.which(architecture.qemu).isEmpty()) {
            throw Failure.machine("the program " + architecture.qemu + " is not installed",
                    "build.java --check-deps shows how to install it");
        }
        Optional<Uefi> uefi = machine.payload().efi() ? Optional.of(Uefi.find(architecture)) : Optional.empty();
        uefi.ifPresent(firmware -> firmware.prepare(variables(machine), esp(machine), machine.payload().kernel(), architecture));
        return new Qemu(machine, architecture, accelerator.apply(architecture), uefi);
    }

    /** The same with further arguments. */
    Qemu with(List<String> arguments) {
        return new Qemu(machine, architecture, accelerator, uefi, List.copyOf(arguments));
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
                "-machine", architecture.machine, "-m", Integer.toString(machine.memory()), "-smp", Integer.toString(machine.cpus()),
                "-display", "none", "-no-reboot", "-device", "virtio-rng-pci",
                "-qmp", "unix:" + escape(machine.control()) + ",server=on,wait=off"));
        argv.addAll(accelerator.argv());
        argv.addAll(payload());
        argv.addAll(serial(serial));
        argv.addAll(disks());
        argv.addAll(network());
        argv.addAll(more);
        return argv;
    }

    private List<String> payload() {
        Machine.Payload payload = machine.payload();
        List<String> argv = new ArrayList<>();
        uefi.ifPresent(firmware -> argv.addAll(List.of(
                "-drive", "if=pflash,unit=0,format=raw,readonly=on,file=" + escape(firmware.code()),
                "-drive", "if=pflash,unit=1,format=raw,file=" + escape(variables(machine)))));
        if (payload.url().isPresent()) {
            return argv;
        }
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
            // -daemonize returns when the machine is set up, so that mistakes show before
            case SOCKET -> List.of("-chardev", "socket,id=console,path=" + escape(machine.console()) + ",server=on,wait=off,mux=on,logfile="
                    + escape(machine.bootLog()), "-serial", "chardev:console", "-mon", "chardev=console,mode=readline", "-daemonize",
                    "-pidfile", pidFile().toString());
        };
    }

    private List<String> disks() {
        List<String> argv = new ArrayList<>();
        for (int i = 0; i < machine.disks().size(); i++) {
            argv.addAll(List.of("-drive", "if=none,id=disk" + i + ",format=" + Disks.Format.of(machine.disks().get(i)).word() + ",discard=unmap,file="
                            + escape(machine.disks().get(i)),
                    "-device", "virtio-blk-pci,drive=disk" + i + ",serial=disk" + i));
        }
        return argv;
    }

    private List<String> network() {
        if (machine.network() instanceof Network.User user) {
            String forwards = user.forwards().stream().map(f -> ",hostfwd=tcp:127.0.0.1:" + f.host() + "-:" + f.guest()).collect(Collectors.joining());
            return machine.payload().url().map(url -> List.of("-netdev", "user,id=net0,bootfile=" + url + forwards, "-device",
                    "virtio-net-pci,netdev=net0,bootindex=0,romfile=" + escape(Uefi.networkBoot(architecture)) + ",mac=" + user.mac()))
                    .orElseGet(() -> List.of("-netdev", "user,id=net0" + forwards, "-device", card(user.mac())));
        }
        if (machine.network() instanceof Network.Tap tap) {
            return List.of("-netdev", "tap,id=net0,script=no,downscript=no,ifname=" + tap.device(), "-device", card(tap.mac()));
        }
        return List.of();
    }

    /** Without its boot ROM, which would only cost time: nothing is booted from the network. */
    static String card(String mac) {
        return "virtio-net-pci,netdev=net0,romfile=,mac=" + mac;
    }

    /** A path inside an option: commas are doubled. */
    static String escape(Path path) {
        return path.toString().replace(",", ",,");
    }

    private Path pidFile() {
        return machine.folder().resolve("pid");
    }

    @Override
    public String name() {
        return "qemu";
    }

    @Override
    public String quitKey() {
        return "Ctrl-a x (Ctrl-a c: monitor)";
    }

    @Override
    public String describe() {
        return "machine " + machine.name() + ": QEMU " + architecture.machine + (uefi.isPresent() ? machine.payload().url().isPresent() ? " with UEFI and iPXE" : " with UEFI" : "") + ", " + accelerator.why()
                + ", " + machine.describe();
    }

    @Override
    public Guard start(Serial serial, Shell shell, List<List<String>> cleanup) {
        Command command = serial == Serial.TERMINAL ? machine.command(argv(serial)) : machine.commandApart(argv(serial));
        return Guard.over(() -> shell.open(command, streams -> {
            if (serial == Serial.TERMINAL) {
                streams.inheritIO();
            } else {
                streams.redirectError(machine.hypervisorLog().toFile());
            }
        }), shell, cleanup, machine.folder().toString());
    }

    @Override
    public InputStream console(Guard started) {
        return started.child().getInputStream();
    }

    @Override
    public int joinTerminal(Guard started, Shell shell) {
        return started.join();
    }

    @Override
    public ProcessHandle background(Shell shell) {
        shell.run(machine.command(argv(Serial.SOCKET)));
        return ProcessHandle.of(Long.parseLong(Trees.read(pidFile()).strip()))
                .orElseThrow(() -> new Failure("QEMU ended at once", "what the guest said is in " + machine.bootLog()));
    }
}
