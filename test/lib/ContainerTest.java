package lib;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import lib.Container.Engine;
import lib.Container.Input;
import lib.tool.Failure;
import lib.tool.Shell;
import org.junit.jupiter.api.Assumptions;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class ContainerTest {
    @TempDir
    Path folder;

    @BeforeEach
    void write() throws IOException {
        Files.writeString(folder.resolve("Dockerfile"), "FROM alpine\n");
    }

    @Test
    void docker_and_podman_get_the_same_command_but_for_the_program() {
        List<String> podman = container(Engine.PODMAN).exec(List.of("ls", "-l"), Input.TERMINAL, Map.of());
        List<String> docker = container(Engine.DOCKER).exec(List.of("ls", "-l"), Input.TERMINAL, Map.of());

        assertThat(podman).startsWith("podman", "exec", "--interactive", "--tty").endsWith("ls", "-l");
        assertThat(docker).startsWith("docker").containsSubsequence(podman.subList(1, podman.size()));
        assertThat(container(Engine.DOCKER).start()).contains("systempaths=unconfined", "apparmor=unconfined");
        assertThat(container(Engine.PODMAN).start()).contains("unmask=ALL");
    }

    @Test
    void variables_are_handed_on_by_name_so_that_no_value_is_on_a_command_line() {
        List<String> argv = container(Engine.PODMAN).exec(List.of("true"), Input.NONE, Map.of("ROOT_PASSWORD_HASH", "$6$secret", "OTHER", "x", "DEBUG", "1"));

        assertThat(argv).containsSubsequence("--env", "ROOT_PASSWORD_HASH").containsSubsequence("--env", "DEBUG").doesNotContain("OTHER");
        assertThat(String.join(" ", argv)).doesNotContain("secret");
    }

    @Test
    void folders_of_the_same_name_have_containers_of_their_own() {
        assertThat(at("/a/node").name()).startsWith("mos-node-").isNotEqualTo(at("/b/node").name()).isEqualTo(at("/a/node").name());
        assertThat(at("/a/my node (2)").name()).matches("mos-my-node--2--[0-9a-f]{8}");
    }

    @Test
    void the_image_is_another_one_when_the_dockerfile_or_an_argument_changes() throws IOException {
        String before = container(Engine.PODMAN).image();
        String other = new Container(Engine.PODMAN, folder, new Workspace(folder, folder.resolve("config")), folder, List.of("BASE=x")).image();
        Files.writeString(folder.resolve("Dockerfile"), "FROM alpine:edge\n");

        assertThat(container(Engine.PODMAN).image()).isNotEqualTo(before).isNotEqualTo(other);
        assertThat(other).isNotEqualTo(before);
    }

    @Test
    void a_build_inside_uses_the_same_workspace_and_looks_for_no_container() {
        assertThat(container(Engine.PODMAN).build(List.of("--until", "alpine"), Input.NONE, Map.of())).endsWith(folder.resolve("jbang").toString(),
                folder.resolve("build.java").toString(), "--host", "-C", folder.toString(), "--until", "alpine");
    }

    @Test
    void an_engine_that_is_not_installed_is_the_machines_lack() {
        Assumptions.assumeTrue(Shell.which("docker").isEmpty() || Shell.which("podman").isEmpty(), "both engines are installed");
        Engine missing = Shell.which("docker").isEmpty() ? Engine.DOCKER : Engine.PODMAN;

        assertThatThrownBy(() -> Engine.find(Optional.of(missing))).hasMessage(missing.program() + " is not installed")
                .satisfies(e -> assertThat(((Failure) e).exitCode()).isEqualTo(Failure.MACHINE));
    }

    private Container container(Engine engine) {
        return new Container(engine, folder, new Workspace(folder, folder.resolve("config")), folder.resolve("cache"), List.of());
    }

    private Container at(String workspace) {
        return new Container(Engine.PODMAN, folder, new Workspace(Path.of(workspace), folder), folder, List.of());
    }
}
