///usr/bin/env jbang "$0" "$@" ; exit $?
//JAVA 17+
//MAIN Runit
//SOURCES lib/**.java

import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.function.Supplier;
import java.util.stream.Stream;
import lib.Background;
import lib.Boot;
import lib.BootChaos;
import lib.BootContract;
import lib.BootFloor;
import lib.BootMatrix;
import lib.BootReport;
import lib.BootTable;
import lib.BuildPage;
import lib.Claim;
import lib.Machine;
import lib.RunOptions;
import lib.Session;
import lib.Workspace;
import lib.tool.Cli;
import lib.tool.Console;
import lib.tool.Failure;
import lib.tool.Json;
import lib.tool.Shell;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;

/** Boots an image on a virtual machine. Options first, then what each way to run does. */
@Command(name = "runit.java", sortOptions = false, usageHelpWidth = 110, abbreviateSynopsis = true, defaultValueProvider = RunOptions.Variables.class,
        description = {"Boots the image that build.java made on a virtual machine: on this terminal, in the background, or as a test.", ""},
        exitCodeListHeading = "%nExit codes:%n",
        exitCodeList = {"0:done; with --check, --matrix, --chaos: every boot met its contract", "1:the run failed; with --status: the machine does not run",
            "2:wrong command line or configuration", "3:this machine lacks something", "4:a line is missing or forbidden, or boots became slower",
            "5:the kernel panicked", "6:out of time", "7:the hypervisor failed", "130:interrupted"},
        footer = {"", "An option beats its variable (in capitals above); DEBUG=1 is --debug.", "", "Examples:",
            "  ./jbang runit.java                             boot on this terminal, leave with Ctrl-a x",
            "  ./jbang runit.java --check                     boot, hold the console against config/boot.expect",
            "  ./jbang runit.java --matrix                    every way to boot it, with two memories",
            "  ./jbang runit.java --chaos                     with one thing broken at a time",
            "  ./jbang runit.java --detach --port 8080:80     boot in the background, with a port into the guest"})
final class Runit implements Cli.Script {
    @Mixin
    RunOptions options = new RunOptions();

    private Console console;
    private Shell shell;

    public static void main(String... args) {
        Cli.main(new Runit(), args);
    }

    @Override
    public boolean debug() {
        return options.debug;
    }

    @Override
    public Integer call() {
        console = Console.stderr(options.debug).quiet(options.quiet);
        shell = new Shell(console);
        options.require();
        Workspace workspace = Workspace.find(options.folder, Optional.empty());
        String name = options.hardware.name;
        Path place = workspace.machines().resolve(name);
        RunOptions.Mode mode = options.mode;
        if (!options.starts()) {
            return toRunning(new Background(name, place, shell, console));
        }
        Path kernel = options.kernel(workspace);
        if (options.tests() && mode.chaos.isEmpty()) {
            options.contract(workspace); // mistakes in it show before anything is claimed or made
        }
        try (Claim claim = Claim.of(name, place, shell)) {
            Machine machine = options.machine(kernel, place, shell);
            Runnable run = run(machine, claim, workspace);
            options.makeDisks(place, shell);
            run.run();
            return 0;
        }
    }

    /** What the options ask for, ready to begin: what cannot be has been refused, while the disks are still as they were. */
    private Runnable run(Machine machine, Claim claim, Workspace workspace) {
        RunOptions.Mode mode = options.mode;
        if (!mode.matrix.isEmpty()) {
            BootMatrix matrix = new BootMatrix(options, machine, options.contract(workspace), claim, shell, console);
            return () -> matrix.boot(mode.matrix).report(options);
        }
        if (!mode.chaos.isEmpty()) {
            Supplier<BootTable> chaos = new BootChaos(options, machine, claim, shell, console).plan(mode.chaos, workspace);
            return () -> chaos.get().report(options);
        }
        Session session = session(machine, claim);
        if (mode.findMinMemory) {
            return () -> findMinMemory(machine, claim, workspace);
        }
        return mode.check ? () -> check(session, workspace) : mode.detach ? session::inBackground : session::onTerminal;
    }

    private Session session(Machine machine, Claim claim) {
        return new Session(options.hypervisor(machine, shell), claim, shell, console);
    }

    private int toRunning(Background machine) {
        if (options.mode.attach) {
            machine.attach(System.out);
        } else if (options.mode.stop) {
            machine.stop(Duration.ofMillis((long) (options.test.timeout.orElse(20.0) * 1000)));
        } else {
            Background.Status status = machine.status();
            System.out.print(options.json ? Json.pretty(status) : status + "\n");
            return status.running() ? 0 : Failure.BUILD;
        }
        return 0;
    }

    private void check(Session session, Workspace workspace) {
        RunOptions.Test test = options.test;
        BootContract contract = options.contract(workspace);
        double maxSlower = BootReport.percent(test.maxSlower);
        List<Boot.Outcome> outcomes = new ArrayList<>();
        do {
            outcomes.add(session.watch(contract));
        } while (outcomes.size() < test.repeat && outcomes.get(outcomes.size() - 1).met());
        BootReport report = BootReport.of(options.hardware.name, contract, outcomes, test.icount);
        test.junit.ifPresent(file -> report.writeJunit(file, contract));
        if (options.image.kernel.isEmpty() && options.image.initrd.isEmpty()) {
            BuildPage.booted(workspace.dist(), report);
        }
        Stream.of(options.json ? Json.pretty(report) : report.text()).filter(text -> options.json || outcomes.stream().allMatch(Boot.Outcome::met)).forEach(System.out::print);
        outcomes.forEach(outcome -> outcome.demand(session.hypervisor().machine().bootLog()));
        test.baseline.ifPresent(file -> report.compareTo(file, maxSlower));
    }

    private void findMinMemory(Machine machine, Claim claim, Workspace workspace) {
        BootFloor floor = BootFloor.of(machine, options.contract(workspace), sized -> session(sized, claim), console);
        boolean stored = options.image.initrd.isEmpty() && floor.store(workspace.dist(), machine.payload().kernel());
        console.say(stored ? "written to " + workspace.dist().resolve("build.json") : "not written: dist/build.json is about another image");
        System.out.print(options.json ? Json.pretty(floor) : floor.text());
    }
}
