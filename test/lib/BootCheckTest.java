package lib;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.List;
import java.util.Optional;
import lib.BootCheck.Finding;
import lib.BootCheck.Verdict;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class BootCheckTest {
    private final BootCheck check = new BootCheck(BootContract.parse("boot.expect", """
            must ready
            within 5 Linux version
            must-not FATAL
            may FATAL but known
            may regulatory.db
            within 60
            """));

    @ParameterizedTest
    @ValueSource(strings = {
        "[    2.000137] Kernel panic - not syncing: VFS: Unable to mount root fs on unknown-block(0,0)",
        "[    1.500000] Oops: 0002 [#1] PREEMPT SMP NOPTI",
        "[    1.500000] general protection fault, probably for non-canonical address 0x6b6b: 0000 [#1] SMP",
        "[    1.500000] Internal error: Oops: 0000000096000004 [#1] PREEMPT SMP",
        "[    0.700000] Initramfs unpacking failed: invalid magic at start of compressed archive",
        "[    1.500000] kernel BUG at mm/slub.c:404!",
        "[    1.500000] BUG: unable to handle page fault for address: ffffffffc0000000"})
    void a_kernel_that_gives_up_is_noticed(String line) {
        assertThat(check.line(line, 1)).map(Finding::verdict).contains(Verdict.PANIC);
    }

    @ParameterizedTest
    @ValueSource(strings = {"my_init: service web: oops, again", "panic=-1 on the command line", "[    0.1] Command line: console=ttyS0 panic=-1", "a [#1] in a text"})
    void what_only_looks_like_a_panic_is_none(String line) {
        assertThat(check.line(line, 1)).isEmpty();
    }

    @Test
    void firmware_that_is_missing_is_wrong_unless_the_contract_says_otherwise() {
        assertThat(check.line("[ 3.1] r8169 0000:01:00.0: Direct firmware load for rtl_nic/rtl8168h-2.fw failed with error -2", 3))
                .map(Finding::verdict).contains(Verdict.BROKEN);
        assertThat(check.line("[ 3.1] platform regulatory.0: Direct firmware load for regulatory.db failed with error -2", 3)).isEmpty();
    }

    @Test
    void a_forbidden_line_is_named_with_its_rule_unless_it_may_be() {
        assertThat(check.line("FATAL: no disk", 1)).map(Finding::why).contains("a line that must not appear: FATAL: no disk\n  rule: FATAL (boot.expect:3)");
        assertThat(check.line("FATAL but known", 1)).isEmpty();
    }

    @Test
    void a_line_with_its_own_deadline_is_missed_before_the_whole_boot_is() {
        assertThat(check.at(4.9)).isEmpty();
        assertThat(check.at(5)).map(Finding::why).contains("a line did not appear in its time: Linux version (boot.expect:2) within 5.0 s");
        check.line("[    0.000000] Linux version 6.12.44", 1);
        assertThat(check.at(59)).isEmpty();
        assertThat(check.at(60)).hasValueSatisfying(finding -> {
            assertThat(finding.verdict()).isEqualTo(Verdict.TIMEOUT);
            assertThat(finding.why()).endsWith("within 60.0 s\n  missing: ready (boot.expect:1)");
        });
    }

    @Test
    void the_end_of_the_hypervisor_is_never_success() {
        assertThat(check.ended(0, List.of()).verdict()).isEqualTo(Verdict.BROKEN);
        assertThat(check.ended(1, List.of("qemu: no memory")).why()).isEqualTo("the hypervisor ended with exit code 1\n    qemu: no memory");
        assertThat(check.ended(137, List.of()).verdict()).isEqualTo(Verdict.HYPERVISOR_FAILED);
    }

    @Test
    void times_of_kernel_init_services_and_rules_are_kept() {
        check.line("[    0.000000] Linux version 6.12.44", 0.6);
        check.line("[    1.250000] Run /init as init process", 2.0);
        check.line("my_init: service web running", 3.0);
        check.line("my_init: ready in 1.00 s (2.61 s after the kernel)", 3.5);

        assertThat(check.met()).isTrue();
        Timeline timeline = check.timeline();
        assertThat(timeline.events()).extracting(Timeline.Event::name)
                .containsExactly("kernel", "must Linux version", "init", "service web running", "must ready");
        assertThat(timeline.phases(3.5)).containsExactly(java.util.Map.entry("firmware", 0.6), java.util.Map.entry("kernel", 1.4), java.util.Map.entry("init", 1.5));
        assertThat(timeline.lastGuestTime()).contains(2.61);
        assertThat(Timeline.guestTime("[   12.345678] x")).isEqualTo(Optional.of(12.345678));
    }
}
