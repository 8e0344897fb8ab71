package lib;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.LinkOption;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import lib.tool.Failure;
import lib.tool.Suggest;
import lib.tool.Trees;
import lib.tool.Yaml;

/**
 * What my_init starts: config/my_init/my_init.conf and services/*.yaml, checked so that every service can start: each file is one that
 * my_init reads, each name in {@code after} exists, and no services wait for one another in a circle.
 *
 * @param stages the list {@code init} of my_init.conf
 * @param services by name
 */
public record Services(List<String> stages, Map<String, Service> services) {
    private static final List<String> KEYS = List.of("log_level", "init");
    private static final List<String> LEVELS = List.of("error", "info", "debug");
    private static final List<String> STAGES = List.of("load-modules", "networking", "services");

    /** @param folder config/my_init */
    static Services read(Path folder) {
        Map<String, Service> services = new TreeMap<>();
        for (Path file : files(folder.resolve("services"))) {
            Service service = Service.read(file);
            services.put(service.name(), service);
        }
        Services all = new Services(stages(folder.resolve("my_init.conf"), !services.isEmpty()), services);
        all.services.values().forEach(all::requireReachable);
        all.waves();
        return all;
    }

    /** The service files; anything in the folder that my_init would overlook without a word is a Failure. */
    private static List<Path> files(Path folder) {
        if (!Files.isDirectory(folder)) {
            return List.of();
        }
        try (Stream<Path> list = Files.list(folder)) {
            List<Path> files = list.sorted().toList();
            for (Path file : files) {
                if (!Files.isRegularFile(file, LinkOption.NOFOLLOW_LINKS) || !file.toString().endsWith(".yaml")) {
                    throw Failure.usage(file + ": my_init would never start this service", "it reads plain files NAME.yaml: no links, no folders, no other extension");
                }
            }
            return files;
        } catch (IOException e) {
            throw Failure.io("cannot read " + folder, e);
        }
    }

    private static List<String> stages(Path file, boolean needed) {
        Yaml.Entries yaml = Yaml.parse(Trees.read(file), file.toString());
        for (Yaml.Entry entry : yaml.entries()) {
            if (!KEYS.contains(entry.key())) {
                throw wrong(file, entry.line(), "unknown key " + entry.key(), Suggest.hint(entry.key(), KEYS, "the keys are log_level and init"));
            }
        }
        yaml.find("log_level").filter(level -> !(level.value() instanceof Yaml.Scalar word && LEVELS.contains(word.text()))).ifPresent(level -> {
            throw wrong(file, level.line(), "log_level is not one of " + String.join(", ", LEVELS), "take one of them");
        });
        if (yaml.find("init").isEmpty()) {
            return STAGES;
        }
        Yaml.Entry init = yaml.find("init").orElseThrow();
        List<String> stages = new ArrayList<>();
        for (Yaml.Value item : init.value() instanceof Yaml.Items list ? list.items() : List.of(init.value())) {
            String name = item instanceof Yaml.Scalar word ? word.text() : "";
            if (!STAGES.contains(name)) {
                throw wrong(file, item.line(), "unknown stage " + name, Suggest.hint(name, STAGES, "the stages are " + String.join(" ", STAGES)));
            }
            stages.add(name);
        }
        if (needed && !stages.contains("services")) {
            throw wrong(file, init.line(), "no service is ever started", "init needs the stage `services`, or services/ no files");
        }
        return List.copyOf(stages);
    }

    private static Failure wrong(Path file, int line, String what, String hint) {
        return Failure.at(file.toString(), line, Trees.read(file).lines().skip(line - 1L).findFirst().orElse(""), what, hint);
    }

    private void requireReachable(Service service) {
        for (Service.After after : service.after()) {
            if (!services.containsKey(after.name())) {
                throw service.wrong(after.line(), service.name() + " is never started: there is no service " + after.name(),
                        Suggest.hint(after.name(), services.keySet(), "the services are " + String.join(" ", services.keySet())));
            }
        }
    }

    /** The start order: the services of a wave wait only for those of waves before it. A circle is a Failure that names it. */
    public List<List<Service>> waves() {
        List<List<Service>> waves = new ArrayList<>();
        Set<String> started = new LinkedHashSet<>();
        while (started.size() < services.size()) {
            List<Service> wave = services.values().stream().filter(one -> !started.contains(one.name()))
                    .filter(one -> one.after().stream().allMatch(after -> started.contains(after.name()))).toList();
            if (wave.isEmpty()) {
                throw circle(started);
            }
            waves.add(wave);
            wave.forEach(one -> started.add(one.name()));
        }
        return waves;
    }

    /** From a service that never starts, always on to one that it waits for, must come back to where it has been. */
    private Failure circle(Set<String> started) {
        List<String> path = new ArrayList<>();
        Service at = services.values().stream().filter(one -> !started.contains(one.name())).findFirst().orElseThrow();
        while (!path.contains(at.name())) {
            path.add(at.name());
            at = services.get(waitsFor(at, started).name());
        }
        List<String> circle = new ArrayList<>(path.subList(path.indexOf(at.name()), path.size()));
        circle.add(at.name());
        return at.wrong(waitsFor(at, started).line(), "these services wait for one another: " + String.join(" -> ", circle), "take one of them out of `after`");
    }

    private static Service.After waitsFor(Service service, Set<String> started) {
        return service.after().stream().filter(after -> !started.contains(after.name())).findFirst().orElseThrow();
    }

    /** All that must be up before a service starts, directly and through others. */
    Set<String> before(Service service) {
        Set<String> before = new LinkedHashSet<>();
        for (Service.After after : service.after()) {
            if (before.add(after.name())) {
                before.addAll(before(services.get(after.name())));
            }
        }
        return before;
    }

    /** The start order for people: stages, then a numbered wave a line group. */
    public String drawing() {
        StringBuilder text = new StringBuilder("stages: " + String.join(" -> ", stages) + "\n");
        int width = services.keySet().stream().mapToInt(String::length).max().orElse(1);
        int number = 0;
        for (List<Service> wave : waves()) {
            number++;
            for (Service one : wave) {
                String head = one == wave.get(0) ? String.format("%3d ", number) : "    ";
                String branch = wave.size() == 1 ? "\u2500\u2500 " : one == wave.get(0) ? "\u252c\u2500 " : one == wave.get(wave.size() - 1) ? "\u2514\u2500 " : "\u251c\u2500 ";
                String after = one.after().isEmpty() ? "" : "  after " + one.after().stream().map(Service.After::name).collect(Collectors.joining(", "));
                text.append((head + branch + String.format("%-" + width + "s  %-7s", one.name(), one.oneshot() ? "once" : one.test().isPresent() ? "tested" : "") + after).stripTrailing()).append('\n');
            }
        }
        return text.toString();
    }

    /** The same for programs. */
    public Map<String, Object> json() {
        List<List<Map<String, Object>>> waves = waves().stream().map(wave -> wave.stream().map(one -> {
            Map<String, Object> json = new LinkedHashMap<>();
            json.put("name", one.name());
            json.put("exec", one.exec());
            json.put("oneshot", one.oneshot());
            json.put("after", one.after().stream().map(Service.After::name).toList());
            return json;
        }).toList()).toList();
        Map<String, Object> json = new LinkedHashMap<>();
        json.put("stages", stages);
        json.put("waves", waves);
        return json;
    }
}
