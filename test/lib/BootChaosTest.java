package lib;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.nio.ByteBuffer;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.stream.Stream;
import lib.tool.Trees;
import org.junit.jupiter.api.Test;

class BootChaosTest {
    @Test
    void each_part_is_a_contract_and_its_errors_name_the_line_of_the_file() {
        Map<BootScenario, BootContract> parts = BootChaos.contracts("chaos.expect", "# all\n\n[no-link]\nwithin 30\nmust up\n[s3-503]\nmust again\n");

        assertThat(parts.keySet()).containsExactly(BootScenario.NO_LINK, BootScenario.S3_503);
        assertThat(parts.get(BootScenario.NO_LINK).seconds()).isEqualTo(30);
        assertThat(parts.get(BootScenario.S3_503).must().get(0).where()).isEqualTo("chaos.expect:7");
        assertThatThrownBy(() -> BootChaos.contracts("f", "must early\n[no-link]\n")).hasMessageContaining("f:1: a rule that is in no part: must early");
        assertThatThrownBy(() -> BootChaos.contracts("f", "[no-link]\nmust a\n[no-link]\nmust b\n")).hasMessageContaining("f:3: a heading that cannot be here");
        assertThatThrownBy(() -> BootChaos.contracts("f", "[no-lnk]\nmust a\n")).hasMessageContaining("there is no chaos named no-lnk");
        assertThatThrownBy(() -> BootChaos.contracts("f", "[no-dns]\nmust a\n[no-link]\nmsut b\n")).hasMessageContaining("f:4: unknown rule msut");
    }

    @Test
    void names_choose_and_all_means_all() {
        assertThat(BootScenario.named(List.of("all"))).containsExactly(BootScenario.values());
        assertThat(BootScenario.named(List.of("s3-cut", "no-link"))).containsExactly(BootScenario.NO_LINK, BootScenario.S3_CUT);
        assertThatThrownBy(() -> BootScenario.named(List.of("slow-dncp"))).hasMessage("there is no chaos named slow-dncp");
    }

    @Test
    void the_projects_configurations_describe_every_state() {
        for (String file : List.of("config/chaos.expect", "demo/config/chaos.expect")) {
            assertThat(BootChaos.contracts(file, Trees.read(TestProject.folder().resolve(file))).keySet()).as(file).containsExactlyInAnyOrder(BootScenario.values());
        }
        String document = Trees.read(TestProject.folder().resolve("docs/BOOTING.md"));
        assertThat(Stream.of(BootScenario.values()).map(BootScenario::word)).allSatisfy(word -> assertThat(document).contains("| " + word + " |"));
    }

    @Test
    void frames_are_told_apart_by_the_port_that_they_go_to() {
        assertThat(new BootWire.Frame(ipv4(5, 17, 67)).to(67)).isTrue();
        assertThat(new BootWire.Frame(ipv4(6, 6, 53)).to(53)).as("with options, over TCP").isTrue();
        assertThat(new BootWire.Frame(ipv6(17, 53)).to(53)).isTrue();
        assertThat(new BootWire.Frame(ipv4(5, 17, 123)).to(53)).isFalse();
        assertThat(new BootWire.Frame(ipv4(5, 1, 53)).to(53)).as("ICMP has no ports").isFalse();
        assertThat(new BootWire.Frame(ByteBuffer.allocate(42).putShort(12, (short) 0x0806).array()).to(53)).as("ARP").isFalse();
        assertThat(new BootWire.Frame(new byte[3]).to(53)).isFalse();
    }

    private static byte[] ipv4(int words, int protocol, int port) {
        return ByteBuffer.allocate(80).putShort(12, (short) 0x0800).put(14, (byte) (0x40 | words)).put(23, (byte) protocol).putShort(14 + words * 4 + 2, (short) port).array();
    }

    private static byte[] ipv6(int protocol, int port) {
        return ByteBuffer.allocate(80).putShort(12, (short) 0x86dd).put(14, (byte) 0x60).put(20, (byte) protocol).putShort(14 + 40 + 2, (short) port).array();
    }

    @Test
    void a_silent_dhcp_server_answers_in_the_end_and_a_dead_card_never() {
        BootWire.Frame question = new BootWire.Frame(ipv4(5, 17, 67));
        BootWire.Frame other = new BootWire.Frame(ipv4(5, 17, 53));
        BootWire.Rule slow = BootScenario.SLOW_DHCP.rule().orElseThrow();

        assertThat(slow.of(question, 0)).isEqualTo(BootWire.Fate.LOST);
        assertThat(slow.of(question, BootScenario.SILENCE)).isEqualTo(BootWire.Fate.PASSED);
        assertThat(slow.of(other, 0)).isEqualTo(BootWire.Fate.PASSED);
        assertThat(BootScenario.NO_DNS.rule().orElseThrow().of(other, 500)).isEqualTo(BootWire.Fate.LOST);
        assertThat(BootScenario.DEAD_CARD.rule().orElseThrow().of(other, 500)).isEqualTo(BootWire.Fate.LOST);
        assertThat(BootScenario.NO_LINK.rule()).isEmpty();
    }

    @Test
    void the_dead_card_is_the_first_one_and_only_its_frames_are_seen() {
        BootWire wire = new BootWire(Path.of("/w/vm/node"), (frame, seconds) -> BootWire.Fate.LOST, false);
        List<String> argv = BootScenario.DEAD_CARD.cards("52:54:00:01:02:03", Optional.of(wire));

        assertThat(argv).containsSubsequence("hubport,id=net0,hubid=7", "virtio-net-pci,netdev=net0,romfile=,mac=52:54:00:01:02:03", "user,id=net1,ipv6=off",
                "virtio-net-pci,netdev=net1,romfile=,mac=52:54:00:01:02:fe", "filter-redirector,id=wire,netdev=net0,queue=rx,outdev=wireout");
    }
}
