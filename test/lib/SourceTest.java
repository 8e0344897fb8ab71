package lib;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import lib.tool.Failure;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

class SourceTest {
    @ParameterizedTest
    @CsvSource(delimiter = '|', value = {
        "git:mycelium:https://example.org/t/mycelium:0.6.1:build_mycelium | https://example.org/t/mycelium | 0.6.1 | build_mycelium",
        "git:x:https://example.org:8443/x.git:v1.0:cargo                   | https://example.org:8443/x.git | v1.0 | cargo",
        "git:x:ssh://git@example.org:22/x.git:main:cargo                   | ssh://git@example.org:22/x.git | main | cargo",
        "git:x:git@example.org:team/x.git:main:cargo                       | git@example.org:team/x.git | main | cargo",
        "git:x:file:///srv/git/x:feature/a:cargo                           | file:///srv/git/x | feature/a | cargo",
        "git:x:file:x:main:cargo                                           | file:x | main | cargo",
        "git my_init https://example.org/my_init.git development build_my_init | https://example.org/my_init.git | development | build_my_init",
        "git:x:https://example.org/x:main:cargo:features=a,b:dir=sub       | https://example.org/x | main | cargo",
        "release:corex:https://example.org/d/2.1.4/corex-2.1.4:2.1.4:install_corex:rename=corex | https://example.org/d/2.1.4/corex-2.1.4 | 2.1.4 | install_corex"})
    void reads_url_version_and_function(String line, String url, String version, String function) {
        Source source = Source.parse("sources.conf", 3, line.strip());

        assertThat(source.url()).isEqualTo(url);
        assertThat(source.version()).isEqualTo(version);
        assertThat(source.function()).isEqualTo(function);
        assertThat(source).hasToString(line.strip());
    }

    @Test
    void reads_options_of_both_forms() {
        assertThat(Source.parse("f", 1, "git:x:https://h/x:main:cargo:features=a,b:dir=sub").options()).containsEntry("features", "a,b").containsEntry("dir", "sub");
        assertThat(Source.parse("f", 1, "git x https://h/x main cargo install=/usr/bin/y").option("install")).contains("/usr/bin/y");
    }

    @ParameterizedTest
    @ValueSource(strings = {"git", "git:x", "git:x:https://h/x:main", "git:x:https://h:8443/x.git:cargo", "svn:x:https://h/x:main:cargo", "git:a b:https://h/x:main:cargo",
        "git:x:https://user:secret@h/x:main:cargo", "git x https://h/x main cargo oops", "git:x:https://h/x:main:cargo:dir=a:dir=b"})
    void refuses_a_malformed_line_with_file_and_line(String line) {
        assertThatThrownBy(() -> Source.parse("config/sources.conf", 7, line)).isInstanceOf(Failure.class)
                .hasMessageStartingWith("config/sources.conf:7: ").extracting(e -> ((Failure) e).exitCode()).isEqualTo(Failure.USAGE);
    }

    @Test
    void points_at_the_part_that_is_wrong() {
        assertThatThrownBy(() -> Source.parse("f", 7, "git:x:https://h/x:main:crago")).hasMessage("""
                f:7: unknown function crago for git
                  git:x:https://h/x:main:crago
                                         ^^^^^""").extracting(e -> ((Failure) e).hint()).isEqualTo("did you mean cargo?");
        assertThatThrownBy(() -> Source.parse("f", 7, "gti  x https://h/x main cargo")).hasMessage("""
                f:7: unknown type gti
                  gti  x https://h/x main cargo
                  ^^^""");
        assertThatThrownBy(() -> Source.parse("f", 7, "git:x:https://h/x:main:cargo:dir=a:fetures=b")).hasMessage("""
                f:7: unknown option fetures
                  git:x:https://h/x:main:cargo:dir=a:fetures=b
                                                     ^^^^^^^^^""");
    }

    @Test
    void never_shows_the_password_of_a_url() {
        assertThatThrownBy(() -> Source.parse("f", 7, "git:x:https://user:hunter2@h/x:main:cargo")).hasMessageContaining("password")
                .message().doesNotContain("hunter2");
    }
}
