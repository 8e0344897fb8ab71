package lib;

import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/** When a boot came to which point. */
public record Timeline(List<Event> events) {
    private static final String KERNEL = "kernel";
    private static final String INIT = "init";
    private static final String SERVICE = "service ";
    private static final String FAILED = " failed";
    private static final Pattern KERNEL_LINE = Pattern.compile("Linux version \\d");
    private static final Pattern INIT_LINE = Pattern.compile("Run \\S+ as init process");
    private static final Pattern SERVICE_LINE = Pattern.compile("\\bservice '?([\\w@.-]+)'? (running|done|ready|up|failed)\\b");
    /** The kernel's own stamp at the start of its lines, and what the demo's my_init says when it is ready. */
    private static final Pattern GUEST_TIME = Pattern.compile("^\\[\\s*(\\d+\\.\\d+)\\]|\\((\\d+\\.\\d+) s after the kernel\\)");

    /**
     * One point that the boot came to.
     *
     * @param seconds since the hypervisor was started, by this computer's clock
     * @param guest since the kernel was started, by the guest's clock, where the line says it
     */
    public record Event(String name, double seconds, Optional<Double> guest) { }

    /** Collects events while the lines come; each counts when it is seen first. */
    static final class Recorder {
        private final Map<String, Event> events = new LinkedHashMap<>();

        void line(String text, double seconds) {
            Optional<Double> guest = guestTime(text);
            if (KERNEL_LINE.matcher(text).find()) {
                put(KERNEL, seconds, guest);
            }
            if (INIT_LINE.matcher(text).find()) {
                put(INIT, seconds, guest);
            }
            Matcher service = SERVICE_LINE.matcher(text);
            if (service.find()) {
                put(SERVICE + service.group(1) + " " + service.group(2), seconds, guest);
            }
        }

        void put(String name, double seconds, Optional<Double> guest) {
            events.putIfAbsent(name, new Event(name, round(seconds), guest));
        }

        Timeline timeline() {
            return new Timeline(List.copyOf(events.values()));
        }
    }

    static Optional<Double> guestTime(String line) {
        Matcher matcher = GUEST_TIME.matcher(line);
        return matcher.find() ? Optional.of(Double.valueOf(matcher.group(1) == null ? matcher.group(2) : matcher.group(1))) : Optional.empty();
    }

    private static double round(double seconds) {
        return Math.round(seconds * 1000) / 1000.0;
    }

    /** Seconds spent in firmware, kernel and init, as far as the boot came; the last one lasts until {@code end}. */
    public Map<String, Double> phases(double end) {
        List<Event> starts = new ArrayList<>(List.of(new Event("firmware", 0, Optional.empty())));
        events.stream().filter(event -> event.name().equals(KERNEL) || event.name().equals(INIT)).forEach(starts::add);
        Map<String, Double> phases = new LinkedHashMap<>();
        for (int i = 0; i < starts.size(); i++) {
            double next = i + 1 < starts.size() ? starts.get(i + 1).seconds() : end;
            phases.put(starts.get(i).name(), round(Math.max(0, next - starts.get(i).seconds())));
        }
        return phases;
    }

    /** The points at which services came up. */
    List<Event> servicesUp() {
        return events.stream().filter(event -> event.name().startsWith(SERVICE) && !event.name().endsWith(FAILED)).toList();
    }

    /** The latest time by the guest's own clock. */
    public Optional<Double> lastGuestTime() {
        return events.stream().flatMap(event -> event.guest().stream()).max(Double::compare);
    }

    /** A line for each phase and each event. */
    String table(double end) {
        StringBuilder table = new StringBuilder();
        phases(end).forEach((name, seconds) -> table.append(String.format(Locale.ROOT, "  %-54s %7.2f s%n", name, seconds)));
        events.stream().filter(event -> !event.name().equals(KERNEL) && !event.name().equals(INIT))
                .forEach(event -> table.append(String.format(Locale.ROOT, "    at %7.2f s  %s%n", event.seconds(), event.name())));
        return table.toString();
    }
}
