package lib;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.LinkOption;
import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.Map;
import lib.tool.Failure;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class CleanupTest {
    @TempDir
    Path root;
    @TempDir
    Path config;

    @Test
    void takes_documentation_headers_and_static_libraries_and_keeps_the_rest() throws IOException {
        for (String path : new String[] {"usr/share/man/man1/x.1.gz", "usr/share/doc/x/README", "usr/include/x.h", "usr/lib/libx.a", "lib/sub/deep/liby.la",
            "etc/init.d/sshd", "var/cache/apk/APKINDEX.1.tar.gz", "usr/share/locale/de/x.mo"}) {
            file(path, "1234");
        }
        for (String path : new String[] {"usr/lib/libx.so.1", "usr/share/manual-of-app", "etc/initd", "usr/bin/include"}) {
            file(path, "kept");
        }

        long freed = rules().apply(root).values().stream().mapToLong(Long::longValue).sum();

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

        rules().apply(root);

        assertThat(Files.exists(root.resolve("usr/share/doc"), LinkOption.NOFOLLOW_LINKS)).isFalse();
        assertThat(precious).hasContent("kept");
    }

    @Test
    void keep_lines_win_whatever_the_order_and_the_bytes_that_each_rule_freed_are_told() throws IOException {
        file("usr/share/doc/a/README", "12345");
        file("usr/share/doc/keep/LICENSE", "kept");
        file("usr/share/doc/keep/more/deep", "kept");
        file("usr/share/man/x.1", "1");
        Cleanup cleanup = read("remove usr/share/doc  documentation # nobody reads it\nkeep /usr/share/doc/keep\nremove usr/share/man manual pages\nremove none  nothing\n");

        Map<String, Long> freed = new LinkedHashMap<>();
        cleanup.apply(root).forEach((rule, bytes) -> freed.put(rule.glob() + ": " + rule.why(), bytes));

        assertThat(freed).containsExactly(Map.entry("usr/share/doc: documentation", 5L), Map.entry("usr/share/man: manual pages", 1L));
        assertThat(root.resolve("usr/share/doc/a")).doesNotExist();
        assertThat(root.resolve("usr/share/doc/keep/LICENSE")).exists();
        assertThat(root.resolve("usr/share/doc/keep/more/deep")).exists();
    }

    @Test
    void a_keep_line_protects_from_links_too_and_c_locales_stay_by_default() throws IOException {
        file("usr/share/locale/C.UTF-8/LC_CTYPE", "kept");
        file("usr/share/locale/de/LC_MESSAGES/x.mo", "gone");
        Files.createSymbolicLink(root.resolve("usr/share/locale/C"), Path.of("C.UTF-8"));

        rules().apply(root);

        assertThat(root.resolve("usr/share/locale/C/LC_CTYPE")).hasContent("kept");
        assertThat(root.resolve("usr/share/locale/de")).doesNotExist();
    }

    @ParameterizedTest
    @ValueSource(strings = {"delete usr/share/doc why", "remove usr/share/doc", "keep", "remove usr/{share/doc why"})
    void a_line_that_is_no_rule_is_named(String line) {
        assertThatThrownBy(() -> read("\n" + line + "\n")).isInstanceOfSatisfying(Failure.class, failure -> {
            assertThat(failure.getMessage()).contains("cleanup.conf:2").contains(line);
            assertThat(failure.exitCode()).isEqualTo(Failure.USAGE);
        });
    }

    @Test
    void the_file_that_is_delivered_says_the_default_rules() {
        assertThat(TestProject.folder().resolve("config/cleanup.conf")).hasContent(Cleanup.DEFAULT);
    }

    private Cleanup rules() {
        return Cleanup.read(root.resolve("no-such-file"));
    }

    private Cleanup read(String text) throws IOException {
        return Cleanup.read(Files.writeString(config.resolve("cleanup.conf"), text));
    }

    private void file(String path, String text) throws IOException {
        Files.createDirectories(root.resolve(path).getParent());
        Files.writeString(root.resolve(path), text);
    }
}
