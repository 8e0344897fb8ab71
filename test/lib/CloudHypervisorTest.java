package lib;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.dataformat.yaml.YAMLMapper;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.stream.StreamSupport;
import lib.tool.Json;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/** cloud-hypervisor itself cannot run where there is no KVM, so a program that answers like it takes its place. */
@Timeout(60)
class CloudHypervisorTest {
    @TempDir
    Path workspace;

    private final Map<String, String> variables = new HashMap<>();
    private Path kernel;

    private record Ran(int code, String out, String err) { }

    @BeforeEach
    void install() throws IOException {
        Files.createDirectories(workspace.resolve("config"));
        Files.writeString(workspace.resolve("config/build.conf"), "");
        Files.writeString(workspace.resolve("config/boot.expect"), "must guest: ready\nmust guest login:\nwithin 20\n");
        kernel = workspace.resolve("vmlinuz.efi");
        byte[] image = new byte[1024];
        System.arraycopy("HdrS".getBytes(), 0, image, 0x202, 4);
        Files.write(kernel, image);
        Path program = Files.createDirectories(workspace.resolve("bin")).resolve("cloud-hypervisor");
        Files.writeString(program, "#!/bin/sh\nexec '" + java() + "' -XX:TieredStopAtLevel=1 -cp '" + System.getProperty("java.class.path")
                + "' lib.FakeCloudHypervisor \"$@\"\n");
        Files.setPosixFilePermissions(program, PosixFilePermissions.fromString("rwxr-xr-x"));
    }

    private static String java() {
        return ProcessHandle.current().info().command().orElseThrow();
    }

    private Ran run(String fault, String... arguments) throws IOException, InterruptedException {
        return runWith("53.0", fault, "", arguments);
    }

    private Ran runWith(String version, String fault, String typed, String... arguments) throws IOException, InterruptedException {
        List<String> argv = new ArrayList<>(List.of(java(), "-XX:TieredStopAtLevel=1", "-cp", System.getProperty("java.class.path"), "Runit",
                "-C", workspace.toString()));
        argv.addAll(List.of(arguments));
        Path out = workspace.resolve("out");
        Path err = workspace.resolve("err");
        ProcessBuilder builder = new ProcessBuilder(argv).redirectOutput(out.toFile()).redirectError(err.toFile())
                .redirectInput(Files.writeString(workspace.resolve("in"), typed).toFile());
        builder.environment().put("PATH", workspace.resolve("bin") + ":" + System.getenv("PATH"));
        builder.environment().put("FAKE_VERSION", version);
        builder.environment().put("FAKE_FAULT", fault);
        builder.environment().putAll(variables);
        int code = builder.start().waitFor();
        return new Ran(code, Files.readString(out), Files.readString(err));
    }

    private String[] machine(String... more) {
        List<String> argv = new ArrayList<>(List.of("--hypervisor", "ch", "--net", "none", "--kernel", kernel.toString()));
        argv.addAll(List.of(more));
        return argv.toArray(String[]::new);
    }

    private List<String> requests() throws IOException {
        return Files.readAllLines(workspace.resolve("vm/default/requests"));
    }

    private boolean runs() {
        return ProcessHandle.allProcesses().anyMatch(process -> process.info().commandLine().orElse("").contains("FakeCloudHypervisor")
                && process.info().commandLine().orElse("").contains(workspace.toString()));
    }

    @Test
    void a_boot_is_tested_through_the_api_and_leaves_nothing_behind() throws Exception {
        Ran ran = run("", machine("--check", "--disks", "2", "--memory", "1024"));

        assertThat(ran.code()).as(ran.err()).isZero();
        assertThat(ran.err()).contains("machine default: cloud-hypervisor v53, 2 CPUs, 1024 MiB, 2 disks", "guest: ready");
        assertThat(requests()).filteredOn(line -> !line.startsWith("GET")).element(1).isEqualTo("PUT vm.boot ");
        JsonNode config = Json.parse(requests().stream().filter(line -> line.startsWith("PUT vm.create ")).findFirst().orElseThrow().substring(14), "request");
        assertThat(config.path("memory").path("size").asLong()).isEqualTo(1L << 30);
        assertThat(config.path("payload").path("cmdline").asText()).isEqualTo("console=ttyS0 panic=-1");
        assertThat(config.path("disks").path(1).path("image_type").asText()).isEqualTo("Raw");
        assertThat(Files.readString(workspace.resolve("vm/default/boot.log"))).contains("guest login: ");
        assertThat(runs()).isFalse();
    }

    @Test
    void a_machine_in_the_background_has_a_console_counters_and_a_power_button() throws Exception {
        assertThat(run("", machine("--detach")).code()).isZero();

        JsonNode status = Json.parse(run("", "--status", "--json").out(), "status");
        assertThat(status.path("guest").asText()).isEqualTo("running");
        assertThat(status.path("counters").path("_disk0").path("read_bytes").asInt()).isEqualTo(512);
        assertThat(runWith("53.0", "", "hello\n\001d", "--attach").err()).contains("left; the machine runs on");
        assertThat(run("", "--stop").err()).contains("the guest powers off");
        assertThat(runs()).isFalse();
    }

    @Test
    void whoever_attaches_is_shown_nothing_of_an_earlier_boot() throws Exception {
        assertThat(run("panic", machine("--check")).code()).isEqualTo(5);
        assertThat(run("", machine("--detach")).code()).isZero();

        assertThat(runWith("53.0", "", "\001d", "--attach").out()).doesNotContain("Kernel panic");
        run("", "--stop");
    }

    @Test
    void a_guest_that_ignores_its_button_is_deleted() throws Exception {
        assertThat(run("deaf", machine("--detach")).code()).isZero();

        assertThat(run("", "--stop", "--timeout", "0.2").err()).contains("the hypervisor ends the machine");
        assertThat(requests()).contains("PUT vm.delete ", "PUT vmm.shutdown ");
        assertThat(runs()).isFalse();
    }

    @Test
    void failures_carry_the_root_cause_and_their_exit_code() throws Exception {
        Ran boot = run("boot", machine("--check"));
        assertThat(boot.code()).isEqualTo(7);
        assertThat(boot.err()).contains("cloud-hypervisor refuses vm.boot (500): Cannot load the kernel into memory");
        assertThat(run("half vm.boot", machine("--check")).err()).contains("ended in the middle of its answer to vm.boot");
        Ran vanished = run("vanish vm.create", machine("--check"));
        assertThat(vanished.code()).isEqualTo(7);
        assertThat(vanished.err()).contains("took the machine but does not run it");
        assertThat(run("start", machine("--check")).err()).contains("cloud-hypervisor did not start", "Cannot create KVM instance");
        assertThat(run("panic", machine("--check")).code()).isEqualTo(5);
        assertThat(runs()).isFalse();
    }

    @Test
    void what_this_hypervisor_cannot_do_is_said_before_it_starts() throws Exception {
        assertThat(runWith("38.0", "", "", machine("--check")).err()).contains("cloud-hypervisor v38 cannot boot", "uncompressed vmlinux");
        assertThat(run("", machine("--check", "--efi")).err()).contains("--efi is for QEMU");
        assertThat(run("", "--hypervisor", "ch", "--kernel", kernel.toString(), "--net", "user").err()).contains("no user networking");
    }

    @Test
    void what_belongs_to_another_network_card_is_a_mistake() throws Exception {
        refused("--port goes with --net user of QEMU, and this machine has --net tap", "--hypervisor", "ch", "--port", "80:80");
        refused("--port goes with --net user of QEMU, and this machine has --net none", "--net", "none", "--port", "nonsense");
        refused("--port goes with --net user of QEMU, and this machine has --net tap", "--bridge", "testbr", "--port", "80:80");
        refused("--bridge goes with --net tap, and this machine has --net user", "--net", "user", "--bridge", "testbr", "--reset");
        variables.put("BRIDGE", "testbr");
        assertThat(run("", machine("--check")).code()).isZero();
    }

    private void refused(String what, String... options) throws Exception {
        List<String> argv = new ArrayList<>(List.of("--check", "--kernel", kernel.toString()));
        argv.addAll(List.of(options));
        Ran ran = run("", argv.toArray(String[]::new));
        assertThat(ran.code()).as(ran.err()).isEqualTo(2);
        assertThat(ran.err()).contains(what);
        assertThat(workspace.resolve("vm/default/disk0.raw")).doesNotExist();
    }

    @Test
    void an_empty_variable_is_as_good_as_none() throws Exception {
        List.of("HYPERVISOR", "MEMORY", "NUM_DISKS", "DISK_SIZE", "BRIDGE").forEach(name -> variables.put(name, ""));

        assertThat(run("", machine("--check")).err()).contains("2048 MiB, 1 disk");
        assertThat(run("", "--status").code()).isEqualTo(1);
    }

    @Test
    void sockets_of_a_killed_run_do_not_hinder_the_next() throws Exception {
        Path machine = Files.createDirectories(workspace.resolve("vm/default"));
        for (String name : List.of("control.sock", "console.sock")) {
            java.nio.channels.ServerSocketChannel.open(java.net.StandardProtocolFamily.UNIX)
                    .bind(java.net.UnixDomainSocketAddress.of(machine.resolve(name))).close();
        }
        assertThat(run("", machine("--check")).code()).isZero();
    }

    @Test
    void slow_answers_are_waited_for_and_silence_has_an_end() throws Exception {
        assertThat(run("slow vm.boot", machine("--check")).code()).isZero();
        Path silent = workspace.resolve("silent.sock");
        try (java.nio.channels.ServerSocketChannel server = java.nio.channels.ServerSocketChannel.open(java.net.StandardProtocolFamily.UNIX)) {
            server.bind(java.net.UnixDomainSocketAddress.of(silent));
            assertThatThrownBy(() -> new ChApi(silent, java.time.Duration.ofMillis(200)).put("vm.boot")).hasMessageContaining("no answer from " + silent);
        }
    }

    @Test
    void versions_without_a_serial_socket_have_their_console_on_a_pseudo_terminal() throws Exception {
        assumeTrue(lib.tool.Shell.which("script").isPresent(), "script (of util-linux or bsdutils) is not installed");
        byte[] elf = new byte[1024];
        java.nio.ByteBuffer.wrap(elf).order(java.nio.ByteOrder.LITTLE_ENDIAN).putInt(0, 0x464c457f).putShort(0x12, (short) 0x3e);
        Files.write(kernel, elf);

        for (String version : List.of("16.0", "27.0", "35.0")) {
            Ran ran = runWith(version, "", "", machine("--check"));
            assertThat(ran.code()).as(version + ran.err()).isZero();
            assertThat(ran.err()).contains("guest: ready");
        }
        assertThat(requests().stream().filter(line -> line.startsWith("PUT vm.create ")).map(line -> line.contains("\"payload\""))).containsExactly(false, true, true);
        assertThat(runWith("46.0", "boot", "", machine("--check")).err()).contains("cloud-hypervisor refuses vm.boot (500): The VM could not boot");
        assertThat(runs()).isFalse();
    }

    @Test
    void every_request_that_is_sent_is_what_the_specification_describes() throws Exception {
        JsonNode specification = new YAMLMapper().readTree(TestProject.shared("reference/cloud-hypervisor.yaml").toFile());
        assertThat(run("", machine("--check", "--disks", "2")).code()).isZero();
        assertThat(run("deaf", machine("--detach", "--cmdline", "console=ttyS0 quiet")).code()).isZero();
        run("", "--status");
        run("", "--stop", "--timeout", "0.2");

        assertThat(requests().stream().map(line -> line.split(" ")[1]).distinct()).containsExactlyInAnyOrder("vmm.ping", "vm.create", "vm.boot", "vm.info", "vm.counters",
                "vm.power-button", "vm.delete", "vmm.shutdown");
        for (String line : requests()) {
            String[] words = line.split(" ", 3);
            JsonNode operation = specification.path("paths").path("/" + words[1]).path(words[0].toLowerCase(java.util.Locale.ROOT));
            assertThat(operation.isMissingNode()).as(line).isFalse();
            assertThat(operation.has("requestBody")).as(line).isEqualTo(!words[2].isEmpty());
            if (!words[2].isEmpty()) {
                String schema = operation.path("requestBody").path("content").path("application/json").path("schema").path("$ref").asText().replaceFirst(".*/", "");
                assertThat(problems(specification, schema, Json.parse(words[2], "request"))).as(line).isEmpty();
            }
        }
    }

    private static Machine sample(Network network) {
        return new Machine("node", Path.of("/w/vm/node"), new Machine.Payload(Path.of("/i/vmlinuz.efi"), Optional.of(Path.of("/i/more.cpio")),
                Optional.of("console=ttyS0"), false), 512, 2, List.of(Path.of("/w/disk0.raw")), network);
    }

    @Test
    void older_versions_get_what_they_know() {
        JsonNode v20 = Json.parse(Json.line(new CloudHypervisor(sample(new Network.None()), 20).config()), "v20");
        assertThat(v20.path("kernel").path("path").asText()).isEqualTo("/i/vmlinuz.efi");
        assertThat(v20.path("cmdline").path("args").asText()).isEqualTo("console=ttyS0");
        assertThat(v20.path("serial").path("mode").asText()).isEqualTo("Pty");
        assertThat(v20.has("payload") || v20.has("net")).isFalse();
        assertThatThrownBy(() -> new CloudHypervisor(sample(new Network.None()), 15).requireSupported()).hasMessage("cloud-hypervisor v15 is too old");
    }

    @Test
    void every_request_is_what_the_specification_describes() throws IOException {
        JsonNode specification = new YAMLMapper().readTree(TestProject.shared("reference/cloud-hypervisor.yaml").toFile());
        JsonNode request = Json.parse(Json.line(new CloudHypervisor(sample(Network.tap("/w/vm/node", "mosbr")), 53).config()), "request");

        assertThat(problems(specification, "VmConfig", request)).isEmpty();
        for (String action : List.of("vmm.ping", "vm.info", "vm.counters")) {
            assertThat(specification.path("paths").path("/" + action).has("get")).as(action).isTrue();
        }
        for (String action : List.of("vm.boot", "vm.power-button", "vm.delete", "vmm.shutdown")) {
            assertThat(specification.path("paths").path("/" + action).path("put").has("requestBody")).as(action).isFalse();
            assertThat(specification.path("paths").path("/" + action).has("put")).as(action).isTrue();
        }
        ((com.fasterxml.jackson.databind.node.ObjectNode) request).put("memory", "lots").put("cpu", 1);
        assertThat(problems(specification, "VmConfig", request)).containsExactlyInAnyOrder("memory: not an object", "cpu: not in VmConfig");
    }

    private static List<String> problems(JsonNode specification, String schemaName, JsonNode value) {
        JsonNode schema = specification.path("components").path("schemas").path(schemaName);
        List<String> problems = new ArrayList<>();
        schema.path("required").forEach(name -> {
            if (!value.has(name.asText())) {
                problems.add(name.asText() + ": missing in " + schemaName);
            }
        });
        value.fields().forEachRemaining(field -> check(specification, schema.path("properties"), field.getKey(), field.getValue(), schemaName, problems));
        return problems;
    }

    private static void check(JsonNode specification, JsonNode properties, String name, JsonNode value, String schemaName, List<String> problems) {
        if (!properties.has(name)) {
            problems.add(name + ": not in " + schemaName);
            return;
        }
        JsonNode property = properties.path(name);
        String type = property.path("type").asText();
        boolean array = type.equals("array");
        String reference = (array ? property.path("items") : property).path("$ref").asText().replaceFirst(".*/", "");
        JsonNode target = specification.path("components").path("schemas").path(reference);
        if (target.has("enum")) {
            if (StreamSupport.stream(target.path("enum").spliterator(), false).noneMatch(value::equals)) {
                problems.add(name + ": not one of " + reference);
            }
        } else if (array) {
            value.forEach(one -> problems.addAll(problems(specification, reference, one)));
        } else if (!reference.isEmpty()) {
            problems.addAll(value.isObject() ? problems(specification, reference, value) : List.of(name + ": not an object"));
        } else if (!(type.equals("string") ? value.isTextual() : type.equals("integer") ? value.isIntegralNumber() : value.isBoolean())) {
            problems.add(name + ": not of type " + type);
        }
    }
}
