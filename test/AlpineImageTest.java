import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.stream.Stream;
import lib.TestProject;
import lib.image.Elf;
import lib.tool.Json;
import lib.tool.Shell;
import lib.tool.Trees;
import lib.tool.User;
import org.junit.jupiter.api.Assumptions;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** An image of real Alpine packages: judged by apk, cpio, xz and modprobe here, and by programs inside the booted guest. */
@Tag("slow")
class AlpineImageTest {
    private static final List<String> PACKAGES = List.of("openssh-server", "dhcpcd", "e2fsprogs", "eudev", "dosfstools", "zstd", "pciutils", "jq", "sgdisk",
            "efibootmgr", "kmod-libs");

    /** Type, mode and owner of all, size and sha256 of files, targets of links; /dev is made by the archive alone. */
    private static final String MANIFEST = """
            export LC_ALL=C
            set -- . -xdev ! -path . ! -path './dev/*' ! -path './check*'
            {
                find "$@" -exec stat -c '%n %f %u %g' {} +
                find "$@" -type f -exec stat -c '%n size %s' {} +
                find "$@" -type f -exec sha256sum {} +
                find "$@" -type l -exec sh -c 'for link; do echo "$link -> $(readlink "$link")"; done' sh {} +
            } | sort
            """;

    @TempDir
    static Path folder;
    private static Path workspace;

    @BeforeAll
    static void build() throws IOException, InterruptedException {
        Path mirror = TestProject.shared("alpine-mirror");
        workspace = Script.demoWorkspace(folder);
        Path config = workspace.resolve("config");
        Files.writeString(config.resolve("build.conf"), Trees.read(config.resolve("build.conf")).replaceAll("(?m)^(ALPINE_|MAX_|UPX).*\n", "")
                + "ALPINE_VERSION=\"3.19.4\"\nALPINE_MIRROR=\"" + mirror + "\"\nUPX=never\nLINK_IDENTICAL=yes\n");
        for (String name : List.of("one", "two")) {
            Files.writeString(Files.createDirectories(config.resolve("rootfs/usr/share/" + name)).resolve("text"), "the same text\n");
        }
        Files.writeString(config.resolve("packages.list"), String.join("\n", PACKAGES) + "\n");
        Trees.delete(config.resolve("my_init/services"));
        Files.createDirectory(config.resolve("my_init/services"));
        Files.writeString(config.resolve("my_init/services/checks.yaml"), "oneshot: true\nexec: sh /etc/my_init/checks.sh\n");
        Files.writeString(config.resolve("my_init/checks.sh"), """
                echo "check release $(cat /etc/alpine-release) kernel $(uname -r)"
                echo "check sshd $(grep '^sshd:' /etc/passwd)"
                echo '{"a": 41}' | jq -r '"check jq \\(.a + 1)"'
                echo "check pid1 $(readlink -f /proc/1/exe) $(cat /proc/1/comm)"
                rmmod virtio_net && modprobe virtio_net && echo "check modprobe $(grep -c '^virtio_net ' /proc/modules)"
                echo "check audit [$(apk audit --system 2>&1 | tr '\\n' ' ')]"
                /usr/sbin/sshd -t 2>&1 | grep -q 'no hostkeys' && echo "check sshd has no host keys in the image"
                mke2fs -q -t ext4 /dev/vda 64M && e2fsck -fn /dev/vda > /dev/null && echo "check ext4 $(blkid /dev/vda)"
                grep '^root:' /etc/shadow | cut -d: -f1,2 | sed 's/^/check shadow /'
                test /usr/share/one/text -ef /usr/share/two/text && echo "check linked $(cat /usr/share/one/text)"
                echo "check done"
                """);
        Files.writeString(config.resolve("boot.expect"), """
                within 180
                must check release 3\\.19\\.4 kernel \\S+-MyceliumOS
                must check sshd sshd:x:22:22:
                must check jq 42
                must check pid1 /sbin/my_init
                must check modprobe 1
                must check audit \\[\\]
                must check sshd has no host keys
                must check ext4 .*TYPE="ext4"
                must check shadow root:\\*$
                must check linked the same text
                must check done
                must-not my_init: error:
                """);
        Script.Run run = Script.run("build.java", "-C", workspace.toString());
        assertThat(run.exitCode()).describedAs(run.toString()).isZero();
    }

    @Test
    void boots_to_my_init_and_every_program_in_it_works() throws IOException, InterruptedException {
        Assumptions.assumeTrue(Shell.which("qemu-system-x86_64").isPresent(), "QEMU is not installed");

        Script.Run run = Script.run("runit.java", "-C", workspace.toString(), "--check", "--disks", "1", "--disk-size", "1G");

        assertThat(run.exitCode()).describedAs(run.toString()).isZero();
    }

    @Test
    void cpio_and_xz_read_the_archive() throws IOException, InterruptedException {
        Assumptions.assumeTrue(Shell.which("cpio").isPresent(), "cpio is not installed");
        List<String> names = shell("xz -dc dist/initramfs.cpio.xz | cpio -t --quiet");

        assertThat(names).contains("usr/bin/jq", "usr/sbin/sshd", "sbin/my_init", "init", "dev/console", "bin/busybox").doesNotHaveDuplicates();
        try (Stream<Path> tree = Files.walk(workspace.resolve("initramfs"))) {
            assertThat(names).hasSizeGreaterThanOrEqualTo((int) tree.count() - 1);
        }
        assertThat(names).doesNotContain("sbin/openrc", "etc/init.d");
        assertThat(shell("xz -t dist/initramfs.cpio.xz && xz -dc dist/initramfs.cpio.xz | cpio -itv --quiet")).hasSameSizeAs(names)
                .anyMatch(line -> line.matches("crw------- +1 root +root +5, +1 .* dev/console"))
                .anyMatch(line -> line.matches("-rw-r--r-- +2 root +root +0 .* usr/share/one/text"))
                .anyMatch(line -> line.matches("-rw-r--r-- +2 root +root +14 .* usr/share/two/text"))
                .anyMatch(line -> line.matches("-rwxr-xr-x +1 root +root .* sbin/my_init"));
    }

    @Test
    void lsinitramfs_lists_what_cpio_lists() throws IOException, InterruptedException {
        Assumptions.assumeTrue(Shell.which("lsinitramfs").isPresent() && Shell.which("cpio").isPresent(), "lsinitramfs is not installed");

        assertThat(shell("lsinitramfs dist/initramfs.cpio.xz")).containsExactlyInAnyOrderElementsOf(shell("xz -dc dist/initramfs.cpio.xz | cpio -t --quiet"));
    }

    /** Before anything else runs in the guest: a second archive brings the list and the program that compares. */
    @Test
    void the_kernel_unpacks_exactly_the_tree_that_was_packed() throws IOException, InterruptedException {
        Assumptions.assumeTrue(Shell.which("qemu-system-x86_64").isPresent() && Shell.which("cpio").isPresent(), "QEMU or cpio is not installed");
        Assumptions.assumeTrue(User.isRoot(), "only root sees the owners as they are packed");
        Path check = Files.createDirectories(folder.resolve("extra/check"));
        Files.writeString(check.resolve("manifest"), MANIFEST);
        Files.writeString(check.resolve("init"), """
                #!/bin/sh
                export PATH=/bin:/sbin:/usr/bin:/usr/sbin
                cd / && sh /check/manifest > /check/seen
                diff /check/packed /check/seen > /check/difference && echo "manifest: the same $(wc -l < /check/seen) lines"
                head -n 40 /check/difference
                echo "manifest: done"
                poweroff -f
                """);
        Files.setAttribute(check.resolve("init"), "unix:mode", 0755);
        Files.write(check.resolve("packed"), shell("cd initramfs && sh " + check.resolve("manifest")));
        shell("cd " + check.getParent() + " && find check | cpio -o --quiet -H newc > ../extra.cpio");

        List<String> console = shell("timeout 600 qemu-system-x86_64 -nodefaults -no-user-config -no-reboot -m 512 -display none -serial stdio -kernel dist/vmlinuz.efi -initrd "
                + folder.resolve("extra.cpio") + " -append 'console=ttyS0 panic=-1 rdinit=/check/init'").stream().map(String::strip).toList();

        long lines = Files.readAllLines(check.resolve("packed")).size();
        assertThat(lines).isGreaterThan(1000);
        assertThat(console).anyMatch(line -> line.endsWith("manifest: the same " + lines + " lines")).anyMatch(line -> line.endsWith("manifest: done"));
    }

    @Test
    void the_real_apk_finds_nothing_to_complain_about() throws IOException, InterruptedException {
        Assumptions.assumeTrue(User.isRoot(), "only root may chroot");

        assertThat(shell("chroot initramfs /sbin/apk audit --system")).isEmpty();
        assertThat(shell("chroot initramfs /sbin/apk info | sort")).containsAll(PACKAGES);
    }

    @Test
    void modprobe_finds_each_module_with_what_it_needs() throws IOException, InterruptedException {
        Assumptions.assumeTrue(Shell.which("modprobe").isPresent(), "kmod is not installed");
        String release = Json.read(workspace.resolve("dist/build.json")).get("kernel").get("release").asText();

        List<String> lines = shell("modprobe --show-depends -d initramfs -S " + release + " virtio_net");

        assertThat(lines).hasSize(3).last().asString().contains("virtio_net.ko");
        for (String line : lines) {
            assertThat(Path.of(line.split(" ")[1])).exists();
        }
    }

    @Test
    void the_report_says_what_the_kernel_was_made_from() {
        assertThat(Json.read(workspace.resolve("dist/build.json")).at("/sources/kernel/sha256").asText()).matches("[0-9a-f]{64}");
    }

    @Test
    void programs_are_stripped_and_still_whole() throws IOException {
        Elf sshd = Elf.read(workspace.resolve("initramfs/usr/sbin/sshd"));

        assertThat(sshd.sections()).extracting(Elf.Section::name).doesNotContain(".symtab", ".debug_info");
        assertThat(sshd.needed()).contains("libcrypto.so.3");
    }

    private static List<String> shell(String line) throws IOException, InterruptedException {
        Process process = new ProcessBuilder("sh", "-c", line).directory(workspace.toFile()).redirectError(ProcessBuilder.Redirect.INHERIT).start();
        List<String> lines = new String(process.getInputStream().readAllBytes(), StandardCharsets.UTF_8).lines().toList();
        assertThat(process.waitFor()).isZero();
        return lines;
    }
}
