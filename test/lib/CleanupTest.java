package lib;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.LinkOption;
import java.nio.file.Path;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class CleanupTest {
    @TempDir
    Path root;

    @Test
    void takes_documentation_headers_and_static_libraries_and_keeps_the_rest() throws IOException {
        for (String path : new String[] {"usr/share/man/man1/x.1.gz", "usr/share/doc/x/README", "usr/include/x.h", "usr/lib/libx.a", "lib/sub/deep/liby.la",
            "etc/init.d/sshd", "var/cache/apk/APKINDEX.1.tar.gz", "usr/share/locale/de/x.mo"}) {
            file(path, "1234");
        }
        for (String path : new String[] {"usr/lib/libx.so.1", "usr/share/manual-of-app", "etc/initd", "usr/bin/include"}) {
            file(path, "kept");
        }

        long freed = Cleanup.apply(root).values().stream().mapToLong(Long::longValue).sum();

        assertThat(freed).isEqualTo(8 * 4);
        assertThat(root.resolve("usr/share/man")).doesNotExist();
        assertThat(root.resolve("usr/lib/libx.a")).doesNotExist();
        assertThat(root.resolve("lib/sub/deep/liby.la")).doesNotExist();
        assertThat(root.resolve("var/cache/apk")).isEmptyDirectory();
        assertThat(root.resolve("usr/lib/libx.so.1")).exists();
        assertThat(root.resolve("usr/share/manual-of-app")).exists();
        assertThat(root.resolve("etc/initd")).exists();
        assertThat(root.resolve("usr/bin/include")).exists();
    }

    @Test
    void removes_a_link_and_leaves_what_it_points_at(@TempDir Path outside) throws IOException {
        Path precious = Files.writeString(outside.resolve("precious"), "kept");
        Files.createDirectories(root.resolve("usr/share"));
        Files.createSymbolicLink(root.resolve("usr/share/doc"), outside);

        Cleanup.apply(root);

        assertThat(Files.exists(root.resolve("usr/share/doc"), LinkOption.NOFOLLOW_LINKS)).isFalse();
        assertThat(precious).hasContent("kept");
    }

    private void file(String path, String text) throws IOException {
        Files.createDirectories(root.resolve(path).getParent());
        Files.writeString(root.resolve(path), text);
    }
}
