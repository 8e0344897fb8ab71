package lib.tool;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Optional;

/**
 * When a process was started, as a text to keep: it tells the process from another one that got its number. Counted in clock ticks since
 * boot, of a boot that is named; what Java knows is a date, which moves whenever somebody sets the clock.
 */
public final class ProcessStart {
    private static final Path BOOT = Path.of("/proc/sys/kernel/random/boot_id");
    /** Place of the start time (field 22 of proc(5), stat) among the fields behind the program's name. */
    private static final int START = 22 - 3;

    private ProcessStart() { }

    /** Empty when no such process runs: one that is dead but not waited for stays where process 1 is careless, as in many containers. */
    public static Optional<String> of(long pid) {
        try {
            String stat = Files.readString(Path.of("/proc", Long.toString(pid), "stat"));
            return ticks(stat).map(ticks -> ticks + " " + boot());
        } catch (IOException e) {
            return Optional.empty();
        }
    }

    /** Whether the process that was started then still runs. */
    public static boolean isOf(long pid, String start) {
        return of(pid).filter(start::equals).isPresent();
    }

    /** The name, in parentheses, may hold any character. */
    static Optional<String> ticks(String stat) {
        String[] fields = stat.substring(stat.lastIndexOf(')') + 2).split(" ");
        return fields[0].equals("Z") ? Optional.empty() : Optional.of(fields[START]);
    }

    private static String boot() {
        return Files.exists(BOOT) ? Trees.read(BOOT).strip() : "";
    }
}
