package lib;

import static org.junit.jupiter.api.Assumptions.assumeTrue;

import demo.TestGuest;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Collectors;
import lib.tool.Shell;
import lib.tool.Tools;

/**
 * The root tree of a guest that loads kernel modules by their index files, with kmod's modprobe and with BusyBox's, and says which are
 * loaded then. Without {@code tool=kmod} or {@code tool=busybox} on its command line it uses one after the other.
 */
final class ModuleGuest {
    private static final Pattern LIBRARY = Pattern.compile("(/\\S+) \\(0x");
    private static final String INIT = """
            #!/bin/busybox sh
            alias mount='/bin/busybox mount' cat='/bin/busybox cat'
            /bin/busybox mkdir -p /proc /sys /dev
            mount -t proc proc /proc
            mount -t sysfs sysfs /sys
            mount -t devtmpfs dev /dev
            echo "guest: Linux $(/bin/busybox uname -r)"
            if [ -d /sys/firmware/efi ]; then echo "guest: booted by EFI"; else echo "guest: booted by BIOS"; fi
            load() {
              for name in $(cat /names); do
                if [ $1 = kmod ]; then /sbin/modprobe $name; else /bin/busybox modprobe $name; fi > /dev/null 2>&1
              done
              echo
              while read -r name rest; do echo "guest: $1 loaded $name"; done < /proc/modules
              while unloaded=; do
                while read -r name size users rest; do [ $users != 0 ] || { /bin/busybox rmmod $name && unloaded=1; }; done < /proc/modules
                [ "$unloaded" ] || break
              done 2> /dev/null
            }
            tools="kmod busybox"
            for word in $(cat /proc/cmdline); do case $word in tool=*) tools=${word#tool=};; esac; done
            for tool in $tools; do load $tool; done
            echo "guest: done"
            while :; do /bin/busybox sleep 1000; done
            """;

    private ModuleGuest() { }

    /** Puts the guest into a tree that has these modules. */
    static void writeInto(RootTree root, List<String> names, Tools tools) throws IOException {
        Path kmod = Shell.which("kmod").orElse(null);
        assumeTrue(kmod != null && Shell.which("ldd").isPresent(), "kmod or ldd is not installed");
        root.install(TestGuest.busybox(), "bin/busybox", 0755);
        root.install(kmod.toRealPath(), "sbin/modprobe", 0755);
        Matcher libraries = LIBRARY.matcher(tools.shell().output("ldd", kmod.toString()));
        while (libraries.find()) {
            root.install(Path.of(libraries.group(1)).toRealPath(), libraries.group(1).substring(1), 0755);
        }
        root.write("names", names.stream().map(name -> name + "\n").collect(Collectors.joining()), 0644);
        root.write("init", INIT, 0755);
    }

    /** The modules that a tool had loaded in the end, newest first, by what the guest printed. */
    static List<String> loaded(Path bootLog, String tool) throws IOException {
        String start = "guest: " + tool + " loaded ";
        return Files.readAllLines(bootLog, java.nio.charset.StandardCharsets.ISO_8859_1).stream().map(String::strip).filter(line -> line.contains(start))
                .map(line -> line.substring(line.indexOf(start) + start.length())).toList();
    }
}
