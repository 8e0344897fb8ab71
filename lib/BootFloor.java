package lib;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.function.Function;
import java.util.function.IntPredicate;
import lib.tool.Console;
import lib.tool.Digest;
import lib.tool.Failure;
import lib.tool.Json;
import lib.tool.Trees;

/**
 * The smallest memory with which an image meets its contract.
 *
 * @param mib found; one step less was tried, and did not do
 * @param step MiB
 * @param contract held against
 * @param machine hypervisor, processors and the rest
 * @param tried memory in MiB and how that boot went, in the order in which they were tried
 */
public record BootFloor(int mib, int step, String contract, String machine, List<Try> tried) {
    /** Memory is given to machines in steps of so many MiB; less is noise. */
    static final int STEP = 4;
    /** A boot with little memory that takes longer than so many times the one with much counts as not meeting its contract. */
    private static final double PATIENCE = 4;
    private static final double AT_LEAST_SECONDS = 30;

    /** One boot. */
    public record Try(int mib, String result, double seconds) { }

    /** Boots a machine with this memory. */
    interface Booting {
        Boot.Outcome with(int mib, BootContract contract);
    }

    static void requireRoom(int memory) {
        if (memory < 2 * STEP) {
            throw Failure.usage("--memory " + memory + " leaves nothing to look for", "--find-min-memory looks below --memory: give more");
        }
    }

    /** Looks for the floor of a machine below the memory that it has. */
    public static BootFloor of(Machine machine, BootContract contract, Function<Machine, Session> session, Console console) {
        Hypervisor hypervisor = session.apply(machine).hypervisor();
        String kind = hypervisor.name() + (hypervisor instanceof Qemu qemu ? ", " + qemu.accelerator().name() : "") + ", " + machine.cpus() + " CPUs";
        return find(machine.memory(), contract, kind, (mib, patient) -> session.apply(machine.with(mib)).watch(patient), machine.bootLog(), console);
    }

    /**
     * Halves the distance between what does and what does not until it is one step; the smallest that did is tried once more, and goes up
     * when it does not do again.
     *
     * @param most MiB that should do; when they do not, the boot's own Failure says why
     * @param log where the guest's words are
     */
    static BootFloor find(int most, BootContract contract, String machine, Booting boot, Path log, Console console) {
        List<Try> tried = new ArrayList<>();
        Boot.Outcome first = boot.with(most, contract);
        note(tried, most, first, console);
        first.demand(log);
        BootContract patient = contract.within(Math.min(contract.seconds(), Math.max(AT_LEAST_SECONDS, PATIENCE * first.seconds())));
        IntPredicate does = mib -> {
            Boot.Outcome outcome = boot.with(mib, patient);
            note(tried, mib, outcome, console);
            return outcome.met();
        };
        int enough = most / STEP;
        int little = 0;
        while (enough - little > 1) {
            int middle = (enough + little) / 2;
            if (does.test(middle * STEP)) {
                enough = middle;
            } else {
                little = middle;
            }
        }
        while (enough * STEP < most && !does.test(enough * STEP)) {
            enough++;
        }
        return new BootFloor(enough * STEP, STEP, contract.source(), machine, List.copyOf(tried));
    }

    private static void note(List<Try> tried, int mib, Boot.Outcome outcome, Console console) {
        Try one = new Try(mib, BootReport.name(outcome.verdict()), Math.round(outcome.seconds() * 1000) / 1000.0);
        tried.add(one);
        console.say(String.format(Locale.ROOT, "%d MiB: %s after %.1f s", mib, one.result(), one.seconds()));
    }

    /** For people. */
    public String text() {
        return String.format(Locale.ROOT, "%d MiB are enough, %d are not (%s, %d boots)%n", mib, mib - step, contract, tried.size());
    }

    /** Writes the number into the build.json of the image that was booted; false where that speaks of another image. */
    public boolean store(Path dist, Path kernel) {
        Path file = dist.resolve("build.json");
        JsonNode build = Files.exists(file) ? Json.read(file) : Json.parse("{}", "");
        if (!build.path("files").path("vmlinuz.efi").path("sha256").asText().equals(Digest.sha256(kernel))) {
            return false;
        }
        ((ObjectNode) build).set("memory", Json.parse(Json.line(Map.of("floor_mib", mib, "step_mib", step, "machine", machine)), "memory"));
        Trees.replace(file, Json.pretty(build));
        return true;
    }
}
