import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import demo.ApkPackage;
import demo.ApkWriter;
import demo.SigningKey;
import demo.TarEntry;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import lib.Architecture;
import lib.DebianRust;
import lib.TestProject;
import lib.image.Elf;
import lib.tool.Json;
import lib.tool.Shell;
import lib.tool.Trees;
import lib.tool.User;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/**
 * An image for aarch64, made on x86_64: Alpine's minirootfs, a package whose script runs in an emulator, my_init and the kernel from
 * source by cross compilers. UEFI firmware boots it. The kernel is compiled once into the cache.
 */
@Tag("slow")
class CrossBuildTest {
    @TempDir
    Path folder;

    @Test
    void an_image_for_aarch64_is_built_here_and_boots_by_uefi_to_my_init() throws IOException, InterruptedException {
        assumeTrue(System.getProperty("os.arch").equals("amd64"), "aarch64 is foreign to x86_64 only");
        assumeTrue(User.isRoot(), "the emulator is registered in a namespace of root's");
        for (String program : List.of("aarch64-linux-gnu-gcc", "aarch64-linux-gnu-ld", "qemu-aarch64-static", "qemu-system-aarch64", "make", "flex", "bison", "bc")) {
            assumeTrue(Shell.which(program).isPresent(), program + " is not installed");
        }
        assumeTrue(Files.exists(Path.of("/usr/share/AAVMF")), "there is no UEFI firmware for aarch64 (package qemu-efi-aarch64)");
        Path alpine = TestProject.shared("alpine-mirror/v3.19/releases/aarch64");
        Path rust = DebianRust.binaries("arm64");
        Path workspace = workspace(alpine);
        Map<String, String> environment = Map.of("ALPINE_ARCH", "aarch64", "RUST_TARGET", "aarch64-unknown-linux-gnu", "PATH", rust + ":" + System.getenv("PATH"));

        Script.Run built = Script.run(environment, "build.java", "-C", workspace.toString());

        assertThat(built.exitCode()).describedAs(built.toString()).isZero();
        Path image = workspace.resolve("dist/vmlinuz.efi");
        assertThat(Architecture.of(image)).isEqualTo(Architecture.AARCH64);
        assertThat(Elf.read(workspace.resolve("initramfs/sbin/my_init")).machine()).isEqualTo(Elf.AARCH64);
        assertThat(workspace.resolve("initramfs/machine")).hasContent("aarch64");
        assertThat(Json.read(workspace.resolve("dist/build.json")).get("kernel").get("release").asText()).endsWith("-MyceliumOS");

        Script.Run booted = Script.run(environment, "runit.java", "-C", workspace.toString(), "--check", "--efi", "--memory", "1024", "--disks", "1", "--disk-size", "1G");

        assertThat(booted.exitCode()).describedAs(booted + log(workspace)).isZero();
    }

    private static String log(Path workspace) throws IOException {
        Path log = workspace.resolve("vm/default/boot.log");
        return Files.exists(log) ? "--- console\n" + Files.readString(log, StandardCharsets.ISO_8859_1) : "";
    }

    /** The demo's kernel and my_init with Alpine in place of its packages. */
    private Path workspace(Path alpine) throws IOException, InterruptedException {
        Path workspace = Script.demoWorkspace(folder);
        Path config = workspace.resolve("config");
        Files.writeString(config.resolve("build.conf"), Trees.read(config.resolve("build.conf")).replaceAll("(?m)^(ALPINE_|RUST_).*\n", "")
                + "ALPINE_VERSION=\"3.19.4\"\nALPINE_MIRROR=\"alpine\"\n");
        mirror(workspace.resolve("alpine/v3.19"), alpine, Files.createDirectory(config.resolve("keys")));
        Files.writeString(config.resolve("packages.list"), "hello\n");
        Trees.delete(config.resolve("my_init/services"));
        Files.createDirectory(config.resolve("my_init/services"));
        Files.writeString(config.resolve("my_init/services/checks.yaml"), "oneshot: true\nexec: sh /etc/my_init/checks.sh\n");
        Files.writeString(config.resolve("my_init/checks.sh"), """
                echo "check release $(cat /etc/alpine-release) kernel $(uname -r) $(uname -m)"
                echo "check pid1 $(readlink -f /proc/1/exe)"
                echo "check firmware $(ls -d /sys/firmware/efi)"
                echo "check package $(hello) on $(cat /machine)"
                rmmod virtio_net && modprobe virtio_net && echo "check modprobe $(grep -c '^virtio_net ' /proc/modules)"
                echo "check disk $(cat /sys/block/vda/size)"
                echo "check done"
                """);
        Files.writeString(config.resolve("boot.expect"), """
                within 400
                must Linux version \\S+-MyceliumOS
                must my_init: started \\(pid 1\\)
                must check release 3\\.19\\.4 kernel \\S+-MyceliumOS aarch64
                must check pid1 /sbin/my_init
                must check firmware /sys/firmware/efi
                must check package hello on aarch64
                must check modprobe 1
                must check disk 2097152
                must check done
                must my_init: ready in
                must-not my_init: error:
                must-not Kernel panic
                """);
        return workspace;
    }

    /** The real minirootfs, and signed indexes that offer one package. */
    private static void mirror(Path branch, Path alpine, Path keys) throws IOException {
        Files.createDirectories(branch.resolve("releases"));
        Files.createSymbolicLink(branch.resolve("releases/aarch64"), alpine);
        SigningKey key = SigningKey.generate("test.rsa.pub");
        Files.writeString(keys.resolve("test.rsa.pub"), key.publicPem());
        ApkWriter writer = new ApkWriter(key);
        ApkPackage hello = ApkPackage.of("hello", "1.0-r0", "aarch64", 1_700_000_000).with("pkgdesc", "says hello").with("license", "MIT")
                .with(TarEntry.file("usr/bin/hello", 0755, "#!/bin/sh\necho hello\n")).withScript("post-install", "#!/bin/sh\nuname -m > /machine\n").tidy();
        ApkWriter.Apk apk = writer.write(hello);
        Path main = Files.createDirectories(branch.resolve("main/aarch64"));
        Files.write(main.resolve("hello-1.0-r0.apk"), apk.bytes());
        Files.write(main.resolve("APKINDEX.tar.gz"), writer.index("main", List.of(writer.stanza(hello, apk))));
        Files.write(Files.createDirectories(branch.resolve("community/aarch64")).resolve("APKINDEX.tar.gz"), writer.index("community", List.of()));
    }
}
