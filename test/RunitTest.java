import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import com.fasterxml.jackson.databind.JsonNode;
import java.net.ServerSocket;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import lib.RunitProcess;
import lib.TestProject;
import lib.tool.Json;
import lib.tool.Shell;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/** What runit.java --check says about real guests under QEMU. */
@Tag("slow")
@Timeout(120)
class RunitTest extends RunitProcess {
    @Test
    void a_boot_that_meets_its_contract_ends_with_0_and_its_times_on_stdout() throws Exception {
        expect("must guest: disk vda 2097152 disk0", "must guest: disk vdb", "must guest login:", "must-not FATAL", "within 60");

        Ran ran = run(guest("", "--check", "--disks", "2", "--disk-size", "1G", "--junit", workspace.resolve("boot.xml").toString()));

        assertThat(ran.err()).contains("guest: ready").doesNotContain("\033");
        assertThat(ran.code()).isZero();
        assertThat(ran.out()).startsWith("boot contract met in ").contains("  kernel ", "must guest login:");
        assertThat(Files.readString(workspace.resolve("vm/default/boot.log"))).contains("guest login: ");
        assertThat(Files.readString(workspace.resolve("boot.xml"))).contains("tests=\"7\" failures=\"0\"", "name=\"phase kernel\"");
        assertThat(hypervisorRuns()).isFalse();
    }

    @Test
    void a_panic_ends_with_5_in_seconds() throws Exception {
        Ran ran = run(guest("test=panic", "--check"));

        assertThat(ran.code()).as(ran.err()).isEqualTo(5);
        assertThat(ran.err()).contains("error: the kernel gave up: ", "Kernel panic - not syncing: Attempted to kill init!");
        assertThat(ran.out()).isEmpty();
    }

    @Test
    void an_initramfs_that_the_kernel_cannot_unpack_ends_with_5() throws Exception {
        Path broken = Files.writeString(workspace.resolve("broken.cpio"), "this is no archive\n".repeat(20));

        Ran ran = run(command("--kernel", kernel.toString(), "--initrd", broken.toString(), "--memory", "256", "--check"));

        assertThat(ran.code()).as(ran.err()).isEqualTo(5);
        assertThat(ran.err()).contains("Initramfs unpacking failed");
    }

    @Test
    void a_guest_that_hangs_ends_with_6_and_says_what_is_missing_and_what_came_last() throws Exception {
        Ran ran = run(guest("test=hang", "--check", "--timeout", "8", "--json"));

        assertThat(ran.code()).as(ran.err()).isEqualTo(6);
        assertThat(ran.err()).contains("missing: guest: ready (" + workspace.resolve("config/boot.expect") + ":1)", "    guest: started");
        assertThat(Json.parse(ran.out(), "report").path("result").asText()).isEqualTo("timeout");
        assertThat(hypervisorRuns()).isFalse();
    }

    @Test
    void a_guest_that_powers_off_too_early_ends_with_4_although_the_hypervisor_is_content() throws Exception {
        Ran ran = run(guest("test=poweroff", "--check"));

        assertThat(ran.code()).as(ran.err()).isEqualTo(4);
        assertThat(ran.err()).contains("the guest ended the machine before all lines had appeared", "missing: guest: ready");
    }

    @Test
    void a_forbidden_line_ends_with_4_even_right_behind_the_last_good_one() throws Exception {
        expect("must guest: ready", "must-not data on disk");

        Ran ran = run(guest("", "--check"));

        assertThat(ran.code()).as(ran.err()).isEqualTo(4);
        assertThat(ran.err()).contains("a line that must not appear: guest: data on disk", "rule: data on disk (");
    }

    @Test
    void a_hypervisor_that_cannot_start_ends_with_7_and_its_own_words() throws Exception {
        try (ServerSocket taken = new ServerSocket(0, 1, java.net.InetAddress.getLoopbackAddress())) {
            Ran ran = run(guest("", "--check", "--port", taken.getLocalPort() + ":80"));

            assertThat(ran.code()).as(ran.err()).isEqualTo(7);
            assertThat(ran.err()).contains("the hypervisor ended with exit code 1", "Could not set up host forwarding rule");
        }
    }

    @Test
    void firmware_boots_the_image_and_leaves_the_disks_their_names() throws Exception {
        assumeTrue(Files.exists(Path.of("/usr/share/OVMF")), "there is no UEFI firmware (package ovmf)");
        expect("must guest: disk vda", "must guest: booted by EFI", "within 90");

        Ran ran = run(guest("", "--check", "--efi"));

        assertThat(ran.code()).as(ran.err()).isZero();
    }

    @Test
    void disks_keep_their_data_until_reset_and_other_sizes_are_refused() throws Exception {
        assertThat(run(guest("test=write", "--check")).code()).isZero();
        expect("must data on disk: data");
        assertThat(run(guest("", "--check")).err()).contains("guest: data on disk: data");

        assertThat(run(guest("", "--check", "--disk-size", "1G")).err()).contains("disk0.raw has 21474836480 bytes, not 1073741824");
        expect("must data on disk: $", "must-not data on disk: data");
        assertThat(run(guest("", "--check", "--reset")).code()).isZero();
    }

    @Test
    void boots_are_repeated_and_held_against_a_baseline_by_the_guests_own_clock() throws Exception {
        Path baseline = Files.writeString(workspace.resolve("baseline.json"), "{\"measure\": \"guest\", \"median\": 0.5}");

        Ran slower = run(guest("", "--check", "--icount", "--repeat", "2", "--json", "--baseline", baseline.toString()));

        assertThat(slower.code()).as(slower.err()).isEqualTo(4);
        assertThat(slower.err()).contains("boots have become slower: ", "before 0.50 s, allowed 0.55 s");
        JsonNode report = Json.parse(slower.out(), "report");
        assertThat(report.path("runs")).hasSize(2);
        assertThat(report.path("spread").asDouble()).isLessThan(report.path("median").asDouble() / 10);
    }

    @Test
    void the_projects_own_image_meets_its_contract_through_firmware_too() throws Exception {
        Path project = TestProject.folder();
        assumeTrue(Files.exists(project.resolve("dist/vmlinuz.efi")), "dist/vmlinuz.efi is not built (build.java --demo)");
        assumeTrue(Files.exists(Path.of("/usr/share/OVMF")), "there is no UEFI firmware (package ovmf)");

        for (List<String> way : List.of(List.<String>of(), List.of("--efi"))) {
            List<String> argv = command("--check", "--memory", "512");
            argv.set(argv.indexOf("-C") + 1, project.toString());
            argv.addAll(List.of("--name", "test"));
            argv.addAll(way);
            Ran ran = run(argv);
            assertThat(ran.code()).as(way + ran.err()).isZero();
        }
    }

    @Test
    void what_cannot_be_booted_is_said_before_anything_starts() throws Exception {
        assertThat(run(command("--check"))).satisfies(ran -> {
            assertThat(ran.code()).isEqualTo(2);
            assertThat(ran.err()).contains("there is no image " + workspace.resolve("dist/vmlinuz.efi"), "./jbang build.java");
        });
        assertThat(run(command("--kernel", initrd.toString())).err()).contains("initrd.cpio is not a Linux kernel");
        expect("must ready", "mustnot FATAL");
        assertThat(run(guest("", "--check")).err()).contains("boot.expect:2: unknown rule mustnot: mustnot FATAL", "did you mean must-not");
    }

    @Test
    void a_run_that_is_refused_leaves_the_disks_as_they_were() throws Exception {
        Path disk = Files.writeString(Files.createDirectories(workspace.resolve("vm/default")).resolve("disk0.raw"), "data");
        List<String> withoutPrograms = new ArrayList<>(List.of("/usr/bin/env", "PATH=/nowhere"));
        withoutPrograms.addAll(guest("", "--reset", "--disk-format", "qcow2"));

        assertThat(run(guest("", "--hypervisor", "ch", "--efi", "--net", "none", "--reset")).code()).isBetween(2, 3); // 3 where it is not installed
        assertThat(run(guest("", "--chaos=no-lnk", "--reset")).code()).isEqualTo(2);
        assertThat(run(withoutPrograms)).satisfies(ran -> assertThat(ran.err()).contains("qemu-img is not installed")).extracting(Ran::code).isEqualTo(3);
        assertThat(disk).hasContent("data");
    }

    @Test
    void a_state_that_is_not_reached_and_a_fault_that_the_guest_did_not_meet_are_failures() throws Exception {
        Path rules = Files.writeString(workspace.resolve("rules"), "[no-link]\nmust guest: the web is there\nwithin 8\n[s3-503]\nmust guest login:\n");

        Ran ran = run(guest("", "--chaos=no-link,s3-503", "--expect", rules.toString(), "--json"));

        assertThat(ran.code()).as(ran.err()).isEqualTo(6);
        assertThat(ran.err()).contains("no-link with 256 MiB: ", "missing: guest: the web is there (" + rules + ":2)", "also: s3-503");
        JsonNode rows = Json.parse(ran.out(), "chaos").path("rows");
        assertThat(rows.path(0).path("result").asText()).isEqualTo("timeout");
        assertThat(rows.path(1).path("result").asText()).isEqualTo("unproven");
        assertThat(rows.path(1).path("why").asText()).contains("nothing was fetched");
        Ran missing = run(guest("", "--chaos=no-dns", "--expect", rules.toString()));
        assertThat(missing.code()).isEqualTo(2);
        assertThat(missing.err()).contains("says nothing of no-dns");
        assertThat(run(guest("", "--chaos=no-lnk")).err()).contains("there is no");
        assertThat(hypervisorRuns()).isFalse();
    }

    @Test
    void a_guest_in_a_bridge_reaches_the_host_and_nothing_of_the_network_stays() throws Exception {
        assumeTrue(Shell.which("unshare").isPresent() && Shell.which("ip").isPresent(), "unshare or ip is not installed");
        assumeTrue(new ProcessBuilder("unshare", "-rn", "true").start().waitFor() == 0, "no network namespace can be made here");
        expect("must guest: the host answers", "within 60");
        List<String> argv = new ArrayList<>(List.of("unshare", "-rn", "sh", "-c", "\"$@\"; code=$?; ip -o link; exit $code", "sh"));
        argv.addAll(guest("test=ping", "--check", "--bridge", "testbr"));

        Ran ran = run(argv);

        assertThat(ran.code()).as(ran.err()).isZero();
        assertThat(ran.err()).contains(" in bridge testbr (52:54:00:");
        assertThat(ran.out().lines().filter(line -> line.matches("\\d+: .*"))).singleElement().asString().contains("lo:");
    }
}
