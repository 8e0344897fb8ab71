package lib;

import com.fasterxml.jackson.databind.JsonNode;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.util.List;
import java.util.Locale;
import java.util.Optional;
import java.util.Set;
import java.util.stream.Stream;
import java.util.stream.StreamSupport;
import lib.tool.Failure;
import lib.tool.Json;
import lib.tool.Trees;

/**
 * UEFI firmware for virtual machines.
 *
 * @param code firmware, shared and never written
 * @param variables an empty variable store, to be copied for each machine
 */
public record Uefi(Path code, Path variables) {
    /** Firmware with these features wants a locked-down machine, or starts only signed files. */
    private static final Set<String> UNWANTED = Set.of("requires-smm", "secure-boot", "enrolled-keys");

    /** Where distributions that install no firmware descriptors keep it: Debian, Alpine, Arch, Fedora, QEMU's own copy. */
    private static List<Uefi> usual(Architecture architecture) {
        return switch (architecture) {
            case X86_64 -> List.of(pair("/usr/share/OVMF/", "OVMF_CODE_4M.fd", "OVMF_VARS_4M.fd"), pair("/usr/share/OVMF/", "OVMF_CODE.fd", "OVMF_VARS.fd"),
                    pair("/usr/share/edk2/x64/", "OVMF_CODE.4m.fd", "OVMF_VARS.4m.fd"), pair("/usr/share/edk2-ovmf/x64/", "OVMF_CODE.fd", "OVMF_VARS.fd"),
                    pair("/usr/share/edk2/ovmf/", "OVMF_CODE.fd", "OVMF_VARS.fd"), pair("/usr/share/qemu/", "edk2-x86_64-code.fd", "edk2-i386-vars.fd"));
            case AARCH64 -> List.of(pair("/usr/share/AAVMF/", "AAVMF_CODE.fd", "AAVMF_VARS.fd"), pair("/usr/share/AAVMF/", "QEMU_EFI.fd", "QEMU_VARS.fd"),
                    pair("/usr/share/edk2/aarch64/", "QEMU_CODE.fd", "QEMU_VARS.fd"), pair("/usr/share/qemu/", "edk2-aarch64-code.fd", "edk2-arm-vars.fd"));
        };
    }

    private static Uefi pair(String folder, String code, String variables) {
        return new Uefi(Path.of(folder, code), Path.of(folder, variables));
    }

    /** The firmware that QEMU's descriptors name for this architecture, else one from the usual places. */
    public static Uefi find(Architecture architecture) {
        return Stream.concat(described(architecture, Path.of("/usr/share/qemu/firmware")).stream(), usual(architecture).stream())
                .filter(uefi -> Files.isRegularFile(uefi.code) && Files.isRegularFile(uefi.variables)).findFirst()
                .orElseThrow(() -> Failure.machine("there is no UEFI firmware for " + architecture + " guests",
                        "install it: " + (architecture == Architecture.X86_64 ? "apt-get install ovmf, apk add ovmf or pacman -S edk2-ovmf"
                                : "apt-get install qemu-efi-aarch64, apk add aavmf or pacman -S edk2-aarch64")));
    }

    /** iPXE in the form that a virtual network card carries: firmware starts it, and it fetches images over HTTP. */
    static Path networkBoot(Architecture architecture) {
        if (architecture != Architecture.X86_64) {
            throw Failure.machine("QEMU has no iPXE for " + architecture.name().toLowerCase(Locale.ROOT) + " guests", "its network cards carry one for x86_64 only");
        }
        return Stream.of("/usr/lib/ipxe/qemu", "/usr/share/qemu", "/usr/share/ipxe/qemu", "/usr/share/ipxe").map(folder -> Path.of(folder, "efi-virtio.rom"))
                .filter(Files::isRegularFile).findFirst().orElseThrow(() -> Failure.machine("there is no iPXE for virtual network cards (efi-virtio.rom)",
                        "install it: apt-get install ipxe-qemu; elsewhere it comes with QEMU"));
    }

    /** Descriptors in order of preference, which is that of their names (QEMU, docs/interop/firmware.json). */
    static List<Uefi> described(Architecture architecture, Path folder) {
        if (!Files.isDirectory(folder)) {
            return List.of();
        }
        try (Stream<Path> files = Files.list(folder)) {
            return files.filter(file -> file.toString().endsWith(".json")).sorted().map(Json::read)
                    .flatMap(node -> fitting(architecture, node).stream()).toList();
        } catch (IOException e) {
            throw Failure.io("cannot read QEMU's firmware descriptors", e);
        }
    }

    private static Optional<Uefi> fitting(Architecture architecture, JsonNode node) {
        boolean target = elements(node.path("targets")).anyMatch(one -> one.path("architecture").asText().equalsIgnoreCase(architecture.name())
                && elements(one.path("machines")).anyMatch(machine -> machine.asText().contains(architecture.machine)));
        boolean unwanted = elements(node.path("features")).map(JsonNode::asText).anyMatch(UNWANTED::contains);
        JsonNode mapping = node.path("mapping");
        if (!target || unwanted || !mapping.path("device").asText().equals("flash") || !mapping.has("nvram-template")
                || !mapping.path("executable").path("format").asText().equals("raw")) {
            return Optional.empty();
        }
        return Optional.of(new Uefi(Path.of(mapping.path("executable").path("filename").asText()),
                Path.of(mapping.path("nvram-template").path("filename").asText())));
    }

    private static Stream<JsonNode> elements(JsonNode array) {
        return StreamSupport.stream(array.spliterator(), false);
    }

    /** Makes a machine's own copy of the variable store, and a folder that looks like an EFI system partition with this kernel. */
    void prepare(Path variablesCopy, Path esp, Path kernel, Architecture architecture) {
        try {
            if (!Files.exists(variablesCopy) || Files.size(variablesCopy) != Files.size(variables)) {
                Trees.replace(variablesCopy, part -> Files.copy(variables, part, StandardCopyOption.REPLACE_EXISTING));
            }
            Trees.delete(esp);
            Path loader = Files.createDirectories(esp.resolve("EFI/BOOT")).resolve(architecture.removableName);
            Files.copy(kernel, loader);
        } catch (IOException e) {
            throw Failure.io("cannot prepare the EFI system partition in " + esp, e);
        }
    }
}
