package lib;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import lib.Container.Input;
import lib.tool.Cache;
import lib.tool.Failure;
import lib.tool.Json;
import lib.tool.Shell;
import lib.tool.Shell.Command;
import org.junit.jupiter.api.Assumptions;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class ContainerTest {
    private static final Path RUN = Path.of("/cache/tmp/run");

    @TempDir
    Path folder;

    @BeforeEach
    void write() throws IOException {
        Files.writeString(folder.resolve("Dockerfile"), "FROM alpine\n");
        Files.writeString(Files.createDirectory(folder.resolve("lib")).resolve("Step.java"), "class Step { }\n");
    }

    @Test
    void docker_and_podman_get_the_same_command_but_for_the_program() {
        List<String> podman = container(ContainerEngine.PODMAN).exec(List.of("ls", "-l"), Input.TERMINAL, Map.of(), RUN);
        List<String> docker = container(ContainerEngine.DOCKER).exec(List.of("ls", "-l"), Input.TERMINAL, Map.of(), RUN);

        assertThat(podman).startsWith("podman", "exec", "--interactive", "--tty").endsWith("ls", "-l");
        assertThat(docker).startsWith("docker").containsSubsequence(podman.subList(1, podman.size()));
        assertThat(container(ContainerEngine.DOCKER).start()).contains("systempaths=unconfined", "apparmor=unconfined", "label=disable");
        assertThat(container(ContainerEngine.PODMAN).start()).contains("unmask=ALL", "label=disable");
    }

    @Test
    void a_daemon_that_builds_the_image_gets_the_proxies_by_name() {
        Map<String, String> environment = Map.of("https_proxy", "http://user:secret@proxy:3128", "NO_PROXY", "localhost", "PROXY", "x");

        assertThat(container(ContainerEngine.DOCKER).image().build(folder, environment)).containsSubsequence("--build-arg", "NO_PROXY", "--build-arg", "https_proxy")
                .doesNotContain("PROXY").noneMatch(word -> word.contains("secret"));
    }

    @Test
    void variables_are_handed_on_by_name_and_secrets_not_at_all() {
        List<String> argv = container(ContainerEngine.PODMAN).exec(List.of("true"), Input.NONE, Map.of("ALPINE_VERSION", "3.21.9", "S3_SECRET_KEY", "x",
                "ROOT_PASSWORD_HASH", "$6$secret", "OTHER", "x", "DEBUG", "1"), RUN);

        assertThat(argv).containsSubsequence("--env", "ALPINE_VERSION").containsSubsequence("--env", "DEBUG").doesNotContain("OTHER", "S3_SECRET_KEY", "ROOT_PASSWORD_HASH");
        assertThat(String.join(" ", argv)).doesNotContain("secret", "3.21.9");
    }

    @Test
    void a_build_gets_its_variables_by_a_private_file_that_a_shell_reads_back() throws IOException {
        Map<String, String> environment = Map.of("S3_SECRET_KEY", "it's $HOME\n`x`\\", "ALPINE_MIRROR", "a b", "HOSTNAME", "builder", "MY_OWN", "x");

        Path file = new ContainerVariables(environment).write(new Cache(folder.resolve("cache"), line -> { }));
        Shell shell = new Shell(TestTools.in(folder, new ByteArrayOutputStream(), true).console());
        String read = shell.run(Command.of("sh", "-c", "set -a; . \"$1\"; printf '%s|%s|%s|%s' \"$S3_SECRET_KEY\" \"$ALPINE_MIRROR\" \"$HOSTNAME\" \"$MY_OWN\"", "sh", file.toString())
                .withOnly(Map.of("PATH", System.getenv("PATH")))).text();

        assertThat(read).isEqualTo("it's $HOME\n`x`\\|a b||");
        assertThat(PosixFilePermissions.toString(Files.getPosixFilePermissions(file))).isEqualTo("rw-------");
    }

    @Test
    void folders_of_the_same_name_have_containers_of_their_own() {
        assertThat(at("/a/node").name()).startsWith("mos-node-").isNotEqualTo(at("/b/node").name()).isEqualTo(at("/a/node").name());
        assertThat(at("/a/my node (2)").name()).matches("mos-my-node--2--[0-9a-f]{8}");
    }

    @Test
    void the_image_is_another_one_when_the_dockerfile_an_argument_or_a_script_changes() throws IOException {
        String before = image(List.of()).name();
        String other = image(List.of("BASE=x")).name();
        Files.writeString(folder.resolve("lib/Step.java"), "class Step { int x; }\n");
        String edited = image(List.of()).name();
        Files.writeString(folder.resolve("Dockerfile"), "FROM alpine:edge\n");

        assertThat(List.of(before, other, edited, image(List.of()).name())).doesNotHaveDuplicates().allMatch(name -> name.matches("localhost/mos-builder:[0-9a-f]{12}"));
        Files.writeString(folder.resolve("notes.txt"), "no script");
        assertThat(image(List.of()).name()).isEqualTo(image(List.of()).name());
    }

    @Test
    void a_build_inside_sees_workspace_cache_and_inputs_and_looks_for_no_container() {
        List<String> argv = container(ContainerEngine.PODMAN).run(List.of("--until=alpine"), folder.resolve("variables"),
                Input.NONE, true);

        assertThat(argv).startsWith("podman", "run", "--rm").endsWith(folder.resolve("variables").toString(), "--host", "-C", folder.toString(), "--config",
                folder.resolve("config").toString(), "--until=alpine");
        assertThat(argv).contains(folder + ":" + folder, "/srv/mirror:/srv/mirror:ro").doesNotContain("--tty", "--interactive")
                .noneMatch(word -> word.startsWith(folder.resolve("config/x").toString()));
        assertThat(argv).containsSequence("--network", "host");
    }

    @Test
    void keys_and_certificates_that_rfs_conf_names_anywhere_are_seen_inside() throws IOException {
        Path config = Files.createDirectory(folder.resolve("config"));
        new Shell(TestTools.in(folder).console()).run(Command.of("cp", "-R", TestProject.folder().resolve("config") + "/.", config.toString()));
        Path key = Files.createFile(folder.resolve("s.pem"));
        Path certificates = Files.createFile(folder.resolve("ca.pem"));
        Files.writeString(config.resolve("rfs.conf"), "S3_ENDPOINT=\"https://s3\"\nS3_BUCKET=\"images\"\nS3_ACCESS_KEY=\"a\"\nS3_SECRET_KEY=\"b\"\nS3_CA_FILE=\"../ca.pem\"\n");

        assertThat(ContainerInputs.named(Config.read(config, Map.of("SIGNING_KEY_FILE", key.toString())))).contains(key, certificates);
        Files.delete(key);
        assertThat(ContainerInputs.named(Config.read(config, Map.of("SIGNING_KEY_FILE", key.toString())))).doesNotContain(key);
    }

    @Test
    void a_build_that_may_not_use_the_network_has_none() {
        assertThat(container(ContainerEngine.DOCKER).run(List.of("--offline"), folder, Input.TERMINAL, false)).containsSequence("--network", "none")
                .containsSequence("--interactive", "--tty");
    }

    @Test
    void what_a_daemon_of_root_wrote_is_given_to_the_caller() throws IOException {
        Files.createDirectories(folder.resolve("dist"));

        assertThat(container(ContainerEngine.DOCKER).giveTo("1000:100")).containsSubsequence("docker", "run", "--rm", "chown", "-hR", "1000:100",
                folder.resolve("dist").toString(), folder.resolve("cache").toString()).doesNotContain(folder.resolve("vm").toString());
    }

    @Test
    void an_engine_that_is_not_installed_is_the_machines_lack() {
        Assumptions.assumeTrue(Shell.which("docker").isEmpty() || Shell.which("podman").isEmpty(), "both engines are installed");
        ContainerEngine missing = Shell.which("docker").isEmpty() ? ContainerEngine.DOCKER : ContainerEngine.PODMAN;

        assertThatThrownBy(() -> ContainerEngine.find(Optional.of(missing))).hasMessage(missing.program() + " is not installed")
                .satisfies(e -> assertThat(((Failure) e).exitCode()).isEqualTo(Failure.MACHINE));
    }

    @Test
    void the_health_of_an_engine_is_what_its_info_says() {
        assertThat(ContainerEngine.PODMAN.read(Json.parse("""
                {"host": {"cgroupManager": "systemd", "cgroupVersion": "v2", "security": {"rootless": true}}, "store": {"graphDriverName": "overlay"},
                 "version": {"Version": "4.3.1"}}""", "info")).describe()).isEqualTo("podman 4.3.1, rootless, storage overlay, cgroups v2 systemd");
        assertThat(ContainerEngine.DOCKER.read(Json.parse("""
                {"ServerVersion": "24.0.7", "Driver": "overlay2", "CgroupVersion": "2", "CgroupDriver": "systemd", "SecurityOptions": ["name=seccomp"]}""", "info"))
                .describe()).isEqualTo("docker 24.0.7, as root, storage overlay2, cgroups v2 systemd");
        assertThat(ContainerEngine.DOCKER.read(Json.parse("{\"ServerErrors\": [\"Cannot connect to the Docker daemon\"]}", "info")))
                .satisfies(health -> assertThat(health.usable()).isFalse())
                .satisfies(health -> assertThat(health.describe()).isEqualTo("docker cannot be used: Cannot connect to the Docker daemon"))
                .satisfies(health -> assertThat(health.help()).contains("systemctl start docker"));
    }

    @Test
    void a_container_is_known_by_what_engines_leave_in_it() throws IOException {
        assertThat(ContainerEngine.isAround(Map.of("PATH", "/bin"), folder)).isFalse();
        assertThat(ContainerEngine.isAround(Map.of("container", "podman"), folder)).isTrue();
        Files.createFile(folder.resolve(".dockerenv"));
        assertThat(ContainerEngine.isAround(Map.of(), folder)).isTrue();
    }

    private ContainerImage image(List<String> arguments) {
        return new ContainerImage(ContainerEngine.PODMAN, folder, arguments);
    }

    private Container container(ContainerEngine engine) {
        return new Container(new ContainerImage(engine, folder, List.of()), new Workspace(folder, folder.resolve("config")), folder.resolve("cache"),
                List.of(Path.of("/srv/mirror"), folder.resolve("config/x")));
    }

    private Container at(String workspace) {
        return new Container(image(List.of()), new Workspace(Path.of(workspace), folder), folder, List.of());
    }
}
