package lib;

import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;
import lib.FirmwareRules.Rule;
import lib.FirmwareRules.Verb;
import lib.ModuleFolder.Driver;
import lib.image.Whence;
import lib.tool.Failure;
import lib.tool.Suggest;

/**
 * Which names of a firmware tree go into the image.
 *
 * @param wanted names, each with those who asked for it
 * @param misses who asked for what the tree does not have: driver or line, and the names
 */
record FirmwareChoice(Map<String, Set<String>> wanted, Map<String, List<String>> misses) {

    /** @throws Failure for a {@code require} line without a file, an unknown driver, a line that nothing can fulfil (exit code 2) */
    static FirmwareChoice of(FirmwareTree tree, FirmwareRules rules, List<Driver> drivers) {
        FirmwareChoice choice = new FirmwareChoice(new TreeMap<>(), new LinkedHashMap<>());
        drivers.forEach(driver -> driver.firmware().forEach(name -> choice.ask(tree, rules, name, driver.title())));
        rules.of(Verb.INCLUDE).forEach(rule -> choice.ask(tree, rules, rule.argument(), rule.title()));
        rules.of(Verb.DRIVER).forEach(rule -> section(tree, rule).forEach(name -> choice.ask(tree, rules, name, rule.title())));
        rules.of(Verb.REQUIRE).forEach(rule -> choice.require(tree, rules, rule));
        return choice;
    }

    private void ask(FirmwareTree tree, FirmwareRules rules, String pattern, String by) {
        List<String> names = tree.matching(pattern);
        tree.absent(pattern).stream().filter(name -> !rules.excludes(name)).findFirst().ifPresent(name -> {
            throw new Failure(tree.folder() + " is not complete: WHENCE lists " + name + ", which " + by + " asks for, and the file is not there",
                    "complete the folder, or write \"exclude " + name + "\" into firmware.conf");
        });
        if (names.isEmpty()) {
            misses.computeIfAbsent(by, any -> new ArrayList<>()).add(pattern);
        }
        names.stream().filter(name -> !isExcluded(tree, rules, name)).forEach(name -> add(name, by));
    }

    private void require(FirmwareTree tree, FirmwareRules rules, Rule rule) {
        List<String> names = tree.matching(rule.argument());
        if (names.isEmpty()) {
            throw rule.wrong("the required firmware is not in " + tree.folder(),
                    Suggest.hint(rule.argument(), tree.names(), "correct the name, or take a FIRMWARE_SOURCE that has it"));
        }
        names.stream().filter(name -> isExcluded(tree, rules, name)).findFirst().ifPresent(name -> {
            throw rule.wrong(name + " is required here and excluded by another line", "take one of the lines out");
        });
        names.forEach(name -> add(name, rule.title()));
    }

    /** A name goes when an exclude line names it, a link on its way, or the file at the end. */
    private static boolean isExcluded(FirmwareTree tree, FirmwareRules rules, String name) {
        return rules.excludes(name) || tree.find(name).filter(reached -> rules.excludes(reached.name())
                || reached.links().stream().anyMatch(link -> rules.excludes(link.path()))).isPresent();
    }

    private void add(String name, String by) {
        wanted.computeIfAbsent(name, any -> new LinkedHashSet<>()).add(by);
    }

    private static List<String> section(FirmwareTree tree, Rule rule) {
        Whence whence = tree.whence().orElseThrow(() -> rule.wrong("there is no WHENCE in " + tree.folder(), "use include lines instead"));
        List<String> known = whence.sections().stream().flatMap(section -> section.drivers().stream()).map(Whence.Driver::name).toList();
        List<String> names = new ArrayList<>();
        whence.of(rule.argument()).forEach(section -> {
            section.files().forEach(entry -> names.add(entry.path()));
            section.links().forEach(link -> names.add(link.path()));
        });
        if (names.isEmpty()) {
            throw rule.wrong("WHENCE has no files of a driver " + rule.argument(), Suggest.hint(rule.argument(), known, "look for Driver: lines in WHENCE"));
        }
        return names;
    }
}
