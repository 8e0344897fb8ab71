package lib;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Collectors;
import java.util.stream.Stream;

/**
 * The devices that a file lists: output of {@code lspci -nn}, {@code lspci -nnk}, {@code lspci -n}, {@code lsusb}, or modaliases as sysfs has
 * them (alone, behind {@code MODALIAS=}, or behind a path as grep prints it). Each line is recognised by itself, so files may be mixed.
 *
 * @param unknown lines that are none of these, in order
 */
record DeviceList(List<Device> devices, List<String> unknown) {
    private static final Pattern PCI = Pattern.compile("(?:[0-9a-f]{4,}:)?[0-9a-f]{2}:[0-9a-f]{2}\\.[0-7] (.*?)\\[([0-9a-f]{4})\\]: (.*) ?\\[([0-9a-f]{4}):([0-9a-f]{4})\\](.*)");
    private static final Pattern PCI_NUMBERS = Pattern.compile("(?:[0-9a-f]{4,}:)?[0-9a-f]{2}:[0-9a-f]{2}\\.[0-7] ()\"?([0-9a-f]{4})\"?:() ([0-9a-f]{4}):([0-9a-f]{4})(.*)");
    private static final Pattern SUBSYSTEM = Pattern.compile("\\s+Subsystem: .*?\\[?([0-9a-f]{4}):([0-9a-f]{4})\\]?\\s*");
    private static final Pattern DRIVER = Pattern.compile("\\s+Kernel (?:driver in use|modules): (.*?)\\s*");
    private static final Pattern DETAIL = Pattern.compile("\\s+[A-Z][A-Za-z ]*:.*");
    private static final Pattern INTERFACE = Pattern.compile("prog-if ([0-9a-f]{2})");
    private static final Pattern USB = Pattern.compile("Bus \\d+ Device \\d+: ID ([0-9a-f]{4}):([0-9a-f]{4}) ?(.*)");
    private static final Pattern MODALIAS = Pattern.compile("(?:\\S*/modalias:|MODALIAS=)?([a-z][a-z0-9_-]*:\\S+)");
    /** pci.ids spells the register interface in the names of many controllers: class, word in the name, interface. */
    private static final List<String[]> INTERFACES = Stream.of("0C03 XHCI 30", "0C03 USB ?3 30", "0C03 EHCI 20", "0C03 USB ?2 20", "0C03 OHCI 10", "0C03 UHCI 00",
            "0106 AHCI 01", "0108 NVM 02", "0108 SSD 02").map(line -> line.replace(" ?", "\0").split(" ")).toList();
    /** Words in the names of USB devices that tell the class of their interface: HID, mass storage, hub. */
    private static final Map<String, String> USB_CLASSES = Map.of("keyboard|mouse|tablet", "ic03isc*ip*", "flash|storage|disk", "ic08isc06ip50", "\\bhub\\b", "ic09isc*ip*");

    /**
     * A device.
     *
     * @param id {@code 8086:2922} of PCI and USB devices, else the modalias
     * @param name in words; may be empty
     * @param alias its modalias, with {@code *} for what the listing does not say
     * @param drivers names that lspci -nnk found on the device's own machine
     */
    record Device(String id, String name, String alias, List<String> drivers) {
        String bus() {
            return alias.substring(0, alias.indexOf(':'));
        }
    }

    static DeviceList parse(String text) {
        List<Device> devices = new ArrayList<>();
        List<String> unknown = new ArrayList<>();
        for (String line : text.split("\\R")) {
            Optional<Device> device = pci(line).or(() -> usb(line)).or(() -> modalias(line));
            if (device.isPresent()) {
                devices.add(device.get());
            } else if (!devices.isEmpty() && line.matches("\\s.*")) {
                devices.add(more(devices.remove(devices.size() - 1), line));
                if (!DETAIL.matcher(line).matches() && !line.isBlank()) {
                    unknown.add(line);
                }
            } else if (!line.isBlank() && !line.startsWith("#")) {
                unknown.add(line);
            }
        }
        return new DeviceList(devices, unknown);
    }

    private static Optional<Device> pci(String line) {
        Matcher m = Stream.of(PCI, PCI_NUMBERS).map(pattern -> pattern.matcher(line)).filter(Matcher::matches).findFirst().orElse(null);
        if (m == null) {
            return Optional.empty();
        }
        String kind = m.group(2).toUpperCase(Locale.ROOT);
        String name = (m.group(1).strip() + " " + m.group(3).strip()).strip();
        String alias = "pci:v0000" + m.group(4).toUpperCase(Locale.ROOT) + "d0000" + m.group(5).toUpperCase(Locale.ROOT) + "sv*sd*bc" + kind.substring(0, 2)
                + "sc" + kind.substring(2) + "i" + programmingInterface(kind, name, m.group(6));
        return Optional.of(new Device(m.group(4) + ":" + m.group(5), name, alias, List.of()));
    }

    private static String programmingInterface(String kind, String name, String rest) {
        Matcher said = INTERFACE.matcher(rest);
        if (said.find()) {
            return said.group(1).toUpperCase(Locale.ROOT);
        }
        return INTERFACES.stream().filter(one -> one[0].equals(kind) && Pattern.compile(one[1].replace("\0", " ?"), Pattern.CASE_INSENSITIVE).matcher(name).find())
                .map(one -> one[2]).findFirst().orElse("*");
    }

    private static Optional<Device> usb(String line) {
        Matcher m = USB.matcher(line.strip());
        if (!m.matches()) {
            return Optional.empty();
        }
        String kind = m.group(1).equals("1d6b") ? "ic09isc*ip*" : USB_CLASSES.entrySet().stream()
                .filter(one -> Pattern.compile(one.getKey(), Pattern.CASE_INSENSITIVE).matcher(m.group(3)).find()).map(Map.Entry::getValue).sorted().findFirst()
                .orElse("ic*isc*ip*");
        return Optional.of(new Device(m.group(1) + ":" + m.group(2), m.group(3), "usb:v" + m.group(1).toUpperCase(Locale.ROOT) + "p"
                + m.group(2).toUpperCase(Locale.ROOT) + "d*dc*dsc*dp*" + kind + "in*", List.of()));
    }

    private static Optional<Device> modalias(String line) {
        Matcher m = MODALIAS.matcher(line.strip());
        if (!m.matches()) {
            return Optional.empty();
        }
        Matcher ids = Pattern.compile("pci:v0000([0-9A-F]{4})d0000([0-9A-F]{4})sv.*|usb:v([0-9A-F]{4})p([0-9A-F]{4})d.*").matcher(m.group(1));
        String id = !ids.matches() ? m.group(1) : ids.group(1) != null ? ids.group(1) + ":" + ids.group(2) : ids.group(3) + ":" + ids.group(4);
        return Optional.of(new Device(ids.matches() ? id.toLowerCase(Locale.ROOT) : id, "", m.group(1), List.of()));
    }

    /** What an indented line under a device adds. */
    private static Device more(Device device, String line) {
        Matcher subsystem = SUBSYSTEM.matcher(line);
        if (subsystem.matches()) {
            return new Device(device.id(), device.name(), device.alias().replace("sv*sd*", "sv0000" + subsystem.group(1).toUpperCase(Locale.ROOT)
                    + "sd0000" + subsystem.group(2).toUpperCase(Locale.ROOT)), device.drivers());
        }
        Matcher driver = DRIVER.matcher(line);
        if (!driver.matches()) {
            return device;
        }
        List<String> drivers = Stream.concat(device.drivers().stream(), Arrays.stream(driver.group(1).split(",\\s*")).map(name -> name.replace('-', '_')))
                .distinct().collect(Collectors.toList());
        return new Device(device.id(), device.name(), device.alias(), drivers);
    }
}
