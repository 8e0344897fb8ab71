package lib;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import lib.tool.Json;
import org.cyclonedx.Version;
import org.cyclonedx.parsers.JsonParser;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class SbomTest {
    private static final String COMMIT = "0123456789abcdef0123456789abcdef01234567";
    private static final String SHA256 = "ab".repeat(32);

    @TempDir
    Path folder;

    private static Sbom.Contents contents() {
        List<CargoLock.Crate> crates = List.of(new CargoLock.Crate("libc", "0.2.1", "registry+https://example.org/index", SHA256),
                new CargoLock.Crate("mine", "1.0.0", "git+https://user:pass@example.org/mine?branch=x#" + COMMIT, ""));
        return new Sbom.Contents("MyceliumOS", "6.1.2-0123456", SHA256, new Alpine.Installed("3.19.4", "x86_64", List.of(
                new Alpine.InstalledPackage("busybox", "1.36.1-r1", "busybox", "GPL-2.0-only", 1, "main", "Q1a", List.of(), ""),
                new Alpine.InstalledPackage("gcc++", "13-r0", "gcc", "GPL-2.0-or-later AND (LGPL-2.1-or-later OR MIT)", 1, "main", "Q1b", List.of(), ""),
                new Alpine.InstalledPackage("odd", "1", "odd", "public domain, mostly", 1, "main", "Q1c", List.of(), ""))),
                List.of(new Components.Built("my_init", "https://token@example.org/my_init.git", "main", COMMIT, "/sbin/my_init", 1, "", crates),
                        new Components.Built("tool", "https://example.org/tool-1.2", "1.2", "sha256:" + SHA256, "/usr/bin/tool", 1, "1.2", List.of())),
                List.of(crates, List.of()), "6.1.2-MyceliumOS", "https://example.org/linux-6.1.2.tar.xz",
                List.of(new Firmware.Item("lib/firmware/rtl.fw", 9, Optional.empty(), Set.of("module r8169"), "Redistributable. See LICENCE.rtl for details"),
                        new Firmware.Item("lib/firmware/link.fw", 0, Optional.of("rtl.fw"), Set.of("module r8169"), "")), "https://example.org/linux-firmware.git", "20250101");
    }

    private JsonNode parsed() {
        return Json.parse(text(), "sbom");
    }

    private String text() {
        return new Sbom(1_735_689_600, TestTools.in(folder)).of(contents());
    }

    @Test
    void is_valid_by_the_schema_of_cyclonedx() throws IOException {
        assertThat(new JsonParser().validate(text().getBytes(StandardCharsets.UTF_8), Version.VERSION_16)).isEmpty();
        assertThat(new JsonParser().validate(text().replace("\"operating-system\"", "\"something\"").getBytes(StandardCharsets.UTF_8), Version.VERSION_16)).isNotEmpty();
    }

    @Test
    void names_packages_components_crates_kernel_and_firmware_with_their_licences() {
        List<String> lines = new ArrayList<>();
        parsed().get("components").forEach(one -> {
            JsonNode licence = one.path("licenses").path(0);
            lines.add(one.path("bom-ref").asText().replace("%3A", ":").replace("%2F", "/") + " | " + licence.path("expression").asText(licence.path("license").path("name").asText()));
        });

        assertThat(lines).containsExactlyInAnyOrder("pkg:apk/alpine/busybox@1.36.1-r1?arch=x86_64&distro=alpine-3.19.4 | GPL-2.0-only",
                "pkg:apk/alpine/gcc%2B%2B@13-r0?arch=x86_64&distro=alpine-3.19.4 | GPL-2.0-or-later AND (LGPL-2.1-or-later OR MIT)",
                "pkg:apk/alpine/odd@1?arch=x86_64&distro=alpine-3.19.4 | public domain, mostly",
                "pkg:generic/my_init@" + COMMIT + "?vcs_url=git%2Bhttps://example.org/my_init.git%40" + COMMIT + " | ",
                "pkg:generic/tool@1.2?checksum=sha256:" + SHA256 + "&download_url=https://example.org/tool-1.2 | ",
                "pkg:cargo/libc@0.2.1 | ", "pkg:cargo/mine@1.0.0?vcs_url=git%2Bhttps://example.org/mine%3Fbranch%3Dx%23" + COMMIT + " | ",
                "pkg:generic/linux@6.1.2-MyceliumOS?download_url=https://example.org/linux-6.1.2.tar.xz | GPL-2.0-only WITH Linux-syscall-note",
                "firmware:lib/firmware/rtl.fw | Redistributable. See LICENCE.rtl for details");
        assertThat(text()).doesNotContain("token@", "user:pass");
    }

    @Test
    void says_which_component_uses_which_crates() {
        JsonNode own = parsed().get("dependencies").findParents("dependsOn").stream().filter(one -> one.path("ref").asText().contains("/my_init@")).findFirst().orElseThrow();

        assertThat(own.get("dependsOn")).extracting(JsonNode::asText).anyMatch(ref -> ref.startsWith("pkg:cargo/libc")).hasSize(2);
    }

    @Test
    void the_same_contents_give_the_same_bytes_with_the_time_of_the_build() {
        String first = new Sbom(1_735_689_600, TestTools.in(folder.resolve("a"))).of(contents());

        assertThat(new Sbom(1_735_689_600, TestTools.in(folder.resolve("b"))).of(contents())).isEqualTo(first).contains("\"2025-01-01T00:00:00Z\"");
    }

    @Test
    void reads_crates_from_cargo_lock_without_the_project_itself() throws IOException {
        Path lock = Files.writeString(folder.resolve("Cargo.lock"), """
                # This file is automatically @generated by Cargo.
                version = 3

                [[package]]
                name = "my_init"
                version = "0.1.0"
                dependencies = [
                 "libc",
                ]

                [[package]]
                name = "libc"
                version = "0.2.1"
                source = "registry+https://example.org/index"
                checksum = "%s"
                """.formatted(SHA256));
        Path inner = Files.createDirectories(folder.resolve("crates/inner"));

        assertThat(CargoLock.read(lock)).containsExactly(new CargoLock.Crate("libc", "0.2.1", "registry+https://example.org/index", SHA256));
        assertThat(CargoLock.find(inner, folder)).contains(lock);
        assertThat(CargoLock.find(inner, inner)).isEmpty();
    }
}
