package lib;

import java.nio.file.Path;
import java.util.List;
import java.util.Optional;
import java.util.stream.Stream;
import lib.tool.Shell;
import lib.tool.Shell.Command;

/**
 * A virtual machine as the user asked for it; nothing in it depends on the hypervisor.
 *
 * @param name tells machines that run side by side apart
 * @param folder its state: disks, sockets, logs; all its files are in there
 * @param memory MiB
 * @param disks their files, in the order in which the guest sees them
 */
public record Machine(String name, Path folder, Payload payload, int memory, int cpus, List<Path> disks, Network network) {

    /**
     * What is booted, and how.
     *
     * @param initrd unpacked by the kernel over the initramfs that it embeds
     * @param cmdline the kernel's command line; empty: only the one that is built into the kernel
     * @param efi boot through UEFI firmware
     * @param url where iPXE finds its script: the firmware boots from the network card and nothing else
     */
    public record Payload(Path kernel, Optional<Path> initrd, Optional<String> cmdline, boolean efi, Optional<String> url) {
        public Payload(Path kernel, Optional<Path> initrd, Optional<String> cmdline, boolean efi) {
            this(kernel, initrd, cmdline, efi, Optional.empty());
        }
    }

    /** The same with another memory. */
    Machine with(int otherMemory) {
        return new Machine(name, folder, payload, otherMemory, cpus, disks, network);
    }

    /** The same with something else to boot, or booted in another way. */
    Machine with(Payload other) {
        return new Machine(name, folder, other, memory, cpus, disks, network);
    }

    /** The same with another network card. */
    Machine with(Network other) {
        return new Machine(name, folder, payload, memory, cpus, disks, other);
    }

    /** Variable in the hypervisor's environment, by which a later run finds one that was not put on record. */
    static final String MARK = "MOS_MACHINE";

    /** The command that runs this machine, marked as this machine's. */
    Command command(List<String> argv) {
        return Command.of(argv).with(MARK, folder.toString());
    }

    /**
     * The same in a session of its own, where there is the program for that: Ctrl-C reaches the whole foreground group, and a hypervisor
     * that ends by it looks like a guest that has ended.
     */
    Command commandApart(List<String> argv) {
        return command(Shell.which("setsid").isPresent() ? Stream.concat(Stream.of("setsid"), argv.stream()).toList() : argv);
    }

    /** The hypervisor's control socket: QMP of QEMU, the HTTP API of cloud-hypervisor. */
    public Path control() {
        return control(folder);
    }

    static Path control(Path folder) {
        return folder.resolve("control.sock");
    }

    /** Socket of the serial console; there while the machine runs detached. */
    public Path console() {
        return console(folder);
    }

    static Path console(Path folder) {
        return folder.resolve("console.sock");
    }

    /** What the guest said on its serial console in the last run, as it came. */
    public Path bootLog() {
        return bootLog(folder);
    }

    static Path bootLog(Path folder) {
        return folder.resolve("boot.log");
    }

    /** What the hypervisor itself said in the last run. */
    public Path hypervisorLog() {
        return folder.resolve("hypervisor.log");
    }

    /** For the status line: {@code 2 CPUs, 2048 MiB, 1 disk, user network}. */
    String describe() {
        return count(cpus, "CPU") + ", " + memory + " MiB, " + count(disks.size(), "disk") + ", " + network.describe();
    }

    private static String count(int number, String what) {
        return number + " " + what + (number == 1 ? "" : "s");
    }
}
