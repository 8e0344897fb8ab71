package lib;

import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Locale;
import java.util.Optional;
import lib.tool.Failure;
import lib.tool.Shell;
import picocli.CommandLine.ArgGroup;
import picocli.CommandLine.IDefaultValueProvider;
import picocli.CommandLine.Model.ArgSpec;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.Spec;

/** The command line of runit.java, in the order of --help, and the machine that it asks for. */
public final class RunOptions {
    @ArgGroup(exclusive = true)
    public Mode mode = new Mode();

    @ArgGroup(exclusive = false, heading = "%nWhat is booted:%n")
    public Image image = new Image();

    @ArgGroup(exclusive = false, heading = "%nThe machine:%n")
    public Hardware hardware = new Hardware();

    @ArgGroup(exclusive = false, heading = "%nWith --check and what follows it:%n")
    public Test test = new Test();

    @Option(names = "-C", paramLabel = "DIR", description = "Workspace: the folder with config/ and dist/ (default: upwards from here).")
    public Optional<Path> folder;
    @Option(names = "--json", description = "Results as JSON, with --status and everything that boots as a test.")
    public boolean json;
    @Option(names = {"-q", "--quiet"}, description = "Print nothing on stderr but failures and what the guest says.")
    public boolean quiet;
    @Option(names = "--debug", description = "Show commands and stack traces.")
    public boolean debug = "1".equals(System.getenv("DEBUG"));
    @Option(names = {"-h", "--help"}, usageHelp = true, description = "Show this help.")
    public boolean help;

    @Spec(Spec.Target.MIXEE)
    CommandSpec command;

    public static final class Mode {
        @Option(names = "--check", description = "Boot, hold the console against the contract, end the guest.")
        public boolean check;
        @Option(names = "--matrix", arity = "0..1", paramLabel = "MiB", fallbackValue = "512,2048", split = ",",
                description = "Boot the same image in every way (kernel of QEMU, EFI system partition, HTTP through firmware, cloud-hypervisor"
                        + " where it is installed) with each of these memories (512,2048), and print one table.")
        public List<Integer> matrix = List.of();
        @Option(names = "--find-min-memory", description = "Find the smallest memory with which the contract is met, at most --memory,"
                + " and write it to dist/build.json.")
        public boolean findMinMemory;
        @Option(names = "--chaos", arity = "0..1", paramLabel = "NAME", fallbackValue = "all", split = ",",
                description = "Boot with one thing broken at a time, hold each against its part of chaos.expect: no-link, slow-dhcp, no-dns, s3-503,"
                        + " s3-cut, full-disk, dead-card (all).")
        public List<String> chaos = List.of();
        @Option(names = "--detach", description = "Run in the background.")
        public boolean detach;
        @Option(names = "--attach", description = "Join this terminal to a machine in the background; leave with Ctrl-a d.")
        public boolean attach;
        @Option(names = "--status", description = "Say whether the machine runs.")
        public boolean status;
        @Option(names = "--stop", description = "End the machine: by its power button, and by force when the guest does not listen; of one that has ended by itself, remove what it left behind.")
        public boolean stop;
    }

    public static final class Image {
        @Option(names = "--kernel", paramLabel = "FILE", description = "Image to boot (default: dist/vmlinuz.efi).")
        public Optional<Path> kernel = Optional.empty();
        @Option(names = "--initrd", paramLabel = "FILE", description = "Archive that the kernel unpacks over its own initramfs.")
        public Optional<Path> initrd = Optional.empty();
        @Option(names = "--cmdline", paramLabel = "TEXT", description = "Kernel command line (default: console=ttyS0).")
        public Optional<String> cmdline = Optional.empty();
        @Option(names = "--efi", description = "Boot through UEFI firmware: from an EFI system partition with the image as EFI/BOOT/BOOTX64.EFI, so"
                + " only its built-in command line holds; with --cmdline or --initrd the firmware gets the image directly.")
        public boolean efi;
    }

    public static final class Hardware {
        @Option(names = "--hypervisor", paramLabel = "qemu|ch", defaultValue = "${env:HYPERVISOR}", description = "QEMU or cloud-hypervisor (HYPERVISOR, qemu).")
        public Program hypervisor = Program.QEMU;
        @Option(names = "--name", paramLabel = "NAME", defaultValue = "default", description = "Machine; its disks and logs are in vm/NAME (${DEFAULT-VALUE}).")
        public String name;
        @Option(names = "--memory", paramLabel = "MiB", defaultValue = "${env:MEMORY}", description = "Memory (MEMORY, 2048).")
        public int memory = 2048;
        @Option(names = "--cpus", paramLabel = "N", defaultValue = "2", description = "Processors (${DEFAULT-VALUE}).")
        public int cpus;
        @Option(names = "--accel", paramLabel = "auto|kvm|tcg", defaultValue = "auto", description = "KVM, or translation (slow); auto: KVM where a probe shows that it works.")
        public Accelerator.Wanted accel;
        @Option(names = "--disks", paramLabel = "N", defaultValue = "${env:NUM_DISKS}", description = "Virtio disks, kept between runs (NUM_DISKS, 1).")
        public int disks = 1;
        @Option(names = "--disk-size", paramLabel = "SIZE", defaultValue = "${env:DISK_SIZE}", description = "Size of a new disk; it takes only what is written (DISK_SIZE, 20G).")
        public Optional<String> diskSize = Optional.empty();
        @Option(names = "--disk-format", paramLabel = "raw|qcow2", description = "Format of a new disk (raw).")
        public Optional<Disks.Format> diskFormat = Optional.empty();
        @Option(names = "--reset", description = "Make the disks anew.")
        public boolean reset;
        @Option(names = "--net", paramLabel = "user|tap|none", description = "Network card: behind this computer, or in a bridge (user; tap with --bridge or ch).")
        public Optional<Net> net = Optional.empty();
        @Option(names = "--port", paramLabel = "HOST:GUEST", description = "Let a port of localhost lead to one of the guest; may be repeated.")
        public List<String> ports = List.of();
        @Option(names = "--bridge", paramLabel = "NAME", defaultValue = "${env:BRIDGE}", description = "Bridge of --net tap, made when missing (BRIDGE, mosbr).")
        public Optional<String> bridge = Optional.empty();
    }

    public static final class Test {
        @Option(names = "--expect", paramLabel = "FILE", description = "The contract (default: boot.expect, with --chaos chaos.expect, of the configuration that the image was built from).")
        public Optional<Path> expect = Optional.empty();
        @Option(names = "--timeout", paramLabel = "SECONDS", description = "Time for the whole boot (default: what the contract says, else 120); with --stop, for the guest to power off (20).")
        public Optional<Double> timeout = Optional.empty();
        @Option(names = "--repeat", paramLabel = "N", defaultValue = "1", description = "Boot N times; report median and spread.")
        public int repeat;
        @Option(names = "--baseline", paramLabel = "FILE", description = "An earlier --json report that boots may not fall behind.")
        public Optional<Path> baseline = Optional.empty();
        @Option(names = "--max-slower", paramLabel = "PERCENT", defaultValue = "10", description = "How far behind the baseline is fine (10).")
        public String maxSlower;
        @Option(names = "--icount", description = "Let the guest's clock count instructions, on one processor: stable times without KVM.")
        public boolean icount;
        @Option(names = "--junit", paramLabel = "FILE", description = "Write the result for CI systems.")
        public Optional<Path> junit = Optional.empty();
    }

    /** Refuses what cannot be and what would mean nothing, before anything is touched. */
    public void require() {
        new RunRefusals(this).require();
    }

    /** Whether the option is on the command line; a variable only proposes. */
    boolean given(String option) {
        return command.commandLine().getParseResult().hasMatchedOption(option);
    }

    /** Whether a machine is started; else one that runs is spoken to. */
    public boolean starts() {
        return !mode.attach && !mode.status && !mode.stop;
    }

    /** Whether the image boots as a test, not for people. */
    public boolean tests() {
        return mode.check || mode.findMinMemory || !mode.matrix.isEmpty() || !mode.chaos.isEmpty();
    }

    /** The image to boot; a missing one is a Failure. */
    public Path kernel(Workspace workspace) {
        Path file = image.kernel.orElse(workspace.image()).toAbsolutePath();
        if (!Files.isRegularFile(file)) {
            throw Failure.usage("there is no image " + file, image.kernel.isPresent() ? "--kernel takes a kernel file" : "build it first: ./jbang build.java");
        }
        return file;
    }

    /** The machine that the options ask for; its disks may have to be made yet. */
    public Machine machine(Path kernel, Path place, Shell shell) {
        return new Machine(hardware.name, place, payload(kernel), hardware.memory, test.icount ? 1 : hardware.cpus, disks(place, shell).require().files(),
                network(place, hardware.hypervisor == Program.CH));
    }

    /** Makes disks that are missing, with --reset all of them: the last thing before the machine starts, when nothing is left to refuse. */
    public void makeDisks(Path place, Shell shell) {
        Disks disks = disks(place, shell);
        if (hardware.reset) {
            agreed(disks.holdingData());
        }
        disks.prepare();
    }

    /** The hypervisor that the options name, for this machine. */
    public Hypervisor hypervisor(Machine machine, Shell shell) {
        return hardware.hypervisor == Program.CH ? CloudHypervisor.of(machine, shell) : Qemu.of(machine, guest -> accelerator(guest, shell), shell);
    }

    /** What the options say of acceleration, for guests of this processor. */
    public Accelerator accelerator(Architecture guest, Shell shell) {
        return test.icount ? Accelerator.COUNTING : Accelerator.choose(hardware.accel, guest, shell);
    }

    private Machine.Payload payload(Path kernel) {
        image.initrd.filter(file -> !Files.isRegularFile(file)).ifPresent(file -> {
            throw Failure.usage("there is no file " + file, "--initrd takes a cpio archive");
        });
        String text = image.cmdline.orElse("console=" + Architecture.of(kernel).console());
        boolean fromPartition = image.efi && image.cmdline.isEmpty() && image.initrd.isEmpty();
        String ending = tests() && !text.contains("panic=") ? text + " panic=-1" : text;
        return new Machine.Payload(kernel, image.initrd.map(Path::toAbsolutePath), fromPartition ? Optional.empty() : Optional.of(ending), image.efi);
    }

    private Disks disks(Path place, Shell shell) {
        return new Disks(place, hardware.disks, Disks.parseSize(hardware.diskSize.orElse("20G")), hardware.diskSize.isPresent(), hardware.diskFormat, hardware.reset, shell);
    }

    /** Asks before data is lost, where somebody can answer. */
    private static void agreed(List<Path> lost) {
        if (!lost.isEmpty() && System.console() != null) {
            String answer = System.console().readLine("%s hold data, which will be lost. Make the disks anew? [y/N] ", lost);
            if (answer == null || !answer.strip().toLowerCase(Locale.ROOT).startsWith("y")) {
                throw new Failure("the disks are left as they are", "run without --reset to keep using them");
            }
        }
    }

    /** The card of the machine that is asked for. */
    Net net() {
        return net(hardware.hypervisor == Program.CH);
    }

    private Net net(boolean tap) {
        return hardware.net.orElse(hardware.bridge.isPresent() || tap ? Net.TAP : Net.USER);
    }

    /** @param tap no word about the network means a TAP device */
    Network network(Path place, boolean tap) {
        return switch (net(tap)) {
            case USER -> Network.user(place.toString(), hardware.ports.stream().map(Network.Forward::parse).toList());
            case TAP -> Network.tap(place.toString(), hardware.bridge.orElse("mosbr"));
            case NONE -> new Network.None();
        };
    }

    /** What a boot has to meet. */
    public BootContract contract(Workspace workspace) {
        BootContract contract = BootContract.find(test.expect, workspace);
        return test.timeout.map(contract::within).orElse(contract);
    }

    /** An empty variable is as good as none: the option keeps its own value. */
    public static final class Variables implements IDefaultValueProvider {
        @Override
        public String defaultValue(ArgSpec option) {
            return "".equals(option.defaultValue()) ? Option.NULL_VALUE : null;
        }
    }

    /** What --net takes. */
    public enum Net { USER, TAP, NONE }

    /** What --hypervisor takes. */
    public enum Program { QEMU, CH }
}
