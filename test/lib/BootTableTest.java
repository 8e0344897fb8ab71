package lib;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Optional;
import lib.BootCheck.Verdict;
import lib.tool.Failure;
import lib.tool.Json;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class BootTableTest {
    @TempDir
    Path folder;

    private static BootTable.Row row(String name, Verdict verdict, String why) {
        return BootTable.Row.of(name, 512, new Boot.Outcome(verdict, why, 8.25, new Timeline(List.of()), List.of("last \033 words")), Path.of("/w/boot-" + name + ".log"));
    }

    private final BootTable table = BootTable.of("matrix", List.of(row("qemu-kernel", Verdict.MET, ""), row("uefi-http", Verdict.TIMEOUT, "too late\n  missing: ready"),
            BootTable.Row.notStarted("uefi-partition", 512, Failure.machine("there is no firmware", "install it")),
            BootTable.Row.skipped("cloud-hypervisor", 512, "cloud-hypervisor is not installed")));

    @Test
    void people_see_a_line_a_boot_with_the_reason_of_those_that_failed_or_were_skipped() {
        assertThat(table.text().lines().map(String::stripTrailing)).containsExactly("matrix: 1 of 4 boots met their contract",
                "  qemu-kernel       512 MiB  met          8.3 s",
                "  uefi-http         512 MiB  timeout      8.3 s  too late",
                "  uefi-partition    512 MiB  not-started         there is no firmware; install it",
                "  cloud-hypervisor  512 MiB  skipped             cloud-hypervisor is not installed");
    }

    @Test
    void ci_systems_see_a_test_a_boot_and_programs_see_all() {
        assertThat(table.junit()).contains("tests=\"4\" failures=\"2\" skipped=\"1\"", "name=\"uefi-http, 512 MiB\"", "timeout: too late", "last  words",
                "<skipped message=\"cloud-hypervisor is not installed\"/>");
        assertThat(Json.parse(Json.pretty(table), "table").path("rows").path(1).path("exitCode").asInt()).isEqualTo(6);
        assertThat(table.result()).isEqualTo("timeout");
    }

    @Test
    void the_first_boot_that_failed_gives_its_exit_code_and_the_others_are_named() {
        RunOptions options = new RunOptions();
        options.test.junit = Optional.of(folder.resolve("out.xml"));

        assertThatThrownBy(() -> table.report(options)).hasMessageContaining("uefi-http with 512 MiB: too late").hasMessageContaining("also: uefi-partition with 512 MiB")
                .satisfies(e -> assertThat(((Failure) e).exitCode()).isEqualTo(6));
        assertThat(Files.exists(folder.resolve("out.xml"))).isTrue();
        BootTable.of("matrix", List.of(table.rows().get(0), table.rows().get(3))).report(new RunOptions());
    }

    @Test
    void what_ipxe_does_names_kernel_archive_and_command_line() {
        Machine.Payload payload = new Machine.Payload(Path.of("/i/vmlinuz.efi"), Optional.of(Path.of("/i/more.cpio")), Optional.of("console=ttyS0 a=b"), true);

        assertThat(BootMatrix.script(payload)).isEqualTo("#!ipxe\ninitrd --name initrd initrd\nkernel vmlinuz.efi initrd=initrd console=ttyS0 a=b\nboot\n");
        assertThat(BootMatrix.script(new Machine.Payload(payload.kernel(), Optional.empty(), Optional.empty(), true))).isEqualTo("#!ipxe\nkernel vmlinuz.efi\nboot\n");
    }
}
