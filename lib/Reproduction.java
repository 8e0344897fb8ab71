package lib;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.stream.Stream;
import lib.image.FinishedImage;
import lib.tool.Cache;
import lib.tool.Failure;
import lib.tool.Guard;
import lib.tool.Shell;
import lib.tool.Shell.Command;
import lib.tool.Tools;
import lib.tool.Trees;

/**
 * Builds the same image a second time under other circumstances and compares all bytes: another folder on another file system where there
 * is one, another user's name, umask, language, time zone, number of jobs and processors, and a clock that is a week ahead. Downloads and
 * the kernel's objects are shared with the first build; whatever else the six phases keep is made anew.
 */
public record Reproduction(Workspace workspace, BuildOptions options, Tools tools) {
    private static final Set<String> MADE_ANEW = Set.of("alpine-plan", "miniroot", "component", "cargo-target", "microcode", "firmware", "strip", "upx",
            "upx-measured", "initramfs", "initramfs-slice", "kernel-linked", "sizes");
    private static final Path MEMORY = Path.of("/dev/shm");
    private static final long ROOM = 1L << 30;
    /** Variable in the environment of all that the second build starts, by which it is ended. */
    static final String MARK = "MOS_VERIFY";
    private static final int WEEK = 7 * 24 * 3600;
    /** In Turkish i and I are no pair. This JVM knows the language without the system's locale, which many machines lack. */
    private static final List<String> TURKISH = List.of("-Duser.language=tr", "-Duser.country=TR");
    /** Whatever the first build uploads, and with which keys, the second one has nowhere to upload to and asks no other cache. */
    private static final Map<String, String> NOWHERE = Map.of("UPLOAD_KERNEL", "", "UPLOAD_MANIFESTS", "", "REMOTE_CACHE", "",
            "S3_ENDPOINT", "http://nowhere.invalid", "S3_BUCKET", "nowhere", "S3_ACCESS_KEY", "none", "S3_SECRET_KEY", "none");
    /** Loaded before the C library of any program, glibc's or musl's: real time is a week ahead, the rest of the clocks are as they are. */
    private static final String CLOCK = """
            struct timespec { long seconds, nanoseconds; };
            static long call(long number, long a, long b) {
            #if defined(__x86_64__)
                long result;
                __asm__ volatile ("syscall" : "=a"(result) : "a"(number), "D"(a), "S"(b) : "rcx", "r11", "memory");
                return result;
            #else
                register long x8 __asm__("x8") = number, x0 __asm__("x0") = a, x1 __asm__("x1") = b;
                __asm__ volatile ("svc 0" : "+r"(x0) : "r"(x8), "r"(x1) : "memory");
                return x0;
            #endif
            }
            #if defined(__x86_64__)
            #define GET 228
            #else
            #define GET 113
            #endif
            int clock_gettime(int clock, struct timespec *time) {
                int result = call(GET, clock, (long) time);
                if (result == 0 && (clock == 0 || clock == 5)) time->seconds += AHEAD;
                return result < 0 ? -1 : 0;
            }
            int gettimeofday(long *time, void *zone) {
                struct timespec now;
                clock_gettime(0, &now);
                time[0] = now.seconds;
                time[1] = now.nanoseconds / 1000;
                return 0;
            }
            long time(long *result) {
                struct timespec now;
                clock_gettime(0, &now);
                if (result) *result = now.seconds;
                return now.seconds;
            }
            """;

    /** Fails (exit code 4) with the first difference, when there is one. */
    public void require() {
        Path apart = tools.cache().temporary("verify");
        Path scratch = scratch();
        Guard guard = guard(tools.shell(), scratch, apart);
        try {
            Workspace second = new Workspace(scratch.resolve("another folder"), workspace.config());
            tools.console().step("a second build to compare", () -> build(second, apart));
            compare(workspace, second);
            tools.console().detail("built twice, the same bytes: " + String.join(", ", names(workspace)));
        } finally {
            Trees.delete(scratch);
            Trees.delete(apart);
            guard.close();
        }
    }

    /** Whatever ends this process: memory is not given back by itself, and the second build would go on filling it. */
    static Guard guard(Shell shell, Path scratch, Path apart) {
        return Guard.afterwards(shell, List.of(List.of("sh", "-c", Guard.END_MARKED, "sh", MARK + "=" + mark(scratch)),
                List.of("rm", "-rf", scratch.toString(), apart.toString())), mark(scratch));
    }

    /** Never the beginning of another one. */
    private static String mark(Path scratch) {
        return scratch + "/";
    }

    /** In memory where there is room: another file system, which lists folders in another order. */
    private static Path scratch() {
        try {
            if (Files.isDirectory(MEMORY) && MEMORY.toFile().getUsableSpace() > ROOM) {
                Path folder = Files.createTempDirectory(MEMORY, "verify-");
                Path probe = Files.createFile(folder.resolve("probe"));
                if (probe.toFile().setExecutable(true) && Files.isExecutable(probe)) {
                    return folder;
                }
                Trees.delete(folder);
            }
            return Files.createTempDirectory("verify-");
        } catch (IOException e) {
            throw Failure.io("cannot make a folder for the second build", e);
        }
    }

    private void build(Workspace second, Path apart) {
        try {
            Files.createDirectories(second.folder());
            Files.createDirectories(apart);
        } catch (IOException e) {
            throw Failure.io("cannot make " + second.folder(), e);
        }
        Command command = Command.of(command(second)).with(environment(apart, clock(apart))).with(MARK, mark(second.folder().getParent()));
        tools.shell().run(command, "the first build was good, so the second one met something that the variations brought about");
    }

    /** This program again, as it was started, with the umask of somebody who is careful. */
    List<String> command(Workspace second) {
        List<String> argv = new ArrayList<>(List.of("sh", "-c", "umask 077; exec \"$@\"", "sh"));
        List<String> program = UserNamespace.ownProgram();
        String jobs = options.jobs == 1 ? "3" : "1";
        argv.add(program.get(0));
        argv.addAll(TURKISH);
        argv.add("-XX:ActiveProcessorCount=" + jobs);
        argv.addAll(program.subList(1, program.size()));
        argv.addAll(List.of("-C", second.folder().toString(), "--config", second.config().toString(), "--host", "--jobs", jobs));
        options.environment.ifPresent(name -> argv.addAll(List.of("--env", name)));
        Stream.of(options.offline ? "--offline" : "", options.locked ? "--locked" : "").filter(word -> !word.isEmpty()).forEach(argv::add);
        return argv;
    }

    Map<String, String> environment(Path apart, Optional<Path> clock) {
        Map<String, String> changed = new LinkedHashMap<>(NOWHERE);
        changed.put("LC_ALL", "tr_TR.UTF-8");
        changed.put("TZ", "Pacific/Kiritimati");
        changed.put("USER", "somebody");
        changed.put("LOGNAME", "somebody");
        changed.putAll(tools.cache().with(new Cache.Apart(apart, MADE_ANEW)).variables());
        clock.ifPresent(library -> {
            changed.put("LD_PRELOAD", library.toString());
            changed.put("MOS_CLOCK", library.toString());
        });
        return changed;
    }

    /** The library that moves the clock; empty where there is no compiler for it. */
    private Optional<Path> clock(Path folder) {
        if (Shell.which("gcc").isEmpty()) {
            tools.console().detail("the second build is of the same day: gcc, which would make its clock, is not installed");
            return Optional.empty();
        }
        Path library = folder.resolve("clock.so");
        tools.shell().run(Command.of("gcc", "-x", "c", "-", "-O1", "-fno-stack-protector", "-shared", "-fPIC", "-nostdlib", "-DAHEAD=" + WEEK, "-o", library.toString())
                .input(CLOCK.getBytes(java.nio.charset.StandardCharsets.US_ASCII)));
        return Optional.of(library);
    }

    private static List<String> names(Workspace at) {
        try (Stream<Path> files = Files.list(at.dist())) {
            return files.map(file -> file.getFileName().toString()).filter(name -> name.equals("vmlinuz.efi") || name.startsWith("initramfs.cpio")).sorted().toList();
        } catch (IOException e) {
            throw Failure.io("cannot read " + at.dist(), e);
        }
    }

    /** Compares what two builds left in dist/. */
    static void compare(Workspace first, Workspace second) {
        for (String name : names(first)) {
            Path one = first.dist().resolve(name);
            Path other = second.dist().resolve(name);
            if (differ(one, other)) {
                ImageDifference found = ImageDifference.between(FinishedImage.open(one), FinishedImage.open(other)).orElseGet(() -> packing(name, one, other));
                throw Failure.contract("two builds gave different " + name + "\n  first difference: " + found.what()
                        + (found.cause().isEmpty() ? "" : "\n  cause: " + found.cause()), "whatever makes this file has to give the same bytes every time");
            }
        }
    }

    /** What is inside is the same: the packing, or the kernel around it. */
    private static ImageDifference packing(String name, Path one, Path other) {
        try {
            ImageDifference bytes = ImageDifference.contents(name, Files.readAllBytes(one), Files.readAllBytes(other)).orElseThrow();
            return new ImageDifference(bytes.what(), "all files inside are the same: the kernel or the compression differs" + (bytes.cause().isEmpty() ? "" : "; " + bytes.cause()));
        } catch (IOException e) {
            throw Failure.io("cannot compare " + one + " and " + other, e);
        }
    }

    private static boolean differ(Path one, Path other) {
        try {
            return Files.mismatch(one, other) >= 0;
        } catch (IOException e) {
            throw Failure.io("cannot compare " + one + " and " + other, e);
        }
    }
}
