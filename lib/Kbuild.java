package lib;

import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStreamReader;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.time.Instant;
import java.time.ZoneOffset;
import java.time.format.DateTimeFormatter;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.regex.Pattern;
import java.util.stream.Stream;
import lib.tool.Shell.Command;
import lib.tool.Tools;

/** The kernel's own build system: how its make is called so that the same inputs give the same bytes in any folder. */
record Kbuild(Config.Kernel config, Tools tools, int jobs, Map<String, String> variables) {
    /** Names a program that runs the compiler, such as sccache or ccache: what it answers is what the compiler would have made. */
    private static final String WRAPPER = "CC_WRAPPER";
    /** Settings of such programs. */
    private static final Pattern WRAPPERS_OWN = Pattern.compile("(SCCACHE|CCACHE|AWS)_\\w+");
    /** Marks the processes of a build, so that a later run can end those that outlived a killed one. */
    static final String MARK = "MOS_KERNEL_WORK";
    private static final Pattern STEP = Pattern.compile("(?:.*echo '|^)  (?:CC|AS|LD|AR)(?: \\[M\\])? +\\S.*");

    Kbuild(Config.Kernel config, Tools tools, int jobs) {
        this(config, tools, jobs, System.getenv());
    }

    /** Whether a line of make's output, or of its dry run, tells of one file. */
    static boolean isStep(String line) {
        return STEP.matcher(line).matches();
    }

    /** How many files the build will report; asked only when somebody watches, since it takes some seconds. */
    long total(Path source, Path work, String... targets) {
        if (!tools.console().terminal()) {
            return -1;
        }
        List<String> dry = new ArrayList<>(List.of("-n", "-k"));
        dry.addAll(Arrays.asList(targets));
        Process process = tools.shell().start(make(source, work, dry.toArray(String[]::new)));
        try (BufferedReader lines = new BufferedReader(new InputStreamReader(process.getInputStream(), StandardCharsets.UTF_8))) {
            return lines.lines().filter(line -> isStep(line)).count();
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    /** make for this kernel: nothing of the user's environment reaches it but what is named here. */
    Command make(Path source, Path work, String... targets) {
        String away = "-ffile-prefix-map=" + source + "/= -ffile-prefix-map=" + work + "/=";
        List<String> argv = new ArrayList<>(List.of("make", "-C", source.toString(), "O=" + work, "-j" + jobs, "ARCH=" + makeArch(),
                "CROSS_COMPILE=" + crossCompile(), "LOCALVERSION=", "KCFLAGS=" + away, "KAFLAGS=" + away));
        Map<String, String> environment = new LinkedHashMap<>();
        Stream.of("PATH", "HOME", "TMPDIR", "TERM").filter(variables::containsKey).forEach(name -> environment.put(name, variables.get(name)));
        String wrapper = variables.getOrDefault(WRAPPER, "");
        if (!wrapper.isBlank()) {
            argv.add("CC=" + wrapper + " " + crossCompile() + "gcc");
            variables.forEach((name, value) -> {
                if (WRAPPERS_OWN.matcher(name).matches()) {
                    environment.put(name, value);
                }
            });
        }
        argv.addAll(Arrays.asList(targets));
        environment.put("LC_ALL", "C");
        environment.put("KBUILD_BUILD_TIMESTAMP", DateTimeFormatter.ofPattern("EEE MMM d HH:mm:ss 'UTC' yyyy", Locale.ROOT)
                .withZone(ZoneOffset.UTC).format(Instant.ofEpochSecond(config.epoch())));
        environment.put("KBUILD_BUILD_USER", "mos");
        environment.put("KBUILD_BUILD_HOST", "builder");
        environment.put("KBUILD_BUILD_VERSION", "1");
        environment.put(MARK, work.toString());
        return Command.of(argv).withOnly(environment);
    }

    private String makeArch() {
        return config.arch().equals("aarch64") ? "arm64" : "x86_64";
    }

    /** The architecture's folder below arch/. */
    String sourceArch() {
        return config.arch().equals("aarch64") ? "arm64" : "x86";
    }

    /**
     * The make target, and the name of the file in arch/X/boot, that is an EFI program by itself. The Image of arm64 is one and is not
     * packed; with EFI_ZBOOT (Linux 6.1) an EFI program that unpacks it is made, which no other loader takes.
     *
     * @param values of the final configuration
     */
    String image(Map<String, String> values) {
        String arm = values.getOrDefault("CONFIG_EFI_ZBOOT", "n").equals("y") ? "vmlinuz.efi" : "Image";
        return config.arch().equals("aarch64") ? arm : "bzImage";
    }

    private String crossCompile() {
        return Architecture.named(config.arch()).toolPrefix();
    }

    /** Names and versions of compiler and linker: other ones make other objects. */
    String compiler() {
        return Stream.of("gcc", "ld").map(name -> tools.shell().output(crossCompile() + name, "--version").lines().findFirst().orElse(""))
                .reduce((gcc, ld) -> gcc + "; " + ld).orElseThrow();
    }

    /** Dates of headers that the kernel's own tools are compiled with: when they change, every link would compile them again. */
    static String hostHeaders() {
        return Stream.of("stdio.h", "gelf.h", "openssl/opensslv.h").map(name -> Path.of("/usr/include", name))
                .map(file -> Long.toString(file.toFile().lastModified())).reduce((a, b) -> a + " " + b).orElseThrow();
    }
}
