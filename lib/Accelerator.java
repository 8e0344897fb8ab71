package lib;

import java.io.IOException;
import java.nio.channels.FileChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.function.BooleanSupplier;
import java.util.regex.Pattern;
import lib.tool.Failure;
import lib.tool.Shell;
import lib.tool.Shell.Command;

/**
 * How QEMU runs the guest's instructions.
 *
 * @param name QEMU's word for it
 * @param counting the guest's clock counts instructions (4 ns each) instead of following ours, so that its times can be compared
 * @param why a few words for the status line
 */
public record Accelerator(String name, boolean counting, String why) {
    /** What the user asked for. */
    public enum Wanted { AUTO, KVM, TCG }

    private static final int PROBE_SECONDS = 5;
    /** The guest's goodbye through isa-debug-exit: QEMU ends with (value * 2) + 1. */
    private static final int PROBE_EXIT = (0x10 << 1) | 1;
    /** A boot sector: mov dx, 0x501; mov al, 0x10; out dx, al; hlt; jmp to the hlt. */
    private static final byte[] PROBE = {(byte) 0xba, 0x01, 0x05, (byte) 0xb0, 0x10, (byte) 0xee, (byte) 0xf4, (byte) 0xeb, (byte) 0xfd};
    private static final Pattern VIRTUALISATION = Pattern.compile("^flags\\s*:.*\\b(vmx|svm)\\b", Pattern.MULTILINE);

    static final Accelerator TRANSLATION = new Accelerator("tcg", false, "TCG");

    /** Translation with a clock that counts instructions; KVM cannot do that. */
    public static final Accelerator COUNTING = new Accelerator("tcg", true, "TCG counting instructions");

    List<String> argv() {
        List<String> argv = new ArrayList<>(List.of("-accel", name, "-cpu", name.equals("kvm") ? "host" : "max"));
        argv.addAll(counting ? List.of("-icount", "shift=2,sleep=off") : List.of());
        return argv;
    }

    /** KVM only where it really works: the device opens, the processor has the flag, and a small guest ran to its end. */
    public static Accelerator choose(Wanted wanted, Architecture guest, Shell shell) {
        return choose(wanted, wanted == Wanted.TCG ? Optional.empty()
                : obstacle(guest, Path.of("/dev/kvm"), Path.of("/proc/cpuinfo"), () -> runs("kvm", shell)));
    }

    static Accelerator choose(Wanted wanted, Optional<String> obstacle) {
        if (wanted == Wanted.TCG) {
            return TRANSLATION;
        }
        if (obstacle.isEmpty()) {
            return new Accelerator("kvm", false, "KVM");
        }
        if (wanted == Wanted.KVM) {
            throw Failure.machine("KVM does not work here: " + obstacle.get(), "run with --accel tcg (slow), or on a machine with virtualisation");
        }
        return new Accelerator("tcg", false, "TCG because " + obstacle.get());
    }

    /** Why KVM cannot be used; empty when it can. The probe is tried last, because it takes time. */
    static Optional<String> obstacle(Architecture guest, Path device, Path cpuinfo, BooleanSupplier probe) {
        if (!guest.isHost()) {
            return Optional.of("the guest has another processor");
        }
        Optional<String> closed = deviceObstacle(device);
        if (closed.isPresent()) {
            return closed;
        }
        try {
            if (guest == Architecture.AARCH64) {
                return Optional.empty(); // neither a flag in cpuinfo nor a boot sector there
            }
            if (!VIRTUALISATION.matcher(Files.readString(cpuinfo)).find()) {
                return Optional.of("the processor shows neither vmx nor svm");
            }
        } catch (IOException e) {
            return Optional.of(cpuinfo + " cannot be read");
        }
        return probe.getAsBoolean() ? Optional.empty() : Optional.of("a guest hangs under KVM");
    }

    /** Why the device itself cannot be used. */
    static Optional<String> deviceObstacle(Path device) {
        if (!Files.exists(device)) {
            return Optional.of("there is no " + device);
        }
        try {
            FileChannel.open(device, StandardOpenOption.READ, StandardOpenOption.WRITE).close();
            return Optional.empty();
        } catch (IOException e) {
            return Optional.of(device + " cannot be opened");
        }
    }

    /** Whether a guest of one instruction ends within seconds under this accelerator. */
    static boolean runs(String accelerator, Shell shell) {
        Path sector = null;
        try {
            sector = Files.createTempFile("probe", ".img");
            Files.write(sector, bootSector());
            return shell.attempt(Command.of(List.of(Architecture.X86_64.qemu, "-nodefaults", "-no-user-config", "-machine", "pc", "-accel",
                    accelerator, "-m", "16", "-display", "none", "-device", "isa-debug-exit,iobase=0x501,iosize=1",
                    "-drive", "file=" + Qemu.escape(sector) + ",format=raw,if=ide")).timeout(PROBE_SECONDS)).exitCode() == PROBE_EXIT;
        } catch (IOException e) {
            throw Failure.io("cannot write the probe for KVM", e);
        } catch (Failure e) {
            return false; // the time was up
        } finally {
            if (sector != null) {
                lib.tool.Trees.delete(sector);
            }
        }
    }

    private static byte[] bootSector() {
        byte[] sector = new byte[512];
        System.arraycopy(PROBE, 0, sector, 0, PROBE.length);
        sector[510] = 0x55;
        sector[511] = (byte) 0xaa;
        return sector;
    }
}
