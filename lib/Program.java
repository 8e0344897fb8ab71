package lib;

import static lib.Program.Check.EMULATOR;
import static lib.Program.Check.FILE;
import static lib.Program.Check.HEADER;
import static lib.Program.Check.RUST_TARGET_INSTALLED;
import static lib.Program.Check.VERSION;

import java.util.EnumSet;
import java.util.List;
import java.util.Locale;
import java.util.Set;

/**
 * The outside programs and headers that builds, boots and tests use: how to find each, the oldest version that will do (for the kernel's
 * tools: Documentation/process/changes.rst of Linux 6.12), and the packages that bring it, with blanks between. None: the distribution has none.
 */
public enum Program {
    GIT(VERSION, "git --version", "2.25", "clones components", "git", "git", "git", "git"),
    CARGO(VERSION, "cargo --version", "1.63", "compiles Rust components", "cargo", "cargo", "rust", "cargo"),
    RUSTC(VERSION, "rustc --version", "1.63", "compiles Rust components", "rustc", "rust", "rust", "rust"),
    RUST_STD(RUST_TARGET_INSTALLED, "rustc", "", "Rust's standard library for the target", "", "", "", ""),
    GCC(VERSION, "gcc --version", "5.1", "compiles the kernel, links Rust programs", "gcc", "gcc", "gcc", "gcc"),
    LIBC_HEADERS(HEADER, "stdlib.h", "", "compiles the kernel's own tools", "libc6-dev", "musl-dev", "glibc", "glibc-devel"),
    LINUX_HEADERS(HEADER, "linux/types.h", "", "compiles the kernel's own tools", "linux-libc-dev", "linux-headers", "linux-api-headers", "kernel-headers"),
    MAKE(VERSION, "make --version", "4.0", "drives the kernel build", "make", "make", "make", "make"),
    FLEX(VERSION, "flex --version", "2.5.35", "kernel build: reads Kconfig files", "flex", "flex", "flex", "flex"),
    BISON(VERSION, "bison --version", "2.0", "kernel build: reads Kconfig files", "bison", "bison", "bison", "bison"),
    BC(VERSION, "bc --version", "1.06.95", "kernel build: computes timer constants", "bc", "bc", "bc", "bc"),
    PERL(VERSION, "perl --version", "5", "kernel build: generates assembler of ciphers", "perl", "perl", "perl", "perl"),
    LD(VERSION, "ld --version", "2.25", "links the kernel", "binutils", "binutils", "binutils", "binutils"),
    STRIP(VERSION, "strip --version", "2.25", "takes symbols off programs", "binutils", "binutils", "binutils", "binutils"),
    LIBELF(HEADER, "gelf.h", "", "kernel build: objtool reads object files", "libelf-dev", "elfutils-dev", "libelf", "elfutils-libelf-devel"),
    LIBSSL(HEADER, "openssl/opensslv.h", "", "kernel build: module signatures, key rings", "libssl-dev", "openssl-dev", "openssl", "openssl-devel"),
    TAR(VERSION, "tar --version", "1.28", "unpacks the kernel's source", "tar", "tar", "tar", "tar"),
    BZIP2(VERSION, "bzip2 --help", "", "unpacks kernel sources that end in .bz2", "bzip2", "bzip2", "bzip2", "bzip2"),
    PATCH(VERSION, "patch --version", "2.7", "applies config/kernel-patches", "patch", "patch", "patch", "patch"),
    XZ(VERSION, "xz --version", "5.0", "unpacks sources; the kernel build packs with it", "xz-utils", "xz", "xz", "xz"),
    ZSTD(VERSION, "zstd --version", "1.4", "packs a kernel or initramfs with zstd", "zstd", "zstd", "zstd", "zstd"),
    UPX(VERSION, "upx --version", "3.95", "packs programs where that makes them smaller", "upx-ucl", "upx", "upx", "upx"),
    UNSHARE(VERSION, "unshare --version", "2.38", "root in the tree without being root", "util-linux", "util-linux-misc", "util-linux", "util-linux"),
    NEWUIDMAP(VERSION, "newuidmap --help", "", "root in the tree without being root", "uidmap", "shadow-subids", "shadow", "shadow-utils"),
    QEMU(VERSION, "qemu-system-x86_64 --version", "5.0", "boots the image", "qemu-system-x86", "qemu-system-x86_64", "qemu-system-x86", "qemu-system-x86-core"),
    CLOUD_HYPERVISOR(VERSION, "cloud-hypervisor --version", "30", "boots the image (--hypervisor ch)", "", "", "cloud-hypervisor", ""),
    IP(VERSION, "ip -V", "", "tap devices and bridges of virtual machines", "iproute2", "iproute2", "iproute2", "iproute"),
    AARCH64_GCC(VERSION, "aarch64-linux-gnu-gcc --version", "5.1", "compiles and links for aarch64", "gcc-aarch64-linux-gnu libc6-dev-arm64-cross", "", "aarch64-linux-gnu-gcc", "gcc-aarch64-linux-gnu"),
    AARCH64_LD(VERSION, "aarch64-linux-gnu-ld --version", "2.25", "links and strips for aarch64", "binutils-aarch64-linux-gnu", "", "aarch64-linux-gnu-binutils", "binutils-aarch64-linux-gnu"),
    AARCH64_EMULATOR(EMULATOR, "qemu-aarch64-static --version", "5.0", "runs package scripts of aarch64", "qemu-user-static", "qemu-aarch64", "qemu-user-static", "qemu-user-static"),
    AARCH64_QEMU(VERSION, "qemu-system-aarch64 --version", "5.0", "boots images for aarch64", "qemu-system-arm", "qemu-system-aarch64", "qemu-system-aarch64", "qemu-system-aarch64-core"),
    AARCH64_UEFI(FILE, "/usr/share/AAVMF/AAVMF_CODE.fd /usr/share/edk2/aarch64/QEMU_CODE.fd /usr/share/qemu/edk2-aarch64-code.fd", "",
            "firmware of aarch64 guests", "qemu-efi-aarch64", "aavmf", "edk2-aarch64", "edk2-aarch64"),
    X86_64_UEFI(FILE, "/usr/share/OVMF/OVMF_CODE_4M.fd /usr/share/OVMF/OVMF_CODE.fd /usr/share/edk2/x64/OVMF_CODE.4m.fd /usr/share/qemu/edk2-x86_64-code.fd", "",
            "firmware of x86_64 guests (--efi)", "ovmf", "ovmf", "edk2-ovmf", "edk2-ovmf"),
    X86_64_GCC(VERSION, "x86_64-linux-gnu-gcc --version", "5.1", "compiles and links for x86_64", "gcc-x86-64-linux-gnu libc6-dev-amd64-cross", "", "", "gcc-x86_64-linux-gnu"),
    X86_64_LD(VERSION, "x86_64-linux-gnu-ld --version", "2.25", "links and strips for x86_64", "binutils-x86-64-linux-gnu", "", "", "binutils-x86_64-linux-gnu"),
    X86_64_EMULATOR(EMULATOR, "qemu-x86_64-static --version", "5.0", "runs package scripts of x86_64", "qemu-user-static", "qemu-x86_64", "qemu-user-static", "qemu-user-static"),
    PODMAN(VERSION, "podman --version", "4.0", "builds in a container", "podman", "podman", "podman", "podman"),
    RUNC(VERSION, "runc --version", "1.0", "runs containers where crun does not", "runc", "runc", "runc", "runc"),
    DOCKER(VERSION, "docker --version", "20.10", "builds in a container", "docker.io", "docker", "docker", "moby-engine"),
    CPIO(VERSION, "cpio --version", "", "tests: reads our archives", "cpio", "cpio", "cpio", "cpio"),
    KMOD(VERSION, "kmod --version", "", "kernel build: depmod; tests: modprobe agrees", "kmod", "kmod", "kmod", "kmod");

    /** How a program is looked for. */
    enum Check {
        /** On PATH; the first number that its command prints is the version. */
        VERSION,
        /** A file in the compiler's include folders. */
        HEADER,
        /** On PATH, static or not, or the kernel itself starts programs for its processor (binfmt_misc). */
        EMULATOR,
        /** A file at one of the places that the command lists. */
        FILE,
        /** rustc has the library of the Rust target. */
        RUST_TARGET_INSTALLED
    }

    /** What compiling a kernel takes. */
    public static final Set<Program> FOR_KERNEL = Set.copyOf(EnumSet.of(GCC, LIBC_HEADERS, LINUX_HEADERS, MAKE, FLEX, BISON, BC, PERL, LD, LIBELF,
            LIBSSL, TAR, XZ, KMOD));
    /** What compiling a Rust component takes. */
    public static final Set<Program> FOR_RUST = Set.copyOf(EnumSet.of(CARGO, RUSTC, RUST_STD, GCC, LIBC_HEADERS, LD));
    /** What making the demo's inputs and booting its image take. */
    public static final Set<Program> FOR_DEMO = Set.copyOf(EnumSet.of(GIT, QEMU));
    /** What the tests run besides what a build needs. */
    public static final Set<Program> FOR_TESTS = Set.copyOf(EnumSet.of(GIT, STRIP, XZ, ZSTD, CPIO, KMOD, QEMU, UNSHARE, NEWUIDMAP, PODMAN, RUNC,
            AARCH64_GCC, AARCH64_LD, AARCH64_EMULATOR, AARCH64_QEMU, AARCH64_UEFI, X86_64_UEFI));

    /** What an image for a processor that is not this machine's takes besides. */
    public static Set<Program> forCross(Architecture guest) {
        return guest.isHost() ? Set.of() : guest == Architecture.AARCH64 ? Set.of(AARCH64_GCC, AARCH64_LD, AARCH64_EMULATOR)
                : Set.of(X86_64_GCC, X86_64_LD, X86_64_EMULATOR);
    }

    private final Check check;
    private final List<String> command;
    private final String minimum;
    private final String purpose;
    private final String apt;
    private final String apk;
    private final String pacman;
    private final String dnf;

    Program(Check check, String command, String minimum, String purpose, String apt, String apk, String pacman, String dnf) {
        this.check = check;
        this.command = List.of(command.split(" "));
        this.minimum = minimum;
        this.purpose = purpose;
        this.apt = apt;
        this.apk = apk;
        this.pacman = pacman;
        this.dnf = dnf;
    }

    /** The program's name on PATH, or the header's below the include folder. */
    public String title() {
        return switch (check) {
            case VERSION, HEADER, EMULATOR, FILE -> command.get(0);
            case RUST_TARGET_INSTALLED -> name().toLowerCase(Locale.ROOT).replace('_', '-');
        };
    }

    Check check() {
        return check;
    }

    /** The command that prints the version. */
    List<String> command() {
        return command;
    }

    /** Oldest version that will do; empty when any does. */
    public String minimum() {
        return minimum;
    }

    public String purpose() {
        return purpose;
    }

    /** The packages that bring it, with blanks between; empty when the distribution has none. */
    String packageFor(Distribution distribution) {
        return switch (distribution) {
            case APT -> apt;
            case APK -> apk;
            case PACMAN -> pacman;
            case DNF -> dnf;
            case OTHER -> "";
        };
    }
}
