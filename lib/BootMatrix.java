package lib;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.function.Supplier;
import lib.tool.Console;
import lib.tool.Failure;
import lib.tool.HttpFiles;
import lib.tool.Shell;

/**
 * The same image, booted in every way that it is made for, with several memories: by QEMU itself, by UEFI firmware from an EFI system
 * partition and over HTTP, and by cloud-hypervisor.
 *
 * @param machine boots by QEMU's {@code -kernel}
 */
public record BootMatrix(RunOptions options, Machine machine, BootContract contract, Claim claim, Shell shell, Console console) {
    /** Where a guest behind QEMU's user networking finds the loopback of this computer. */
    static final String HOST = "10.0.2.2";

    /** A way into the image. */
    enum Way {
        QEMU_KERNEL("qemu-kernel"), UEFI_PARTITION("uefi-partition"), UEFI_HTTP("uefi-http"), CLOUD_HYPERVISOR("cloud-hypervisor");

        private final String word;

        Way(String word) {
            this.word = word;
        }
    }

    /** Boots all of them, one after the other; none of them failing keeps the others from being tried. */
    public BootTable boot(List<Integer> memories) {
        List<BootTable.Row> rows = new ArrayList<>();
        for (Way way : Way.values()) {
            for (int memory : memories) {
                rows.add(row(way, machine.with(memory)));
            }
        }
        return BootTable.of("matrix", rows);
    }

    private BootTable.Row row(Way way, Machine sized) {
        if (way == Way.CLOUD_HYPERVISOR && Shell.which(CloudHypervisor.PROGRAM).isEmpty()) {
            return BootTable.Row.skipped(way.word, sized.memory(), CloudHypervisor.PROGRAM + " is not installed");
        }
        return row(way.word, sized, () -> way == Way.UEFI_HTTP ? overHttp(sized) : watch(hypervisor(way, sized)));
    }

    /** Boots, keeps the guest's words under a name of their own, and turns a Failure into a row. */
    static BootTable.Row row(String name, Machine machine, Supplier<Boot.Outcome> boot) {
        try {
            Boot.Outcome outcome = boot.get();
            Path log = machine.folder().resolve("boot-" + name + "-" + machine.memory() + ".log");
            if (Files.exists(machine.bootLog())) { // a hypervisor that did not start has none
                Files.copy(machine.bootLog(), log, StandardCopyOption.REPLACE_EXISTING);
            }
            return BootTable.Row.of(name, machine.memory(), outcome, log);
        } catch (Failure e) {
            return BootTable.Row.notStarted(name, machine.memory(), e);
        } catch (IOException e) {
            throw Failure.io("cannot keep " + machine.bootLog(), e);
        }
    }

    private Boot.Outcome watch(Hypervisor hypervisor) {
        return new Session(hypervisor, claim, shell, console).watch(contract);
    }

    private Hypervisor hypervisor(Way way, Machine sized) {
        Machine.Payload direct = sized.payload();
        return switch (way) {
            case QEMU_KERNEL -> qemu(sized);
            case UEFI_PARTITION -> qemu(sized.with(new Machine.Payload(direct.kernel(), Optional.empty(), Optional.empty(), true)));
            case CLOUD_HYPERVISOR -> CloudHypervisor.of(sized.with(options.network(sized.folder(), true)), shell);
            case UEFI_HTTP -> throw new IllegalArgumentException("needs a server");
        };
    }

    private Qemu qemu(Machine sized) {
        return Qemu.of(sized, guest -> options.accelerator(guest, shell), shell);
    }

    private Boot.Outcome overHttp(Machine sized) {
        Machine.Payload direct = sized.payload();
        try (HttpFiles server = new HttpFiles(path -> served(path, direct))) {
            Network card = sized.network() instanceof Network.User ? sized.network() : Network.user(sized.folder().toString(), List.of());
            String url = "http://" + HOST + ":" + server.port() + "/boot.ipxe";
            return watch(qemu(sized.with(card).with(new Machine.Payload(direct.kernel(), direct.initrd(), direct.cmdline(), true, Optional.of(url)))));
        }
    }

    private static Optional<HttpFiles.Answer> served(String path, Machine.Payload payload) {
        return switch (path) {
            case "/boot.ipxe" -> Optional.of(HttpFiles.Answer.of(200, script(payload)));
            case "/vmlinuz.efi" -> Optional.of(HttpFiles.Answer.of(payload.kernel()));
            case "/initrd" -> payload.initrd().map(HttpFiles.Answer::of);
            default -> Optional.empty();
        };
    }

    /** What iPXE does; names are relative to the script's own place. */
    static String script(Machine.Payload payload) {
        return "#!ipxe\n" + payload.initrd().map(file -> "initrd --name initrd initrd\n").orElse("")
                + "kernel vmlinuz.efi" + payload.initrd().map(file -> " initrd=initrd").orElse("") + payload.cmdline().map(text -> " " + text).orElse("") + "\nboot\n";
    }
}
