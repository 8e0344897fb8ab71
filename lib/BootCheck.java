package lib;

import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Deque;
import java.util.List;
import java.util.Optional;
import java.util.regex.Pattern;
import lib.BootContract.Rule;

/** Holds the lines of one boot against its contract, as they come. */
final class BootCheck {
    /** How a boot ended, with the exit code that says so. */
    enum Verdict {
        MET(0), BROKEN(4), PANIC(5), TIMEOUT(6), HYPERVISOR_FAILED(7);

        final int exitCode;

        Verdict(int exitCode) {
            this.exitCode = exitCode;
        }
    }

    /** A verdict and the sentence that explains it. */
    record Finding(Verdict verdict, String why) { }

    /** Lines after which a boot cannot go well: kernel/panic.c, init/main.c, die() of x86 and arm64 ("Oops: 0002 [#1]"). */
    private static final List<Pattern> PANIC = List.of(Pattern.compile("Kernel panic - not syncing"), Pattern.compile(": [0-9a-f]{4,16} \\[#\\d+\\]"),
            Pattern.compile("Initramfs unpacking failed"), Pattern.compile("Unable to mount root fs"), Pattern.compile("kernel BUG at "),
            Pattern.compile("BUG: unable to handle "));
    /** Lines that are wrong in every image: a driver did not get its firmware (drivers/base/firmware_loader/main.c). */
    private static final List<Pattern> FORBIDDEN = List.of(Pattern.compile("Direct firmware load for \\S+ failed"));
    private static final int TAIL = 20;

    private final BootContract contract;
    private final List<Rule> missing;
    private final Timeline.Recorder recorder = new Timeline.Recorder();
    private final Deque<String> tail = new ArrayDeque<>();

    BootCheck(BootContract contract) {
        this.contract = contract;
        this.missing = new ArrayList<>(contract.must());
    }

    /** Takes a complete line; a finding ends the boot. */
    Optional<Finding> line(String text, double seconds) {
        tail.addLast(text);
        if (tail.size() > TAIL) {
            tail.removeFirst();
        }
        recorder.line(text, seconds);
        return look(text, seconds);
    }

    /** Looks at a line, complete or not: a prompt has no end. */
    Optional<Finding> look(String text, double seconds) {
        missing.stream().filter(rule -> rule.matches(text)).toList().forEach(rule -> {
            missing.remove(rule);
            recorder.put("must " + rule.pattern(), seconds, Timeline.guestTime(text));
        });
        if (contract.may().stream().anyMatch(rule -> rule.matches(text))) {
            return Optional.empty();
        }
        if (PANIC.stream().anyMatch(pattern -> pattern.matcher(text).find())) {
            return Optional.of(new Finding(Verdict.PANIC, "the kernel gave up: " + text));
        }
        Optional<String> rule = contract.mustNot().stream().filter(one -> one.matches(text)).map(Rule::toString)
                .findFirst().or(() -> FORBIDDEN.stream().filter(pattern -> pattern.matcher(text).find()).map(pattern -> pattern + " (built in)").findFirst());
        return rule.map(pattern -> new Finding(Verdict.BROKEN, "a line that must not appear: " + text + "\n  rule: " + pattern));
    }

    /** Whether every line that must appear has appeared. */
    boolean met() {
        return missing.isEmpty();
    }

    /** What has run out of time after this many seconds. */
    Optional<Finding> at(double seconds) {
        if (seconds >= contract.seconds()) {
            return Optional.of(new Finding(Verdict.TIMEOUT, "the boot did not come as far as it must within " + Seconds.text(contract.seconds()) + missing()));
        }
        return missing.stream().filter(rule -> rule.seconds().filter(limit -> seconds >= limit).isPresent()).findFirst()
                .map(rule -> new Finding(Verdict.TIMEOUT, "a line did not appear in its time: " + rule));
    }

    /** What it means that the guest's console has ended before the contract was met. */
    Finding ended(int hypervisorExit, List<String> hypervisorSaid) {
        if (hypervisorExit != 0) {
            String said = hypervisorSaid.isEmpty() ? "" : indented(hypervisorSaid);
            return new Finding(Verdict.HYPERVISOR_FAILED, "the hypervisor ended with exit code " + hypervisorExit + said);
        }
        return new Finding(Verdict.BROKEN, "the guest ended the machine before all lines had appeared" + missing());
    }

    Timeline timeline() {
        return recorder.timeline();
    }

    /** The last lines of the console, for people. */
    List<String> tail() {
        return List.copyOf(tail);
    }

    private String missing() {
        return missing.stream().map(rule -> "\n  missing: " + rule).reduce("", String::concat);
    }

    static String indented(List<String> lines) {
        return lines.stream().map(line -> "\n    " + line).reduce("", String::concat);
    }
}
