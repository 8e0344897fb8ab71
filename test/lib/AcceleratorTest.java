package lib;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Optional;
import lib.Accelerator.Wanted;
import lib.tool.Failure;
import lib.tool.Shell;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class AcceleratorTest {
    @TempDir
    Path folder;

    private Optional<String> obstacle(Path device, String cpuinfo, boolean runs) throws IOException {
        assumeTrue(Architecture.X86_64.isHost(), "the rules are those of x86_64");
        return Accelerator.obstacle(Architecture.X86_64, device, Files.writeString(folder.resolve("cpuinfo"), cpuinfo), () -> runs);
    }

    @Test
    void kvm_is_used_only_where_device_processor_and_probe_agree() throws IOException {
        Path device = Files.writeString(folder.resolve("kvm"), "");
        String intel = "processor\t: 0\nflags\t\t: fpu vme vmx sse\n";

        assertThat(obstacle(device, intel, true)).isEmpty();
        assertThat(obstacle(device, intel, false)).contains("a guest hangs under KVM");
        assertThat(obstacle(device, "flags\t\t: fpu vme vmxnet sse\n", true)).contains("the processor shows neither vmx nor svm");
        assertThat(obstacle(folder.resolve("none"), intel, true)).contains("there is no " + folder.resolve("none"));
        assertThat(Accelerator.obstacle(Architecture.AARCH64, device, device, () -> true)).contains("the guest has another processor");
    }

    @Test
    void what_was_asked_for_is_done_or_refused_but_never_replaced() {
        assertThat(Accelerator.choose(Wanted.AUTO, Optional.empty()).name()).isEqualTo("kvm");
        assertThat(Accelerator.choose(Wanted.AUTO, Optional.of("it is broken")).why()).isEqualTo("TCG because it is broken");
        assertThat(Accelerator.choose(Wanted.TCG, Optional.empty()).name()).isEqualTo("tcg");
        assertThatThrownBy(() -> Accelerator.choose(Wanted.KVM, Optional.of("it is broken"))).hasMessage("KVM does not work here: it is broken")
                .satisfies(e -> assertThat(((Failure) e).exitCode()).isEqualTo(Failure.MACHINE));
    }

    @Test
    void the_probe_guest_really_runs_and_a_hypervisor_that_fails_is_noticed() {
        assumeTrue(Shell.which("qemu-system-x86_64").isPresent(), "qemu-system-x86_64 is not installed");
        Shell shell = TestTools.in(folder).shell();

        assertThat(Accelerator.runs("tcg", shell)).isTrue();
        assertThat(Accelerator.runs("nonsense", shell)).isFalse();
    }

    @Test
    void a_clock_that_counts_instructions_is_asked_of_the_translator() {
        assertThat(Accelerator.COUNTING.argv()).containsExactly("-accel", "tcg", "-cpu", "max", "-icount", "shift=2,sleep=off");
        assertThat(Accelerator.choose(Wanted.AUTO, Optional.empty()).argv()).containsExactly("-accel", "kvm", "-cpu", "host");
    }
}
