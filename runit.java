///usr/bin/env jbang "$0" "$@" ; exit $?
//JAVA 17+
//SOURCES lib/**.java

import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Optional;
import lib.Accelerator;
import lib.Architecture;
import lib.Boot;
import lib.BootContract;
import lib.Claim;
import lib.Disks;
import lib.Machine;
import lib.Network;
import lib.Qemu;
import lib.Workspace;
import lib.tool.Cli;
import lib.tool.Console;
import lib.tool.Failure;
import lib.tool.Guard;
import lib.tool.Shell;
import lib.tool.Shell.Command;
import picocli.CommandLine;
import picocli.CommandLine.Option;

@CommandLine.Command(name = "runit.java", sortOptions = false, usageHelpWidth = 110,
        description = "Boots the image that build.java made on a virtual machine: by hand on this terminal, or as a test with --check.",
        footerHeading = "%nExit codes:%n", footer = {
            "  0 done; with --check: the boot met its contract",
            "  1 the run failed    2 wrong command line or configuration    3 this machine lacks something",
            "  4 a line is missing or forbidden    5 the kernel panicked    6 out of time    7 the hypervisor failed",
            "  130 interrupted", "",
            "Variables: MEMORY, NUM_DISKS, DISK_SIZE, DEBUG; an option beats its variable."})
class Runit implements Cli.Script {
    @Option(names = "-C", paramLabel = "DIR", description = "Workspace: the folder that holds config/ and dist/ (default: found upwards from here).")
    Optional<Path> folder;
    @Option(names = "--kernel", paramLabel = "FILE", description = "Image to boot (default: dist/vmlinuz.efi of the workspace).")
    Optional<Path> kernel;
    @Option(names = "--initrd", paramLabel = "FILE", description = "Archive that the kernel unpacks over its own initramfs.")
    Optional<Path> initrd;
    @Option(names = "--cmdline", paramLabel = "TEXT", description = "Kernel command line (default: console=ttyS0; with --efi only what is built in).")
    Optional<String> cmdline;
    @Option(names = "--name", paramLabel = "NAME", defaultValue = "default", description = "Machine to run; its disks and logs are in vm/NAME (${DEFAULT-VALUE}).")
    String name;
    @Option(names = "--memory", paramLabel = "MiB", defaultValue = "${env:MEMORY:-2048}", description = "Memory of the guest (MEMORY, 2048).")
    int memory;
    @Option(names = "--cpus", paramLabel = "N", defaultValue = "2", description = "Processors of the guest (${DEFAULT-VALUE}).")
    int cpus;
    @Option(names = "--disks", paramLabel = "N", defaultValue = "${env:NUM_DISKS:-1}", description = "Virtio disks (NUM_DISKS, 1); kept between runs.")
    int disks;
    @Option(names = "--disk-size", paramLabel = "SIZE", defaultValue = "${env:DISK_SIZE}", description = "Size of a new disk (DISK_SIZE, 20G); it takes only what is written.")
    Optional<String> diskSize;
    @Option(names = "--reset", description = "Make the disks anew.")
    boolean reset;
    @Option(names = "--net", paramLabel = "user|none", defaultValue = "user", description = "Network card: behind this machine, or none (${DEFAULT-VALUE}).")
    Net net;
    @Option(names = "--port", paramLabel = "HOST:GUEST", description = "Let a port of localhost lead to one of the guest; may be repeated.")
    List<String> ports = List.of();
    @Option(names = "--accel", paramLabel = "auto|kvm|tcg", defaultValue = "auto", description = "KVM, or translation (slow); auto takes KVM where a probe shows that it works.")
    Accelerator.Wanted accel;
    @Option(names = "--efi", description = "Boot from an EFI system partition through UEFI firmware, as a real machine does.")
    boolean efi;
    @Option(names = "--check", description = "Boot, hold the console against the contract, end the guest.")
    boolean check;
    @Option(names = "--expect", paramLabel = "FILE", description = "The contract (default: boot.expect of the configuration that the image was built from).")
    Optional<Path> expect;
    @Option(names = "--timeout", paramLabel = "SECONDS", description = "Time for the whole boot (default: the contract's, else 120).")
    Optional<Double> timeout;
    @Option(names = {"-h", "--help"}, usageHelp = true, description = "Show this help.")
    boolean help;
    @Option(names = "--debug", description = "Show commands and stack traces (DEBUG=1).")
    boolean debug = "1".equals(System.getenv("DEBUG"));

    enum Net { USER, NONE }

    private Console console;
    private Shell shell;

    public static void main(String... args) {
        Cli.main(new Runit(), args);
    }

    @Override
    public boolean debug() {
        return debug;
    }

    @Override
    public Integer call() {
        console = Console.stderr(debug);
        shell = new Shell(console);
        Workspace workspace = Workspace.find(folder, Optional.empty());
        Path image = image(workspace);
        Optional<BootContract> contract = check ? Optional.of(contract(workspace)) : Optional.empty();
        Path place = workspace.machines().resolve(name);
        try (Claim claim = Claim.of(name, place)) {
            Machine machine = new Machine(name, place, payload(image), memory, cpus, disks(place), network(place));
            Qemu qemu = Qemu.of(machine, accel, shell);
            return contract.isPresent() ? test(qemu, contract.get(), claim) : run(qemu, claim);
        }
    }

    private Path image(Workspace workspace) {
        Path image = kernel.orElse(workspace.image()).toAbsolutePath();
        if (!Files.isRegularFile(image)) {
            throw Failure.usage("there is no image " + image, kernel.isPresent() ? "--kernel takes a kernel file" : "build it first: ./jbang build.java");
        }
        return image;
    }

    private BootContract contract(Workspace workspace) {
        BootContract contract = BootContract.find(expect, workspace);
        return timeout.map(contract::within).orElse(contract);
    }

    private Machine.Payload payload(Path image) {
        String text = cmdline.orElse("console=" + Architecture.of(image).console());
        String ending = check && !text.contains("panic=") ? text + " panic=-1" : text;
        return new Machine.Payload(image, initrd.map(Path::toAbsolutePath), efi && cmdline.isEmpty() ? Optional.empty() : Optional.of(ending), efi);
    }

    private List<Path> disks(Path place) {
        Disks wanted = new Disks(place, disks, Disks.parseSize(diskSize.orElse("20G")), diskSize.isPresent());
        if (reset && confirmed(wanted.holdingData(shell))) {
            wanted.delete();
        }
        return wanted.prepare();
    }

    private boolean confirmed(List<Path> holdingData) {
        if (holdingData.isEmpty() || System.console() == null) {
            return true;
        }
        String answer = System.console().readLine("%s%nhold data, which will be lost. Make the disks anew? [y/N] ",
                String.join("\n", holdingData.stream().map(Path::toString).toList()));
        if (answer == null || !answer.strip().toLowerCase().startsWith("y")) {
            throw new Failure("the disks are left as they are", "run without --reset to keep using them");
        }
        return true;
    }

    private Network network(Path place) {
        return net == Net.NONE ? new Network.None()
                : new Network.User(Network.mac(place.toString()), ports.stream().map(Network.Forward::parse).toList());
    }

    /** On this terminal, until the guest ends or the user quits. */
    private int run(Qemu qemu, Claim claim) {
        console.say(qemu.describe() + "; quit with Ctrl-a x");
        Process process = shell.open(Command.of(qemu.argv(Qemu.Serial.TERMINAL)), ProcessBuilder::inheritIO);
        try (Guard guard = Guard.over(process, shell, List.of())) {
            claim.record(Claim.Running.of("qemu", process.toHandle(), false, qemu.describe()));
            int code = guard.join();
            if (code != 0) {
                throw new Failure("QEMU ended with exit code " + code, "its message is above").exit(7);
            }
            return 0;
        }
    }

    /** As a test. */
    private int test(Qemu qemu, BootContract contract, Claim claim) {
        Machine machine = qemu.machine();
        console.say(qemu.describe() + "; contract: " + contract.source() + ", " + contract.must().size() + " lines within " + contract.seconds() + " s");
        Process process = shell.open(Command.of(qemu.argv(Qemu.Serial.OUTPUT)), streams -> streams.redirectError(machine.hypervisorLog().toFile()));
        try (Guard guard = Guard.over(process, shell, List.of())) {
            claim.record(Claim.Running.of("qemu", process.toHandle(), false, qemu.describe()));
            Boot.Outcome outcome = new Boot(contract, console::say).watch(guard.child(), machine.hypervisorLog());
            outcome.demand(machine.bootLog());
            System.out.printf(java.util.Locale.ROOT, "boot contract met in %.1f s: %d of %d lines%n", outcome.seconds(), contract.must().size(), contract.must().size());
            return 0;
        }
    }
}
