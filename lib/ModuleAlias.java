package lib;

import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import lib.tool.Glob;

/**
 * The patterns by which drivers name the devices that they serve, and whether one fits a device. Source of the form:
 * scripts/mod/file2alias.c and Documentation/ABI/testing/sysfs-bus-pci in the kernel.
 *
 * @param pattern such as {@code pci:v00008086d00002922sv*sd*bc*sc*i*}
 */
record ModuleAlias(String pattern) {
    private static final Pattern FIELD = Pattern.compile("([a-z]+)((?:[0-9A-F*?-]|\\[[^\\]]*\\])*)");

    /** A match; PERHAPS when it depends on what the device's listing does not say. */
    enum Match { YES, PERHAPS, NO }

    /** Devices that no alias can name because the driver is inside the kernel: what those drivers' own id tables say. */
    static final Map<String, List<String>> OF_BUILT_IN = Map.ofEntries(
            Map.entry("ahci", List.of("pci:v*d*sv*sd*bc01sc06i01*")),
            Map.entry("nvme", List.of("pci:v*d*sv*sd*bc01sc08i02*")),
            Map.entry("xhci_pci", List.of("pci:v*d*sv*sd*bc0Csc03i30*")),
            Map.entry("ehci_pci", List.of("pci:v*d*sv*sd*bc0Csc03i20*")),
            Map.entry("ohci_pci", List.of("pci:v*d*sv*sd*bc0Csc03i10*")),
            Map.entry("uhci_hcd", List.of("pci:v*d*sv*sd*bc0Csc03i00*")),
            Map.entry("sdhci_pci", List.of("pci:v*d*sv*sd*bc08sc05i*")),
            Map.entry("8250_pci", List.of("pci:v*d*sv*sd*bc07sc00i*")),
            Map.entry("virtio_pci", List.of("pci:v00001AF4d*sv*sd*bc*sc*i*")),
            Map.entry("virtio_net", List.of("virtio:d00000001v*")),
            Map.entry("virtio_blk", List.of("virtio:d00000002v*")),
            Map.entry("virtio_console", List.of("virtio:d00000003v*")),
            Map.entry("virtio_rng", List.of("virtio:d00000004v*")),
            Map.entry("virtio_balloon", List.of("virtio:d00000005v*")),
            Map.entry("virtio_scsi", List.of("virtio:d00000008v*")),
            Map.entry("9pnet_virtio", List.of("virtio:d00000009v*")),
            Map.entry("virtio_gpu", List.of("virtio:d00000010v*")),
            Map.entry("virtio_input", List.of("virtio:d00000012v*")),
            Map.entry("vmw_vsock_virtio_transport", List.of("virtio:d00000013v*")),
            Map.entry("virtiofs", List.of("virtio:d0000001Av*")),
            Map.entry("usbcore", List.of("usb:v*p*d*dc*dsc*dp*ic09isc*ip*in*", "usb:v*p*d*dc09dsc*dp*ic*isc*ip*in*")),
            Map.entry("usbhid", List.of("usb:v*p*d*dc*dsc*dp*ic03isc*ip*in*")),
            Map.entry("usb_storage", List.of("usb:v*p*d*dc*dsc*dp*ic08isc06ip50in*")),
            Map.entry("uas", List.of("usb:v*p*d*dc*dsc*dp*ic08isc06ip62in*")),
            Map.entry("hid_generic", List.of("hid:b*g*v*p*")));

    /** Host, ISA and PCI bridges: the kernel's PCI code serves them, which is no module. */
    static final List<String> OF_THE_KERNEL = List.of("pci:v*d*sv*sd*bc06sc00i*", "pci:v*d*sv*sd*bc06sc01i*", "pci:v*d*sv*sd*bc06sc04i*");

    /** @param device a modalias, in which {@code *} stands for a value that is not known */
    Match match(String device) {
        int colon = pattern.indexOf(':') + 1;
        int sure = Math.min(literal(pattern), literal(device));
        if (colon == 0 || !device.startsWith(pattern.substring(0, colon)) || !device.regionMatches(0, pattern, 0, sure)) {
            return Match.NO;
        }
        if (!device.contains("*")) {
            return Glob.text(pattern).matcher(device).matches() ? Match.YES : Match.NO;
        }
        Map<String, String> wanted = fields(pattern.substring(colon));
        Match match = Match.YES;
        for (Map.Entry<String, String> field : fields(device.substring(colon)).entrySet()) {
            String value = wanted.getOrDefault(field.getKey(), "*");
            if (field.getValue().equals("*") && !value.matches("\\**")) {
                match = Match.PERHAPS;
            } else if (!field.getValue().equals("*") && !Glob.text(value).matcher(field.getValue()).matches()) {
                return Match.NO;
            }
        }
        // A class of USB interfaces fits every device whose interfaces are not known.
        return match == Match.PERHAPS && pattern.startsWith("usb:v*") ? Match.NO : match;
    }

    /** Length of the part before the first wildcard: tens of thousands of aliases are told apart by it at once. */
    private static int literal(String text) {
        int end = 0;
        while (end < text.length() && "*?[\\".indexOf(text.charAt(end)) < 0) {
            end++;
        }
        return end;
    }

    private static Map<String, String> fields(String text) {
        Map<String, String> fields = new LinkedHashMap<>();
        Matcher m = FIELD.matcher(text);
        while (m.find()) {
            fields.put(m.group(1), m.group(2));
        }
        return fields;
    }
}
