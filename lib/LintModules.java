package lib;

import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import lib.image.CpioEntry;
import lib.image.FinishedImage;
import lib.image.ModuleFile;
import lib.tool.Failure;

/** Whether the kernel modules of an image can be loaded by its kernel. */
record LintModules(FinishedImage image, Lint.Findings findings) {
    private static final String TOP = "lib/modules/";

    void examine() {
        for (String release : image.in(TOP).keySet()) {
            examine(release);
        }
    }

    private void examine(String release) {
        String folder = TOP + release + "/";
        image.release().filter(kernel -> !kernel.equals(release)).ifPresent(kernel -> findings.add(LintRule.MODULE_FOREIGN, TOP + release, "the kernel is " + kernel));
        List<String> paths = image.byPath().subMap(folder, folder.substring(0, folder.length() - 1) + "0").entrySet().stream()
                .filter(entry -> entry.getValue().isFile() && entry.getKey().endsWith(".ko")).map(entry -> entry.getKey().substring(folder.length())).toList();
        Set<String> names = paths.stream().map(ModuleFile::nameOf).collect(Collectors.toCollection(HashSet::new));
        lines(folder + "modules.builtin").forEach(line -> names.add(ModuleFile.nameOf(line)));
        for (String path : paths) {
            try {
                module(ModuleFile.parse(path, path, image.file(folder + path).orElseThrow().bytes()), folder, release, names);
            } catch (Failure e) {
                findings.add(LintRule.ELF_DAMAGED, folder + path, e.what());
            }
        }
        index(folder, paths);
        for (String name : image.in("etc/modules-load.d").keySet()) {
            String file = "etc/modules-load.d/" + name;
            lines(file).map(line -> line.strip().split("\\s+")[0].replace('-', '_')).filter(module -> !module.startsWith("#") && !names.contains(module))
                    .forEach(module -> findings.add(LintRule.MODULE_LOAD_UNKNOWN, file, module));
        }
    }

    private void module(ModuleFile module, String folder, String release, Set<String> names) {
        for (String needed : module.values("depends").stream().flatMap(list -> Stream.of(list.split(","))).filter(name -> !name.isEmpty()).toList()) {
            if (!names.contains(needed.replace('-', '_'))) {
                findings.add(LintRule.MODULE_DEPENDENCY_MISSING, folder + module.path(), needed);
            }
        }
        Optional<String> magic = module.values("vermagic").stream().findFirst();
        if (magic.isEmpty() || !magic.get().startsWith(release + " ")) {
            findings.add(LintRule.MODULE_FOREIGN, folder + module.path(), magic.map(text -> "made for " + text.split(" ")[0]).orElse("it names no kernel"));
        }
    }

    /** Every module has a line in modules.dep, and every path of a line is there. */
    private void index(String folder, List<String> paths) {
        Set<String> listed = new HashSet<>();
        List<String> named = new ArrayList<>();
        lines(folder + "modules.dep").forEach(line -> {
            listed.add(line.split(":", 2)[0]);
            named.addAll(List.of(line.replaceFirst(":", " ").strip().split("\\s+")));
        });
        paths.stream().filter(path -> !listed.contains(path)).forEach(path -> findings.add(LintRule.MODULE_INDEX_STALE, folder + "modules.dep", path + " is not in it"));
        named.stream().distinct().filter(path -> !path.isEmpty() && !paths.contains(path))
                .forEach(path -> findings.add(LintRule.MODULE_INDEX_STALE, folder + "modules.dep", path + " is not there"));
    }

    private Stream<String> lines(String file) {
        return image.file(file).map(CpioEntry::text).orElse("").lines().filter(line -> !line.isBlank());
    }
}
