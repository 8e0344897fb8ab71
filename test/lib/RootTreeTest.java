package lib;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class RootTreeTest {
    @TempDir
    Path folder;
    private RootTree root;

    @BeforeEach
    void tree() throws IOException {
        root = new RootTree(Files.createDirectory(folder.resolve("root")));
        Files.createDirectories(folder.resolve("root/usr/bin"));
    }

    @Test
    void absolute_links_start_at_the_top_of_the_tree() throws IOException {
        Files.createSymbolicLink(folder.resolve("root/bin"), Path.of("/usr/bin"));

        root.write("/bin/tool", "x", 0755);

        assertThat(folder.resolve("root/usr/bin/tool")).hasContent("x");
        assertThat(root.isFile("bin/tool")).isTrue();
    }

    @Test
    void a_file_is_read_where_its_link_leads_inside_of_the_tree() throws IOException {
        Path outside = Files.writeString(folder.resolve("outside"), "outside");
        Files.createSymbolicLink(folder.resolve("root/file"), outside);
        Files.createSymbolicLink(folder.resolve("root/loop"), Path.of("loop"));

        assertThatThrownBy(() -> root.read("file")).hasMessage("/file in the image is no file");
        assertThatThrownBy(() -> root.read("loop")).hasMessage("/loop in the image is no file");
        root.write(outside.toString(), "inside", 0644);
        assertThat(root.read("file")).isEqualTo("inside");
        assertThat(root.file("file")).isEqualTo(folder.resolve("root" + outside));
    }

    @Test
    void no_link_leads_out_of_the_tree() throws IOException {
        Files.createSymbolicLink(folder.resolve("root/out"), Path.of("../../../../.."));

        root.write("out/etc/passwd-of-nobody", "x", 0644);

        assertThat(folder.resolve("root/etc/passwd-of-nobody")).hasContent("x");
        assertThat(root.resolve("../../x")).isEqualTo(folder.resolve("root/x"));
    }

    @Test
    void a_loop_of_links_is_an_error() throws IOException {
        Files.createSymbolicLink(folder.resolve("root/a"), Path.of("b"));
        Files.createSymbolicLink(folder.resolve("root/b"), Path.of("a"));

        assertThatThrownBy(() -> root.resolve("a/x")).hasMessageContaining("too many symbolic links");
        assertThat(root.isFile("a")).isFalse();
    }

    @Test
    void modes_do_not_depend_on_the_umask() throws IOException {
        root.write("new/folder/secret", "x", 0640);

        assertThat((Integer) Files.getAttribute(folder.resolve("root/new/folder/secret"), "unix:mode") & 07777).isEqualTo(0640);
        assertThat((Integer) Files.getAttribute(folder.resolve("root/new/folder"), "unix:mode") & 07777).isEqualTo(0755);
    }

    @Test
    void writing_replaces_a_link_and_not_what_it_points_at() throws IOException {
        Path outside = Files.writeString(folder.resolve("outside"), "kept");
        Files.createSymbolicLink(folder.resolve("root/usr/bin/x"), outside);

        root.write("usr/bin/x", "new", 0644);

        assertThat(outside).hasContent("kept");
        assertThat(folder.resolve("root/usr/bin/x")).hasContent("new").isRegularFile();
    }

    @Test
    void a_folder_is_never_replaced_by_a_file() {
        assertThatThrownBy(() -> root.write("usr/bin", "x", 0644)).hasMessageContaining("is a folder");
    }
}
