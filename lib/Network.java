package lib;

import java.util.List;
import java.util.stream.Collectors;
import lib.tool.Digest;
import lib.tool.Failure;

/** The guest's one network card. */
public sealed interface Network {

    /** No card. */
    record None() implements Network { }

    /**
     * A network of the guest's own behind this computer (QEMU's user networking): it reaches out, and in only by forwards.
     *
     * @param mac address of the card, the same in every run of a machine
     */
    record User(String mac, List<Forward> forwards) implements Network {
        /** What QEMU's DHCP gives the guest. */
        static final String ADDRESS = "10.0.2.15";
    }

    /**
     * A TAP device in a bridge of this computer: guest, host and whatever else is in the bridge see each other.
     *
     * @param device name of the TAP device, the same in every run of a machine
     */
    record Tap(String mac, String device, String bridge) implements Network { }

    /** A port of 127.0.0.1 that leads to a TCP port of the guest. */
    record Forward(int host, int guest) {
        /** Reads {@code HOST:GUEST}, such as {@code 2222:22}. */
        public static Forward parse(String text) {
            if (!text.matches("\\d{1,5}:\\d{1,5}")) {
                throw Failure.usage("not a pair of ports: " + text, "write --port HOST:GUEST, for example --port 2222:22");
            }
            return new Forward(port(text.substring(0, text.indexOf(':'))), port(text.substring(text.indexOf(':') + 1)));
        }

        private static int port(String text) {
            int port = Integer.parseInt(text);
            if (port < 1 || port > 65535) {
                throw Failure.usage("there is no port " + text, "ports are 1 to 65535");
            }
            return port;
        }
    }

    /**
     * User networking with forwards.
     *
     * @param identity tells machines apart, such as their folder
     */
    static Network user(String identity, List<Forward> forwards) {
        return new User(mac(identity), List.copyOf(forwards));
    }

    /** A TAP device in this bridge. */
    static Network tap(String identity, String bridge) {
        if (!bridge.matches("[A-Za-z0-9_.-]{1,15}")) {
            throw Failure.usage("not a name for a bridge: " + bridge, "up to 15 letters, digits, _ . -");
        }
        return new Tap(mac(identity), "mos" + Digest.sha256(identity).substring(0, 8), bridge);
    }

    /** A stable address in the range that QEMU uses (52:54:00). */
    private static String mac(String identity) {
        String hash = Digest.sha256(identity);
        return "52:54:00:" + hash.substring(0, 2) + ":" + hash.substring(2, 4) + ":" + hash.substring(4, 6);
    }

    /** For the status line. */
    default String describe() {
        if (this instanceof User user) {
            return "guest " + User.ADDRESS + user.forwards().stream().map(f -> ", localhost:" + f.host() + " -> guest:" + f.guest()).collect(Collectors.joining());
        }
        if (this instanceof Tap tap) {
            return tap.device() + " in bridge " + tap.bridge() + " (" + tap.mac() + ")";
        }
        return "no network";
    }
}
