package lib.tool;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import lib.TestTools;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class GitTest {
    @TempDir
    Path folder;
    private Tools tools;
    private Git git;
    private Path repository;
    private String url;
    private String first;
    private String second;

    @BeforeEach
    void repository() throws IOException {
        tools = TestTools.in(folder);
        git = new Git(tools.shell(), tools.cache(), false);
        repository = Files.createDirectories(folder.resolve("repository"));
        url = repository.toUri().toString();
        in("git", "init", "--quiet", "--initial-branch=main");
        first = commit("one");
        in("git", "tag", "-a", "v1.0", "-m", "first");
        second = commit("two");
    }

    @Test
    void a_branch_a_tag_and_a_commit_name_their_commits() {
        assertThat(git.resolve(url, "main")).isEqualTo(second);
        assertThat(git.resolve(url, "v1.0")).isEqualTo(first);
        assertThat(git.resolve(url, second)).isEqualTo(second);
        assertThat(git.resolve(url, first.substring(0, 8))).isEqualTo(first);
    }

    @Test
    void a_version_without_its_leading_v_is_found() {
        assertThat(git.resolve(url, "1.0")).isEqualTo(first);
    }

    @Test
    void an_unknown_version_suggests_a_near_one() {
        assertThatThrownBy(() -> git.resolve(url, "mian")).hasMessageContaining("no branch, tag or commit mian")
                .extracting(e -> ((Failure) e).hint()).isEqualTo("did you mean main?");
    }

    @Test
    void checks_out_just_the_commit_that_was_asked_for() {
        Path target = folder.resolve("tree");
        git.checkout(url, first, target);

        assertThat(target.resolve("file")).hasContent("one");
    }

    @Test
    void offline_it_knows_what_it_saw_and_nothing_else() throws IOException {
        git.checkout(url, git.resolve(url, "main"), folder.resolve("before"));
        Trees.delete(repository);
        Git offline = new Git(tools.shell(), tools.cache(), true);

        offline.checkout(url, offline.resolve(url, "main"), folder.resolve("after"));
        assertThat(folder.resolve("after/file")).hasContent("two");
        assertThatThrownBy(() -> offline.resolve(url, "other")).hasMessageContaining("--offline");
        assertThatThrownBy(() -> offline.checkout(url, "0".repeat(40), folder.resolve("never"))).hasMessageContaining("--offline");
    }

    @Test
    void submodules_come_along() throws IOException {
        Path outer = Files.createDirectories(folder.resolve("outer"));
        tools.shell().run(Shell.Command.of("git", "init", "--quiet", "--initial-branch=main").in(outer));
        tools.shell().run(Shell.Command.of("git", "-c", "protocol.file.allow=always", "submodule", "--quiet", "add", url, "inner").in(outer));
        tools.shell().run(identity(Shell.Command.of("git", "commit", "--quiet", "-m", "outer").in(outer)));

        String outerUrl = outer.toUri().toString();
        git.checkout(outerUrl, git.resolve(outerUrl, "main"), folder.resolve("tree"));

        assertThat(folder.resolve("tree/inner/file")).hasContent("two");
    }

    @Test
    void git_lfs_is_refused() throws IOException {
        Files.writeString(repository.resolve(".gitattributes"), "*.bin filter=lfs diff=lfs merge=lfs -text\n");
        String commit = commit("three");

        assertThatThrownBy(() -> git.checkout(url, commit, folder.resolve("tree"))).hasMessageContaining("Git LFS");
    }

    @Test
    void an_unreachable_repository_is_one_clear_error() {
        assertThatThrownBy(() -> git.resolve(folder.resolve("nowhere").toUri().toString(), "main")).isInstanceOf(Failure.class)
                .hasMessageContaining("git ls-remote");
    }

    private String commit(String text) throws IOException {
        Files.writeString(repository.resolve("file"), text);
        in("git", "add", "--all");
        tools.shell().run(identity(Shell.Command.of("git", "commit", "--quiet", "-m", text).in(repository)));
        return tools.shell().run(Shell.Command.of("git", "rev-parse", "HEAD").in(repository)).text();
    }

    private void in(String... argv) {
        tools.shell().run(identity(Shell.Command.of(argv).in(repository)));
    }

    private static Shell.Command identity(Shell.Command command) {
        return command.with("GIT_AUTHOR_NAME", "test").with("GIT_AUTHOR_EMAIL", "test@example.org").with("GIT_COMMITTER_NAME", "test")
                .with("GIT_COMMITTER_EMAIL", "test@example.org");
    }
}
