package lib;

import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import lib.image.CpioEntry;
import lib.image.FinishedImage;
import lib.tool.Failure;
import lib.tool.Yaml;

/** Whether my_init can start the services that an image has. */
record LintServices(FinishedImage image, Lint.Findings findings) {
    private static final String FOLDER = "etc/my_init/services";
    /** The path that my_init gives to services. */
    private static final List<String> PATH = List.of("usr/sbin", "usr/bin", "sbin", "bin");
    /** Where runtime-fetch puts programs while the node runs. */
    private static final String FETCHED = "/var/cache/bin/";

    void examine() {
        Map<String, CpioEntry> files = image.in(FOLDER);
        Set<String> names = files.keySet().stream().map(name -> name.replaceFirst("\\.yaml$", "")).collect(Collectors.toSet());
        files.forEach((name, file) -> {
            String path = FOLDER + "/" + name;
            try {
                Yaml.Entries yaml = Yaml.parse(file.text(), path);
                for (String key : List.of("exec", "test")) {
                    yaml.find(key).flatMap(entry -> words(entry.value()).findFirst()).filter(word -> !runs(word))
                            .ifPresent(word -> findings.add(LintRule.SERVICE_PROGRAM_MISSING, path, key + ": " + word));
                }
                yaml.find("after").stream().flatMap(entry -> words(entry.value())).filter(other -> !names.contains(other))
                        .forEach(other -> findings.add(LintRule.SERVICE_UNKNOWN, path, "after: " + other));
            } catch (Failure e) {
                findings.add(LintRule.SERVICE_DAMAGED, path, e.what());
            }
        });
    }

    private static Stream<String> words(Yaml.Value value) {
        if (value instanceof Yaml.Items list) {
            return list.items().stream().flatMap(LintServices::words);
        }
        return value instanceof Yaml.Scalar scalar ? Stream.of(scalar.text().strip().split("\\s+")).filter(word -> !word.isEmpty()).map(word -> word.replaceAll("^[\"']|[\"']$", ""))
                : Stream.empty();
    }

    private boolean runs(String program) {
        if (program.startsWith(FETCHED)) {
            return true;
        }
        Stream<String> places = program.contains("/") ? Stream.of(program) : PATH.stream().map(folder -> folder + "/" + program);
        return places.anyMatch(place -> image.file(place).filter(entry -> (entry.mode() & 0111) != 0).isPresent());
    }
}
