package lib;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatCode;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import com.fasterxml.jackson.databind.JsonNode;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.PrintStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.EnumSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import lib.tool.Cache;
import lib.tool.Console;
import lib.tool.Download;
import lib.tool.Failure;
import lib.tool.Json;
import lib.tool.Shell;
import lib.tool.Tools;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class EnvironmentTest {
    @TempDir
    Path folder;

    @Test
    void names_all_that_is_missing_and_one_line_that_installs_it() {
        Environment environment = environment("no-such-target");

        assertThatThrownBy(() -> environment.require(Set.of(Program.RUST_STD), false))
                .hasMessageContaining("Rust's standard library for no-such-target").hasMessageContaining("missing")
                .satisfies(e -> assertThat(((Failure) e).exitCode()).isEqualTo(Failure.MACHINE))
                .satisfies(e -> assertThat(((Failure) e).hint()).startsWith("install with: ").contains("no-such-target").doesNotContain("\n"));
    }

    @Test
    void is_silent_when_nothing_is_needed_or_missing() {
        assertThatCode(() -> environment("x").require(Set.of(), false)).doesNotThrowAnyException();
    }

    @Test
    void patches_and_bzip2_tarballs_need_their_programs() throws IOException {
        Path config = Files.createDirectories(folder.resolve("config/my_init")).getParent();
        for (String file : List.of("build.conf", "packages.list", "sources.conf", "kernel.config", "my_init/my_init.conf")) {
            Files.writeString(config.resolve(file), "");
        }
        Files.writeString(folder.resolve("linux.tar.bz2"), "");
        assertThat(Environment.neededBy(Config.read(config, Map.of()))).contains(Program.TAR).doesNotContain(Program.PATCH, Program.BZIP2);
        Files.writeString(Files.createDirectories(config.resolve("kernel-patches")).resolve("1.patch"), "");
        assertThat(Environment.neededBy(Config.read(config, Map.of("KERNEL_SOURCE", "linux.tar.bz2")))).contains(Program.PATCH, Program.BZIP2);
    }

    @Test
    void the_install_line_names_each_package_once_and_asks_for_root_where_needed() {
        Environment environment = environment("x86_64-unknown-linux-musl");
        Set<Program> programs = EnumSet.of(Program.LD, Program.STRIP, Program.FLEX, Program.RUST_STD);

        assertThat(environment.installLine(programs, Distribution.APT, false, true)).contains(
                "sudo apt-get install -y --no-install-recommends flex binutils && rustup target add x86_64-unknown-linux-musl");
        assertThat(environment.installLine(List.of(Program.LIBELF), Distribution.APK, true, true)).contains("apk add elfutils-dev");
        assertThat(environment.installLine(List.of(Program.LIBELF), Distribution.PACMAN, false, true))
                .contains("sudo pacman -S --needed --noconfirm libelf");
        assertThat(environment.installLine(List.of(Program.LIBELF), Distribution.DNF, true, true)).contains("dnf install -y --setopt=install_weak_deps=False elfutils-libelf-devel");
        assertThat(environment.installLine(List.of(Program.FLEX), Distribution.OTHER, false, true)).isEmpty();
        assertThat(environment.installLine(List.of(Program.RUST_STD), Distribution.APT, true, false)).get().asString().contains("rustup.rs");
    }

    @ParameterizedTest
    @CsvSource(delimiter = '|', textBlock = """
            git version 2.39.5                                            | 2.39.5
            gcc (Debian 12.2.0-14+deb12u1) 12.2.0                         | 12.2.0
            GNU ld (GNU Binutils for Debian) 2.40                         | 2.40
            *** Zstandard CLI (64-bit) v1.5.4, by Yann Collet ***         | 1.5.4
            This is perl 5, version 36, subversion 0 (v5.36.0) built for  | 5.36.0
            kmod version 30                                               | 30
            ip utility, iproute2-6.1.0, libbpf 1.1.0                      | 6.1.0
            QEMU emulator version 7.2.17 (Debian 1:7.2+dfsg-7+deb12u13)   | 7.2.17
            usage: newuidmap [<option>] <pid>                             |
            """)
    void reads_versions_as_programs_print_them(String printed, String version) {
        assertThat(Inventory.version(printed)).isEqualTo(Optional.ofNullable(version));
    }

    @ParameterizedTest
    @CsvSource({"2.39.5,2.25,1", "4.0,4,0", "4.3,4.10,-1", "12.2.0,5.1,1", "1.06.95,1.07.1,-1"})
    void compares_versions_as_numbers(String a, String b, int sign) {
        assertThat(Integer.signum(Inventory.compare(a, b))).isEqualTo(sign);
    }

    @ParameterizedTest
    @CsvSource(delimiter = '|', textBlock = """
            ID=debian                                | APT
            ID=linuxmint\\nID_LIKE="ubuntu debian"   | APT
            ID=alpine\\nVERSION_ID=3.19.4            | APK
            ID=arch                                  | PACMAN
            ID='fedora'                              | DNF
            ID="rocky"\\nID_LIKE="rhel centos fedora" | DNF
            ID=nixos                                 | OTHER
            NAME="a debian of its own"               | OTHER
            """)
    void knows_distributions_by_their_family(String release, Distribution family) {
        assertThat(Distribution.of(release.replace("\\n", "\n"))).isEqualTo(family);
    }

    @Test
    void too_little_space_is_a_failure_before_the_work_starts() {
        Path later = folder.resolve("not/there/yet");

        assertThatCode(() -> environment("x").requireSpace(later, 1)).doesNotThrowAnyException();
        assertThatThrownBy(() -> environment("x").requireSpace(later, Long.MAX_VALUE)).hasMessageContaining("GiB free")
                .satisfies(e -> assertThat(((Failure) e).exitCode()).isEqualTo(Failure.MACHINE));
    }

    @Test
    void the_table_has_a_line_for_every_program_and_marks_what_is_needed_and_missing() {
        String table = environment("no-such-target").report(Set.of(Program.RUST_STD), folder).text();

        for (Program program : Program.values()) {
            assertThat(table.lines()).as(table).anyMatch(line -> line.matches("(ok|-|MISSING) +" + program.title() + " .*"));
        }
        assertThat(table).containsPattern("MISSING +rust-std +missing").containsPattern("disk: .* GiB free in " + folder + ", a build takes 4 GiB: (ok|TOO LITTLE)\nmemory: .*available").contains("container engine: ", "install with: ");
    }

    @Test
    void the_json_tells_the_same() {
        JsonNode report = Json.parse(environment("no-such-target").report(Set.of(Program.RUST_STD), folder).json(), "report");

        assertThat(report.get("ok").asBoolean()).isFalse();
        assertThat(report.get("programs")).hasSize(Program.values().length);
        assertThat(report.get("install").asText()).contains("no-such-target");
        assertThat(report.get("freeBytes").asLong()).isPositive();
        assertThat(report.get("freeMemory").asLong()).isPositive();
        report.get("engines").forEach(engine -> assertThat(engine.get("usable").asBoolean() ? engine.get("storage") : engine.get("help")).asString().isNotEmpty());
    }

    @Test
    void a_machine_with_all_programs_but_a_full_disk_cannot_build() {
        EnvironmentReport full = new EnvironmentReport(List.of(), Set.of(), Optional.empty(), List.of(), Optional.empty(), folder, 1 << 20, 8L << 30);

        assertThat(full.ok()).isFalse();
        assertThat(full.text()).contains("disk: 0.0 GiB free in " + folder + ", a build takes 4 GiB: TOO LITTLE", "none; builds run on this machine");
    }

    @Test
    void subordinate_ids_are_found_by_name_and_number_and_a_free_range_is_proposed() {
        String text = "# comment\nalice:100000:65536\n1001:165536:65536\n";

        assertThat(UserNamespace.hasRange(text, "alice", 1000)).isTrue();
        assertThat(UserNamespace.hasRange(text, "bob", 1001)).isTrue();
        assertThat(UserNamespace.hasRange(text, "ali", 1002)).isFalse();
        assertThat(UserNamespace.firstFree(text)).isEqualTo(231072);
        assertThat(UserNamespace.firstFree("")).isEqualTo(100000);    }

    @Test
    void a_program_that_is_here_is_found_with_its_version() {
        // Which of them are here differs from machine to machine; busybox programs tell no version.
        List<Inventory.Status> all = new Inventory(new Shell(quiet()), "x").check(EnumSet.allOf(Program.class));

        assertThat(all).hasSize(Program.values().length);
        assertThat(all).filteredOn(one -> !one.program().minimum().isEmpty() && one.usable() && !one.version().isEmpty()).isNotEmpty()
                .allSatisfy(one -> assertThat(Inventory.compare(one.version(), one.program().minimum())).isNotNegative());
    }

    private Environment environment(String rustTarget) {
        Console console = quiet();
        Cache cache = new Cache(folder, line -> { });
        return new Environment(new Tools(console, new Shell(console), cache, new Download(console, cache, true)), rustTarget);
    }

    private static Console quiet() {
        return Console.plain(new PrintStream(new ByteArrayOutputStream(), true, StandardCharsets.UTF_8));
    }
}
