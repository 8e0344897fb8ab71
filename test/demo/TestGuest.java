package demo;

import static org.junit.jupiter.api.Assumptions.assumeTrue;

import java.io.IOException;
import java.io.OutputStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.util.List;
import java.util.Optional;
import lib.image.Cpio;
import lib.tool.Shell;
import lib.tool.Shell.Command;
import lib.tool.Tools;

/**
 * A guest that boots in seconds and does what its command line says: the distribution's small kernel for virtual machines, busybox
 * and the script below as process 1.
 */
public final class TestGuest {
    private static final List<String> MODULES = List.of("virtio_ring", "virtio", "virtio_pci_legacy_dev", "virtio_pci_modern_dev", "virtio_pci",
            "virtio_blk", "failover", "net_failover", "virtio_net");
    private static final String INIT = """
            #!/bin/busybox sh
            export PATH=/bin
            /bin/busybox --install -s /bin
            mount -t proc proc /proc
            mount -t sysfs sysfs /sys
            mount -t devtmpfs dev /dev
            for module in MODULES; do [ ! -e /modules/$module.ko ] || insmod /modules/$module.ko; done
            echo "guest: started"
            for disk in /sys/block/vd*; do [ ! -e $disk ] || echo "guest: disk ${disk##*/} $(cat $disk/size) $(cat $disk/serial)"; done
            [ ! -d /sys/firmware/efi ] || echo "guest: booted by EFI"
            for word in $(cat /proc/cmdline); do
              case $word in
                test=hang) sleep 1000;;
                test=panic) exit 1;;
                test=poweroff) poweroff -f;;
                test=write) echo data > /dev/vda; sync;;
                test=serve) ifconfig eth0 10.0.2.15 netmask 255.255.255.0
                  while :; do echo "guest: hello" | nc -l -p 80; done & ;;
                test=ping) ifconfig eth0 192.168.123.2 netmask 255.255.255.0
                  ping -c 1 -w 20 192.168.123.1 > /dev/null && echo "guest: the host answers";;
              esac
            done
            echo "guest: ready"
            echo "guest: data on disk: $(head -c 4 /dev/vda 2> /dev/null)"
            echo -n "guest login: "
            while read -r line; do
              echo "guest: heard $line"
              [ "$line" != off ] || poweroff -f
              echo -n "guest login: "
            done
            """;

    private TestGuest() { }

    /** The kernel; the test is skipped where the distribution has none. */
    public static Path kernel() {
        Tools tools = tools();
        String name = imageName(tools);
        return Debs.fetch(List.of(name), tools).file(name, "vmlinuz-" + name.replace("linux-image-", ""));
    }

    /** BusyBox as one static program. */
    public static Path busybox() {
        return Debs.fetch(List.of("busybox-static"), tools()).file("busybox-static", "busybox");
    }

    private static Tools tools() {
        assumeTrue(System.getProperty("os.arch").equals("amd64"), "the guest is for x86_64");
        assumeTrue(Shell.which("qemu-system-x86_64").isPresent(), "qemu-system-x86_64 is not installed");
        assumeTrue(Shell.which("apt-get").isPresent() && Shell.which("dpkg-deb").isPresent(), "the kernel comes from Debian's packages");
        return DemoTest.tools();
    }

    private static String imageName(Tools tools) {
        Optional<String> name = tools.shell().attempt(Command.of("apt-cache", "depends", "linux-image-cloud-amd64").with("LC_ALL", "C")).text().lines()
                .map(String::strip).filter(line -> line.startsWith("Depends: linux-image-")).map(line -> line.substring("Depends: ".length())).findFirst();
        assumeTrue(name.isPresent(), "this distribution has no package linux-image-cloud-amd64");
        return name.get();
    }

    /** Writes the guest's initramfs. */
    public static void writeInitrd(Path file, Path scratch) throws IOException {
        Tools tools = tools();
        Path bin = Files.createDirectories(scratch.resolve("bin"));
        for (String folder : List.of("proc", "sys", "dev", "modules")) {
            Files.createDirectories(scratch.resolve(folder));
        }
        executable(Files.copy(busybox(), bin.resolve("busybox")));
        String name = imageName(tools);
        Debs image = Debs.fetch(List.of(name), tools);
        for (String module : MODULES) {
            Files.copy(image.file(name, module + ".ko"), scratch.resolve("modules").resolve(module + ".ko"));
        }
        executable(Files.writeString(scratch.resolve("init"), INIT.replace("MODULES", String.join(" ", MODULES))));
        try (OutputStream out = Files.newOutputStream(file)) {
            Cpio.write(scratch, List.of(new Cpio.Device("dev/console", 0600, 5, 1)), 0, out);
        }
    }

    private static void executable(Path file) throws IOException {
        Files.setPosixFilePermissions(file, PosixFilePermissions.fromString("rwxr-xr-x"));
    }
}
