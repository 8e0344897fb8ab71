package lib;

import com.fasterxml.jackson.annotation.JsonInclude;
import com.fasterxml.jackson.annotation.JsonProperty;
import java.util.List;
import java.util.Optional;

/**
 * The body of cloud-hypervisor's vm.create: VmConfig of its OpenAPI description. {@code kernel}, {@code cmdline} and
 * {@code initramfs} at the top are where versions before 26 have what newer ones have in {@code payload}.
 */
@JsonInclude(JsonInclude.Include.NON_EMPTY)
record ChConfig(Optional<Payload> payload, Optional<Old.Kernel> kernel, Optional<Old.Cmdline> cmdline, Optional<Old.Initramfs> initramfs, Cpus cpus,
        Memory memory, List<Disk> disks, List<Net> net, Serial serial, ConsoleDevice console) {
    private static final int PAYLOAD_SINCE = 26;

    @JsonInclude(JsonInclude.Include.NON_EMPTY)
    record Payload(String kernel, Optional<String> cmdline, Optional<String> initramfs) { }

    record Cpus(@JsonProperty("boot_vcpus") int boot, @JsonProperty("max_vcpus") int max) { }

    /** @param size bytes */
    record Memory(long size) { }

    /** @param imageType said always: without it the first sector of a raw disk is read-only since v50.1 */
    record Disk(String path, @JsonProperty("image_type") String imageType) { }

    record Net(String tap, String mac) { }

    @JsonInclude(JsonInclude.Include.NON_EMPTY)
    record Serial(String mode, Optional<String> socket) { }

    record ConsoleDevice(String mode) { }

    /** Parts that versions before 26 know. */
    interface Old {
        record Kernel(String path) { }

        record Cmdline(String args) { }

        record Initramfs(String path) { }
    }

    /** @param version major version of the cloud-hypervisor that gets this */
    static ChConfig of(Machine machine, int version, Serial serial) {
        Machine.Payload payload = machine.payload();
        boolean old = version < PAYLOAD_SINCE;
        Optional<String> initramfs = payload.initrd().map(Object::toString);
        return new ChConfig(
                old ? Optional.empty() : Optional.of(new Payload(payload.kernel().toString(), payload.cmdline(), initramfs)),
                old ? Optional.of(new Old.Kernel(payload.kernel().toString())) : Optional.empty(),
                old ? payload.cmdline().map(Old.Cmdline::new) : Optional.empty(),
                old ? initramfs.map(Old.Initramfs::new) : Optional.empty(),
                new Cpus(machine.cpus(), machine.cpus()), new Memory((long) machine.memory() << 20),
                machine.disks().stream().map(disk -> new Disk(disk.toString(), Disks.Format.of(disk) == Disks.Format.RAW ? "Raw" : "Qcow2")).toList(),
                machine.network() instanceof Network.Tap tap ? List.of(new Net(tap.device(), tap.mac())) : List.of(),
                serial, new ConsoleDevice("Off"));
    }
}
