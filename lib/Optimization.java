package lib;

import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.util.Map;
import java.util.function.ToLongFunction;
import java.util.stream.Stream;
import lib.apk.Installation;
import lib.image.Elf;
import lib.tool.Cache;
import lib.tool.Console;
import lib.tool.Digest;
import lib.tool.Failure;
import lib.tool.Shell;
import lib.tool.Shell.Command;
import lib.tool.Tools;

/**
 * Phase 5: what a booted node does not need is taken out of the tree, programs are stripped, and packed with UPX where that helps.
 *
 * @param packedSize bytes of the initramfs that a tree becomes; asked only to decide about UPX
 */
public record Optimization(Config.Budget budget, Tools tools, int jobs, ToLongFunction<Path> packedSize) {
    /** Shrinks the tree and brings the package database in line with it. */
    public void shrink(Path root) {
        Map<Cleanup.Rule, Long> freed = tools.console().step("cleanup", () -> Cleanup.apply(root),
                done -> "cleanup freed " + Console.mib(done.values().stream().mapToLong(Long::longValue).sum()));
        freed.forEach((rule, bytes) -> tools.console().log("  " + bytes + " bytes: " + rule.glob() + " (" + rule.why() + ")"));
        String version = tools.shell().output("strip", "--version").lines().findFirst().orElse("");
        tools.console().step("strip", () -> ElfTree.of(root, jobs).shrink(file -> stripped(file, version)), saved -> "strip freed " + Console.mib(saved));
        new Upx(budget.upx(), tools, jobs, packedSize).applyTo(root);
        tools.console().step("package database", () -> Installation.open(root).refresh());
    }

    /** The stripped form in the cache. Kernel modules stay as they are: their build strips them before it signs them. */
    private Path stripped(Path file, String version) {
        Elf elf = Elf.read(file);
        if (elf.type() == Elf.RELOCATABLE) {
            return file;
        }
        Cache.Key key = Cache.Key.of("strip", file.getFileName().toString()).with("sha256", Digest.sha256(file)).with("strip", version);
        return tools.cache().get(key, target -> {
            tools.shell().run(Command.of(program(elf), "--strip-unneeded", "-o", target.toString(), file.toString()), "this file cannot be stripped");
            if (Files.size(target) >= Files.size(file)) {
                Files.copy(file, target, StandardCopyOption.REPLACE_EXISTING);
            }
        });
    }

    /** The strip program for the file's machine: this machine's own, a cross binutils', or LLVM's, which knows them all. */
    private static String program(Elf elf) {
        String machine = elf.machine() == Elf.AARCH64 ? "aarch64" : elf.machine() == Elf.X86_64 ? "x86_64" : "ELF machine " + elf.machine();
        String own = System.getProperty("os.arch").replace("amd64", "x86_64");
        return machine.equals(own) ? "strip" : Stream.of(machine + "-linux-gnu-strip", "llvm-strip").filter(name -> Shell.which(name).isPresent()).findFirst()
                .orElseThrow(() -> Failure.machine("no strip program for " + machine + " is installed",
                        "install binutils-" + machine.replace('_', '-') + "-linux-gnu or llvm"));
    }
}
