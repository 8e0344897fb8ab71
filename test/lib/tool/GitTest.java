package lib.tool;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.nio.file.Path;
import java.util.List;
import java.util.Random;
import lib.TestTools;
import org.junit.jupiter.api.Assumptions;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class GitTest {
    @TempDir
    Path folder;
    private Tools tools;
    private Git git;
    private TestRepository repository;
    private String url;
    private String first;
    private String second;

    @BeforeEach
    void repository() {
        Assumptions.assumeTrue(Shell.which("git").isPresent(), "git is not installed");
        tools = TestTools.in(folder);
        git = new Git(tools.shell(), tools.cache(), false);
        repository = TestRepository.create(folder.resolve("repository"));
        url = repository.url();
        first = repository.commit("file", "one");
        repository.git("tag", "-a", "v1.0", "-m", "first");
        second = repository.commit("file", "two");
    }

    @Test
    void a_branch_a_tag_and_a_commit_name_their_commits() {
        assertThat(git.resolve(url, "main")).isEqualTo(new Git.Resolved(second, Git.Kind.BRANCH));
        assertThat(git.resolve(url, "v1.0")).isEqualTo(new Git.Resolved(first, Git.Kind.TAG));
        assertThat(git.resolve(url, second)).isEqualTo(new Git.Resolved(second, Git.Kind.COMMIT));
        assertThat(git.resolve(url, first.substring(0, 8))).isEqualTo(new Git.Resolved(first, Git.Kind.COMMIT));
    }

    @Test
    void a_version_without_its_leading_v_is_found() {
        assertThat(git.resolve(url, "1.0").commit()).isEqualTo(first);
    }

    @Test
    void an_unknown_version_suggests_a_near_one() {
        assertThatThrownBy(() -> git.resolve(url, "mian")).hasMessageContaining("no branch, tag or commit mian")
                .extracting(e -> ((Failure) e).hint()).isEqualTo("did you mean main?");
        assertThatThrownBy(() -> git.resolve(url, "0123456789")).hasMessageContaining("no branch, tag or commit 0123456789");
    }

    @Test
    void checks_out_just_the_commit_that_was_asked_for() {
        git.checkout(url, first, folder.resolve("tree"));

        assertThat(folder.resolve("tree/file")).hasContent("one");
        assertThat(new TestRepository(folder.resolve("tree")).git("rev-list", "HEAD")).isEqualTo(first);
    }

    @Test
    void offline_it_knows_what_it_saw_and_nothing_else() {
        git.checkout(url, git.resolve(url, "main").commit(), folder.resolve("before"));
        Trees.delete(repository.folder());
        Git offline = new Git(tools.shell(), tools.cache(), true);

        assertThat(offline.has(url, second)).isTrue();
        offline.checkout(url, offline.resolve(url, "main").commit(), folder.resolve("after"));
        assertThat(folder.resolve("after/file")).hasContent("two");
        assertThatThrownBy(() -> offline.resolve(url, "other")).hasMessageContaining("--offline");
        assertThatThrownBy(() -> offline.checkout(url, "0".repeat(40), folder.resolve("never"))).hasMessageContaining("--offline");
    }

    @Test
    void from_a_server_only_the_commit_comes_and_then_only_what_is_new() throws IOException {
        repository.commit("history", random(300_000));
        repository.commit("history", "gone");
        repository.commit("large", random(240_000));
        String third = repository.commit("file", "three");
        try (GitServer server = GitServer.smart(folder)) {
            String http = server.url("repository/.git");
            git.checkout(http, git.resolve(http, "main").commit(), folder.resolve("tree"));
            long size = Trees.size(tools.cache().folder("git-mirror"));
            assertThat(size).as("without the history's 300 kB").isBetween(190_000L, 290_000L);
            assertThat(folder.resolve("tree/file")).hasContent("three");

            String fourth = repository.commit("file", "four");
            git.checkout(http, fourth, folder.resolve("next"));
            assertThat(Trees.size(tools.cache().folder("git-mirror")) - size).as("without the large file").isLessThan(60_000);
            assertThat(folder.resolve("next/large")).exists();

            server.requests().clear();
            git.checkout(http, third, folder.resolve("again"));
            assertThat(server.requests()).isEmpty();
        }
    }

    @Test
    void the_first_digits_of_a_commit_are_looked_up_without_fetching_files() throws IOException {
        repository.commit("large", random(300_000));
        repository.git("config", "uploadpack.allowFilter", "true");
        try (GitServer server = GitServer.smart(folder)) {
            assertThat(git.resolve(server.url("repository/.git"), first.substring(0, 7)).commit()).isEqualTo(first);
        }
        assertThat(Trees.size(tools.cache().folder("git-history"))).isLessThan(60_000);
    }

    @Test
    void a_server_of_plain_files_gives_all_it_has() throws IOException {
        repository.git("update-server-info");
        try (GitServer server = GitServer.dumb(folder)) {
            String http = server.url("repository/.git");
            git.checkout(http, git.resolve(http, "v1.0").commit(), folder.resolve("tree"));
        }
        assertThat(folder.resolve("tree/file")).hasContent("one");
    }

    @Test
    void submodules_come_along_and_need_no_network_the_second_time() throws IOException {
        TestRepository outer = TestRepository.create(folder.resolve("outer"));
        TestRepository middle = TestRepository.create(folder.resolve("middle"));
        middle.submodule("../repository", "deep/inner", second);
        String commit = middle.commit("own", "middle");
        outer.submodule("../middle", "middle", commit);
        String outermost = outer.commit("own", "outer");
        try (GitServer server = GitServer.smart(folder)) {
            git.checkout(server.url("outer"), outermost, folder.resolve("tree"));
            assertThat(folder.resolve("tree/middle/deep/inner/file")).hasContent("two");

            new Git(tools.shell(), tools.cache(), true).checkout(server.url("outer"), outermost, folder.resolve("offline"));
            assertThat(folder.resolve("offline/middle/deep/inner/file")).hasContent("two");
        }
    }

    @Test
    void a_repository_of_a_server_cannot_name_a_folder_of_this_machine_as_its_submodule() throws IOException {
        TestRepository outer = TestRepository.create(folder.resolve("outer"));
        outer.submodule(url, "inner", second);
        String commit = outer.commit("own", "outer");
        git.checkout(outer.url(), commit, folder.resolve("local"));
        assertThat(folder.resolve("local/inner/file")).hasContent("two");

        try (GitServer server = GitServer.smart(folder)) {
            assertThatThrownBy(() -> git.checkout(server.url("outer"), commit, folder.resolve("tree"))).hasMessageContaining("a folder of this machine");
        }
    }

    @ParameterizedTest
    @CsvSource({"https://h/a/b.git, ../c.git, https://h/a/c.git", "https://h/a/b.git/, ./c, https://h/a/b.git/c", "git@h:a/b.git, ../c.git, git@h:a/c.git",
        "git@h:b.git, ../c.git, git@h:c.git", "ssh://git@h:22/a/b, ../../c, ssh://git@h:22/c", "/srv/a, ../b, /srv/b"})
    void relative_urls_of_submodules_start_at_the_outer_repository(String outer, String written, String url) {
        assertThat(GitSubmodule.relative(outer, written)).isEqualTo(url);
    }

    @Test
    void git_lfs_is_refused_in_any_folder() {
        repository.commit("assets/.gitattributes", "*.bin filter=lfs diff=lfs merge=lfs -text\n");
        String plain = repository.commit("assets/real.bin", "content");
        String pointer = repository.commit("assets/far.bin", "version https://git-lfs.github.com/spec/v1\noid sha256:" + "0".repeat(64) + "\nsize 1\n");

        assertThatThrownBy(() -> git.checkout(url, pointer, folder.resolve("tree"))).hasMessageContaining("Git LFS").hasMessageContaining("assets/far.bin");
        git.checkout(url, plain, folder.resolve("plain"));
        assertThat(folder.resolve("plain/assets/real.bin")).hasContent("content");
    }

    @Test
    void a_commit_that_is_gone_is_one_clear_error() {
        assertThatThrownBy(() -> git.checkout(url, "0".repeat(39) + "1", folder.resolve("tree"))).hasMessageContaining("no longer has the commit")
                .extracting(e -> ((Failure) e).hint()).asString().contains("--update-lock");
    }

    @Test
    void an_unreachable_repository_is_one_clear_error() throws IOException {
        assertThatThrownBy(() -> git.resolve(folder.resolve("nowhere").toUri().toString(), "main")).isInstanceOf(Failure.class)
                .hasMessageContaining("git ls-remote");
        try (GitServer server = GitServer.smart(folder)) {
            assertThatThrownBy(() -> git.resolve(server.url("private/x"), "main")).hasMessageContaining("terminal prompts disabled")
                    .extracting(e -> ((Failure) e).hint()).asString().contains("credential helper");
        }
    }

    @Test
    void ssh_urls_go_to_ssh() {
        Assumptions.assumeTrue(Shell.which("ssh").isPresent(), "ssh is not installed");

        assertThatThrownBy(() -> git.resolve("ssh://git@127.0.0.1:1/x.git", "main")).hasMessageContaining("ssh: connect to host 127.0.0.1 port 1")
                .hasMessageContaining("ssh://git@127.0.0.1:1/x.git");
    }

    @Test
    void hooks_and_filters_of_the_machine_do_not_touch_the_tree() {
        repository.commit(".gitattributes", "*.txt text=auto\n");
        String commit = repository.commit("lines.txt", "a\nb\n");
        ByteArrayOutputStream printed = new ByteArrayOutputStream();
        Tools quiet = TestTools.in(folder.resolve("quiet"), printed, false);
        new Git(quiet.shell(), quiet.cache(), false).checkout(url, commit, folder.resolve("tree"));

        assertThat(folder.resolve("tree/lines.txt")).hasBinaryContent("a\nb\n".getBytes(java.nio.charset.StandardCharsets.US_ASCII));
        assertThat(folder.resolve("tree/.git/hooks")).doesNotExist();
        assertThat(printed.toString()).isEmpty();
    }

    @Test
    void a_terminal_gets_a_bar_of_what_comes_and_the_log_no_percentages() {
        Assumptions.assumeTrue(Shell.which("script").isPresent(), "script (util-linux) is not installed");
        for (int i = 0; i < 200; i++) {
            repository.write("file" + i, random(1000 + i));
        }
        String commit = repository.commit();

        String screen = ConsoleTest.onTerminal(List.of("TERM=xterm"), Checkout.class, url, commit, folder.resolve("seen").toString());

        assertThat(screen).contains("fetching repository").containsPattern("100%.*20\\d/20\\d objects");
        assertThat(folder.resolve("seen/tree/file199")).exists();
        assertThat(folder.resolve("seen/build.log")).content().contains("git fetch", "--progress").doesNotContain("% (");
    }

    /** Checks a commit out, with the console of this process. */
    static final class Checkout {
        public static void main(String... args) {
            Path folder = Path.of(args[2]);
            Console console = Console.stderr(false).logTo(folder.resolve("build.log"));
            new Git(new Shell(console), new Cache(folder.resolve("cache"), console::log), false).checkout(args[0], args[1], folder.resolve("tree"));
        }
    }

    private static String random(int length) {
        return new Random(length).ints(length, 33, 126).collect(StringBuilder::new, StringBuilder::appendCodePoint, StringBuilder::append).toString();
    }
}
