package lib;

import com.fasterxml.jackson.databind.JsonNode;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import lib.tool.Failure;
import lib.tool.Json;
import lib.tool.Shell;
import lib.tool.Shell.Command;

/**
 * Makes the TAP device of a machine, and the bridge where it is missing, with the program {@code ip}. What was made here carries
 * an alias, so that only that is removed again: the TAP device with its machine, the bridge when its last port is gone.
 */
final class Bridge {
    /** The host's address in a bridge that is made here. */
    static final String ADDRESS = "192.168.123.1/24";

    private static final String ALIAS = "mos-builder";
    private static final String LEAVING = ALIAS + "-leaving";
    /**
     * Removes the bridge $1 when it is ours and has no port left; run by the guard, which has no Java any more. The alias says so first,
     * then comes the last look at the ports: whoever adds one looks at the alias afterwards, so that one of both sees the other.
     */
    private static final String REMOVE_UNUSED = """
            bridge=$1 ours=$2 leaving=$3
            shift 3
            ports() { ip -o link show master "$bridge"; }
            ip -o link show dev "$bridge" | grep -q "alias $ours" || exit 0
            [ -z "$(ports)" ] || exit 0
            "$@" link set "$bridge" alias "$leaving"
            if [ -z "$(ports)" ]; then "$@" link del "$bridge"; else "$@" link set "$bridge" alias "$ours"; fi
            """;
    /** One process for all of it: whoever is killed meanwhile leaves a whole bridge. */
    private static final String MAKE = """
            bridge=$1 ours=$2 address=$3
            shift 3
            "$@" link add name "$bridge" type bridge && "$@" link set "$bridge" alias "$ours" &&
            "$@" address add "$address" dev "$bridge" && "$@" link set "$bridge" up
            """;
    private static final int TRIES = 5;
    private static final int LOOKS = 100;

    private final Network.Tap tap;
    private final Shell shell;
    private final List<String> ip;

    Bridge(Network.Tap tap, Shell shell) {
        this.tap = tap;
        this.shell = shell;
        this.ip = isRoot() ? List.of("ip") : List.of("sudo", "-n", "ip");
    }

    private static boolean isRoot() {
        try {
            return Integer.valueOf(0).equals(Files.getAttribute(Path.of("/proc/self"), "unix:uid"));
        } catch (IOException e) {
            return false;
        }
    }

    /** Makes what is missing, while other runs may make and remove it too; a TAP device that an earlier run left behind is made anew. */
    void connect() {
        require("ip");
        require(ip.get(0));
        for (int left = TRIES; left > 0; left--) {
            Optional<JsonNode> bridge = device(tap.bridge());
            try {
                attach(bridge);
                if (stays()) {
                    return;
                }
            } catch (Failure e) {
                if (left == 1 || device(tap.bridge()).isPresent() == bridge.isPresent()) {
                    throw e;
                }
            }
        }
        throw Failure.machine("the bridge " + tap.bridge() + " was removed again and again while " + tap.device() + " was put into it",
                "see what else works on it, or give another name with --bridge NAME");
    }

    private void attach(Optional<JsonNode> bridge) {
        if (device(tap.device()).isPresent()) {
            run("link", "del", tap.device());
        }
        if (bridge.isEmpty()) {
            makeBridge();
        } else if (!bridge.get().path("linkinfo").path("info_kind").asText().equals("bridge")) {
            throw Failure.usage("the network device " + tap.bridge() + " is not a bridge", "give another name with --bridge NAME");
        }
        List<String> owner = isRoot() ? List.of() : List.of("user", System.getProperty("user.name"));
        run(concat(List.of("tuntap", "add", "dev", tap.device(), "mode", "tap"), owner).toArray(String[]::new));
        run("link", "set", tap.device(), "alias", ALIAS);
        run("link", "set", tap.device(), "master", tap.bridge());
        run("link", "set", tap.device(), "up");
    }

    /** Whether our port is in the bridge for good: a guard that was about to remove it has seen the port, or has done it. */
    private boolean stays() {
        for (int look = 0; look < LOOKS; look++) {
            Optional<JsonNode> bridge = device(tap.bridge());
            if (bridge.isEmpty()) {
                return false;
            }
            if (!bridge.get().path("ifalias").asText().equals(LEAVING)) {
                return device(tap.device()).filter(port -> port.path("master").asText().equals(tap.bridge())).isPresent();
            }
            pause();
        }
        run("link", "set", tap.bridge(), "alias", ALIAS);
        return true;
    }

    private static void pause() {
        try {
            Thread.sleep(20);
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw new Failure("interrupted while the network was set up", "", e);
        }
    }

    /** Argument lists that undo {@link #connect}, for a {@link lib.tool.Guard}. */
    List<List<String>> disconnect() {
        return List.of(concat(ip, List.of("link", "del", tap.device())),
                concat(List.of("sh", "-c", REMOVE_UNUSED, "remove", tap.bridge(), ALIAS, LEAVING), ip));
    }

    private void makeBridge() {
        conflict(Json.parse(shell.output("ip", "-json", "-4", "address"), "ip address")).ifPresent(other -> {
            throw Failure.machine("the network of the bridge " + tap.bridge() + " (" + ADDRESS + ") is in use: " + other,
                    "make the bridge yourself with a free network (ip link add NAME type bridge; ip address add ...), then --bridge NAME");
        });
        setUp(concat(List.of("sh", "-c", MAKE, "make", tap.bridge(), ALIAS, ADDRESS), ip));
    }

    /** An address of this computer that overlaps with the bridge's network: {@code 192.168.0.7/16 on eth0}. */
    static Optional<String> conflict(JsonNode interfaces) {
        for (JsonNode one : interfaces) {
            for (JsonNode address : one.path("addr_info")) {
                int bits = Math.min(address.path("prefixlen").asInt(), 24);
                if (number(address.path("local").asText()) >>> (32 - bits) == number(ADDRESS) >>> (32 - bits)) {
                    return Optional.of(address.path("local").asText() + "/" + address.path("prefixlen").asInt() + " on " + one.path("ifname").asText());
                }
            }
        }
        return Optional.empty();
    }

    private static long number(String address) {
        long number = 0;
        for (String part : address.replaceFirst("/.*", "").split("\\.")) {
            number = number << 8 | Integer.parseInt(part);
        }
        return number;
    }

    /** What ip knows of a device; asked by name, because /sys may show another network namespace. */
    private Optional<JsonNode> device(String name) {
        Shell.Result found = shell.attempt(Command.of("ip", "-json", "-details", "link", "show", "dev", name));
        return found.exitCode() == 0 ? Optional.of(Json.parse(found.text(), "ip link").path(0)) : Optional.empty();
    }

    private static void require(String program) {
        if (Shell.which(program).isEmpty()) {
            throw Failure.machine("the program " + program + " is not installed, which --net tap needs",
                    program.equals("sudo") ? "run as root, or use --net user" : "build.java --check-deps shows how to install it; --net user needs none");
        }
    }

    private void run(String... arguments) {
        setUp(concat(ip, List.of(arguments)));
    }

    private void setUp(List<String> argv) {
        try {
            shell.run(Command.of(argv));
        } catch (Failure e) {
            throw Failure.machine("cannot set up the network " + tap.device() + " in " + tap.bridge() + ": " + e.what(),
                    "TAP devices need root (or sudo without a password); --net user needs nothing");
        }
    }

    private static List<String> concat(List<String> first, List<String> second) {
        List<String> all = new ArrayList<>(first);
        all.addAll(second);
        return all;
    }
}
