package demo;

import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;

/**
 * What goes into one package; immutable, each {@code with} method returns a larger one.
 *
 * @param info lines of .PKGINFO in order, {@code key = value}; keys may repeat (depend, provides, install_if, triggers, ...). pkgname and
 *     pkgver come from {@code name} and {@code version}; size and datahash are added when the package is written
 * @param scripts name (pre-install, post-install, trigger, ...) to text
 * @param entries the file tree in order
 * @param time build date and time stamp of all entries, seconds since 1970
 */
public record ApkPackage(String name, String version, String arch, long time, List<Info> info, Map<String, String> scripts,
        List<TarEntry> entries) {
    /** One line of .PKGINFO. */
    public record Info(String key, String value) { }

    /** A package without content. */
    public static ApkPackage of(String name, String version, String arch, long time) {
        return new ApkPackage(name, version, arch, time, List.of(), Map.of(), List.of());
    }

    /** With one line of .PKGINFO for each value: {@code with("depend", "busybox", "so:libc.so.6")}. */
    public ApkPackage with(String key, String... values) {
        List<Info> more = new ArrayList<>(info);
        for (String value : values) {
            more.add(new Info(key, value));
        }
        return new ApkPackage(name, version, arch, time, more, scripts, entries);
    }

    /** @param script without its leading dot: pre-install, post-install, pre-upgrade, post-upgrade, pre-deinstall, post-deinstall, trigger */
    public ApkPackage withScript(String script, String text) {
        Map<String, String> more = new LinkedHashMap<>(scripts);
        more.put(script, text);
        return new ApkPackage(name, version, arch, time, info, more, entries);
    }

    /** With these entries as they are, in this order, behind those already there. */
    public ApkPackage withEntries(List<TarEntry> further) {
        List<TarEntry> more = new ArrayList<>(entries);
        more.addAll(further);
        return new ApkPackage(name, version, arch, time, info, scripts, more);
    }

    public ApkPackage with(TarEntry entry) {
        return withEntries(List.of(entry));
    }

    /**
     * The same package with its entries in the order in which apk wants them: sorted by name, and with every parent folder (0755,
     * root) that is not among them.
     */
    public ApkPackage tidy() {
        Map<String, TarEntry> sorted = new TreeMap<>();
        for (TarEntry entry : entries) {
            for (int slash = entry.name().indexOf('/'); slash >= 0; slash = entry.name().indexOf('/', slash + 1)) {
                String parent = entry.name().substring(0, slash + 1);
                sorted.computeIfAbsent(parent, missing -> TarEntry.folder(missing, 0755));
            }
            sorted.put(entry.name(), entry);
        }
        return new ApkPackage(name, version, arch, time, info, scripts, List.copyOf(sorted.values()));
    }

    List<String> values(String key) {
        return info.stream().filter(line -> line.key().equals(key)).map(Info::value).toList();
    }
}
