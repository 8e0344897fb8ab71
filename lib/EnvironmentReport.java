package lib;

import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import lib.tool.Columns;
import lib.tool.Failure;
import lib.tool.Json;

/**
 * Whether this machine can build, for people and for programs.
 *
 * @param needed what the configuration takes
 * @param install the line that installs what is missing
 * @param engines those that are installed
 * @param namespace why this ordinary user cannot be root in a namespace; empty when that is no question
 * @param cache whose file system has {@code freeDisk} bytes left
 * @param freeMemory bytes
 */
public record EnvironmentReport(List<Inventory.Status> programs, Set<Program> needed, Optional<String> install, List<ContainerEngine.Health> engines,
        Optional<Failure> namespace, Path cache, long freeDisk, long freeMemory) {
    /** What linking a kernel and packing a large initramfs take at most. */
    static final long BUILD_MEMORY = 2L << 30;

    /** Whether a build finds all that it takes on this machine. Little memory makes it slow, not impossible. */
    public boolean ok() {
        return programs.stream().noneMatch(this::missing) && freeDisk >= Environment.KERNEL_BUILD_BYTES;
    }

    private boolean missing(Inventory.Status one) {
        return !one.usable() && needed.contains(one.program());
    }

    /** A table of the programs with a mark at those that are needed and cannot be used, then a line each for the rest. */
    public String text() {
        List<List<String>> rows = new ArrayList<>();
        rows.add(List.of("", "program", "version", "at least", "needed", "for", "package"));
        for (Inventory.Status one : programs) {
            Program program = one.program();
            rows.add(List.of(one.usable() ? "ok" : missing(one) ? "MISSING" : "-", program.title(),
                    one.usable() ? one.version().isEmpty() ? "present" : one.version() : one.trouble(), program.minimum(),
                    needed.contains(program) ? "yes" : "no", program.purpose(), program.packageFor(Distribution.here())));
        }
        StringBuilder text = new StringBuilder(Columns.aligned(rows)).append('\n');
        engines.forEach(engine -> text.append("container engine: ").append(engine.describe()).append(engine.usable() ? "" : "\n  " + engine.help()).append('\n'));
        if (engines.isEmpty()) {
            text.append("container engine: none; builds run on this machine\n");
        }
        namespace.ifPresent(why -> text.append("building as this user: ").append(why.what()).append("\n  ").append(why.hint()).append('\n'));
        text.append(amount("disk", freeDisk, "in " + cache, Environment.KERNEL_BUILD_BYTES)).append(amount("memory", freeMemory, "available", BUILD_MEMORY));
        install.ifPresent(line -> text.append("\ninstall with: ").append(line).append('\n'));
        return text.toString();
    }

    private static String amount(String what, long bytes, String where, long needed) {
        return String.format(Locale.ROOT, "%s: %.1f GiB free %s, a build takes %d GiB: %s%n", what, bytes / 1e0 / (1L << 30), where, needed >> 30,
                bytes >= needed ? "ok" : "TOO LITTLE");
    }

    /** The same as JSON. */
    public String json() {
        Map<String, Object> report = new LinkedHashMap<>();
        report.put("ok", ok());
        report.put("programs", programs.stream().map(this::row).toList());
        report.put("engines", engines.stream().map(EnvironmentReport::row).toList());
        namespace.ifPresent(why -> report.put("userNamespace", Map.of("trouble", why.what(), "help", why.hint())));
        report.put("cache", cache.toString());
        report.put("freeBytes", freeDisk);
        report.put("neededBytes", Environment.KERNEL_BUILD_BYTES);
        report.put("freeMemory", freeMemory);
        report.put("neededMemory", BUILD_MEMORY);
        install.ifPresent(line -> report.put("install", line));
        return Json.pretty(report);
    }

    private Map<String, Object> row(Inventory.Status one) {
        Map<String, Object> row = new LinkedHashMap<>();
        row.put("name", one.program().title());
        row.put("purpose", one.program().purpose());
        row.put("needed", needed.contains(one.program()));
        row.put("usable", one.usable());
        row.put("version", one.version());
        row.put("minimum", one.program().minimum());
        row.put("trouble", one.trouble());
        row.put("package", one.program().packageFor(Distribution.here()));
        return row;
    }

    private static Map<String, Object> row(ContainerEngine.Health engine) {
        Map<String, Object> row = new LinkedHashMap<>();
        row.put("name", engine.engine().program());
        row.put("usable", engine.usable());
        row.put("version", engine.version());
        row.put("rootless", engine.rootless());
        row.put("storage", engine.storage());
        row.put("cgroups", engine.cgroups());
        row.put("trouble", engine.trouble());
        row.put("help", engine.help());
        return row;
    }
}
