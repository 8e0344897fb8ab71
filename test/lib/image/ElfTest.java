package lib.image;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import lib.tool.Console;
import lib.tool.Failure;
import lib.tool.Shell;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class ElfTest {
    @TempDir
    Path temp;

    private final Shell shell = new Shell(Console.plain(System.err));

    @BeforeEach
    void needs_a_compiler() {
        assumeTrue(Shell.which("gcc").isPresent(), "gcc is not installed");
    }

    private Path compiled(String code, String... flags) throws Exception {
        Path source = Files.writeString(temp.resolve("a.c"), code);
        Path out = temp.resolve("out");
        List<String> argv = new java.util.ArrayList<>(List.of("gcc", "-o", out.toString(), source.toString()));
        argv.addAll(Arrays.asList(flags));
        shell.run(Shell.Command.of(argv));
        return out;
    }

    @Test
    void names_the_loader_and_the_libraries_of_a_program() throws Exception {
        Elf elf = Elf.read(compiled("#include <math.h>\nint main(int c, char **v) { return (int) cos(c); }", "-Wl,--no-as-needed", "-lm"));
        assertThat(elf.interpreter()).hasValueSatisfying(loader -> assertThat(loader).startsWith("/lib"));
        assertThat(elf.needed()).anyMatch(name -> name.startsWith("libm.so"));
        assertThat(elf.isStatic()).isFalse();
        assertThat(elf.type()).isEqualTo(Elf.SHARED);
    }

    @Test
    void a_static_program_is_static_whether_at_a_fixed_address_or_not() throws Exception {
        assertThat(Elf.read(compiled("int main(void) { return 0; }", "-static", "-no-pie")).isStatic()).isTrue();
        assertThat(Elf.read(compiled("int main(void) { return 0; }", "-static-pie")).isStatic()).isTrue();
    }

    @Test
    void reads_the_name_of_a_library() throws Exception {
        Elf elf = Elf.read(compiled("int answer(void) { return 42; }", "-shared", "-fPIC", "-Wl,-soname,libanswer.so.1"));
        assertThat(elf.soname()).contains("libanswer.so.1");
        assertThat(elf.symbols()).anyMatch(symbol -> symbol.name().equals("answer") && symbol.section() != 0);
    }

    @Test
    void reads_strings_of_a_section_and_undefined_symbols_of_an_object() throws Exception {
        Elf elf = Elf.read(compiled("extern int other(void);\nstatic const char one[] __attribute__((used, section(\".modinfo\"))) = \"depends=a,b\";\n"
                + "int here(void) { return other(); }", "-c"));
        assertThat(elf.type()).isEqualTo(Elf.RELOCATABLE);
        assertThat(elf.strings(".modinfo")).containsExactly("depends=a,b");
        assertThat(elf.symbols()).anyMatch(symbol -> symbol.name().equals("other") && symbol.section() == 0);
        assertThat(elf.isStatic()).isFalse();
    }

    @Test
    void a_file_cut_anywhere_is_a_failure_and_never_a_wrong_answer() throws Exception {
        byte[] whole = Files.readAllBytes(compiled("int here(void) { return 1; }", "-c"));
        for (int length = 4; length < whole.length; length += 7) {
            byte[] cut = Arrays.copyOf(whole, length);
            assertThatThrownBy(() -> Elf.parse("cut.o", cut)).isInstanceOf(Failure.class).hasMessageContaining("cut.o");
        }
        assertThat(Elf.parse("whole.o", whole).sections()).isNotEmpty();
    }

    @Test
    void text_is_not_elf() throws Exception {
        Path text = Files.writeString(temp.resolve("text"), "#!/bin/sh\n");
        assertThat(Elf.isElf(text)).isFalse();
        assertThat(Elf.isElf(temp)).isFalse();
        assertThatThrownBy(() -> Elf.read(text)).isInstanceOf(Failure.class).hasMessageContaining("not an ELF file");
    }
}
