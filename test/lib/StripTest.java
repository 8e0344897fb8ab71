package lib;

import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.ArrayList;
import java.util.List;
import lib.image.Elf;
import lib.tool.Shell;
import lib.tool.Shell.Command;
import lib.tool.Tools;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Real programs from a real compiler. */
class StripTest {
    private static final String PROGRAM = "int helper(int x) { return x * 3; }\nint main(void) { return helper(14) - 42; }\n";

    @TempDir
    Path folder;
    private Path root;
    private Tools tools;
    private final ByteArrayOutputStream printed = new ByteArrayOutputStream();

    @BeforeEach
    void tree() throws IOException {
        root = Files.createDirectory(folder.resolve("root"));
        tools = TestTools.in(folder, printed, false);
    }

    @Test
    void a_program_loses_its_symbols_and_runs_as_before() throws IOException {
        Path program = compile("gcc", "bin/program", "-g");
        Files.createLink(root.resolve("bin/other-name"), program);
        Files.setAttribute(program, "unix:mode", 04755);

        long saved = strip();

        assertThat(Elf.read(program).sections()).extracting(Elf.Section::name).doesNotContain(".symtab", ".debug_info").contains(".dynsym");
        assertThat(saved).isPositive();
        assertThat((Integer) Files.getAttribute(program, "unix:mode") & 07777).isEqualTo(04755);
        assertThat(Files.isSameFile(program, root.resolve("bin/other-name"))).isTrue();
        assertThat(tools.shell().attempt(Command.of(program.toString())).exitCode()).isZero();
        assertThat(strip()).isZero();
    }

    @Test
    void modules_firmware_and_programs_with_data_of_their_own_stay_as_they_are() throws IOException {
        Path module = compile("gcc", "lib/modules/1/x.ko", "-g", "-c");
        Path firmware = compile("gcc", "lib/firmware/dsp.bin", "-g");
        Path payload = compile("gcc", "bin/self-extracting", "-g");
        Files.write(payload, "PK and so on, an archive that the program reads from itself".getBytes(StandardCharsets.UTF_8), StandardOpenOption.APPEND);

        assertThat(strip()).isZero();
        assertThat(Elf.read(module).section(".symtab")).isPresent();
        assertThat(Elf.read(firmware).section(".symtab")).isPresent();
        assertThat(Files.readString(payload, StandardCharsets.ISO_8859_1)).endsWith("reads from itself");
    }

    @Test
    void a_program_for_another_machine_is_stripped_by_the_program_for_it() throws IOException {
        assumeTrue(Shell.which("aarch64-linux-gnu-gcc").isPresent() && Shell.which("aarch64-linux-gnu-strip").isPresent(), "no cross compiler for aarch64 is installed");
        Path program = compile("aarch64-linux-gnu-gcc", "bin/arm", "-g", "-nostdlib", "-static", "-Wl,-e,main");

        assertThat(strip()).isPositive();
        assertThat(Elf.read(program).machine()).isEqualTo(Elf.AARCH64);
        assertThat(Strip.hasSymbols(Elf.read(program))).isFalse();
    }

    @Test
    void a_file_that_would_be_loaded_differently_is_noticed() throws IOException {
        Path one = compile("gcc", "one", "-O0");
        byte[] bytes = Files.readAllBytes(one);
        byte[] changed = bytes.clone();
        Elf.Section text = Elf.read(one).sections().stream().filter(section -> section.name().equals(".text")).findFirst().orElseThrow();
        changed[(int) text.offset()] ^= 1;

        assertThat(Strip.isLoadedAlike(Elf.read(one), bytes, Elf.parse("same", bytes), bytes)).isTrue();
        assertThat(Strip.isLoadedAlike(Elf.read(one), bytes, Elf.parse("changed", changed), changed)).isFalse();
    }

    private long strip() {
        return new Strip("x86_64", tools, 2).applyTo(root);
    }

    private Path compile(String compiler, String path, String... options) throws IOException {
        assumeTrue(Shell.which(compiler).isPresent(), compiler + " is not installed");
        Path target = root.resolve(path);
        Files.createDirectories(target.getParent());
        List<String> argv = new ArrayList<>(List.of(compiler, "-x", "c", "-", "-o", target.toString()));
        argv.addAll(List.of(options));
        tools.shell().run(Command.of(argv).input(PROGRAM.getBytes(StandardCharsets.UTF_8)));
        return target;
    }
}
