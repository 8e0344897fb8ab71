package lib.apk;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.stream.Stream;
import lib.tool.Failure;
import lib.tool.Shell;

/**
 * How programs for another processor run in a tree: with an emulator that the kernel starts by itself (Documentation/admin-guide/binfmt-misc.rst).
 * It is registered for the user namespace of one script and gone with it, which Linux allows since 6.7: this machine stays as it is.
 *
 * @param registration the line for binfmt_misc; empty where the machine itself can run the programs
 */
record Emulation(String registration) {
    static final Emulation NONE = new Emulation("");

    /** e_machine of elf(5), in the two bytes of a little-endian file. */
    private static final Map<String, String> MACHINES = Map.of("aarch64", "\\xb7\\x00", "x86_64", "\\x3e\\x00");
    /** ELF, 64 bits, little-endian, any ABI; EXEC or DYN. */
    private static final String MAGIC = "\\x7fELF\\x02\\x01\\x01" + "\\x00".repeat(9) + "\\x02\\x00";
    private static final String MASK = "\\xff".repeat(7) + "\\x00" + "\\xff".repeat(8) + "\\xfe" + "\\xff".repeat(3);

    /**
     * A user namespace with the same ids. Only a process outside it may write its maps, and only after it was made: the one in the
     * background does. An exec later the ids of the namespace have their meaning, and root its capabilities.
     */
    private static final String IN_NAMESPACE = """
            same() { while read -r inside outside count; do echo "$inside $inside $count"; done < "$1"; }
            uids=$(same /proc/self/uid_map)
            gids=$(same /proc/self/gid_map)
            {
                tries=500
                until printf '%s\\n' "$gids" > /proc/$$/gid_map && printf '%s\\n' "$uids" > /proc/$$/uid_map || [ $((tries -= 1)) -lt 0 ]; do
                    sleep 0.01
                done
            } < /dev/null > /dev/null 2>&1 &
            exec unshare --user sh -c '
                tries=500
                until read -r line < /proc/self/uid_map; do
                    [ $((tries -= 1)) -ge 0 ] || { echo "no ids can be mapped into a user namespace" >&2; exit 125; }
                    sleep 0.01
                done
                exec "$@"
            ' sh "$@"
            """;

    /** The processor that the packages of a tree are for, when this machine has another one. */
    static Optional<String> foreign(Path root) {
        Path file = root.resolve("etc/apk/arch");
        try {
            String arch = Files.isRegularFile(file) ? Files.readString(file).strip() : "";
            return MACHINES.containsKey(arch) && !arch.equals(System.getProperty("os.arch").replace("amd64", "x86_64")) ? Optional.of(arch) : Optional.empty();
        } catch (IOException e) {
            throw Failure.io("cannot read " + file, e);
        }
    }

    /** QEMU's emulator where it is installed. The static one: in the tree there are no libraries of this machine. */
    static Optional<Emulation> installed(String arch) {
        return Stream.of("qemu-" + arch + "-static", "qemu-" + arch).flatMap(name -> Shell.which(name).stream()).findFirst().map(program -> of(arch, program));
    }

    /** F: the kernel opens the emulator now, outside the tree. */
    static Emulation of(String arch, Path program) {
        return new Emulation(":mos-" + arch + ":M::" + MAGIC + MACHINES.get(arch) + ":" + MASK + ":" + program.toAbsolutePath() + ":F");
    }

    /** The command, in a namespace where the emulator may be registered. */
    List<String> around(List<String> argv) {
        if (registration.isEmpty()) {
            return argv;
        }
        List<String> all = new ArrayList<>(List.of("sh", "-c", IN_NAMESPACE, "sh"));
        all.addAll(argv);
        return all;
    }

    /** What an operator has to do so that scripts for {@code arch} run here. */
    static Failure impossible(String arch, List<String> lines) {
        boolean here = installed(arch).isPresent();
        return Failure.machine("package scripts for " + arch + " cannot run on this machine, whose processor is another one"
                + (here ? "" : ": no emulator is installed") + lines.stream().map(line -> "\n    " + line).reduce("", String::concat),
                (here ? "the emulator has to be static (Debian: qemu-user-static), and Linux 6.7 or newer; on an older one it has to be registered for the whole machine,"
                        + " with the flag F: restart systemd-binfmt" : "install it: apt-get install qemu-user-static, apk add qemu-" + arch + " or pacman -S qemu-user-static"));
    }
}
