package lib;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.util.List;
import lib.Network.Forward;
import lib.tool.Json;
import org.junit.jupiter.api.Test;

class NetworkTest {
    @Test
    void a_machine_keeps_its_address_and_machines_differ() {
        Network.Tap one = (Network.Tap) Network.tap("/w/vm/a", "mosbr");

        assertThat(Network.tap("/w/vm/a", "mosbr")).isEqualTo(one);
        assertThat(((Network.Tap) Network.tap("/w/vm/b", "mosbr")).mac()).isNotEqualTo(one.mac());
        assertThat(one.mac()).matches("52:54:00(:[0-9a-f]{2}){3}");
        assertThat(one.device()).matches("mos[0-9a-f]{8}");
    }

    @Test
    void ports_and_names_are_checked() {
        assertThat(Forward.parse("2222:22")).isEqualTo(new Forward(2222, 22));
        assertThatThrownBy(() -> Forward.parse("22")).hasMessage("not a pair of ports: 22");
        assertThatThrownBy(() -> Forward.parse("0:22")).hasMessage("there is no port 0");
        assertThatThrownBy(() -> Forward.parse("70000:22")).hasMessage("there is no port 70000");
        assertThatThrownBy(() -> Network.tap("x", "a bridge with a long name")).hasMessageStartingWith("not a name for a bridge");
    }

    @Test
    void the_status_line_says_how_the_guest_is_reached() {
        assertThat(Network.user("x", List.of(new Forward(8080, 80))).describe()).isEqualTo("guest 10.0.2.15, localhost:8080 -> guest:80");
        assertThat(new Network.None().describe()).isEqualTo("no network");
    }

    @Test
    void an_address_that_overlaps_with_a_new_bridge_is_named() {
        assertThat(Bridge.conflict(Json.parse("[{\"ifname\": \"eth0\", \"addr_info\": [{\"local\": \"192.168.0.7\", \"prefixlen\": 16}]}]", "ip")))
                .contains("192.168.0.7/16 on eth0");
        assertThat(Bridge.conflict(Json.parse("[{\"ifname\": \"br0\", \"addr_info\": [{\"local\": \"192.168.123.77\", \"prefixlen\": 28}]}]", "ip")))
                .contains("192.168.123.77/28 on br0");
        assertThat(Bridge.conflict(Json.parse("[{\"ifname\": \"lo\", \"addr_info\": [{\"local\": \"127.0.0.1\", \"prefixlen\": 8}]}]", "ip"))).isEmpty();
    }
}
