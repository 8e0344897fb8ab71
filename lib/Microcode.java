package lib;

import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.TreeSet;
import java.util.stream.Stream;
import lib.FirmwareRules.Rule;
import lib.FirmwareRules.Verb;
import lib.image.Compressed;
import lib.tool.Cache;
import lib.tool.Digest;

/** The microcode that firmware.conf asks for: updates of Intel's or AMD's CPUs, linked into the kernel. */
record Microcode(FirmwareTree tree, List<Rule> rules, List<String> names) {
    static Microcode of(FirmwareTree tree, FirmwareRules rules) {
        TreeSet<String> names = new TreeSet<>();
        rules.of(Verb.MICROCODE).forEach(rule -> names.addAll(names(tree, rule)));
        return new Microcode(tree, rules.of(Verb.MICROCODE), List.copyOf(names));
    }

    /** The names under which the kernel looks for it: arch/x86/kernel/cpu/microcode/intel.c and amd.c. */
    private static List<String> names(FirmwareTree tree, Rule rule) {
        boolean intel = rule.argument().equals("intel");
        List<String> found = tree.names().stream().filter(name -> name.matches(intel ? "intel-ucode/([0-9a-f]{2}-){2}[0-9a-f]{2}"
                : "amd-ucode/microcode_amd[a-z0-9_]*\\.bin")).toList();
        if (found.isEmpty()) {
            throw rule.wrong("there is no folder " + rule.argument() + "-ucode with microcode in " + tree.folder(),
                    intel ? "linux-firmware does not carry Intel's: add the folder intel-ucode of Intel's release to a folder of your own"
                            : "take a FIRMWARE_SOURCE that has it");
        }
        return found;
    }

    /** A folder with the plain files, in the cache. */
    Path unpackedInto(Cache cache) {
        Cache.Key key = Cache.Key.of("microcode", "microcode");
        for (String name : names) {
            key = key.with(name, Digest.sha256(content(name)));
        }
        return cache.get(key, target -> {
            for (String name : names) {
                Files.createDirectories(target.resolve(name).getParent());
                Files.write(target.resolve(name), content(name));
            }
        });
    }

    private byte[] content(String name) {
        return Compressed.read(tree.find(name).orElseThrow().file());
    }

    /** @throws lib.tool.Failure when the kernel's final .config does not carry and load all of it */
    void requireLinkedIn(List<String> kernel) {
        List<String> absent = new ArrayList<>(names);
        absent.removeAll(kernel.stream().filter(line -> line.startsWith("CONFIG_EXTRA_FIRMWARE=\""))
                .flatMap(line -> Stream.of(line.split("\"", -1)[1].split("\\s+"))).toList());
        if (!absent.isEmpty()) {
            throw rules.get(0).wrong("the kernel does not have " + absent.get(0) + " linked in (CONFIG_EXTRA_FIRMWARE)",
                    "take CONFIG_EXTRA_FIRMWARE out of kernel.config, so that the build can set it");
        }
        if (!names.isEmpty() && !kernel.contains("CONFIG_MICROCODE=y")) {
            throw rules.get(0).wrong("the kernel does not load microcode: CONFIG_MICROCODE is not set", "add CONFIG_MICROCODE=y to kernel.config");
        }
    }
}
