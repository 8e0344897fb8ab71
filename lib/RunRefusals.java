package lib;

import java.util.List;
import java.util.Locale;
import java.util.regex.Pattern;
import java.util.stream.Stream;
import lib.tool.Failure;

/** What runit.java refuses of its options: names and numbers that cannot be, and what would mean nothing where it is said. */
record RunRefusals(RunOptions options) {
    /** The machine's folder: no path that leads out of vm/, or deeper than clean.java looks. */
    private static final Pattern NAME = Pattern.compile("[A-Za-z0-9][A-Za-z0-9_.-]*");
    /** Seconds; a contract does not take more either. */
    private static final double LONGEST = 999_999;

    /**
     * Options that mean something in some runs only.
     *
     * @param names parted by spaces
     * @param fits whether this is such a run
     * @param with what they go with
     */
    private record Fitting(String names, boolean fits, String with) { }

    void require() {
        requireName();
        requireNumbers();
        fittings().stream().filter(one -> !one.fits()).forEach(one -> Stream.of(one.names().split(" ")).filter(options::given).findFirst().ifPresent(name -> {
            throw Failure.usage(name + " goes with " + one.with(), "leave it out: this run would not heed it");
        }));
        boolean several = !options.mode.matrix.isEmpty();
        requireQemu("--chaos", !options.mode.chaos.isEmpty());
        requireQemu("--icount", options.test.icount && !several);
        requireQemu("--accel tcg", options.hardware.accel == Accelerator.Wanted.TCG && !several);
        if (options.test.icount && options.hardware.accel == Accelerator.Wanted.KVM) {
            throw Failure.usage("--accel kvm does not go with --icount: KVM counts no instructions", "leave out one of the two");
        }
        if (options.starts()) {
            requireCard(options.net());
        }
    }

    /** What is said of another network card than the machine's is a mistake; BRIDGE, which is always there, only proposes. */
    private void requireCard(RunOptions.Net net) {
        String has = ", and this machine has --net " + net.name().toLowerCase(Locale.ROOT);
        if (net != RunOptions.Net.USER && !options.hardware.ports.isEmpty()) {
            throw Failure.usage("--port goes with --net user of QEMU" + has, "leave --port out: in a bridge the guest is reached at its own address; or add --net user");
        }
        if (net != RunOptions.Net.TAP && options.given("--bridge")) {
            throw Failure.usage("--bridge goes with --net tap" + has, "leave out one of the two");
        }
    }

    private void requireName() {
        if (!NAME.matcher(options.hardware.name).matches()) {
            throw Failure.usage("not a name for a machine: " + options.hardware.name, "letters, digits, _ . -, beginning with a letter or a digit; its folder is vm/NAME");
        }
    }

    private void requireNumbers() {
        requireAtLeast("--disks", 0, options.hardware.disks);
        requireAtLeast("--cpus", 1, options.hardware.cpus);
        requireAtLeast("--memory", 1, options.hardware.memory);
        requireAtLeast("--repeat", 1, options.test.repeat);
        options.mode.matrix.forEach(memory -> requireAtLeast("--matrix", 1, memory));
        options.test.timeout.filter(seconds -> !(seconds <= LONGEST && (seconds > 0 || seconds == 0 && options.mode.stop))).ifPresent(seconds -> {
            throw Failure.usage("--timeout " + seconds + " is no time to wait", "it takes seconds, up to 999999; 0 with --stop: no time to power off");
        });
        BootReport.percent(options.test.maxSlower);
        options.test.baseline.ifPresent(BootReport::requireBaseline);
        if (options.mode.findMinMemory) {
            BootFloor.requireRoom(options.hardware.memory);
        }
    }

    private static void requireAtLeast(String name, int least, int number) {
        if (number < least) {
            throw Failure.usage(name + " " + number + " is too little", "it takes a number from " + least + " on");
        }
    }

    private List<Fitting> fittings() {
        RunOptions.Mode mode = options.mode;
        boolean table = !mode.matrix.isEmpty() || !mode.chaos.isEmpty();
        return List.of(
                // What describes the machine does no harm where it is not started.
                new Fitting("--reset", options.starts(), "a machine that is to be started"),
                new Fitting("--repeat --baseline --max-slower", mode.check, "--check"),
                new Fitting("--max-slower", options.test.baseline.isPresent(), "--baseline"),
                new Fitting("--junit", mode.check || table, "--check, --matrix and --chaos"),
                new Fitting("--expect", options.tests(), "--check, --matrix, --find-min-memory and --chaos"),
                new Fitting("--timeout", options.tests() || mode.stop, "--check, --matrix, --find-min-memory, --chaos and --stop"),
                new Fitting("--json", options.tests() || mode.status, "--status and everything that boots as a test"),
                new Fitting("--hypervisor --memory", mode.matrix.isEmpty(), "one way to boot: --matrix has its own"),
                new Fitting("--efi --net --port --bridge", mode.chaos.isEmpty(), "a machine as it should be: --chaos has its own firmware and cards"));
    }

    private void requireQemu(String option, boolean wanted) {
        if (wanted && options.hardware.hypervisor == RunOptions.Program.CH) {
            throw Failure.usage(option + " is for QEMU", "add --hypervisor qemu");
        }
    }
}
