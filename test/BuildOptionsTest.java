import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import com.fasterxml.jackson.databind.JsonNode;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.stream.Stream;
import lib.TestProject;
import lib.Workspace;
import lib.tool.Json;
import lib.tool.Lock;
import lib.tool.Shell;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class BuildOptionsTest {
    @TempDir
    Path folder;

    @Test
    void the_second_build_in_a_workspace_waits_with_a_message_or_fails_when_told_so() throws IOException, InterruptedException {
        Workspace workspace = new Workspace(folder, TestProject.folder().resolve("config"));
        Script.Running waiting = new Lock(workspace.lock()).hold(() -> { }, () -> {
            try {
                Files.writeString(workspace.log(), "log of the first build");
                Script.Run refused = build("--no-wait");
                assertThat(refused.exitCode()).isEqualTo(1);
                assertThat(refused.err()).contains("error: another build is working in " + folder);
                Script.Running second = Script.start(settings(), words());
                while (second.process().isAlive() && !Files.readString(second.err()).contains("waiting for another build in " + folder)) {
                    Thread.sleep(20);
                }
                assertThat(second.process().isAlive()).isTrue();
                assertThat(workspace.log()).hasContent("log of the first build");
                return second;
            } catch (InterruptedException e) {
                throw new IOException(e);
            }
        });

        Script.Run run = Script.finish(waiting);

        assertThat(run.err()).as(run.toString()).contains("1/6 Environment");
    }

    @Test
    void a_build_cannot_be_somewhere_else() throws IOException, InterruptedException {
        assertThat(build("--container=lxc")).satisfies(run -> assertThat(run.exitCode()).isEqualTo(2))
                .satisfies(run -> assertThat(run.err()).contains("--container takes podman or docker"));
        assertThat(build("--demo", "--container").exitCode()).isEqualTo(2);
    }

    @Test
    void the_lock_of_a_component_is_renewed_by_its_name_and_nothing_else_is() throws IOException, InterruptedException {
        Path workspace = Script.demoWorkspace(folder);
        List<String> build = List.of("build.java", "-C", workspace.toString(), "--until", "components");
        assertThat(Script.run(build.toArray(String[]::new))).satisfies(run -> assertThat(run.exitCode()).as(run.toString()).isZero());
        String before = Files.readString(workspace.resolve("config/build.lock"));
        Files.writeString(workspace.resolve("my_init/NOTE"), "changed");
        for (String line : List.of("add NOTE", "-c user.name=t -c user.email=t@example.org commit --quiet -m changed")) {
            assertThat(new ProcessBuilder(("git " + line).split(" ")).directory(workspace.resolve("my_init").toFile()).start().waitFor()).isZero();
        }

        assertThat(Script.run(Stream.concat(build.stream(), Stream.of("--update-lock=my_int")).toArray(String[]::new)))
                .satisfies(run -> assertThat(run.exitCode()).isEqualTo(2)).satisfies(run -> assertThat(run.err()).contains("did you mean my_init?"));
        Script.Run renewed = Script.run(Stream.concat(build.stream(), Stream.of("--update-lock=my_init")).toArray(String[]::new));

        assertThat(renewed.exitCode()).as(renewed.toString()).isZero();
        String after = Files.readString(workspace.resolve("config/build.lock"));
        assertThat(after.lines().filter(line -> !before.contains(line))).singleElement().asString().contains("\"my_init\"", "\"commit\"");
    }

    @Test
    void what_no_build_can_do_is_refused() throws IOException, InterruptedException {
        assertThat(build("--jobs", "0")).satisfies(run -> assertThat(run.exitCode()).isEqualTo(2)).satisfies(run -> assertThat(run.err()).contains("error: --jobs 0"));
        assertThat(build("--menuconfig", "--json").exitCode()).isEqualTo(2);
    }

    @Test
    void json_of_a_part_of_a_build_names_the_root_tree() throws IOException, InterruptedException {
        Script.Run run = build("--json");

        assertThat(run.exitCode()).describedAs(run.toString()).isZero();
        JsonNode json = Json.parse(run.out(), "stdout");
        assertThat(json.path("root").asText()).isEqualTo(folder.resolve("initramfs").toString());
        assertThat(json.path("seconds").has("Environment")).isTrue();
    }

    /** Without subordinate ids nobody can be root in a namespace of its own. */
    @Test
    void questions_are_answered_to_a_user_who_cannot_be_root() throws IOException, InterruptedException {
        assumeTrue(Shell.which("unshare").isPresent(), "unshare is not installed");
        assumeTrue(new ProcessBuilder(asUser("true")).start().waitFor() == 0, "no user namespace can be made here");
        Path workspace = Script.demoWorkspace(folder);
        for (String question : List.of("--services", "--dry-run")) {
            Process process = new ProcessBuilder(asUser("./jbang", "build.java", "--host", "-C", workspace.toString(), question)).directory(TestProject.folder().toFile())
                    .redirectErrorStream(true).start();
            String said = new String(process.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
            assertThat(process.waitFor()).as(said).isZero();
        }
    }

    private static List<String> asUser(String... words) {
        return Stream.concat(Stream.of("unshare", "--user", "--map-user=1234", "--map-group=1234"), Stream.of(words)).toList();
    }

    private Script.Run build(String... more) throws IOException, InterruptedException {
        return Script.run(settings(), words(more));
    }

    private static Map<String, String> settings() {
        return Map.of("RUST_TARGET", "x86_64-unknown-linux-gnu");
    }

    private String[] words(String... more) {
        List<String> words = new java.util.ArrayList<>(List.of("build.java", "-C", folder.toString(), "--config", TestProject.folder().resolve("config").toString(),
                "--until", "environment"));
        words.addAll(List.of(more));
        return words.toArray(String[]::new);
    }
}
