package lib;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import lib.Why.Cause;
import lib.tool.Failure;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class WhyTest {
    private static final Why WHY = new Why(new TreeMap<>(Map.of(
            "lib/firmware/rtl_nic/a.fw", List.of(new Cause("lib/firmware/rtl_nic/old.fw", "link"), new Cause("firmware.conf:4 require rtl_nic/a.fw", "")),
            "lib/firmware/rtl_nic/old.fw", List.of(new Cause("module r8169", "firmware")),
            "lib/modules/6.1/kernel/r8169.ko", List.of(new Cause("module r8169", "")),
            "module r8169", List.of(new Cause("modules.conf:2 r8169", "")),
            "module realtek", List.of(new Cause("module r8169", "softdep")),
            "usr/lib/libjq.so", List.of(new Cause("package jq-libs", "1.6")),
            "package jq-libs", List.of(new Cause("package jq", "needs so:libjq.so")),
            "package jq", List.of(new Cause("packages.list:1 asks for jq", "")))));

    @TempDir
    Path folder;

    @Test
    void each_reason_is_a_chain_down_to_what_a_person_wrote() {
        assertThat(WHY.chains("realtek")).containsExactly("module realtek <- module r8169 (softdep) <- modules.conf:2 r8169");
        assertThat(WHY.chains("/lib/firmware/rtl_nic/a.fw")).isEqualTo(WHY.chains("rtl_nic/a.fw")).containsExactly(
                "lib/firmware/rtl_nic/a.fw <- lib/firmware/rtl_nic/old.fw (link) <- module r8169 (firmware) <- modules.conf:2 r8169",
                "lib/firmware/rtl_nic/a.fw <- firmware.conf:4 require rtl_nic/a.fw");
        assertThat(WHY.chains("usr/lib/libjq.so")).containsExactly("usr/lib/libjq.so <- package jq-libs (1.6) <- package jq (needs so:libjq.so) <- packages.list:1 asks for jq");
    }

    @Test
    void packages_that_need_one_another_do_not_make_an_endless_chain() {
        Why circle = new Why(Map.of("package a", List.of(new Cause("package b", "")), "package b", List.of(new Cause("package a", ""))));
        assertThat(circle.chains("a")).containsExactly("package a <- package b <- package a");
    }

    @Test
    void what_is_not_there_gets_a_suggestion() {
        assertHint("r8196", "did you mean r8169?");
        assertHint("usr/libjq.so", "did you mean usr/lib/libjq.so?");
        assertHint("lib/firmware", "ask for a file in it, such as lib/firmware/rtl_nic/a.fw");
        assertHint("something/else/altogether", "give a path in the image or the name of a module");
    }

    private static void assertHint(String asked, String hint) {
        assertThatThrownBy(() -> WHY.chains(asked)).isInstanceOfSatisfying(Failure.class, failure -> {
            assertThat(failure.exitCode()).isEqualTo(Failure.USAGE);
            assertThat(failure.what()).startsWith(asked + " is ");
            assertThat(failure.hint()).isEqualTo(hint);
        });
    }

    @Test
    void a_build_leaves_it_for_later() throws Exception {
        Workspace workspace = new Workspace(folder, folder.resolve("config"));
        assertThatThrownBy(() -> Why.ofLastBuild(workspace)).isInstanceOf(Failure.class).hasMessageContaining("--why reads what a build left");
        Files.createDirectories(workspace.dist());
        Files.writeString(workspace.dist().resolve(Why.FILE), WHY.json());
        assertThat(Why.ofLastBuild(workspace)).isEqualTo(WHY);
    }
}
