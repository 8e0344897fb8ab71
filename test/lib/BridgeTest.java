package lib;

import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import com.fasterxml.jackson.databind.JsonNode;
import java.io.ByteArrayOutputStream;
import java.io.PrintStream;
import java.nio.file.Path;
import java.util.List;
import java.util.concurrent.Callable;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import lib.tool.Console;
import lib.tool.Json;
import lib.tool.Shell;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;

/** Runs in a network namespace of its own. */
class BridgeTest {
    @Tag("slow")
    @Test
    void machines_that_come_and_go_on_one_bridge_do_not_take_it_from_each_other() throws Exception {
        assumeTrue(Shell.which("unshare").isPresent() && Shell.which("ip").isPresent(), "unshare or ip is not installed");
        assumeTrue(new ProcessBuilder("unshare", "-rn", "true").start().waitFor() == 0, "no network namespace can be made here");

        Process race = new ProcessBuilder("unshare", "-rn", Path.of(System.getProperty("java.home"), "bin/java").toString(), "-cp",
                System.getProperty("java.class.path"), Race.class.getName()).redirectErrorStream(true).start();
        String said = new String(race.getInputStream().readAllBytes(), java.nio.charset.StandardCharsets.UTF_8);

        assertThat(race.waitFor()).as(said).isZero();
        assertThat(said).isEqualTo("lo\n");
    }

    /** Two machines start and stop on the same bridge at any time; prints the network devices that are left. */
    static final class Race {
        private static final int ROUNDS = 25;

        private final Shell shell = new Shell(Console.plain(new PrintStream(new ByteArrayOutputStream())));

        public static void main(String... args) throws Exception {
            Race race = new Race();
            ExecutorService threads = Executors.newFixedThreadPool(2);
            try {
                for (Future<Void> one : threads.invokeAll(List.of(race.machine("tap1"), race.machine("tap2")))) {
                    one.get();
                }
            } finally {
                threads.shutdown();
            }
            race.link(List.of("ip", "-json", "link")).forEach(device -> System.out.println(device.path("ifname").asText()));
        }

        private Callable<Void> machine(String tap) {
            Bridge bridge = new Bridge(new Network.Tap("52:54:00:00:00:01", tap, "testbr"), shell);
            return () -> {
                for (int round = 0; round < ROUNDS; round++) {
                    bridge.connect();
                    Thread.sleep(30);
                    String master = link(List.of("ip", "-json", "link", "show", "dev", tap)).path(0).path("master").asText();
                    String address = link(List.of("ip", "-json", "-4", "address", "show", "dev", "testbr")).toString();
                    if (!master.equals("testbr") || !address.contains(Bridge.ADDRESS.replaceFirst("/.*", ""))) {
                        throw new IllegalStateException(tap + " in round " + round + ": master " + master + ", bridge " + address);
                    }
                    bridge.disconnect().forEach(command -> shell.attempt(Shell.Command.of(command)));
                }
                return null;
            };
        }

        private JsonNode link(List<String> argv) {
            return Json.parse(shell.output(argv.toArray(String[]::new)), "ip");
        }
    }
}
