package lib;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Optional;
import java.util.stream.Stream;
import lib.tool.Failure;
import lib.tool.Shell;
import lib.tool.Tools;
import lib.tool.Trees;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** The source of firmware; KernelSourceTest has that of the kernel. */
class LockedSourceTest {
    @TempDir
    Path folder;

    private FirmwareSource source(String text, Optional<String> tag, BuildLock.Mode mode) {
        Tools tools = TestTools.in(folder);
        return new FirmwareSource(new Config.Firmware(Optional.of(text), tag, List.of(), folder), Optional.of(BuildLock.Use.of(lock(), mode)), tools, false);
    }

    private Path lock() {
        return folder.resolve("build.lock");
    }

    private Path repository() throws IOException {
        Path repository = Files.createDirectories(folder.resolve("linux-firmware"));
        Files.writeString(repository.resolve("WHENCE"), "first\n");
        git("init", "--quiet", "--initial-branch=main");
        commit();
        return repository;
    }

    private void commit() {
        git("add", ".");
        git("-c", "user.name=t", "-c", "user.email=t@example.org", "commit", "--quiet", "-m", "x");
    }

    private void git(String... words) {
        TestTools.in(folder).shell().run(Shell.Command.of(Stream.concat(Stream.of("git"), Stream.of(words)).toList()).in(folder.resolve("linux-firmware")));
    }

    @Test
    void a_branch_stays_where_it_was_until_the_lock_is_renewed() throws IOException {
        assumeTrue(Shell.which("git").isPresent(), "git is not installed");
        String url = repository().toString();
        Optional<String> branch = Optional.of("main");
        assertThatThrownBy(() -> source(url, branch, BuildLock.Mode.LOCKED).obtain()).isInstanceOf(Failure.class)
                .hasMessageContaining("says nothing about the firmware source " + url + " main");
        String first = source(url, branch, BuildLock.Mode.USE).obtain().orElseThrow().version();
        assertThat(lock()).content().contains("\"firmware\": {\"commit\":\"" + first + "\",\"source\":\"" + url + "\",\"version\":\"main\"}");

        Files.writeString(folder.resolve("linux-firmware/WHENCE"), "second\n");
        commit();
        FirmwareSource.Tree again = source(url, branch, BuildLock.Mode.USE).obtain().orElseThrow();
        assertThat(again.version()).isEqualTo(first);
        assertThat(again.folder().resolve("WHENCE")).hasContent("first\n");

        FirmwareSource.Tree renewed = source(url, branch, BuildLock.Mode.UPDATE).obtain().orElseThrow();
        assertThat(renewed.version()).isNotEqualTo(first);
        assertThat(renewed.folder().resolve("WHENCE")).hasContent("second\n");
        assertThat(lock()).content().contains(renewed.version()).doesNotContain(first);
    }

    @Test
    void what_is_locked_is_there_when_the_repository_is_not() throws IOException {
        assumeTrue(Shell.which("git").isPresent(), "git is not installed");
        Path repository = repository();
        FirmwareSource.Tree first = source(repository.toString(), Optional.of("main"), BuildLock.Mode.USE).obtain().orElseThrow();
        Trees.delete(repository.resolve(".git/objects"));

        assertThat(source(repository.toString(), Optional.of("main"), BuildLock.Mode.LOCKED).obtain()).contains(first);
    }

    @Test
    void another_version_is_asked_for_anew() throws IOException {
        assumeTrue(Shell.which("git").isPresent(), "git is not installed");
        String url = repository().toString();
        git("tag", "20250808");
        String commit = source(url, Optional.of("main"), BuildLock.Mode.USE).obtain().orElseThrow().version();

        assertThat(source(url, Optional.of("20250808"), BuildLock.Mode.USE).obtain().orElseThrow().version()).isEqualTo(commit);
        assertThat(lock()).content().contains("20250808").doesNotContain("main");
    }

    @Test
    void a_token_in_the_url_is_refused_without_being_shown() {
        assertThatThrownBy(() -> source("https://ghp_secret@example.org/linux-firmware.git", Optional.of("main"), BuildLock.Mode.USE).obtain()).isInstanceOf(Failure.class)
                .hasMessage("FIRMWARE_SOURCE holds a password or token");
    }

    @Test
    void a_tarball_with_other_bytes_than_the_locked_ones_is_refused() throws IOException {
        assumeTrue(Shell.which("tar").isPresent(), "tar is not installed");
        String tarball = tarball("first");
        String sha256 = source(tarball, Optional.empty(), BuildLock.Mode.USE).obtain().orElseThrow().version();
        assertThat(lock()).content().contains("\"firmware\": {\"sha256\":\"" + sha256 + "\",\"source\":\"fw.tar\"}");

        tarball("second");
        assertThatThrownBy(() -> source(tarball, Optional.empty(), BuildLock.Mode.USE).obtain()).isInstanceOfSatisfying(Failure.class, failure -> {
            assertThat(failure.what()).contains("fw.tar is not the file that build.lock names", "expected SHA-256 " + sha256);
            assertThat(failure.hint()).contains("--update-lock=firmware");
        });
        assertThat(source(tarball, Optional.empty(), BuildLock.Mode.UPDATE).obtain().orElseThrow().version()).isNotEqualTo(sha256);
    }

    private String tarball(String content) throws IOException {
        Path tree = Files.createDirectories(folder.resolve("linux-firmware"));
        Files.writeString(tree.resolve("WHENCE"), content);
        Path tarball = folder.resolve("fw.tar");
        TestTools.in(folder).shell().run("tar", "-cf", tarball.toString(), "-C", folder.toString(), "linux-firmware");
        return tarball.toString();
    }
}
