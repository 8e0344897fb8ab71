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
     * A network of the guest's own behind this machine (QEMU's user networking): it reaches out, and in only by forwards.
     *
     * @param mac address of the card, the same in every run of a machine
     */
    record User(String mac, List<Forward> forwards) implements Network { }

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

    /** A stable address in the range that QEMU uses (52:54:00), made from what tells machines apart. */
    static String mac(String identity) {
        String hash = Digest.sha256(identity);
        return "52:54:00:" + hash.substring(0, 2) + ":" + hash.substring(2, 4) + ":" + hash.substring(4, 6);
    }

    /** For the status line. */
    default String describe() {
        if (this instanceof User user) {
            return user.forwards().isEmpty() ? "user network"
                    : user.forwards().stream().map(f -> "localhost:" + f.host() + " -> guest:" + f.guest()).collect(Collectors.joining(", "));
        }
        return "no network";
    }
}
