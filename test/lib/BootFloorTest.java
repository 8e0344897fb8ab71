package lib;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import com.fasterxml.jackson.databind.JsonNode;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.PrintStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.function.IntPredicate;
import lib.BootCheck.Verdict;
import lib.tool.Console;
import lib.tool.Digest;
import lib.tool.Json;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class BootFloorTest {
    @TempDir
    Path folder;

    private final BootContract contract = BootContract.parse("boot.expect", "must ready\nwithin 120");
    private final List<Integer> booted = new ArrayList<>();
    private final List<Double> limits = new ArrayList<>();

    private BootFloor find(int most, IntPredicate enough) {
        Console console = Console.plain(new PrintStream(new ByteArrayOutputStream(), true, StandardCharsets.UTF_8));
        return BootFloor.find(most, contract, "qemu, tcg, 2 CPUs", (mib, patient) -> {
            booted.add(mib);
            limits.add(patient.seconds());
            boolean met = enough.test(mib);
            return new Boot.Outcome(met ? Verdict.MET : Verdict.PANIC, met ? "" : "the kernel gave up: out of memory", 9, new Timeline(List.of()), List.of());
        }, folder.resolve("boot.log"), console);
    }

    @Test
    void the_smallest_memory_is_found_to_one_step_and_tried_twice() {
        BootFloor floor = find(512, mib -> mib >= 73);

        assertThat(floor.mib()).isEqualTo(76);
        assertThat(booted).startsWith(512, 256, 128).contains(72).hasSizeLessThan(11);
        assertThat(booted.stream().filter(mib -> mib == 76)).hasSize(2);
        assertThat(floor.text()).isEqualTo("76 MiB are enough, 72 are not (boot.expect, " + booted.size() + " boots)\n");
        assertThat(floor.tried().get(0)).isEqualTo(new BootFloor.Try(512, "met", 9));
    }

    @Test
    void a_floor_that_does_not_hold_the_second_time_goes_up() {
        BootFloor floor = find(512, mib -> mib >= 96 || mib == 92 && booted.stream().filter(one -> one == 92).count() == 1);

        assertThat(floor.mib()).isEqualTo(96);
    }

    @Test
    void little_memory_may_make_a_boot_slower_but_not_for_as_long_as_a_contract_may_take() {
        find(64, mib -> true);

        assertThat(limits.get(0)).isEqualTo(120);
        assertThat(limits.subList(1, limits.size())).containsOnly(36.0);
    }

    @Test
    void an_image_that_does_not_boot_with_all_of_it_has_no_floor() {
        assertThatThrownBy(() -> find(512, mib -> false)).hasMessageContaining("the kernel gave up: out of memory");
        assertThat(booted).containsExactly(512);
    }

    @Test
    void the_number_is_written_into_the_build_that_it_is_about_and_no_other() throws IOException {
        Path kernel = Files.writeString(folder.resolve("vmlinuz.efi"), "image");
        Path build = folder.resolve("build.json");
        Files.writeString(build, "{\"version\": \"1\", \"files\": {\"vmlinuz.efi\": {\"sha256\": \"" + Digest.sha256(kernel) + "\"}}}");
        BootFloor floor = find(64, mib -> mib >= 40);

        assertThat(floor.store(folder, kernel)).isTrue();
        JsonNode json = Json.read(build);
        assertThat(json.path("memory").path("floor_mib").asInt()).isEqualTo(40);
        assertThat(json.path("memory").path("machine").asText()).isEqualTo("qemu, tcg, 2 CPUs");
        assertThat(json.path("version").asText()).isEqualTo("1");
        byte[] before = Files.readAllBytes(build);
        assertThat(floor.store(folder, Files.writeString(folder.resolve("other.efi"), "another"))).isFalse();
        assertThat(Files.readAllBytes(build)).isEqualTo(before);
        assertThat(floor.store(folder.resolve("none"), kernel)).isFalse();
    }
}
