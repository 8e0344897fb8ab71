import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import lib.TestProject;
import lib.Workspace;
import lib.tool.Lock;
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
