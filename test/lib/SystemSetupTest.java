package lib;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Optional;
import lib.tool.Failure;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class SystemSetupTest {
    @TempDir
    Path folder;
    private RootTree root;
    private Path myInit;

    @BeforeEach
    void tree() throws IOException {
        root = new RootTree(Files.createDirectory(folder.resolve("root")));
        root.write("etc/shadow", "root:::0:::::\nbin:!::0:::::\nguest::1::::::\n", 0640);
        myInit = Files.createDirectories(folder.resolve("my_init"));
        Files.createDirectories(myInit.resolve("services"));
        Files.writeString(myInit.resolve("my_init.conf"), "log_level: info\n");
        Files.writeString(myInit.resolve("services/sshd.yaml"), "exec: sshd\n");
        root.write("usr/sbin/sshd", "binary", 0755);
        Path modules = Files.createDirectories(folder.resolve("kernel/lib/modules/6.1.0-test"));
        for (String file : new String[] {"modules.dep", "modules.builtin", "modules.order"}) {
            Files.writeString(modules.resolve(file), "");
        }
    }

    @Test
    void my_init_is_what_the_kernel_and_people_find_as_init() {
        root.write("sbin/my_init", "binary", 0755);

        setup(Optional.empty()).applyTo(root, "6.1.0-test", folder.resolve("kernel"));

        assertThat(root.isFile("init")).isTrue();
        assertThat(folder.resolve("root/sbin/init")).isSymbolicLink();
        assertThat(root.read("etc/my_init/services/sshd.yaml")).isEqualTo("exec: sshd\n");
        assertThat(root.read("etc/hostname")).isEqualTo("node\n");
    }

    @Test
    void the_public_key_of_published_images_is_in_the_image() throws IOException {
        root.write("sbin/my_init", "binary", 0755);
        SigningTest.keys(folder.resolve("signing.pem"), folder.resolve("signing.pub"));

        setup(Optional.empty()).applyTo(root, "6.1.0-test", folder.resolve("kernel"));

        assertThat(root.read("etc/mos/signing.pub")).isEqualTo(Files.readString(folder.resolve("signing.pub")));
        Files.writeString(folder.resolve("signing.pub"), "no key");
        assertThatThrownBy(() -> setup(Optional.empty()).applyTo(root, "6.1.0-test", folder.resolve("kernel"))).isInstanceOf(Failure.class)
                .hasMessageContaining("is not an Ed25519 public key");
    }

    @Test
    void files_of_the_configuration_lie_over_what_packages_brought() throws IOException {
        root.write("sbin/my_init", "binary", 0755);
        root.write("etc/motd", "theirs", 0644);
        Files.createDirectories(folder.resolve("rootfs/root/.ssh"));
        Files.createDirectories(folder.resolve("rootfs/etc"));
        Files.writeString(folder.resolve("rootfs/README"), "about this folder");
        Files.writeString(folder.resolve("rootfs/etc/motd"), "ours");
        Files.writeString(folder.resolve("rootfs/root/.ssh/authorized_keys"), "ssh-ed25519 AAAA");
        Files.writeString(folder.resolve("rootfs/etc/run"), "#!/bin/sh\n");
        assertThat(folder.resolve("rootfs/etc/run").toFile().setExecutable(true)).isTrue();
        Files.createSymbolicLink(folder.resolve("rootfs/etc/link"), Path.of("motd"));

        setup(Optional.empty()).applyTo(root, "6.1.0-test", folder.resolve("kernel"));

        assertThat(root.read("etc/motd")).isEqualTo("ours");
        assertThat(folder.resolve("root/etc/link")).isSymbolicLink();
        assertThat(root.exists("README")).isFalse();
        assertThat((Integer) Files.getAttribute(folder.resolve("root/etc/run"), "unix:mode") & 07777).isEqualTo(0755);
        assertThat((Integer) Files.getAttribute(folder.resolve("root/root/.ssh/authorized_keys"), "unix:mode") & 07777).isEqualTo(0600);
        assertThat((Integer) Files.getAttribute(folder.resolve("root/root/.ssh"), "unix:mode") & 07777).isEqualTo(0700);
    }

    @Test
    void an_image_without_my_init_is_refused() {
        assertThatThrownBy(() -> setup(Optional.empty()).applyTo(root, "6.1.0-test", folder.resolve("kernel"))).isInstanceOf(Failure.class)
                .hasMessageContaining("no component installs /sbin/my_init");
    }

    @Test
    void empty_passwords_are_locked_and_the_mode_of_shadow_stays() throws IOException {
        List<String> done = setup(Optional.empty()).lockPasswords(root);

        assertThat(root.read("etc/shadow")).isEqualTo("root:*::0:::::\nbin:!::0:::::\nguest:!:1::::::\n");
        assertThat(done).containsExactly("root's password is locked", "the empty password of guest is locked");
        assertThat((Integer) Files.getAttribute(folder.resolve("root/etc/shadow"), "unix:mode") & 07777).isEqualTo(0640);
    }

    @Test
    void a_configured_hash_becomes_roots_password() {
        setup(Optional.of("$6$salt$hash")).lockPasswords(root);

        assertThat(root.read("etc/shadow")).startsWith("root:$6$salt$hash::0:::::\n");
    }

    private SystemSetup setup(Optional<String> hash) {
        return new SystemSetup(new Config.Guest("node", hash, List.of(), myInit, Services.read(myInit), Optional.empty(), 0), TestTools.in(folder));
    }
}
