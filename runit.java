///usr/bin/env jbang "$0" "$@" ; exit $?
//JAVA 17+
//SOURCES lib/**.java

import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.stream.Stream;
import lib.Accelerator;
import lib.Architecture;
import lib.Background;
import lib.Boot;
import lib.BootContract;
import lib.BootReport;
import lib.BuildPage;
import lib.Claim;
import lib.CloudHypervisor;
import lib.Disks;
import lib.Hypervisor;
import lib.Machine;
import lib.Network;
import lib.Qemu;
import lib.Session;
import lib.Workspace;
import lib.tool.Cli;
import lib.tool.Console;
import lib.tool.Failure;
import lib.tool.Json;
import lib.tool.Shell;
import picocli.CommandLine.ArgGroup;
import picocli.CommandLine.Command;
import picocli.CommandLine.Option;

/** Boots an image on a virtual machine. Options first, then what each way to run does. */
@Command(name = "runit.java", sortOptions = false, usageHelpWidth = 110, abbreviateSynopsis = true,
        description = {"Boots the image that build.java made on a virtual machine: on this terminal, in the background, or as a test.", ""},
        exitCodeListHeading = "%nExit codes:%n",
        exitCodeList = {"0:done; with --check: the boot met its contract", "1:the run failed; with --status: the machine does not run",
            "2:wrong command line or configuration", "3:this machine lacks something", "4:a line is missing or forbidden, or boots became slower",
            "5:the kernel panicked", "6:out of time", "7:the hypervisor failed", "130:interrupted"},
        footer = {"", "An option beats its variable (in capitals above); DEBUG=1 is --debug.", "", "Examples:",
            "  ./jbang runit.java                             boot on this terminal, leave with Ctrl-a x",
            "  ./jbang runit.java --check                     boot, hold the console against config/boot.expect",
            "  ./jbang runit.java --detach --port 8080:80     boot in the background, with a port into the guest"})
final class Runit implements Cli.Script {
    @ArgGroup(exclusive = true)
    Mode mode = new Mode();

    @ArgGroup(exclusive = false, heading = "%nWhat is booted:%n")
    Image image = new Image();

    @ArgGroup(exclusive = false, heading = "%nThe machine:%n")
    Hardware hardware = new Hardware();

    @ArgGroup(exclusive = false, heading = "%nWith --check:%n")
    Test test = new Test();

    @Option(names = "-C", paramLabel = "DIR", description = "Workspace: the folder with config/ and dist/ (default: upwards from here).")
    Optional<Path> folder;
    @Option(names = "--json", description = "Results as JSON, with --check and --status.")
    boolean json;
    @Option(names = {"-q", "--quiet"}, description = "Print nothing on stderr but failures and what the guest says.")
    boolean quiet;
    @Option(names = "--debug", description = "Show commands and stack traces.")
    boolean debug = "1".equals(System.getenv("DEBUG"));
    @Option(names = {"-h", "--help"}, usageHelp = true, description = "Show this help.")
    boolean help;

    static final class Mode {
        @Option(names = "--check", description = "Boot, hold the console against the contract, end the guest.")
        boolean check;
        @Option(names = "--detach", description = "Run in the background.")
        boolean detach;
        @Option(names = "--attach", description = "Join this terminal to a machine in the background; leave with Ctrl-a d.")
        boolean attach;
        @Option(names = "--status", description = "Say whether the machine runs.")
        boolean status;
        @Option(names = "--stop", description = "End the machine: by its power button, and by force when the guest does not listen.")
        boolean stop;
    }

    static final class Image {
        @Option(names = "--kernel", paramLabel = "FILE", description = "Image to boot (default: dist/vmlinuz.efi).")
        Optional<Path> kernel = Optional.empty();
        @Option(names = "--initrd", paramLabel = "FILE", description = "Archive that the kernel unpacks over its own initramfs.")
        Optional<Path> initrd = Optional.empty();
        @Option(names = "--cmdline", paramLabel = "TEXT", description = "Kernel command line (default: console=ttyS0).")
        Optional<String> cmdline = Optional.empty();
        @Option(names = "--efi", description = "Boot through UEFI firmware: from an EFI system partition with the image as EFI/BOOT/BOOTX64.EFI, so"
                + " only its built-in command line holds; with --cmdline or --initrd the firmware gets the image directly.")
        boolean efi;
    }

    static final class Hardware {
        @Option(names = "--hypervisor", paramLabel = "qemu|ch", defaultValue = "${env:HYPERVISOR:-qemu}", description = "QEMU or cloud-hypervisor (HYPERVISOR, qemu).")
        Program hypervisor;
        @Option(names = "--name", paramLabel = "NAME", defaultValue = "default", description = "Machine; its disks and logs are in vm/NAME (${DEFAULT-VALUE}).")
        String name;
        @Option(names = "--memory", paramLabel = "MiB", defaultValue = "${env:MEMORY:-2048}", description = "Memory (MEMORY, 2048).")
        int memory;
        @Option(names = "--cpus", paramLabel = "N", defaultValue = "2", description = "Processors (${DEFAULT-VALUE}).")
        int cpus;
        @Option(names = "--accel", paramLabel = "auto|kvm|tcg", defaultValue = "auto", description = "KVM, or translation (slow); auto: KVM where a probe shows that it works.")
        Accelerator.Wanted accel;
        @Option(names = "--disks", paramLabel = "N", defaultValue = "${env:NUM_DISKS:-1}", description = "Virtio disks, kept between runs (NUM_DISKS, 1).")
        int disks;
        @Option(names = "--disk-size", paramLabel = "SIZE", defaultValue = "${env:DISK_SIZE}", description = "Size of a new disk; it takes only what is written (DISK_SIZE, 20G).")
        Optional<String> diskSize = Optional.empty();
        @Option(names = "--disk-format", paramLabel = "raw|qcow2", description = "Format of a new disk (raw).")
        Optional<Disks.Format> diskFormat = Optional.empty();
        @Option(names = "--reset", description = "Make the disks anew.")
        boolean reset;
        @Option(names = "--net", paramLabel = "user|tap|none", description = "Network card: behind this computer, or in a bridge (user; tap with --bridge or ch).")
        Optional<Net> net = Optional.empty();
        @Option(names = "--port", paramLabel = "HOST:GUEST", description = "Let a port of localhost lead to one of the guest; may be repeated.")
        List<String> ports = List.of();
        @Option(names = "--bridge", paramLabel = "NAME", defaultValue = "${env:BRIDGE}", description = "Bridge of --net tap, made when missing (BRIDGE, mosbr).")
        Optional<String> bridge = Optional.empty();
    }

    static final class Test {
        @Option(names = "--expect", paramLabel = "FILE", description = "The contract (default: boot.expect of the configuration that the image was built from).")
        Optional<Path> expect = Optional.empty();
        @Option(names = "--timeout", paramLabel = "SECONDS", description = "Time for the whole boot (default: what the contract says, else 120); with --stop, for the guest to power off (20).")
        Optional<Double> timeout = Optional.empty();
        @Option(names = "--repeat", paramLabel = "N", defaultValue = "1", description = "Boot N times; report median and spread.")
        int repeat;
        @Option(names = "--baseline", paramLabel = "FILE", description = "An earlier --json report that boots may not fall behind.")
        Optional<Path> baseline = Optional.empty();
        @Option(names = "--max-slower", paramLabel = "PERCENT", defaultValue = "10", description = "How far behind the baseline is fine (10).")
        String maxSlower;
        @Option(names = "--icount", description = "Let the guest's clock count instructions, on one processor: stable times without KVM.")
        boolean icount;
        @Option(names = "--junit", paramLabel = "FILE", description = "Write the result for CI systems.")
        Optional<Path> junit = Optional.empty();
    }

    enum Net { USER, TAP, NONE }

    enum Program { QEMU, CH }

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
        console = Console.stderr(debug).quiet(quiet);
        shell = new Shell(console);
        Workspace workspace = Workspace.find(folder, Optional.empty());
        Path place = workspace.machines().resolve(hardware.name);
        if (mode.attach || mode.status || mode.stop) {
            return toRunning(new Background(hardware.name, place, shell, console));
        }
        Path kernel = kernel(workspace);
        Optional<BootContract> contract = mode.check ? Optional.of(contract(workspace)) : Optional.empty();
        try (Claim claim = Claim.of(hardware.name, place, shell)) {
            Session session = new Session(hypervisor(kernel, place), claim, shell, console);
            contract.ifPresentOrElse(rules -> check(session, rules, workspace), mode.detach ? session::inBackground : session::onTerminal);
            return 0;
        }
    }

    private int toRunning(Background machine) {
        if (mode.attach) {
            machine.attach(System.out);
        } else if (mode.stop) {
            machine.stop(Duration.ofMillis((long) (test.timeout.orElse(20.0) * 1000)));
        } else {
            Background.Status status = machine.status();
            System.out.print(json ? Json.pretty(status) : status + "\n");
            return status.running() ? 0 : Failure.BUILD;
        }
        return 0;
    }

    private Hypervisor hypervisor(Path kernel, Path place) {
        Machine machine = new Machine(hardware.name, place, payload(kernel), hardware.memory, test.icount ? 1 : hardware.cpus, disks(place), network(place));
        return hardware.hypervisor == Program.CH ? CloudHypervisor.of(machine, shell) : Qemu.of(machine, guest -> test.icount ? Accelerator.COUNTING : Accelerator.choose(hardware.accel, guest, shell), shell);
    }

    private Path kernel(Workspace workspace) {
        Path file = image.kernel.orElse(workspace.image()).toAbsolutePath();
        if (!Files.isRegularFile(file)) {
            throw Failure.usage("there is no image " + file, image.kernel.isPresent() ? "--kernel takes a kernel file" : "build it first: ./jbang build.java");
        }
        return file;
    }

    private Machine.Payload payload(Path kernel) {
        image.initrd.filter(file -> !Files.isRegularFile(file)).ifPresent(file -> {
            throw Failure.usage("there is no file " + file, "--initrd takes a cpio archive");
        });
        String text = image.cmdline.orElse("console=" + Architecture.of(kernel).console());
        boolean fromPartition = image.efi && image.cmdline.isEmpty() && image.initrd.isEmpty();
        String ending = mode.check && !text.contains("panic=") ? text + " panic=-1" : text;
        return new Machine.Payload(kernel, image.initrd.map(Path::toAbsolutePath), fromPartition ? Optional.empty() : Optional.of(ending), image.efi);
    }

    private List<Path> disks(Path place) {
        Disks disks = new Disks(place, hardware.disks, Disks.parseSize(hardware.diskSize.orElse("20G")), hardware.diskSize.isPresent(), hardware.diskFormat, shell);
        if (hardware.reset) {
            agreed(disks.holdingData());
            disks.delete();
        }
        return disks.prepare();
    }

    /** Asks before data is lost, where somebody can answer. */
    private void agreed(List<Path> lost) {
        if (!lost.isEmpty() && System.console() != null) {
            String answer = System.console().readLine("%s hold data, which will be lost. Make the disks anew? [y/N] ", lost);
            if (answer == null || !answer.strip().toLowerCase(java.util.Locale.ROOT).startsWith("y")) {
                throw new Failure("the disks are left as they are", "run without --reset to keep using them");
            }
        }
    }

    private Network network(Path place) {
        return switch (hardware.net.orElse(hardware.bridge.isPresent() || hardware.hypervisor == Program.CH ? Net.TAP : Net.USER)) {
            case USER -> Network.user(place.toString(), hardware.ports.stream().map(Network.Forward::parse).toList());
            case TAP -> Network.tap(place.toString(), hardware.bridge.orElse("mosbr"));
            case NONE -> new Network.None();
        };
    }

    private BootContract contract(Workspace workspace) {
        BootContract contract = BootContract.find(test.expect, workspace);
        return test.timeout.map(contract::within).orElse(contract);
    }

    private void check(Session session, BootContract contract, Workspace workspace) {
        double maxSlower = BootReport.percent(test.maxSlower);
        List<Boot.Outcome> outcomes = new ArrayList<>();
        do {
            outcomes.add(session.watch(contract));
        } while (outcomes.size() < test.repeat && outcomes.get(outcomes.size() - 1).met());
        BootReport report = BootReport.of(hardware.name, contract, outcomes, test.icount);
        test.junit.ifPresent(file -> report.writeJunit(file, contract));
        if (image.kernel.isEmpty() && image.initrd.isEmpty()) {
            BuildPage.booted(workspace.dist(), report);
        }
        Stream.of(json ? Json.pretty(report) : report.text()).filter(text -> json || outcomes.stream().allMatch(Boot.Outcome::met)).forEach(System.out::print);
        outcomes.forEach(outcome -> outcome.demand(session.hypervisor().machine().bootLog()));
        test.baseline.ifPresent(file -> report.compareTo(file, maxSlower));
    }
}
