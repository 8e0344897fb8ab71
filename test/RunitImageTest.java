import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import com.fasterxml.jackson.databind.JsonNode;
import java.io.IOException;
import java.net.ServerSocket;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.stream.Stream;
import java.util.stream.StreamSupport;
import lib.tool.Json;
import lib.tool.Shell;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/** The demo's image under runit.java: booted in every way, with little memory, with things broken, and used through its network. */
@Tag("slow")
@Timeout(900)
class RunitImageTest {
    @TempDir
    static Path workspace;

    @BeforeAll
    static void build() throws IOException, InterruptedException {
        assumeTrue(System.getProperty("os.arch").equals("amd64") && Shell.which("apt-get").isPresent(), "the demo is made of Debian's packages for x86_64");
        assumeTrue(Shell.which("qemu-system-x86_64").isPresent() && Shell.which("cargo").isPresent(), "QEMU or cargo is not installed");
        Script.Run built = Script.run("build.java", "--demo", "-C", workspace.toString());
        assertThat(built.exitCode()).as(built.err()).isZero();
    }

    private static Script.Run runit(String... arguments) throws IOException, InterruptedException {
        return Script.run(Stream.concat(Stream.of("runit.java", "-C", workspace.toString()), Stream.of(arguments)).toArray(String[]::new));
    }

    private static List<String> results(JsonNode table) {
        return StreamSupport.stream(table.path("rows").spliterator(), false)
                .map(row -> row.path("name").asText() + " " + row.path("memory").asInt() + " " + row.path("result").asText()).toList();
    }

    @Test
    void the_same_image_boots_in_every_way_with_two_memories() throws Exception {
        assumeTrue(Files.exists(Path.of("/usr/share/OVMF")), "there is no UEFI firmware (package ovmf)");
        Path junit = workspace.resolve("matrix.xml");

        Script.Run ran = runit("--matrix=256,512", "--json", "--junit", junit.toString());

        assertThat(ran.exitCode()).as(ran.err()).isZero();
        String last = Shell.which("cloud-hypervisor").isPresent() ? "met" : "skipped";
        assertThat(results(Json.parse(ran.out(), "matrix"))).containsExactly("qemu-kernel 256 met", "qemu-kernel 512 met", "uefi-partition 256 met",
                "uefi-partition 512 met", "uefi-http 256 met", "uefi-http 512 met", "cloud-hypervisor 256 " + last, "cloud-hypervisor 512 " + last);
        assertThat(ran.err()).contains("with UEFI and iPXE");
        assertThat(junit).content().contains("tests=\"8\" failures=\"0\"");
        assertThat(workspace.resolve("vm/default/boot-uefi-http-512.log")).content(java.nio.charset.StandardCharsets.ISO_8859_1).contains("iPXE", "my_init: ready in");
    }

    @Test
    void the_least_memory_is_found_and_written_into_the_build() throws Exception {
        Script.Run ran = runit("--find-min-memory", "--memory", "96", "--json", "--name", "floor");

        assertThat(ran.exitCode()).as(ran.err()).isZero();
        int floor = Json.parse(ran.out(), "floor").path("mib").asInt();
        assertThat(floor).isBetween(20, 92);
        assertThat(Json.read(workspace.resolve("dist/build.json")).path("memory").path("floor_mib").asInt()).isEqualTo(floor);
        assertThat(Json.parse(ran.out(), "floor").path("tried")).anySatisfy(one -> {
            assertThat(one.path("mib").asInt()).isEqualTo(floor - 4);
            assertThat(one.path("result").asText()).isNotEqualTo("met");
        });
    }

    @Test
    void every_broken_thing_leads_to_the_state_that_is_described() throws Exception {
        Script.Run ran = runit("--chaos", "--memory", "256", "--json", "--name", "chaos");

        assertThat(ran.exitCode()).as(ran.err()).isZero();
        assertThat(results(Json.parse(ran.out(), "chaos"))).containsExactly("no-link 256 met", "slow-dhcp 256 met", "no-dns 256 met", "s3-503 256 met",
                "s3-cut 256 met", "full-disk 256 met", "dead-card 256 met");
    }

    @Test
    void a_service_of_the_guest_is_reached_through_a_port_and_the_power_button_ends_it() throws Exception {
        int port;
        try (ServerSocket free = new ServerSocket(0)) {
            port = free.getLocalPort();
        }
        Script.Run started = runit("--detach", "--port", port + ":80", "--memory", "256", "--name", "web");
        assertThat(started.exitCode()).as(started.err()).isZero();
        HttpRequest request = HttpRequest.newBuilder(URI.create("http://127.0.0.1:" + port + "/facts.json")).timeout(java.time.Duration.ofSeconds(5)).build();
        String facts = "";
        for (long end = System.nanoTime() + 120_000_000_000L; facts.isEmpty() && System.nanoTime() < end;) {
            try {
                facts = HttpClient.newHttpClient().send(request, HttpResponse.BodyHandlers.ofString()).body();
            } catch (IOException e) {
                Thread.sleep(500); // it boots
            }
        }

        Script.Run stopped = runit("--stop", "--timeout", "60", "--name", "web");

        assertThat(facts).contains("\"init\"");
        assertThat(stopped.exitCode()).as(stopped.err()).isZero();
        assertThat(stopped.err()).contains("the guest powers off");
        assertThat(runit("--status", "--name", "web").exitCode()).isEqualTo(1);
    }
}
