package lib;

import java.io.IOException;
import java.io.OutputStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.locks.LockSupport;
import java.util.function.Consumer;
import java.util.function.Supplier;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import lib.image.Cpio;
import lib.tool.Console;
import lib.tool.Failure;
import lib.tool.HttpFiles;
import lib.tool.Shell;
import lib.tool.Trees;

/**
 * Boots an image with one thing broken at a time. Each boot has to reach the degraded state that chaos.expect describes, to answer on its
 * console when it is there, and to have met what was broken.
 *
 * @param machine its network is replaced by a broken one
 */
public record BootChaos(RunOptions options, Machine machine, Claim claim, Shell shell, Console console) {
    private static final Pattern HEADING = Pattern.compile("\\[([a-z0-9-]+)\\]");
    private static final double READY_SECONDS = 20;
    private static final double ANSWER_SECONDS = 60;
    /** Exit code of a boot that proves nothing. */
    private static final int UNPROVEN = 4;

    /** Boots with these things broken, one after the other, when it is asked for the table; what is wrong in the rules is a Failure now. */
    public Supplier<BootTable> plan(List<String> words, Workspace workspace) {
        List<BootScenario> scenarios = BootScenario.named(words);
        Path file = file(workspace);
        Map<BootScenario, BootContract> contracts = contracts(file.toString(), Trees.read(file));
        Map<BootScenario, BootContract> plan = new LinkedHashMap<>();
        for (BootScenario scenario : scenarios) {
            BootContract contract = Optional.ofNullable(contracts.get(scenario)).orElseThrow(() -> Failure.usage(file + " says nothing of " + scenario.word(),
                    "describe the state that the guest is to reach below a line [" + scenario.word() + "], or name others: --chaos=NAME,NAME"));
            plan.put(scenario, options.test.timeout.map(contract::within).orElse(contract));
        }
        return () -> BootTable.of("chaos", plan.entrySet().stream().map(one -> boot(one.getKey(), one.getValue())).toList());
    }

    private Path file(Workspace workspace) {
        Path file = options.test.expect.orElseGet(() -> BootContract.folder(workspace).resolve("chaos.expect"));
        if (!Files.isRegularFile(file)) {
            throw Failure.usage("there is no file " + file, "it describes, in parts such as [no-link], what a guest is to reach when that is broken; --expect names another");
        }
        return file;
    }

    /** The parts of a chaos.expect: rules as in boot.expect below a heading each, in brackets. */
    static Map<BootScenario, BootContract> contracts(String source, String text) {
        Map<String, StringBuilder> parts = new LinkedHashMap<>();
        StringBuilder part = new StringBuilder();
        String[] lines = text.split("\\R", -1);
        for (int i = 0; i < lines.length; i++) {
            Matcher heading = HEADING.matcher(lines[i].strip());
            if (heading.matches()) {
                BootScenario.named(List.of(heading.group(1)));
                part = new StringBuilder("\n".repeat(i + 1)); // so that errors name the right line
                if (heading.group(1).equals("all") || parts.put(heading.group(1), part) != null) {
                    throw Failure.at(source, i + 1, lines[i], "a heading that cannot be here", "one part each for: " + BootScenario.list());
                }
            } else if (parts.isEmpty() && !lines[i].isBlank() && !lines[i].strip().startsWith("#")) {
                throw Failure.at(source, i + 1, lines[i], "a rule that is in no part", "begin with a heading such as [no-link]");
            } else {
                part.append(lines[i]).append('\n');
            }
        }
        Map<BootScenario, BootContract> contracts = new LinkedHashMap<>();
        parts.forEach((name, rules) -> contracts.put(BootScenario.named(List.of(name)).get(0), BootContract.parse(source, rules.toString())));
        return contracts;
    }

    private BootTable.Row boot(BootScenario scenario, BootContract contract) {
        console.say("chaos: " + scenario.word());
        AtomicBoolean full = new AtomicBoolean();
        try (HttpFiles server = new HttpFiles(scenario::served)) {
            Optional<BootWire> wire = scenario.rule().map(rule -> new BootWire(machine.folder(), rule, scenario != BootScenario.DEAD_CARD));
            BootTable.Row row = BootMatrix.row(scenario.word(), machine, () -> watch(scenario, contract, server.port(), wire, line -> {
                console.say(line);
                full.compareAndSet(false, line.contains(BootScenario.FULL));
            }));
            boolean proven = switch (scenario) {
                case NO_LINK -> true; // QEMU took the order before the guest ran
                case FULL_DISK -> full.get();
                case S3_503, S3_CUT -> server.asked() > 0;
                case SLOW_DHCP, NO_DNS, DEAD_CARD -> wire.orElseThrow().lost().get() > 0;
            };
            return row.failed() || proven ? row : new BootTable.Row(row.name(), row.memory(), "unproven", UNPROVEN, row.seconds(),
                    "the guest did not meet what was broken: " + scenario.unmet, row.tail(), row.log());
        }
    }

    private Boot.Outcome watch(BootScenario scenario, BootContract contract, int port, Optional<BootWire> wire, Consumer<String> echo) {
        Machine.Payload given = machine.payload();
        String cmdline = given.cmdline().orElse("console=" + Architecture.of(given.kernel()).console() + " panic=-1") + scenario.words(port);
        Optional<Path> initrd = scenario == BootScenario.FULL_DISK ? Optional.of(filler(given.initrd())) : given.initrd();
        Machine broken = machine.with(new Machine.Payload(given.kernel(), initrd, Optional.of(cmdline), false)).with(new Network.None());
        List<String> more = new ArrayList<>(List.of("-S"));
        more.addAll(scenario.cards(((Network.User) Network.user(machine.folder().toString(), List.of())).mac(), wire));
        Qemu qemu = Qemu.of(broken, guest -> options.accelerator(guest, shell), shell).with(more);
        return new Session(qemu, claim, shell, console).watch(new Boot(contract, echo, ANSWER_SECONDS), process -> begin(process, scenario, wire));
    }

    /** Breaks what has to be broken before the guest's first instruction, then lets it run. A QEMU that has ended says why by itself. */
    private void begin(Process process, BootScenario scenario, Optional<BootWire> wire) {
        Qmp qmp = new Qmp(machine.control());
        long end = System.nanoTime() + (long) (READY_SECONDS * 1e9);
        while (process.isAlive() && qmp.state().equals("gone")) {
            if (System.nanoTime() > end) {
                throw new Failure("QEMU does not answer on " + machine.control(), "");
            }
            LockSupport.parkNanos(20_000_000);
        }
        boolean set = (scenario != BootScenario.NO_LINK || qmp.link("card0", false)) && wire.map(BootWire::connect).orElse(true) && qmp.resume();
        if (!set && process.isAlive()) {
            throw new Failure("QEMU did not take " + scenario.word(), "");
        }
    }

    /** An archive with a first process that fills the root file system, behind the one that was given. */
    private Path filler(Optional<Path> before) {
        Path tree = machine.folder().resolve("chaos");
        Path archive = machine.folder().resolve("chaos.cpio");
        try {
            Trees.delete(tree);
            Path init = Files.writeString(Files.createDirectories(tree).resolve("chaos-init"), BootScenario.FILLER);
            Files.setPosixFilePermissions(init, PosixFilePermissions.fromString("rwxr-xr-x"));
            try (OutputStream out = Files.newOutputStream(archive)) {
                if (before.isPresent()) {
                    Files.copy(before.get(), out);
                    out.write(new byte[(int) (4 - Files.size(before.get()) % 4) % 4]); // archives begin at multiples of four
                }
                Cpio.write(tree, List.of(), 0, out);
            }
            return archive;
        } catch (IOException e) {
            throw Failure.io("cannot write " + archive, e);
        }
    }
}
