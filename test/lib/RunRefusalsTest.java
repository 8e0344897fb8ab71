package lib;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatCode;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import lib.tool.Failure;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;
import picocli.CommandLine;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;

class RunRefusalsTest {
    @Command
    static final class Options {
        @Mixin
        RunOptions run = new RunOptions();
    }

    private static void require(String... arguments) {
        Options options = new Options();
        new CommandLine(options).setDefaultValueProvider(new RunOptions.Variables()).setCaseInsensitiveEnumValuesAllowed(true).parseArgs(arguments);
        options.run.require();
    }

    private static void refused(String line, String what) {
        assertThatThrownBy(() -> require(line.split(" "))).isInstanceOfSatisfying(Failure.class, failure -> {
            assertThat(failure.what()).isEqualTo(what);
            assertThat(failure.exitCode()).isEqualTo(Failure.USAGE);
        });
    }

    @ParameterizedTest
    @ValueSource(strings = {"..", ".", "/x", "a/b", "-x", "", "a b"})
    void a_name_that_is_no_folder_of_vm_is_refused(String name) {
        assertThatThrownBy(() -> require("--name=" + name)).hasMessage("not a name for a machine: " + name);
        assertThatCode(() -> require("--name=node-1.a_b")).doesNotThrowAnyException();
    }

    @Test
    void numbers_that_cannot_be_are_refused() {
        refused("--disks -1", "--disks -1 is too little");
        refused("--cpus 0", "--cpus 0 is too little");
        refused("--memory 0", "--memory 0 is too little");
        refused("--check --repeat 0", "--repeat 0 is too little");
        refused("--matrix=512,0", "--matrix 0 is too little");
        refused("--stop --timeout -1", "--timeout -1.0 is no time to wait");
        refused("--check --timeout 0", "--timeout 0.0 is no time to wait");
        refused("--check --timeout NaN", "--timeout NaN is no time to wait");
        refused("--stop --timeout 1e300", "--timeout 1.0E300 is no time to wait");
        refused("--find-min-memory --memory 7", "--memory 7 leaves nothing to look for");
        refused("--check --baseline /nowhere.json", "there is no baseline /nowhere.json");
    }

    @Test
    void an_option_that_would_mean_nothing_is_refused() {
        refused("--matrix --repeat 5", "--repeat goes with --check");
        refused("--chaos --max-slower 5", "--max-slower goes with --check");
        refused("--check --max-slower 5", "--max-slower goes with --baseline");
        refused("--find-min-memory --junit f", "--junit goes with --check, --matrix and --chaos");
        refused("--detach --expect f", "--expect goes with --check, --matrix, --find-min-memory and --chaos");
        refused("--detach --timeout 5", "--timeout goes with --check, --matrix, --find-min-memory, --chaos and --stop");
        refused("--stop --json", "--json goes with --status and everything that boots as a test");
        refused("--status --reset", "--reset goes with a machine that is to be started");
        refused("--matrix --memory 512", "--memory goes with one way to boot: --matrix has its own");
        refused("--chaos --efi", "--efi goes with a machine as it should be: --chaos has its own firmware and cards");
        refused("--chaos --hypervisor ch", "--chaos is for QEMU");
        refused("--check --icount --hypervisor ch", "--icount is for QEMU");
        refused("--accel tcg --hypervisor ch", "--accel tcg is for QEMU");
        refused("--check --icount --accel kvm", "--accel kvm does not go with --icount: KVM counts no instructions");
    }

    @ParameterizedTest
    @ValueSource(strings = {"--disks 0 --cpus 1", "--stop --timeout 0 --name a", "--matrix=256 --junit f --json --timeout 60 --net none", "--chaos --hypervisor qemu --memory 256",
            "--check --icount --repeat 5 --accel tcg", "--status --json", "--hypervisor ch --name a --stop", "--hypervisor ch --net none --reset"})
    void what_means_something_is_taken(String line) {
        assertThatCode(() -> require(line.split(" "))).doesNotThrowAnyException();
    }
}
