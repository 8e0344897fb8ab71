package lib;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Comparator;
import java.util.LinkedHashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.TreeSet;
import java.util.function.Function;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import lib.DeviceList.Device;
import lib.ModuleAlias.Match;
import lib.ModuleFolder.Driver;
import lib.tool.Columns;
import lib.tool.Failure;
import lib.tool.Glob;
import lib.tool.Trees;

/**
 * {@code image.java hardware}: which devices of a fleet an image serves.
 *
 * <p>A device fits a driver when one of the driver's aliases fits the device's modalias, as modprobe decides it. Kernels before 6.18 keep
 * no aliases of drivers inside the kernel; those are known for the usual controllers, else {@code lspci -nnk} has to name the driver.
 */
public final class Hardware {
    /** Buses whose devices take a driver each. What firmware tables describe (acpi, platform ...) is listed only when a driver fits. */
    private static final Set<String> BUSES = Set.of("pci", "usb", "virtio", "sdio", "hid", "vmbus", "xen", "ssb", "bcma", "mdio");

    private final Map<String, Driver> builtIn;
    private final Map<String, Driver> image;
    private final Set<String> complete;
    private final Map<String, List<String>> aliases = new LinkedHashMap<>();
    private final Optional<FirmwareTree> firmware;

    /** How a device is served, best first. */
    public enum State {
        BUILT_IN("built in"), IN_IMAGE("in the image"), FIRMWARE_MISSING("firmware missing"), RUN_TIME("only at run time"), NO_DRIVER("no driver");

        private final String text;

        State(String text) {
            this.text = text;
        }

        @Override
        public String toString() {
            return text;
        }
    }

    /**
     * A device of the fleet.
     *
     * @param id {@code vendor:device}, else the modalias
     * @param name in words; may be empty
     * @param drivers that fit it
     * @param seenIn files that list it
     * @param note what else there is to know; may be empty
     */
    public record Verdict(State state, String id, String name, String modalias, List<String> drivers, List<String> seenIn, String note) { }

    /**
     * @param verdicts the worst first
     * @param notUnderstood {@code file: line} of lines that are no devices
     */
    public record Report(List<Verdict> verdicts, List<String> notUnderstood) {
        /**
         * @param runTime whether modules that nodes get at run time are good enough
         * @param ignored ids of devices to leave out; globs
         * @throws Failure (exit code 4) when a device is not served
         */
        public void requireServed(boolean runTime, List<String> ignored) {
            long unserved = verdicts.stream().filter(one -> ignored.stream().noneMatch(id -> Glob.text(id).matcher(one.id()).matches()))
                    .filter(one -> one.state() == State.NO_DRIVER || one.state() == State.FIRMWARE_MISSING || one.state() == State.RUN_TIME && !runTime).count();
            if (unserved > 0) {
                throw Failure.contract(unserved + " of " + verdicts.size() + " devices are not served by this image",
                        "add their modules to modules.conf and their firmware to firmware.conf, or leave devices out with --ignore");
            }
        }
    }

    private Hardware(ModuleFolder inImage, Optional<ModuleFolder> all, Optional<FirmwareTree> firmware) {
        this.firmware = firmware;
        image = byName(inImage.modules());
        builtIn = byName(all.map(ModuleFolder::builtIn).filter(drivers -> !drivers.isEmpty()).orElseGet(inImage::builtIn));
        complete = Set.copyOf(all.map(ModuleFolder::names).orElse(List.of()));
        builtIn.values().forEach(driver -> {
            Stream.concat(driver.aliases().stream(), ModuleAlias.OF_BUILT_IN.getOrDefault(driver.name(), List.of()).stream())
                    .forEach(alias -> fits(alias, List.of(driver.name())));
        });
        inImage.aliases().forEach(this::fits);
        all.ifPresent(folder -> folder.aliases().forEach(this::fits));
    }

    private void fits(String alias, List<String> drivers) {
        aliases.merge(alias, List.copyOf(new LinkedHashSet<>(drivers)),
                (one, other) -> Stream.concat(one.stream(), other.stream()).distinct().toList());
    }

    private static Map<String, Driver> byName(List<Driver> drivers) {
        return drivers.stream().collect(Collectors.toMap(Driver::name, Function.identity(), (one, other) -> one, LinkedHashMap::new));
    }

    /**
     * @param workspace with a finished build
     * @param modules folder that holds {@code lib/modules/RELEASE} with all modules of the kernel; else kernel/modules of the workspace.
     *     Where neither is there, nothing is known of modules that nodes get at run time
     */
    public static Hardware of(Workspace workspace, Optional<Path> modules) {
        RootTree root = new RootTree(workspace.root());
        ModuleFolder inImage = ModuleFolder.only(root.resolve("lib/modules")).orElseThrow(() -> Failure.usage("there are no kernel modules in "
                + root.folder(), "build the image first: build.java"));
        Path kept = workspace.kernel().resolve("modules");
        Optional<ModuleFolder> all = modules.or(() -> Optional.of(kept).filter(Files::isDirectory)).map(folder -> {
            Path release = folder.resolve("lib/modules").resolve(inImage.folder().getFileName());
            if (!Files.isDirectory(release)) {
                throw Failure.usage("there is no folder " + release, "--modules takes the folder with lib/modules/" + inImage.folder().getFileName());
            }
            return new ModuleFolder(release);
        });
        Path firmware = root.resolve("lib/firmware");
        return new Hardware(inImage, all, Files.isDirectory(firmware) ? Optional.of(FirmwareTree.of(firmware)) : Optional.empty());
    }

    /** Judges the devices that the files of a folder list; a folder without a device is a Failure. */
    public Report examine(Path folder) {
        Map<String, Device> devices = new LinkedHashMap<>();
        Map<String, Set<String>> seenIn = new LinkedHashMap<>();
        List<String> notUnderstood = new ArrayList<>();
        for (Path file : files(folder)) {
            DeviceList list = DeviceList.parse(Trees.read(file));
            String name = folder.relativize(file).toString();
            list.unknown().forEach(line -> notUnderstood.add(name + ": " + line.strip()));
            list.devices().forEach(device -> {
                devices.merge(device.alias(), device, Hardware::both);
                seenIn.computeIfAbsent(device.alias(), any -> new TreeSet<>()).add(name);
            });
        }
        if (devices.isEmpty()) {
            throw Failure.usage("no file in " + folder + " lists devices" + notUnderstood.stream().findFirst().map(line -> "; the first line is " + line).orElse(""),
                    "put the output of lspci -nnk, lsusb, or of: cat /sys/bus/*/devices/*/modalias");
        }
        List<Verdict> verdicts = devices.values().stream().map(device -> judge(device, List.copyOf(seenIn.get(device.alias()))))
                .filter(verdict -> verdict.state() != State.NO_DRIVER || BUSES.contains(devices.get(verdict.modalias()).bus()))
                .sorted(Comparator.comparing(Verdict::state).reversed().thenComparing(Verdict::id).thenComparing(Verdict::modalias)).toList();
        return new Report(verdicts, notUnderstood);
    }

    private static List<Path> files(Path folder) {
        if (!Files.isDirectory(folder)) {
            throw Failure.usage("there is no folder " + folder, "it holds a file a machine: the output of lspci -nnk or lsusb, or modaliases");
        }
        try (Stream<Path> files = Files.walk(folder)) {
            return files.filter(file -> Files.isRegularFile(file) && !file.getFileName().toString().startsWith(".")).sorted().toList();
        } catch (IOException e) {
            throw Failure.io("cannot read " + folder, e);
        }
    }

    private static Device both(Device one, Device other) {
        return new Device(one.id(), one.name().isEmpty() ? other.name() : one.name(), one.alias(),
                Stream.concat(one.drivers().stream(), other.drivers().stream()).distinct().toList());
    }

    Verdict judge(Device device, List<String> seenIn) {
        if (ModuleAlias.OF_THE_KERNEL.stream().anyMatch(alias -> new ModuleAlias(alias).match(device.alias()) == Match.YES)) {
            return new Verdict(State.BUILT_IN, device.id(), device.name(), device.alias(), List.of(), seenIn, "bridge, served by the kernel itself");
        }
        List<String> certain = fitting(device, Match.YES);
        List<String> perhaps = certain.isEmpty() ? narrowed(fitting(device, Match.PERHAPS), device) : List.of();
        List<String> named = device.drivers().stream().filter(name -> builtIn.containsKey(name)).toList();
        if (certain.isEmpty() && perhaps.isEmpty()) {
            return new Verdict(named.isEmpty() ? State.NO_DRIVER : State.BUILT_IN, device.id(), device.name(), device.alias(), named, seenIn,
                    named.isEmpty() ? advice(device) : "as its own machine says");
        }
        List<String> drivers = Stream.of(certain, perhaps, named).flatMap(List::stream).distinct().toList();
        // One driver that fits for sure is enough; of those that may fit it is not known which is meant, so the worst counts.
        State state = certain.isEmpty() && named.isEmpty() ? perhaps.stream().map(this::state).max(Comparator.naturalOrder()).orElseThrow()
                : Stream.concat(certain.stream(), named.stream()).map(this::state).min(Comparator.naturalOrder()).orElseThrow();
        String note = state == State.FIRMWARE_MISSING ? firmwareNote(drivers)
                : certain.isEmpty() ? "the listing does not say all that drivers look at: use modaliases or lspci -nnk" : "";
        return new Verdict(state, device.id(), device.name(), device.alias(), drivers, seenIn, note);
    }

    private List<String> fitting(Device device, Match match) {
        return aliases.entrySet().stream().filter(entry -> new ModuleAlias(entry.getKey()).match(device.alias()) == match)
                .flatMap(entry -> entry.getValue().stream()).distinct().toList();
    }

    private static List<String> narrowed(List<String> drivers, Device device) {
        List<String> named = drivers.stream().filter(device.drivers()::contains).toList();
        return named.isEmpty() ? drivers : named;
    }

    private String advice(Device device) {
        if (complete.isEmpty()) {
            return "what nodes get at run time is not known: give --modules";
        }
        return device.alias().contains("*") && device.drivers().isEmpty()
                ? device.bus().equals("usb") ? "its class is not known: use modaliases" : "a driver inside the kernel shows in lspci -nnk only" : "";
    }

    private State state(String name) {
        Driver driver = Optional.ofNullable(builtIn.get(name)).orElse(image.get(name));
        if (driver == null) {
            return complete.contains(name) ? State.RUN_TIME : State.NO_DRIVER;
        }
        return lacksFirmware(driver) ? State.FIRMWARE_MISSING : driver.builtIn() ? State.BUILT_IN : State.IN_IMAGE;
    }

    /**
     * A driver names the files of all its devices and of versions that were never published: one that has some of them is served, since
     * the build installs all that there are.
     */
    private boolean lacksFirmware(Driver driver) {
        return !driver.firmware().isEmpty() && driver.firmware().stream().noneMatch(name -> firmware.filter(tree -> !tree.matching(name).isEmpty()).isPresent());
    }

    private String firmwareNote(List<String> drivers) {
        List<String> names = drivers.stream().map(name -> Optional.ofNullable(builtIn.get(name)).orElse(image.get(name)))
                .filter(driver -> driver != null && lacksFirmware(driver)).flatMap(driver -> driver.firmware().stream()).distinct().toList();
        return "lib/firmware has none of " + String.join(" ", names.subList(0, Math.min(3, names.size()))) + (names.size() > 3 ? " ..." : "");
    }

    /** The report as a table, the worst first, and a line that counts. */
    public static String table(Report report) {
        List<List<String>> rows = new ArrayList<>(List.of(List.of("STATE", "DEVICE", "DRIVERS", "SEEN IN", "NAME", "NOTE")));
        report.verdicts().forEach(one -> rows.add(List.of(one.state().toString(), one.id(), one.drivers().isEmpty() ? "-" : shortened(String.join(",", one.drivers()), 40),
                one.seenIn().size() == 1 ? one.seenIn().get(0) : one.seenIn().size() + " files", shortened(one.name(), 60), one.note())));
        String counts = Arrays.stream(State.values()).map(state -> report.verdicts().stream().filter(one -> one.state() == state).count() + " " + state)
                .filter(text -> !text.startsWith("0 ")).collect(Collectors.joining(", "));
        return Columns.aligned(rows) + String.format(Locale.ROOT, "%d devices: %s%n", report.verdicts().size(), counts);
    }

    private static String shortened(String text, int length) {
        return text.length() <= length ? text : text.substring(0, length - 3) + "...";
    }
}
