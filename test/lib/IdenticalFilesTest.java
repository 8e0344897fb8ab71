package lib;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.LinkOption;
import java.nio.file.Path;
import lib.tool.User;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class IdenticalFilesTest {
    @TempDir
    Path folder;

    @Test
    void the_same_content_is_kept_once_under_all_its_names() throws IOException {
        file("usr/b", "program", 0755);
        file("bin/a", "program", 0755);
        file("usr/c", "program", 0755);
        file("usr/d", "another", 0755);

        assertThat(link()).isEqualTo(14);

        assertThat(inode("usr/b")).isEqualTo(inode("bin/a")).isEqualTo(inode("usr/c")).isNotEqualTo(inode("usr/d"));
        assertThat(root().resolve("usr/c")).hasContent("program").isExecutable();
        assertThat(root().resolve("usr/d")).hasContent("another");
        assertThat(link()).isZero();
    }

    @Test
    void names_of_one_file_stay_together_and_count_once() throws IOException {
        Files.createLink(root().resolve("a2"), file("a1", "text", 0644));
        Files.createLink(root().resolve("b2"), file("b1", "text", 0644));

        assertThat(link()).isEqualTo(4);

        assertThat(inode("b1")).isEqualTo(inode("a1")).isEqualTo(inode("a2")).isEqualTo(inode("b2"));
        assertThat(Files.getAttribute(root().resolve("a1"), "unix:nlink")).isEqualTo(4);
    }

    @Test
    void another_mode_or_owner_makes_another_file() throws IOException {
        file("a", "program", 0755);
        file("b", "program", 04755);
        Path owned = file("c", "program", 0755);
        if (User.isRoot()) {
            Files.setAttribute(owned, "unix:gid", 33, LinkOption.NOFOLLOW_LINKS);
        }

        assertThat(link()).isEqualTo(User.isRoot() ? 0 : 7);

        assertThat(Files.getAttribute(root().resolve("b"), "unix:mode")).isEqualTo(0104755);
        assertThat(inode("a")).isNotEqualTo(inode("b"));
    }

    @Test
    void what_running_systems_change_and_empty_files_and_links_are_left_alone() throws IOException {
        file("etc/fstab", "text", 0644);
        file("var/lib/fstab", "text", 0644);
        file("usr/fstab", "text", 0644);
        file("usr/empty", "", 0644);
        file("usr/void", "", 0644);
        Path outside = Files.writeString(Files.createDirectories(folder.resolve("outside")).resolve("file"), "text");
        Files.createSymbolicLink(root().resolve("usr/link"), Path.of("fstab"));
        Files.createSymbolicLink(root().resolve("usr/outside"), outside.getParent());

        assertThat(link()).isZero();

        assertThat(root().resolve("usr/link")).isSymbolicLink();
        assertThat(Files.getAttribute(outside, "unix:nlink")).isEqualTo(1);
    }

    private long link() {
        return new IdenticalFiles(root()).link();
    }

    private Path root() {
        return folder.resolve("root");
    }

    private Object inode(String name) throws IOException {
        return Files.getAttribute(root().resolve(name), "unix:ino");
    }

    private Path file(String name, String content, int mode) throws IOException {
        Path file = root().resolve(name);
        Files.createDirectories(file.getParent());
        Files.writeString(file, content);
        Files.setAttribute(file, "unix:mode", mode);
        return file;
    }
}
