import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import com.sun.net.httpserver.HttpExchange;
import com.sun.net.httpserver.HttpServer;
import java.io.IOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.TimeUnit;
import lib.TestProject;
import lib.TestTools;
import lib.tool.Json;
import lib.tool.Shell;
import lib.tool.Shell.Command;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestInstance;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/** Each verb with a real podman, on an image made from the shared Alpine mirror. */
@TestInstance(TestInstance.Lifecycle.PER_CLASS)
@Timeout(value = 10, unit = TimeUnit.MINUTES)
class DevContainerTest {
    private static final String BASE = "localhost/mos-builder-test-base:3.19";

    @TempDir
    private static Path folder;

    private final Map<String, String> variables = new HashMap<>();
    private Shell shell;
    private HttpServer mirror;
    private Path workspace;

    @BeforeAll
    void start() throws IOException {
        assumeTrue(Shell.which("podman").isPresent(), "podman is not installed");
        Path root = TestProject.shared("alpine-mirror/v3.19/releases/x86_64/alpine-minirootfs-3.19.4-x86_64.tar.gz");
        // Limits and runtime that work in nested containers too; harmless elsewhere.
        Files.writeString(folder.resolve("containers.conf"), "[containers]\nnetns = \"host\"\ndefault_ulimits = [\"nofile=1024:1024\", \"nproc=1024:1024\"]\n[engine]\n"
                + "cgroup_manager = \"cgroupfs\"\nevents_logger = \"file\"\n" + (Shell.which("runc").isPresent() ? "runtime = \"runc\"\n" : ""));
        shell = new Shell(TestTools.in(folder).console());
        podman("import", root.toString(), BASE);
        Shell.Result probe = shell.attempt(podmanCommand("run", "--rm", BASE, "true"));
        assumeTrue(probe.exitCode() == 0, () -> "podman cannot run containers here: " + String.join(" ", probe.tail()));
        workspace = Files.createDirectories(folder.resolve("my node"));
        Files.createDirectories(workspace.resolve("config"));
        Files.writeString(workspace.resolve("config/build.conf"), "");
        mirror = serve(TestProject.shared("alpine-mirror"));
    }

    @AfterAll
    void clean() throws Exception {
        if (mirror != null) {
            run("make", "clean");
            run("jq", "clean");
            mirror.stop(0);
            shell.attempt(podmanCommand("rmi", "--force", BASE));
        }
    }

    private record Run(int exitCode, String stdout, String stderr) { }

    @Test
    void start_builds_the_image_once_and_status_tells() throws Exception {
        Run first = run("make", "start");
        Run second = run("make", "start");

        assertThat(first.exitCode()).as(first.stderr()).isZero();
        assertThat(first.stdout().strip()).startsWith("mos-my-node-").isEqualTo(second.stdout().strip());
        assertThat(second.stderr()).isEmpty();
        assertThat(run("make", "status")).satisfies(run -> assertThat(run.stdout()).contains(first.stdout().strip() + " running localhost/mos-builder:"))
                .satisfies(run -> assertThat(run.exitCode()).isZero());
        assertThat(Json.parse(run("make", "--json", "status").stdout(), "status").path("state").asText()).isEqualTo("running");
        run("make", "stop");
        assertThat(run("make", "--quiet", "start")).isEqualTo(new Run(0, first.stdout(), ""));
        assertThat(run("make", "--json", "stop").exitCode()).isEqualTo(2);
    }

    @Test
    void exec_runs_in_the_workspace_and_hands_on_words_input_output_and_exit_code() throws Exception {
        Run run = run("make", "-i", "exec", "sh", "-c", "pwd; cat; echo \"$1\" >made; echo err >&2; exit 7", "sh", "it's $HOME");

        assertThat(run.stdout()).isEqualTo(workspace + "\nfrom stdin");
        assertThat(run.stderr()).endsWith("err\n");
        assertThat(run.exitCode()).isEqualTo(7);
        assertThat(workspace.resolve("made")).hasContent("it's $HOME");
        assertThat(run("make", "exec", "make", "--version").stdout()).startsWith("GNU Make");
    }

    @Test
    void a_shell_takes_commands_from_a_pipe() throws Exception {
        assertThat(run("make", "shell")).satisfies(run -> assertThat(run.stderr()).contains("from: not found"))
                .satisfies(run -> assertThat(run.exitCode()).isEqualTo(127));
    }

    @Test
    void settings_of_the_environment_reach_it_and_others_do_not() throws Exception {
        Run run = run("make", "exec", "sh", "-c", "echo $ALPINE_VERSION/$MOS_SECRET/$MOS_CACHE_DIR");

        assertThat(run.stdout()).isEqualTo("3.19.4//" + folder.resolve("cache") + "\n");
    }

    @Test
    void build_runs_the_program_of_the_image() throws Exception {
        Run run = run("make", "build", "--until", "alpine");

        // The shared mirror has no JDK.
        assertThat(run.stderr()).contains("java: not found");
        assertThat(run.exitCode()).isEqualTo(127);
        assertThat(run("make", "exec", "ls", "/opt/mos-builder/program").stdout()).isEqualTo("build.jar\n");
    }

    @Test
    void package_scripts_find_the_namespaces_that_they_run_in() throws Exception {
        Run run = run("make", "exec", "unshare", "--mount", "--net", "--pid", "--fork", "sh", "-c", "mount -t tmpfs none /mnt && mount -t proc proc /proc && echo mounted");

        assertThat(run.stdout()).as(run.stderr()).isEqualTo("mounted\n");
    }

    @Test
    void stop_and_restart_keep_what_it_holds() throws Exception {
        run("make", "exec", "touch", "/root/kept");

        assertThat(run("make", "stop").exitCode()).isZero();
        assertThat(run("make", "status")).satisfies(run -> assertThat(run.stdout()).contains(" stopped "))
                .satisfies(run -> assertThat(run.exitCode()).isEqualTo(1));
        assertThat(run("make", "restart").exitCode()).isZero();
        assertThat(run("make", "exec", "ls", "/root/kept").stdout()).isEqualTo("/root/kept\n");
    }

    @Test
    void an_interrupt_ends_what_was_started_inside() throws Exception {
        run("make", "start");
        Process process = builder("make", "exec", "sh", "-c", "echo begun; sleep 98765 & sleep 98765; echo never").start();
        try (var out = process.inputReader()) {
            assertThat(out.readLine()).isEqualTo("begun");
            new ProcessBuilder("kill", "-INT", Long.toString(process.pid())).start().waitFor();
            assertThat(out.readLine()).isNull();
        }

        assertThat(process.waitFor()).isEqualTo(130);
        Run left = run("make", "exec", "sh", "-c", "for i in $(seq 100); do pgrep -f '^sleep 98765' >/dev/null || break; sleep 0.1; done; pgrep -l sleep; ls -A \"$MOS_CACHE_DIR/tmp\"");
        assertThat(left.stdout()).matches("run\\.\\S+\n");
        assertThat(folder.resolve("cache/tmp")).isEmptyDirectory();
    }

    @Test
    void logs_show_what_builds_write() throws Exception {
        run("make", "start");
        Files.createDirectories(workspace.resolve("dist"));
        Files.writeString(workspace.resolve("dist/build.log"), "1/6 Environment\n");

        Run logs = run("make", "logs");
        for (int i = 0; i < 50 && !logs.stdout().contains("1/6 Environment"); i++) {
            Thread.sleep(200);
            logs = run("make", "logs");
        }

        assertThat(logs.stdout()).contains("started", "1/6 Environment");
    }

    @Test
    void another_image_replaces_the_container() throws Exception {
        run("make", "start");

        Run other = run("jq", "exec", "jq", "--version");

        assertThat(other.stdout()).as(other.stderr()).startsWith("jq-1.");
        assertThat(run("jq", "exec", "sh", "-c", "command -v make || echo none").stdout()).isEqualTo("none\n");
    }

    @Test
    void clean_leaves_neither_container_nor_image() throws Exception {
        run("make", "start");
        String image = run("make", "status").stdout().strip().split(" ")[2];

        assertThat(run("make", "clean").exitCode()).isZero();

        assertThat(run("make", "status").stdout()).contains(" absent");
        assertThat(podman("images", "--format", "{{.Repository}}:{{.Tag}}")).doesNotContain(image);
        assertThat(run("make", "clean").exitCode()).isZero();
    }

    @Test
    void a_mistyped_verb_and_an_image_that_cannot_be_built_are_errors() throws Exception {
        assertThat(run("make", "strat").exitCode()).isEqualTo(2);
        assertThat(run("make", "stop", "now")).satisfies(run -> assertThat(run.exitCode()).isEqualTo(2))
                .satisfies(run -> assertThat(run.stderr()).contains("stop takes no arguments: now"));
        Run bad = run("no-such-package", "start");
        assertThat(bad.exitCode()).isEqualTo(1);
        assertThat(bad.stderr()).contains("no-such-package (no such package)", "command: podman build");
    }

    @Test
    void what_is_to_be_readable_inside_makes_another_container_that_keeps_what_the_one_before_had() throws Exception {
        run("make", "start");
        Path trusted = Files.writeString(folder.resolve("ca.pem"), "trusted\n");
        Path given = Files.writeString(folder.resolve("given"), "given\n");
        variables.put("SSL_CERT_FILE", trusted.toString());
        Run first = run("make", "exec", "cat", trusted.toString());
        variables.clear();

        assertThat(first.stdout()).as(first.stderr()).isEqualTo("trusted\n");
        assertThat(first.stderr()).contains("removing the container that has other inputs");
        assertThat(run("make", "--mount=" + given, "exec", "cat", trusted.toString(), given.toString()).stdout()).isEqualTo("trusted\ngiven\n");
        assertThat(run("make", "exec", "cat", given.toString())).isEqualTo(new Run(0, "given\n", ""));
        run("make", "stop");
        Files.delete(given);
        assertThat(run("make", "exec", "cat", trusted.toString()).stdout()).isEqualTo("trusted\n");
    }

    private Run run(String packages, String... words) throws IOException, InterruptedException {
        Process process = builder(packages, words).start();
        process.getOutputStream().write("from stdin".getBytes(UTF_8));
        process.getOutputStream().close();
        String stdout = new String(process.getInputStream().readAllBytes(), UTF_8);
        return new Run(process.waitFor(), stdout, Files.readString(folder.resolve("stderr")));
    }

    private ProcessBuilder builder(String packages, String... words) {
        List<String> argv = new ArrayList<>(List.of(Path.of(System.getProperty("java.home"), "bin/java").toString(), "-cp", System.getProperty("java.class.path"),
                "DevContainer", "-C", workspace.toString(), "--engine", "podman", "--build-arg", "BASE=" + BASE, "--build-arg", "RUST_TARGET=",
                "--build-arg", "REPOSITORIES=http://127.0.0.1:" + mirror.getAddress().getPort() + "/v3.19/main", "--build-arg", "PACKAGES=" + packages));
        argv.addAll(List.of(words));
        ProcessBuilder builder = new ProcessBuilder(argv).directory(TestProject.folder().toFile()).redirectError(folder.resolve("stderr").toFile());
        builder.environment().put("MOS_CACHE_DIR", folder.resolve("cache").toString());
        builder.environment().put("CONTAINERS_CONF", folder.resolve("containers.conf").toString());
        builder.environment().put("ALPINE_VERSION", "3.19.4");
        builder.environment().put("MOS_SECRET", "secret");
        builder.environment().putAll(variables);
        return builder;
    }

    private String podman(String... words) {
        return shell.run(podmanCommand(words)).text();
    }

    private static Command podmanCommand(String... words) {
        List<String> argv = new ArrayList<>(List.of("podman"));
        argv.addAll(List.of(words));
        return Command.of(argv).with("CONTAINERS_CONF", folder.resolve("containers.conf").toString());
    }

    private static HttpServer serve(Path root) throws IOException {
        HttpServer server = HttpServer.create(new InetSocketAddress(InetAddress.getLoopbackAddress(), 0), 0);
        server.createContext("/", exchange -> answer(exchange, root));
        server.start();
        return server;
    }

    private static void answer(HttpExchange exchange, Path root) throws IOException {
        Path file = root.resolve(exchange.getRequestURI().getPath().substring(1)).normalize();
        boolean found = file.startsWith(root) && Files.isRegularFile(file);
        exchange.sendResponseHeaders(found ? 200 : 404, found ? Files.size(file) : -1);
        if (found) {
            Files.copy(file, exchange.getResponseBody());
        }
        exchange.close();
    }
}
