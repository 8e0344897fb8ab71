package lib;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.PrintStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.EnumSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.function.Consumer;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import lib.image.FinishedImage;
import lib.image.TestArchive;
import lib.tool.Console;
import lib.tool.Failure;
import lib.tool.Shell;
import org.assertj.core.api.InstanceOfAssertFactories;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.MethodSource;

/** Faults planted one by one in an image that has none; programs, libraries and modules are made by the compiler. */
class LintTest {
    private static final String RELEASE = "6.1.2-test";
    private static final String KEY = "-----BEGIN OPENSSH PRIVATE KEY-----\nb3BlbnNzaC1rZXktdjEAAAAABG5vbmUAAAAEbm9uZQ\n-----END OPENSSH PRIVATE KEY-----\n";

    @TempDir
    static Path folder;
    private static byte[] program;
    private static byte[] library;
    private static byte[] module;

    @BeforeAll
    static void compile() throws IOException {
        assumeTrue(Shell.which("gcc").isPresent(), "gcc is not installed");
        assumeTrue(System.getProperty("os.arch").equals("amd64"), "the programs are for x86_64");
        Shell shell = new Shell(Console.plain(new PrintStream(new ByteArrayOutputStream(), true, StandardCharsets.UTF_8)));
        Path code = Files.writeString(folder.resolve("code.c"), "int other(void);\nvoid _start(void) { other(); }\n");
        Path other = Files.writeString(folder.resolve("other.c"), "int other(void) { return 1; }\n");
        Path source = Files.writeString(folder.resolve("module.c"), "static const char info[] __attribute__((section(\".modinfo\"), used)) = \"vermagic=" + RELEASE
                + " SMP\\0depends=failover\";\n");
        shell.run("gcc", "-shared", "-nostdlib", "-Wl,-soname,libother.so.1", "-o", folder + "/libother.so.1", other.toString());
        shell.run("gcc", "-nostdlib", "-Wl,--dynamic-linker=/lib/ld-test.so.1", "-o", folder + "/program", code.toString(), folder + "/libother.so.1");
        shell.run("gcc", "-c", "-o", folder + "/module.ko", source.toString());
        program = Files.readAllBytes(folder.resolve("program"));
        library = Files.readAllBytes(folder.resolve("libother.so.1"));
        module = Files.readAllBytes(folder.resolve("module.ko"));
    }

    /** A sound image, without the paths in {@code without}, so that a fault can put something else there. */
    private static TestArchive sound(String... without) {
        Set<String> left = Set.of(without);
        TestArchive archive = new TestArchive();
        Stream.of("bin", "dev", "etc", "etc/my_init", "etc/my_init/services", "etc/modules-load.d", "lib", "lib/modules", "lib/modules/" + RELEASE,
                "lib/modules/" + RELEASE + "/kernel", "root", "sbin", "usr", "usr/bin", "var").forEach(path -> archive.folder(path, 0755));
        Map<String, Consumer<String>> entries = new java.util.LinkedHashMap<>();
        entries.put("dev/console", path -> archive.device(path, 0600));
        entries.put("init", path -> archive.link(path, "sbin/init"));
        entries.put("sbin/init", path -> archive.file(path, 0755, program));
        entries.put("lib/ld-test.so.1", path -> archive.file(path, 0755, library));
        entries.put("lib/libother.so.1", path -> archive.file(path, 0755, library));
        entries.put("bin/sh", path -> archive.file(path, 0755, program));
        entries.put("bin/script", path -> archive.file(path, 0755, "#!/bin/sh\n"));
        entries.put("bin/su", path -> archive.file(path, 04755, program));
        entries.put("etc/passwd", path -> archive.file(path, 0644, "root:x:0:0:root:/root:/bin/sh\nnode:x:10:10::/:/sbin/nologin\n"));
        entries.put("etc/group", path -> archive.file(path, 0644, "root:x:0:root\nnode:x:10:\n"));
        entries.put("etc/shadow", path -> archive.file(path, 0640, "root:!:1:0:::::\nnode:$6$abcdefgh$012345678901234567890123456789:1:0:::::\n"));
        entries.put("etc/mtab", path -> archive.link(path, "../proc/mounts"));
        entries.put("etc/my_init/services/a.yaml", path -> archive.file(path, 0644, "exec: sh -c 'exec none'\n"));
        entries.put("etc/my_init/services/b.yaml", path -> archive.file(path, 0644, "exec: /bin/script x\nafter: [a]\ntest: sh -c true\n"));
        entries.put("etc/modules-load.d/mos.conf", path -> archive.file(path, 0644, "virtio-net\n"));
        entries.put("lib/modules/" + RELEASE + "/kernel/virtio_net.ko", path -> archive.file(path, 0644, module));
        entries.put("lib/modules/" + RELEASE + "/modules.builtin", path -> archive.file(path, 0644, "kernel/net/failover.ko\n"));
        entries.put("lib/modules/" + RELEASE + "/modules.dep", path -> archive.file(path, 0644, "kernel/virtio_net.ko:\n"));
        entries.forEach((path, entry) -> {
            if (!left.contains(path)) {
                entry.accept(path);
            }
        });
        return archive;
    }

    private static List<Lint.Finding> findings(TestArchive archive, String... allowed) {
        try {
            return new Lint(Arrays.stream(allowed).map(text -> new Lint.Allowance(text.split(" ")[0], text.split(" ")[1])).toList())
                    .examine(FinishedImage.parse("test", TestArchive.kernel(archive.bytes())));
        } catch (IOException e) {
            throw new java.io.UncheckedIOException(e);
        }
    }

    @Test
    void an_image_without_faults_has_only_its_list_of_setuid_programs() {
        assertThat(findings(sound())).containsExactly(new Lint.Finding("setuid", false, "bin/su", "-rwsr-xr-x 0:0"));
    }

    /** What is planted in a sound image. */
    private interface Fault {
        TestArchive plant();
    }

    private static Arguments fault(LintRule rule, String path, Fault fault) {
        return Arguments.of(rule, path, fault);
    }

    static Stream<Arguments> faults() {
        String modules = "lib/modules/" + RELEASE;
        return Stream.of(
                fault(LintRule.INIT_MISSING, "init", () -> sound("init")),
                fault(LintRule.INIT_MISSING, "init", () -> sound("sbin/init").file("sbin/init", 0644, program)),
                fault(LintRule.CONSOLE_MISSING, "dev/console", () -> sound("dev/console")),
                fault(LintRule.PATH_UNSAFE, "usr/../../x", () -> sound().file("usr/../../x", 0644, "x")),
                fault(LintRule.PATH_TWICE, "bin/script", () -> sound().file("bin/script", 0755, "#!/bin/sh\n")),
                fault(LintRule.PARENT_MISSING, "srv/www/x", () -> sound().file("srv/www/x", 0644, "x").folder("srv", 0755).folder("srv/www", 0755)),
                fault(LintRule.LINK_DANGLING, "usr/bin/x", () -> sound().link("usr/bin/x", "../lib/x")),
                fault(LintRule.LINK_LOOP, "usr/a", () -> sound().link("usr/a", "b").link("usr/b", "/usr/a")),
                fault(LintRule.DEVICE_UNEXPECTED, "root/disk", () -> sound().entry("root/disk", 0060600, 0, 1, new byte[0])),
                fault(LintRule.WORLD_WRITABLE, "etc/x", () -> sound().file("etc/x", 0666, "x")),
                fault(LintRule.WORLD_WRITABLE, "var/all", () -> sound().folder("var/all", 0777)),
                fault(LintRule.SETUID, "bin/mount", () -> sound().file("bin/mount", 02755, program)),
                fault(LintRule.SETUID_WRITABLE, "bin/mount", () -> sound().file("bin/mount", 04775, program)),
                fault(LintRule.SETUID_SCRIPT, "bin/root", () -> sound().file("bin/root", 04755, "#!/bin/sh\n")),
                fault(LintRule.OWNER_UNKNOWN, "var/x", () -> sound().entry("var/x", 0100644, 1000, 1, new byte[0])),
                fault(LintRule.PASSWORD_EMPTY, "etc/shadow", () -> sound("etc/shadow").file("etc/shadow", 0600, "root::1:0:::::\n")),
                fault(LintRule.PASSWORD_EMPTY, "etc/passwd", () -> sound("etc/passwd").file("etc/passwd", 0644, "root::0:0:root:/root:/bin/sh\nnode:x:10:10::/:/bin/false\n")),
                fault(LintRule.PASSWORD_WEAK, "etc/shadow", () -> sound("etc/shadow").file("etc/shadow", 0600, "root:$1$abc$0123456789:1:0:::::\n")),
                fault(LintRule.PASSWORDS_READABLE, "etc/shadow", () -> sound("etc/shadow").file("etc/shadow", 0644, "root:!:1:0:::::\n")),
                fault(LintRule.ROOT_TWICE, "etc/passwd", () -> sound("etc/passwd").file("etc/passwd", 0644, "root:x:0:0::/:/bin/sh\nnode:x:10:10::/:\ntoor:x:0:0::/:/bin/sh\n")),
                fault(LintRule.SHELL_MISSING, "etc/passwd", () -> sound("etc/passwd").file("etc/passwd", 0644, "root:x:0:0::/:/bin/ash\nnode:x:10:10::/:/bin/sh\n")),
                fault(LintRule.SSH_EMPTY_PASSWORDS, "etc/ssh/sshd_config", () -> sound().folder("etc/ssh", 0755).file("etc/ssh/sshd_config", 0600, "#x\nPermitEmptyPasswords yes\n")),
                fault(LintRule.PRIVATE_KEY, "etc/ssh/ssh_host_ed25519_key", () -> sound().folder("etc/ssh", 0755).file("etc/ssh/ssh_host_ed25519_key", 0600, KEY)),
                fault(LintRule.PRIVATE_KEY, "usr/bin/x", () -> sound().file("usr/bin/x", 0755, "\0\0" + KEY)),
                fault(LintRule.SECRET, "root/.netrc", () -> sound().file("root/.netrc", 0600, "machine x login y password z\n")),
                fault(LintRule.SECRET, "etc/rc", () -> sound().file("etc/rc", 0600, "S3_SECRET_KEY=\"abcdefgh12345678\"\n")),
                fault(LintRule.SECRET, "etc/apk", () -> sound().file("etc/apk", 0644, "https://user:pass1234@mirror.example/v3\n")),
                fault(LintRule.SECRET, "etc/token", () -> sound().file("etc/token", 0600, "token ghp_" + "a1B2".repeat(9) + "\n")),
                fault(LintRule.LEFTOVER, "root/.ash_history", () -> sound().file("root/.ash_history", 0600, "ls\n")),
                fault(LintRule.LEFTOVER, "etc/hosts~", () -> sound().file("etc/hosts~", 0644, "x")),
                fault(LintRule.PROGRAM_NOT_EXECUTABLE, "usr/bin/x", () -> sound().file("usr/bin/x", 0644, program)),
                fault(LintRule.ELF_DAMAGED, "usr/bin/x", () -> sound().file("usr/bin/x", 0755, Arrays.copyOf(program, 200))),
                fault(LintRule.MACHINE_MIXED, "usr/bin/x", () -> sound().file("usr/bin/x", 0755, patched(program, 18, 183))),
                fault(LintRule.INTERPRETER_MISSING, "bin/sh", () -> sound("lib/ld-test.so.1")),
                fault(LintRule.LIBRARY_MISSING, "sbin/init", () -> sound("lib/libother.so.1")),
                fault(LintRule.LIBRARY_MISSING, "bin/su", () -> sound("lib/libother.so.1").file("lib/libother.so.1", 0755, patched(library, 4, 1))),
                fault(LintRule.SCRIPT_INTERPRETER_MISSING, "bin/x", () -> sound().file("bin/x", 0755, "#! /usr/bin/perl -w\n")),
                fault(LintRule.SCRIPT_INTERPRETER_MISSING, "bin/x", () -> sound().file("usr/bin/env", 0755, program).file("bin/x", 0755, "#!/usr/bin/env -S A=1 python3\n")),
                fault(LintRule.SCRIPT_IDLE, "etc/x", () -> sound().file("etc/x", 0755, "#!/usr/bin/perl\n")),
                fault(LintRule.SERVICE_PROGRAM_MISSING, "etc/my_init/services/c.yaml", () -> sound().file("etc/my_init/services/c.yaml", 0644, "exec: sshd -D\n")),
                fault(LintRule.SERVICE_PROGRAM_MISSING, "etc/my_init/services/c.yaml", () -> sound().file("etc/my_init/services/c.yaml", 0644, "exec: sh\ntest: /etc/group\n")),
                fault(LintRule.SERVICE_UNKNOWN, "etc/my_init/services/c.yaml", () -> sound().file("etc/my_init/services/c.yaml", 0644, "exec: sh\nafter:\n  - d\n")),
                fault(LintRule.SERVICE_DAMAGED, "etc/my_init/services/c.yaml", () -> sound().file("etc/my_init/services/c.yaml", 0644, "exec: [sh\n")),
                fault(LintRule.MODULE_DEPENDENCY_MISSING, modules + "/kernel/virtio_net.ko", () -> sound(modules + "/modules.builtin")),
                fault(LintRule.MODULE_FOREIGN, modules + "/kernel/virtio_net.ko", () -> sound(modules + "/kernel/virtio_net.ko")
                        .file(modules + "/kernel/virtio_net.ko", 0644, new String(module, StandardCharsets.ISO_8859_1).replace(RELEASE, "6.1.3-test").getBytes(StandardCharsets.ISO_8859_1))),
                fault(LintRule.MODULE_FOREIGN, "lib/modules/5.0", () -> sound().folder("lib/modules/5.0", 0755)),
                fault(LintRule.MODULE_INDEX_STALE, modules + "/modules.dep", () -> sound(modules + "/modules.dep")),
                fault(LintRule.MODULE_INDEX_STALE, modules + "/modules.dep", () -> sound(modules + "/modules.dep")
                        .file(modules + "/modules.dep", 0644, "kernel/virtio_net.ko: kernel/virtio.ko\n")),
                fault(LintRule.MODULE_LOAD_UNKNOWN, "etc/modules-load.d/x.conf", () -> sound().file("etc/modules-load.d/x.conf", 0644, "# x\nfailover\ne1000e\n")),
                fault(LintRule.AUTHORIZED_KEYS, "root/.ssh/authorized_keys", () -> sound().folder("root/.ssh", 0700).file("root/.ssh/authorized_keys", 0600, "ssh-ed25519 AAAA me\n")));
    }

    private static byte[] patched(byte[] bytes, int at, int value) {
        byte[] changed = bytes.clone();
        changed[at] = (byte) value;
        return changed;
    }

    @ParameterizedTest(name = "{0} {1}")
    @MethodSource("faults")
    void finds_the_planted_fault_and_says_where_it_is(LintRule rule, String path, Fault fault) {
        assertThat(findings(fault.plant())).filteredOn(finding -> finding.rule().equals(rule.id())).extracting(Lint.Finding::path, Lint.Finding::error)
                .contains(org.assertj.core.groups.Tuple.tuple(path, !rule.listed()));
        assertThat(findings(fault.plant(), rule.id() + " /" + path)).noneMatch(finding -> finding.rule().equals(rule.id()) && finding.path().equals(path));
    }

    @Test
    void every_rule_has_a_planted_fault() {
        assertThat(faults().map(one -> (LintRule) one.get()[0]).collect(Collectors.toCollection(() -> EnumSet.noneOf(LintRule.class)))).isEqualTo(EnumSet.allOf(LintRule.class));
    }

    @Test
    void a_build_fails_with_every_error_and_what_to_write_into_lint_conf() {
        List<Lint.Finding> findings = findings(sound("dev/console").file("etc/x", 0666, "x"));

        assertThatThrownBy(() -> Lint.require(findings)).asInstanceOf(InstanceOfAssertFactories.type(Failure.class)).satisfies(failure -> {
            assertThat(failure.exitCode()).isEqualTo(4);
            assertThat(failure.what()).contains("2 faults:", "console-missing  /dev/console", "world-writable   /etc/x").doesNotContain("setuid");
            assertThat(failure.hint()).contains("allow console-missing dev/console");
        });
        Lint.require(findings(sound()));
    }

    @Test
    void secrets_are_never_shown() {
        assertThat(Lint.table(findings(sound().file("etc/rc", 0600, "S3_SECRET_KEY=\"abcdefgh12345678\"\n").file("etc/key", 0600, KEY)))).doesNotContain("abcdefgh", "b3Blb");
    }

    @Test
    void lint_conf_is_read_with_line_numbers() throws IOException {
        Path file = Files.writeString(folder.resolve("lint.conf"), "# comment\nallow world-writable var/**   # shared\n\nallow world-writeable x\n");
        assertThatThrownBy(() -> Lint.read(file)).isInstanceOf(Failure.class).hasMessageContaining("lint.conf:4: there is no rule world-writeable");
        Files.writeString(file, "permit x y\n");
        assertThatThrownBy(() -> Lint.read(file)).hasMessageContaining("lint.conf:1: not an allowance");
        Files.writeString(file, "allow world-writable var/**   # shared\n");
        assertThat(findings(sound().folder("var/all", 0777), "world-writable var/**")).hasSize(1);
        assertThat(Lint.read(file).allowed()).containsExactly(new Lint.Allowance("world-writable", "var/**"));
        assertThat(Lint.read(folder.resolve("none")).allowed()).isEmpty();
    }
}
