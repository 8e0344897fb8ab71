package lib;

import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.Callable;
import lib.tool.Json;
import picocli.CommandLine.Command;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;

/** {@code image.java hardware}. */
@Command(name = "hardware", sortOptions = false, description = {"Says how the image serves the devices of a fleet.",
    "The worst come first: no driver, only at run time, firmware missing, in the image, built in. DIR holds a file a machine: output of",
    "lspci -nnk, lspci -nn or lsusb, or modaliases (cat /sys/bus/*/devices/*/modalias)."})
public final class HardwareVerb implements Callable<Integer> {
    @Option(names = "-C", paramLabel = "DIR", description = "Workspace of the finished build (default: found upwards from here).")
    Optional<Path> folder;
    @Parameters(paramLabel = "DIR", description = "Folder with the listings.")
    Path listings;
    @Option(names = "--modules", paramLabel = "DIR", description = "Holds lib/modules/RELEASE with all modules (default: kernel/modules of the workspace).")
    Optional<Path> modules;
    @Option(names = "--require", description = "Exit code 4 when a device is neither built in nor in the image with its firmware.")
    boolean require;
    @Option(names = "--run-time", description = "--require: modules that nodes get at run time are good enough.")
    boolean runTime;
    @Option(names = "--ignore", paramLabel = "ID", description = "--require: leave out devices with this vendor:device (a glob); repeatable.")
    List<String> ignored = new ArrayList<>();
    @Option(names = "--json", description = "Print JSON.")
    boolean json;

    @Override
    public Integer call() {
        Hardware.Report report = Hardware.of(Workspace.find(folder, Optional.empty()), modules).examine(listings);
        report.notUnderstood().stream().limit(5).forEach(line -> System.err.println("not a device: " + line));
        System.out.print(json ? Json.pretty(report) : Hardware.table(report));
        if (require) {
            report.requireServed(runTime, ignored);
        }
        return 0;
    }
}
