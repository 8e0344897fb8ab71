package lib;

import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import java.util.regex.Pattern;
import java.util.stream.Stream;
import lib.image.CpioEntry;
import lib.image.Elf;
import lib.image.FinishedImage;
import lib.tool.Failure;

/** Whether each program, library and script of an image has what it needs to run. */
record LintPrograms(FinishedImage image, Lint.Findings findings) {
    private static final Pattern FOLDER_OF_PROGRAMS = Pattern.compile("(usr/(local/)?)?s?bin/[^/]+");
    private static final Pattern MODULE = Pattern.compile("lib/modules/.*");
    /** Where loaders look: musl's default path, and glibc's with the folders that Debian adds. */
    private static final List<String> FOLDERS = List.of("lib", "usr/local/lib", "usr/lib", "lib64", "usr/lib64", "lib/x86_64-linux-gnu", "usr/lib/x86_64-linux-gnu",
            "lib/aarch64-linux-gnu", "usr/lib/aarch64-linux-gnu");
    private static final List<String> PATH = List.of("usr/local/sbin", "usr/local/bin", "usr/sbin", "usr/bin", "sbin", "bin");
    private static final int SCRIPT_LINE = 256;

    void examine() {
        Set<String> folders = loaderFolders();
        int machine = machine();
        for (CpioEntry entry : image.entries().stream().filter(CpioEntry::isFile).toList()) {
            String path = FinishedImage.plain(entry.path());
            byte[] start = entry.first(SCRIPT_LINE);
            if (Elf.isElf(start)) {
                try {
                    elf(Elf.parse(path, entry.bytes()), entry, path, folders, machine);
                } catch (Failure e) {
                    findings.add(LintRule.ELF_DAMAGED, path, e.what());
                }
            } else if (start.length > 2 && start[0] == '#' && start[1] == '!' && (entry.mode() & 0111) != 0) {
                script(path, new String(start, StandardCharsets.UTF_8).split("\n", 2)[0].substring(2).strip());
            }
        }
    }

    /** The machine of the first process; without one, that of most of the image is not known and nothing is mixed. */
    private int machine() {
        return image.file("init").filter(entry -> Elf.isElf(entry.first(4)) && entry.size() > 64).map(entry -> {
            byte[] header = entry.first(20);
            return header[5] == 1 ? header[18] & 0xff | (header[19] & 0xff) << 8 : header[19] & 0xff | (header[18] & 0xff) << 8;
        }).orElse(0);
    }

    private void elf(Elf elf, CpioEntry entry, String path, Set<String> folders, int machine) {
        if (machine != 0 && elf.machine() != machine && !path.startsWith("lib/firmware/")) {
            findings.add(LintRule.MACHINE_MIXED, path, "ELF machine " + elf.machine() + ", init has " + machine);
        }
        if (elf.type() == Elf.RELOCATABLE || MODULE.matcher(path).matches()) {
            return;
        }
        boolean program = elf.type() == Elf.EXECUTABLE || elf.interpreter().isPresent();
        if (program && (entry.mode() & 0111) == 0 && FOLDER_OF_PROGRAMS.matcher(path).matches()) {
            findings.add(LintRule.PROGRAM_NOT_EXECUTABLE, path, entry.modeText());
        }
        elf.interpreter().filter(loader -> image.file(loader).isEmpty()).ifPresent(loader -> findings.add(LintRule.INTERPRETER_MISSING, path, loader));
        for (String library : elf.needed()) {
            if (places(elf, path, folders).stream().noneMatch(folder -> fits(folder + "/" + library, elf))) {
                findings.add(LintRule.LIBRARY_MISSING, path, library);
            }
        }
    }

    /** Folders where this file's libraries are looked for; a plugin's are often loaded by then, from its own folder. */
    private static List<String> places(Elf elf, String path, Set<String> folders) {
        String own = path.substring(0, Math.max(0, path.lastIndexOf('/')));
        List<String> places = new ArrayList<>(elf.runPaths().stream().map(one -> one.replaceAll("\\$\\{?ORIGIN\\}?", "/" + own)).toList());
        places.addAll(folders);
        places.add(own);
        return places;
    }

    private boolean fits(String path, Elf user) {
        Optional<CpioEntry> file = image.file(path);
        if (file.isEmpty() || !Elf.isElf(file.get().first(4))) {
            return false;
        }
        return file.get().first(5)[4] == (user.bits() == 64 ? 2 : 1);
    }

    /** The default folders with those of ld-musl-*.path and ld.so.conf. */
    private Set<String> loaderFolders() {
        Set<String> folders = new LinkedHashSet<>(FOLDERS);
        Stream.concat(image.in("etc").entrySet().stream().filter(one -> one.getKey().matches("ld-musl-.*\\.path|ld\\.so\\.conf")),
                image.in("etc/ld.so.conf.d").entrySet().stream()).filter(one -> one.getValue().isFile())
                .forEach(one -> Stream.of(one.getValue().text().split("[\\n:]")).map(String::strip).filter(line -> line.startsWith("/"))
                        .forEach(line -> folders.add(FinishedImage.plain(line))));
        return folders;
    }

    private void script(String path, String line) {
        List<String> words = List.of(line.split("\\s+"));
        String interpreter = words.get(0);
        boolean there = image.file(interpreter).filter(entry -> (entry.mode() & 0111) != 0).isPresent();
        Optional<String> named = interpreter.endsWith("/env") ? words.stream().skip(1).filter(word -> !word.startsWith("-") && !word.contains("=")).findFirst() : Optional.empty();
        LintRule rule = FOLDER_OF_PROGRAMS.matcher(path).matches() || path.startsWith("etc/my_init/") ? LintRule.SCRIPT_INTERPRETER_MISSING : LintRule.SCRIPT_IDLE;
        if (!there) {
            findings.add(rule, path, interpreter);
        } else if (named.isPresent() && !isProgram(named.get())) {
            findings.add(rule, path, named.get());
        }
    }

    private boolean isProgram(String name) {
        return name.contains("/") ? image.file(name).isPresent() : PATH.stream().anyMatch(folder -> image.file(folder + "/" + name).isPresent());
    }
}
