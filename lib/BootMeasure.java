package lib;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import lib.tool.Failure;
import lib.tool.Guard;
import lib.tool.Shell;
import lib.tool.Shell.Command;
import lib.tool.Tools;
import lib.tool.Trees;

/**
 * Boots a kernel with an archive that it unpacks, on QEMU, and measures what that costs.
 *
 * @param memory MiB of the machine
 */
public record BootMeasure(Tools tools, int memory) {
    /** Times that the kernel itself prints around the unpacking (init/initramfs.c). */
    private static final Pattern UNPACKING = Pattern.compile("^\\[\\s*(\\d+\\.\\d+)\\] (?:Unpacking initramfs|Trying to unpack rootfs image)");
    private static final Pattern UNPACKED = Pattern.compile("^\\[\\s*(\\d+\\.\\d+)\\] Freeing initrd memory");
    private static final int KIB = 1024;

    /**
     * One boot.
     *
     * @param unpackSeconds that the kernel took to unpack the archive, by the guest's clock
     * @param peakBytes of the machine's memory that were in use at one time or another, those of the firmware included
     * @param startSeconds from the start of the first process until the contract was met
     * @param bootSeconds from the start of the hypervisor until the contract was met
     */
    public record Measured(double unpackSeconds, long peakBytes, double startSeconds, double bootSeconds) { }

    /** What the console said about time. */
    private static final class Stamps {
        private double unpacking = -1;
        private double unpacked = -1;

        private void line(String text) {
            unpacking = unpacking < 0 ? seconds(UNPACKING, text) : unpacking;
            unpacked = unpacked < 0 ? seconds(UNPACKED, text) : unpacked;
        }

        private static double seconds(Pattern pattern, String text) {
            Matcher m = pattern.matcher(text);
            return m.find() ? Double.parseDouble(m.group(1)) : -1;
        }
    }

    /**
     * @param scratch folder for the machine's files
     * @throws Failure when the boot does not meet the contract
     */
    public Measured of(Path kernel, Path archive, BootContract contract, Path scratch) {
        Path ram = ram(scratch);
        try {
            Files.createDirectories(scratch);
            Machine.Payload payload = new Machine.Payload(kernel, Optional.of(archive), Optional.of("console=" + Architecture.of(kernel).console()
                    + " panic=-1 initramfs_async=0"), false);
            Machine machine = new Machine("measure", scratch, payload, memory, 1, List.of(), Network.user(scratch.toString(), List.of()));
            Qemu qemu = Qemu.of(machine, guest -> Accelerator.choose(Accelerator.Wanted.AUTO, guest, tools.shell()), tools.shell());
            return watched(qemu, ram, contract);
        } catch (IOException e) {
            throw Failure.io("cannot write to " + scratch, e);
        } finally {
            Trees.delete(ram);
        }
    }

    /** In memory where there is such a file system: pages that the guest never touched take no room in the file. */
    private static Path ram(Path scratch) {
        Path memory = Path.of("/dev/shm");
        return (Files.isWritable(memory) ? memory : scratch).resolve("mos-measure-" + ProcessHandle.current().pid());
    }

    private Measured watched(Qemu qemu, Path ram, BootContract contract) {
        List<String> argv = new ArrayList<>(qemu.argv(Hypervisor.Serial.OUTPUT));
        argv.addAll(List.of("-object", "memory-backend-file,id=ram,share=on,size=" + memory + "M,mem-path=" + Qemu.escape(ram), "-machine", "memory-backend=ram"));
        Machine machine = qemu.machine();
        Stamps stamps = new Stamps();
        try (Guard guard = Guard.over(() -> tools.shell().open(Command.of(argv), streams -> streams.redirectError(machine.hypervisorLog().toFile())),
                tools.shell(), List.of(List.of("rm", "-f", ram.toString())), machine.folder().toString())) {
            Boot.Outcome outcome = new Boot(contract, line -> {
                tools.console().log(line);
                stamps.line(line);
            }).watch(guard.child(), qemu.console(guard), machine.hypervisorLog());
            outcome.demand(machine.bootLog());
            if (stamps.unpacking < 0 || stamps.unpacked < 0) {
                throw new Failure("the kernel did not say when it unpacked the archive", "it needs CONFIG_PRINTK_TIME=y, CONFIG_BLK_DEV_INITRD=y and no \"quiet\"");
            }
            double init = outcome.timeline().phases(outcome.seconds()).getOrDefault("init", 0.0);
            return new Measured(stamps.unpacked - stamps.unpacking, touched(ram), init, outcome.seconds());
        }
    }

    private long touched(Path ram) {
        Shell.Result used = tools.shell().run("du", "-k", ram.toString());
        return Long.parseLong(used.text().split("\\s+")[0]) * KIB;
    }
}
