import com.sun.management.OperatingSystemMXBean;
import java.lang.management.ManagementFactory;
import java.nio.file.Path;
import java.util.List;
import java.util.Locale;
import lib.tool.Trees;

/** Seconds on the clock and of the processors. */
record Cost(double clock, double processors) {
    static Cost of(Runnable work) {
        Cost start = now();
        work.run();
        Cost end = now();
        return new Cost(end.clock - start.clock, end.processors - start.processors);
    }

    /** Until now, of this process and of its children that have ended (proc(5): cutime and cstime, in hundredths of a second). */
    private static Cost now() {
        long own = ((OperatingSystemMXBean) ManagementFactory.getOperatingSystemMXBean()).getProcessCpuTime();
        String[] stat = Trees.read(Path.of("/proc/self/stat")).replaceFirst("^.*\\) ", "").split(" ");
        return new Cost(System.nanoTime() / 1e9, own / 1e9 + (Long.parseLong(stat[13]) + Long.parseLong(stat[14])) / 100.0);
    }

    static Cost best(List<Cost> all) {
        return new Cost(all.stream().mapToDouble(Cost::clock).min().orElseThrow(), all.stream().mapToDouble(Cost::processors).min().orElseThrow());
    }

    String to(Cost other) {
        return String.format(Locale.ROOT, "%.2f (%.2f)", clock / other.clock, processors / other.processors);
    }

    static Cost parse(String text) {
        String[] words = text.split(" ");
        return new Cost(Double.parseDouble(words[0]), Double.parseDouble(words[1].substring(1)));
    }

    @Override
    public String toString() {
        return String.format(Locale.ROOT, "%.2f (%.2f CPU) s", clock, processors);
    }
}
