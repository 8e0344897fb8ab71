package lib.image;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import lib.tool.Console;
import lib.tool.Failure;
import lib.tool.Shell;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Small modules as the compiler makes them; kmod's own programs are the judges. Whole kernels are in ModulesTest. */
class ModuleIndexTest {
    private static final String RELEASE = "6.12.1-test";

    @TempDir
    Path temp;

    private final Shell shell = new Shell(Console.plain(System.err));
    private Path folder;

    @BeforeEach
    void programs() throws IOException {
        for (String program : List.of("gcc", "depmod", "modprobe", "modinfo")) {
            assumeTrue(Shell.which(program).isPresent(), program + " is not installed");
        }
        folder = Files.createDirectories(temp.resolve("lib/modules").resolve(RELEASE).resolve("kernel")).getParent();
    }

    /** A module that offers the symbol {@code NAME_symbol}, needs those of others, and has these .modinfo entries. */
    private void module(String name, List<String> uses, String... info) throws IOException {
        String code = uses.stream().map(used -> "extern int " + used + "_symbol(void);\n").collect(Collectors.joining())
                + "int " + name + "_symbol(void) { return 1" + uses.stream().map(used -> " + " + used + "_symbol()").collect(Collectors.joining()) + "; }\n"
                + "static const char names[] __attribute__((section(\"__ksymtab_strings\"), used)) = \"" + name + "_symbol\";\n"
                + "static const char info[] __attribute__((section(\".modinfo\"), used)) = \""
                + Stream.concat(Stream.of("license=GPL"), Stream.of(info)).collect(Collectors.joining("\\0")) + "\";\n";
        Path file = Files.writeString(temp.resolve(name + ".c"), code);
        shell.run("gcc", "-c", "-o", folder.resolve("kernel/" + name + ".ko").toString(), file.toString());
    }

    private Shell.Result depmod() {
        return shell.attempt(Shell.Command.of("depmod", "-b", temp.toString(), RELEASE));
    }

    @Test
    void modules_that_need_each_other_are_named_as_a_circle_and_depmod_refuses_them_too() throws IOException {
        module("top", List.of("a"));
        module("a", List.of("b", "base"));
        module("b", List.of("c"));
        module("c", List.of("a"));
        module("base", List.of());

        assertThatThrownBy(() -> ModuleIndex.write(folder)).isInstanceOf(Failure.class).hasMessageContaining("need symbols of each other: ")
                .hasMessageMatching("(?s).*: (a -> b -> c -> a|b -> c -> a -> b|c -> a -> b -> c)");
        assertThat(depmod().exitCode()).isNotZero();

        module("c", List.of("base"));
        ModuleIndex.write(folder);
        assertThat(ModuleTables.read(folder).loadOrder("top")).containsExactly("base", "c", "b", "a", "top");
    }

    @Test
    void soft_dependencies_may_go_in_circles_and_lead_to_the_same_as_with_modprobe() throws IOException {
        module("one", List.of(), "softdep=pre: two post: three");
        module("two", List.of("base"), "softdep=post: one no_such_module");
        module("three", List.of(), "softdep=pre: one", "softdep=pre: base");
        module("base", List.of(), "alias=fs-sample");
        ModuleIndex.write(folder);
        ModuleTables tables = ModuleTables.read(folder);
        for (String name : List.of("one", "two", "three", "base", "fs-sample")) {
            List<String> expected = shell.run("modprobe", "-C", "/dev/null", "-S", RELEASE, "-d", temp.toString(), "--show-depends", name).text().lines()
                    .map(line -> ModuleFile.nameOf(line.split(" ")[1])).distinct().toList();
            assertThat(tables.loadOrder(tables.find(name).get(0))).as(name).isEqualTo(expected);
        }
    }

    @Test
    void real_modinfo_sections_are_read_as_modinfo_reads_them() throws IOException {
        Path samples = Stream.iterate(Path.of("").toAbsolutePath(), at -> at != null, Path::getParent).filter(at -> Files.exists(at.resolve("jbang"))).findFirst()
                .orElse(temp).resolveSibling("shared/reference/module-samples");
        assumeTrue(Files.isDirectory(samples), "there is no shared/reference/module-samples beside the project");
        for (String name : List.of("r8169", "bnx2")) {
            Path code = Files.writeString(temp.resolve(name + ".s"), ".section .modinfo,\"a\"\n.incbin \"" + samples.resolve(name + ".modinfo.bin") + "\"\n");
            Path file = folder.resolve("kernel/" + name + ".ko");
            shell.run("gcc", "-c", "-o", file.toString(), code.toString());
            for (String key : List.of("firmware", "alias", "softdep", "depends", "vermagic", "license")) {
                assertThat(ModuleFile.read(folder, "kernel/" + name + ".ko").values(key)).as(name + " " + key)
                        .isEqualTo(new String(shell.run("modinfo", "-F", key, file.toString()).stdout(), StandardCharsets.UTF_8).lines().toList());
            }
        }
        assertThat(ModuleFile.read(folder, "kernel/r8169.ko").values("firmware")).hasSize(23);
    }
}
