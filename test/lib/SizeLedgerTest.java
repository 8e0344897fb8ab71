package lib;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Random;
import java.util.function.Supplier;
import java.util.zip.GZIPOutputStream;
import lib.image.FinishedImage;
import lib.image.TestArchive;
import lib.tool.Failure;
import lib.tool.Json;
import org.assertj.core.api.InstanceOfAssertFactories;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class SizeLedgerTest {
    private static final String DATABASE = """
            P:busybox
            V:1.36-r0
            F:bin
            R:busybox
            F:var/empty

            P:jq
            V:%s
            F:usr/bin
            R:jq
            """;
    private static final String BUILD = """
            {"components": [{"name": "my_init", "path": "/sbin/my_init", "identity": "0123456789abcdef"}],
             "modules": [{"name": "virtio_net", "path": "kernel/net/virtio_net.ko.xz", "by": "virtio_net"},
                         {"name": "failover", "path": "kernel/net/failover.ko", "by": "net_failover"},
                         {"name": "net_failover", "path": "kernel/net/none.ko", "by": "virtio_net"}],
             "rootfs": ["srv/motd"]}""";

    @TempDir
    Path folder;

    private static byte[] noise(int length) {
        byte[] bytes = new byte[length];
        new Random(length).nextBytes(bytes);
        return bytes;
    }

    /** An image with something of every group; jq's size can be chosen. */
    static byte[] image(String version, int jq) throws IOException {
        byte[] archive = new TestArchive().folder("bin", 0755).file("bin/busybox", 0755, noise(40_000)).link("bin/sh", "/bin/busybox")
                .folder("dev", 0755).device("dev/console", 0600).folder("etc", 0755).file("etc/hostname", 0644, "node\n").folder("etc/my_init", 0755)
                .file("etc/my_init/my_init.conf", 0644, "log_level: info\n").folder("etc/ssl", 0755).file("etc/ssl/bundle", 0644, noise(3_000))
                .link("init", "sbin/init").folder("lib", 0755).folder("lib/apk", 0755).folder("lib/apk/db", 0755)
                .file("lib/apk/db/installed", 0644, DATABASE.formatted(version)).folder("lib/firmware", 0755).file("lib/firmware/e100.bin", 0644, noise(5_000))
                .folder("lib/modules", 0755).folder("lib/modules/6.1.2-test", 0755).folder("lib/modules/6.1.2-test/kernel", 0755)
                .folder("lib/modules/6.1.2-test/kernel/net", 0755).file("lib/modules/6.1.2-test/kernel/net/failover.ko", 0644, noise(2_000))
                .file("lib/modules/6.1.2-test/kernel/net/virtio_net.ko", 0644, noise(9_000)).file("lib/modules/6.1.2-test/modules.dep", 0644, "a: b\n")
                .folder("sbin", 0755).link("sbin/init", "my_init").file("sbin/my_init", 0755, noise(20_000)).folder("srv", 0755).file("srv/motd", 0644, "hello")
                .folder("usr", 0755).folder("usr/bin", 0755).file("usr/bin/jq", 0755, noise(jq)).folder("var", 0755).folder("var/empty", 0755).bytes();
        ByteArrayOutputStream out = new ByteArrayOutputStream();
        try (GZIPOutputStream gzip = new GZIPOutputStream(out)) {
            gzip.write(archive);
        }
        return TestArchive.kernel(out.toByteArray());
    }

    static SizeReport report(String version, int jq) throws IOException {
        return SizeLedger.charge(FinishedImage.parse("test", image(version, jq)), "vmlinuz.efi", Json.parse(BUILD, "test"));
    }

    @Test
    void every_byte_is_charged_to_somebody_and_the_sum_is_the_file() throws IOException {
        SizeReport report = report("1.7-r0", 10_000);

        assertThat(report.items().stream().mapToLong(SizeReport.Item::bytes).sum()).isEqualTo(image("1.7-r0", 10_000).length).isEqualTo(report.bytes());
        assertThat(report.items().stream().filter(item -> !item.group().equals("kernel")).mapToLong(SizeReport.Item::bytes).sum()).isEqualTo(report.initramfs());
        assertThat(report.items()).extracting(item -> item.group() + "/" + item.title()).contains("kernel/linux 6.1.2-test", "packages/busybox 1.36-r0",
                "packages/jq 1.7-r0", "packages/made by package scripts", "packages/package database", "components/my_init 0123456789",
                "modules/virtio_net 6.1.2-test", "modules/indexes", "firmware/e100.bin", "configuration/my_init", "configuration/device nodes",
                "configuration/system", "configuration/config/rootfs");
        assertThat(report.items()).allSatisfy(item -> assertThat(item.files().stream().mapToLong(SizeReport.FileShare::bytes).sum())
                .isEqualTo(item.group().equals("kernel") ? 0 : item.bytes()));
    }

    @Test
    void links_folders_and_dependencies_are_charged_to_those_who_need_them() throws IOException {
        Map<String, SizeReport.Item> items = report("1.7-r0", 10_000).byName();

        assertThat(paths(items.get("packages busybox"))).containsExactly("bin", "bin/busybox", "bin/sh", "var", "var/empty");
        assertThat(paths(items.get("components my_init"))).contains("init", "sbin", "sbin/init", "sbin/my_init");
        assertThat(paths(items.get("modules virtio_net"))).contains("lib/modules/6.1.2-test/kernel/net/failover.ko");
        assertThat(items.get("modules virtio_net").bytes()).isBetween(11_000L, 12_500L);
    }

    private static List<String> paths(SizeReport.Item item) {
        return item.files().stream().map(SizeReport.FileShare::path).toList();
    }

    @Test
    void size_json_can_be_read_again_and_says_nothing_that_changes_without_the_image() throws IOException {
        SizeReport report = report("1.7-r0", 10_000);
        Path file = Files.writeString(folder.resolve("size.json"), report.json());

        assertThat(SizeReport.find(folder)).contains(report);
        assertThat(report("1.7-r0", 10_000).json()).isEqualTo(report.json());
        Files.writeString(file, report.json().replace("\"bytes\":" + report.bytes(), "\"bytes\":1"));
        assertThatThrownBy(() -> SizeReport.read(file)).isInstanceOf(Failure.class).hasMessageContaining("is not a size ledger");
    }

    private static SizeLedger ledger(Map<String, Long> groups, Optional<Long> initramfs, Optional<SizeReport> before, Path folder) {
        return new SizeLedger(new Config.Budget(Config.Upx.NEVER, false, Config.Compression.XZ, initramfs, Optional.empty(), groups, 0), before, TestTools.in(folder));
    }

    @Test
    void over_its_budget_a_group_is_named_with_what_has_grown_most() throws IOException {
        SizeReport before = report("1.6-r0", 4_000);
        SizeReport now = report("1.7-r0", 14_000);

        assertThatThrownBy(() -> ledger(Map.of("packages", 50_000L), Optional.of(60_000L), Optional.of(before), folder).require(now))
                .asInstanceOf(InstanceOfAssertFactories.type(Failure.class)).satisfies(failure -> {
                    assertThat(failure.exitCode()).isEqualTo(4);
                    assertThat(failure.what()).contains("packages take ", "MAX_PACKAGES_SIZE allows 50000", "MAX_INITRAMFS_SIZE allows 60000")
                            .containsPattern("grown most:\n      \\+\\d{4,5}  packages/jq 1.6-r0 -> 1.7-r0\n");
                });
        assertThatThrownBy(() -> ledger(Map.of("kernel", 100L), Optional.empty(), Optional.of(before), folder).require(now))
                .hasMessageContaining("MAX_LINUX_SIZE allows 100");
        ledger(Map.of("packages", 500_000L, "modules", 20_000L), Optional.of(600_000L), Optional.of(before), folder).require(now);
    }

    @Test
    void without_an_earlier_build_the_five_largest_are_named() throws IOException {
        SizeReport now = report("1.7-r0", 14_000);

        assertThatThrownBy(() -> ledger(Map.of(), Optional.of(10L), Optional.empty(), folder).require(now)).satisfies(failure ->
                assertThat(failure.getMessage().lines().filter(line -> line.startsWith("      "))).hasSize(5).first().asString().contains("packages/busybox"));
    }

    @Test
    void an_unchanged_image_is_not_opened_again() throws IOException {
        Path image = Files.write(folder.resolve("vmlinuz"), image("1.7-r0", 10_000));
        SizeLedger ledger = ledger(Map.of(), Optional.empty(), Optional.empty(), folder);
        SizeReport first = ledger.of(image, FinishedImage.later(image), Map.of("rootfs", List.of()));
        Supplier<FinishedImage> never = () -> {
            throw new AssertionError("opened again");
        };

        assertThat(ledger.of(image, never, Map.of("rootfs", List.of()))).isEqualTo(first);
        assertThatThrownBy(() -> ledger.of(image, never, Map.of("rootfs", List.of("x")))).hasMessageContaining("opened again");
    }

    @Test
    void the_table_shows_each_group_with_its_change() throws IOException {
        String table = report("1.7-r0", 14_000).table(Optional.of(report("1.6-r0", 4_000)));

        assertThat(table).containsPattern("packages +\\d+ +\\d+\\.\\d % +\\+\\d{4,5} +busybox \\d+.\\d KiB, jq \\d+.\\d KiB, .* and 1 more\n").contains("vmlinuz.efi");
        assertThat(table.getBytes(StandardCharsets.US_ASCII)).hasSize(table.length());
    }
}
