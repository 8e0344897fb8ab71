package lib;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.LinkOption;
import java.nio.file.Path;
import java.util.List;
import java.util.stream.Collectors;
import lib.image.Elf;
import lib.tool.Cache;
import lib.tool.Console;
import lib.tool.Digest;
import lib.tool.Failure;
import lib.tool.Shell;
import lib.tool.Shell.Command;
import lib.tool.Tools;
import lib.tool.Trees;

/**
 * UPX on the programs of a tree. A packed program is smaller on disk but larger inside a compressed archive, slower to start, and its
 * pages are shared with nobody, so {@code auto} packs only where a measurement says that the image gets smaller.
 *
 * @param packing tells the bytes of the initramfs that a tree becomes
 */
record Upx(Config.Upx mode, Config.Compression compression, Tools tools, int jobs, PackedSizes.Measure packing) {
    private static final int SETUID_OR_SETGID = 06000;
    /** UPX's own exit code for "this file cannot be packed or would not get smaller". */
    private static final int NOT_PACKED = 2;

    /** Packs the programs of the tree, or leaves it as it is; says what was done and returns whether it packed them. */
    boolean applyTo(Path root) {
        if (mode == Config.Upx.NEVER) {
            return false;
        }
        if (Shell.which("upx").isEmpty()) {
            if (mode == Config.Upx.ALWAYS) {
                throw Failure.machine("UPX=always, but upx is not installed", "install it (Debian: upx-ucl from backports, Alpine and Arch: upx), or set UPX=auto");
            }
            tools.console().detail("UPX is not installed: not used");
            return false;
        }
        List<Path> programs = ElfTree.of(root, jobs).files().stream().filter(Upx::isProgram).toList();
        String version = tools.shell().output("upx", "--version").lines().findFirst().orElse("");
        boolean pack = mode == Config.Upx.ALWAYS || decide(root, programs, version);
        if (pack) {
            tools.console().step("UPX", () -> new ElfTree(programs, jobs).shrink(file -> packed(file, version)),
                    saved -> "UPX on " + programs.size() + " programs freed " + Console.mib(saved));
        }
        return pack;
    }

    /** Whether the image gets smaller: measured once for these programs in an archive of this kind, kept in the cache. */
    private boolean decide(Path root, List<Path> programs, String version) {
        String digests = programs.stream().map(Digest::sha256).collect(Collectors.joining("\n"));
        Cache.Key key = Cache.Key.of("upx-measured", "UPX").with("programs", Digest.sha256(digests)).with("upx", version)
                .with("compression", compression);
        String measured = Trees.read(tools.cache().get(key, target -> Files.writeString(target, measure(root, version))));
        long without = Long.parseLong(measured.split(" ")[0]);
        long with = Long.parseLong(measured.split(" ")[1]);
        tools.console().detail("UPX: image of " + Console.mib(without) + " without it, " + Console.mib(with) + " with it: " + (with < without ? "used" : "not used"));
        return with < without;
    }

    private String measure(Path root, String version) {
        Path copy = tools.cache().temporary("upx");
        try {
            tools.shell().run(Command.of("cp", "--archive", root.toString(), copy.toString()));
            PackedSizes sizes = packing.of(root, () -> {
                new ElfTree(ElfTree.of(copy, jobs).files().stream().filter(Upx::isProgram).toList(), jobs).shrink(file -> packed(file, version));
                return copy;
            });
            return sizes.plain() + " " + sizes.other();
        } finally {
            Trees.delete(copy);
        }
    }

    /** Programs only: a packed library or loader makes an image that does not boot, a packed setuid program loses its trust. */
    private static boolean isProgram(Path file) {
        try {
            int mode = (Integer) Files.getAttribute(file, "unix:mode", LinkOption.NOFOLLOW_LINKS);
            Elf elf = Elf.read(file);
            return (mode & 0111) != 0 && (mode & SETUID_OR_SETGID) == 0 && !file.getFileName().toString().contains(".so")
                    && elf.type() != Elf.RELOCATABLE && (elf.type() == Elf.EXECUTABLE || elf.interpreter().isPresent() || elf.isStatic());
        } catch (IOException e) {
            throw Failure.io("cannot read " + file, e);
        }
    }

    /** The packed form in the cache; the file's own bytes where UPX refuses it. */
    private Path packed(Path file, String version) {
        Cache.Key key = Cache.Key.of("upx", file.getFileName().toString()).with("sha256", Digest.sha256(file)).with("upx", version);
        return tools.cache().get(key, target -> {
            Command command = Command.of("upx", "-q", "--best", "--lzma", "-o", target.toString(), file.toString());
            Shell.Result result = tools.shell().attempt(command);
            if (result.exitCode() == NOT_PACKED) {
                Files.deleteIfExists(target);
                Files.copy(file, target);
            } else if (result.exitCode() != 0) {
                throw Shell.failed(command, result, "set UPX=never to build without it");
            }
        });
    }
}
