package lib;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.stream.Stream;
import lib.image.Elf;
import lib.tool.Cache;
import lib.tool.Digest;
import lib.tool.Failure;
import lib.tool.Shell;
import lib.tool.Shell.Command;
import lib.tool.Tools;

/**
 * Takes symbols and debugging information out of programs and libraries. What the loader maps must be the same afterwards, byte by byte;
 * kernel modules stay as they are, because their build strips them before it signs them, and so do firmware and files that carry data of
 * their own behind the ELF part.
 *
 * @param arch machine of the image: programs for others are stripped where a program for that is installed
 */
record Strip(String arch, Tools tools, int jobs) {
    /** ELF machine numbers of the ABI supplements, with the first part of GNU's names for them. */
    private static final Map<Integer, String> MACHINES = Map.of(3, "i686", 20, "powerpc", 21, "powerpc64le", 22, "s390x", 40, "arm",
            Elf.X86_64, "x86_64", Elf.AARCH64, "aarch64", 243, "riscv64", 258, "loongarch64");
    private static final int SYMBOL_TABLE = 2;
    private static final int LOADED = 1;

    /** Strips all of the tree and returns the bytes saved. */
    long applyTo(Path root) {
        ElfTree all = ElfTree.of(root, jobs);
        return new ElfTree(all.files().stream().filter(file -> !isFirmware(root.relativize(file))).toList(), jobs).shrink(this::stripped);
    }

    private static boolean isFirmware(Path path) {
        return path.startsWith("lib/firmware") || path.startsWith("usr/lib/firmware");
    }

    /** The stripped form in the cache; the file itself when there is nothing to take out of it. */
    private Path stripped(Path file) {
        Elf elf = Elf.read(file);
        if (elf.type() == Elf.RELOCATABLE || !hasSymbols(elf) || endsBehind(elf, file.toFile().length())) {
            return file;
        }
        Optional<List<String>> tool = tool(elf.machine());
        if (tool.isEmpty()) {
            tools.console().log("  not stripped, no program here knows its machine: " + file);
            return file;
        }
        String version = tools.shell().output(tool.get().get(0), "--version").lines().findFirst().orElse("");
        Cache.Key key = Cache.Key.of("strip", file.getFileName().toString()).with("recipe", 2).with("sha256", Digest.sha256(file)).with("strip", version);
        return tools.cache().get(key, target -> strip(file, elf, tool.get(), target));
    }

    private void strip(Path file, Elf elf, List<String> tool, Path target) throws IOException {
        List<String> argv = Stream.concat(tool.stream(), tool.get(0).endsWith("objcopy") ? Stream.of(file.toString(), target.toString())
                : Stream.of("-o", target.toString(), file.toString())).toList();
        tools.shell().run(Command.of(argv), "this file cannot be stripped");
        if (Files.size(target) >= Files.size(file) || !isLoadedAlike(elf, Files.readAllBytes(file), Elf.read(target), Files.readAllBytes(target))) {
            tools.console().log("  not stripped, it would not be loaded as before: " + file);
            Files.copy(file, target, StandardCopyOption.REPLACE_EXISTING);
        }
    }

    static boolean hasSymbols(Elf elf) {
        return elf.sections().stream().anyMatch(section -> section.type() == SYMBOL_TABLE || section.name().matches("\\.z?(debug|stab|gnu\\.lto_).*"));
    }

    /** Whether the file goes on behind the last thing that its headers name: an archive or a program's payload, which strip would drop. */
    static boolean endsBehind(Elf elf, long length) {
        long end = Math.max(elf.sectionHeadersEnd(), Stream.concat(elf.segments().stream().map(one -> one.offset() + one.fileSize()),
                elf.sections().stream().filter(one -> one.type() != Elf.NO_BITS).map(one -> one.offset() + one.size())).max(Long::compare).orElse(0L));
        return length > end + 16;
    }

    /** Whether a loader gets the same of both files: interpreter, libraries, and every mapped byte but those of the file's own headers. */
    static boolean isLoadedAlike(Elf before, byte[] beforeBytes, Elf after, byte[] afterBytes) {
        List<Elf.Segment> old = before.segments().stream().filter(one -> one.type() == LOADED).toList();
        List<Elf.Segment> now = after.segments().stream().filter(one -> one.type() == LOADED).toList();
        if (before.type() != after.type() || before.machine() != after.machine() || !before.interpreter().equals(after.interpreter())
                || !before.needed().equals(after.needed()) || !before.soname().equals(after.soname()) || old.size() != now.size()) {
            return false;
        }
        for (int i = 0; i < old.size(); i++) {
            Elf.Segment one = old.get(i);
            Elf.Segment other = now.get(i);
            long headers = one.offset() == 0 ? Math.min(one.fileSize(), headers(before)) : 0;
            if (one.address() != other.address() || one.fileSize() != other.fileSize()
                    || !Arrays.equals(beforeBytes, (int) (one.offset() + headers), (int) (one.offset() + one.fileSize()),
                            afterBytes, (int) (other.offset() + headers), (int) (other.offset() + other.fileSize()))) {
                return false;
            }
        }
        return true;
    }

    /** Bytes of the file header and the program headers behind it: ELF-64 and ELF-32 object file format. */
    private static long headers(Elf elf) {
        return elf.bits() == 64 ? 64 + 56L * elf.segments().size() : 52 + 32L * elf.segments().size();
    }

    /**
     * The command for a machine, without the files: this machine's own, a cross binutils', or LLVM's, which knows them all. Empty when
     * there is none and the image can do without: files for other machines are data to it.
     */
    private Optional<List<String>> tool(int machine) {
        String name = MACHINES.getOrDefault(machine, "");
        String own = System.getProperty("os.arch").replace("amd64", "x86_64");
        boolean native32 = name.equals("i686") && own.equals("x86_64");
        Optional<List<String>> tool = (name.equals(own) || native32 ? Stream.of("strip", "objcopy", "llvm-strip", "llvm-objcopy")
                : Stream.of(name + "-linux-gnu-strip", name + "-linux-musl-strip", name + "-linux-gnueabihf-strip", "llvm-strip",
                        name + "-linux-gnu-objcopy", "llvm-objcopy"))
                .filter(program -> !name.isEmpty() && Shell.which(program).isPresent()).findFirst().map(program -> List.of(program, "--strip-unneeded"));
        if (tool.isEmpty() && name.equals(arch)) {
            throw Failure.machine("no strip program for " + name + " is installed",
                    "install " + (name.equals(own) ? "binutils" : "binutils-" + name.replace('_', '-') + "-linux-gnu") + " or llvm");
        }
        return tool;
    }
}
