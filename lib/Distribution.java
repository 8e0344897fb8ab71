package lib;

import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import lib.tool.Trees;

/** Families of Linux distributions by their package manager. */
enum Distribution {
    APT, APK, PACMAN, DNF, OTHER;

    /** That of this machine, by os-release(5). */
    static Distribution here() {
        Path file = Path.of("/etc/os-release");
        return Files.isRegularFile(file) ? of(Trees.read(file)) : OTHER;
    }

    /** By the ID and ID_LIKE lines of an os-release file. */
    static Distribution of(String osRelease) {
        List<String> ids = osRelease.lines().filter(line -> line.startsWith("ID=") || line.startsWith("ID_LIKE="))
                .flatMap(line -> Arrays.stream(line.substring(line.indexOf('=') + 1).replaceAll("[\"']", "").split("\\s+"))).toList();
        return ids.contains("debian") || ids.contains("ubuntu") ? APT : ids.contains("alpine") ? APK : ids.contains("arch") ? PACMAN
                : ids.contains("fedora") || ids.contains("rhel") ? DNF : OTHER;
    }

    /** The command that installs packages without asking; empty when the package manager is not known. */
    List<String> install(List<String> packages) {
        List<String> argv = new ArrayList<>(switch (this) {
            case APT -> List.of("apt-get", "install", "-y", "--no-install-recommends");
            case APK -> List.of("apk", "add");
            case PACMAN -> List.of("pacman", "-S", "--needed", "--noconfirm");
            case DNF -> List.of("dnf", "install", "-y", "--setopt=install_weak_deps=False");
            case OTHER -> List.<String>of();
        });
        if (!argv.isEmpty()) {
            argv.addAll(packages);
        }
        return List.copyOf(argv);
    }
}
