package lib;

//DEPS net.jqwik:jqwik:1.9.3

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.regex.Pattern;
import java.util.stream.Stream;
import lib.tool.Failure;
import lib.tool.Trees;
import net.jqwik.api.Arbitraries;
import net.jqwik.api.Arbitrary;
import net.jqwik.api.Combinators;
import net.jqwik.api.EdgeCasesMode;
import net.jqwik.api.ForAll;
import net.jqwik.api.Property;
import net.jqwik.api.Provide;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class SourceTest {
    @ParameterizedTest
    @CsvSource(delimiter = '|', quoteCharacter = '\0', textBlock = """
            git:mycelium:https://example.org/t/mycelium:0.6.1:build_mycelium       | https://example.org/t/mycelium    | 0.6.1     | build_mycelium
            git:x:https://example.org/x.git:main:cargo                             | https://example.org/x.git         | main      | cargo
            git:x:http://example.org/x.git:main:cargo                              | http://example.org/x.git          | main      | cargo
            git:x:https://example.org:8443/x.git:v1.0:cargo                        | https://example.org:8443/x.git    | v1.0      | cargo
            git:x:https://git@example.org/x.git:v1.0:cargo                         | https://git@example.org/x.git     | v1.0      | cargo
            git:x:https://git@example.org:8443/x.git:v1.0:cargo                    | https://git@example.org:8443/x.git | v1.0     | cargo
            git:x:https://[2001:db8::1]/x.git:v1.0:cargo                           | https://[2001:db8::1]/x.git       | v1.0      | cargo
            git:x:https://[::1]:8443/x.git:v1.0:cargo                              | https://[::1]:8443/x.git          | v1.0      | cargo
            git:x:https://example.org/a:b/x.git:v1.0:cargo                         | https://example.org/a:b/x.git     | v1.0      | cargo
            git:x:https://example.org/x?ref=a:main:cargo                           | https://example.org/x?ref=a       | main      | cargo
            git:x:https://example.org/%7Euser/x:main:cargo                         | https://example.org/%7Euser/x     | main      | cargo
            git:x:ssh://git@example.org/x.git:main:cargo                           | ssh://git@example.org/x.git       | main      | cargo
            git:x:ssh://git@example.org:22/x.git:main:cargo                        | ssh://git@example.org:22/x.git    | main      | cargo
            git:x:git+ssh://git@example.org/x.git:main:cargo                       | git+ssh://git@example.org/x.git   | main      | cargo
            git:x:git://example.org/x.git:main:cargo                               | git://example.org/x.git           | main      | cargo
            git:x:git@example.org:team/x.git:main:cargo                            | git@example.org:team/x.git        | main      | cargo
            git:x:example.org:team/x.git:main:cargo                                | example.org:team/x.git            | main      | cargo
            git:x:file:///srv/git/x:feature/a:cargo                                | file:///srv/git/x                 | feature/a | cargo
            git:x:file:/srv/git/x:main:cargo                                       | file:/srv/git/x                   | main      | cargo
            git:x:file:x:main:cargo                                                | file:x                            | main      | cargo
            git:x:file:../x:main:cargo                                             | file:../x                         | main      | cargo
            git:x:/srv/git/x.git:main:cargo                                        | /srv/git/x.git                    | main      | cargo
            git:x:../x:main:cargo                                                  | ../x                              | main      | cargo
            git:x:https://h/x:0123456789abcdef0123456789abcdef01234567:cargo       | https://h/x  | 0123456789abcdef0123456789abcdef01234567 | cargo
            git:x:https://h/x:0123456:cargo                                        | https://h/x                       | 0123456   | cargo
            git:x:https://h/x:release/2024-01:cargo:dir=.                          | https://h/x                       | release/2024-01 | cargo
            git:x:https://h/x:main:cargo:features=a,b:dir=sub                      | https://h/x                       | main      | cargo
            git:x:https://h/x:main:cargo:install=/usr/lib/x/run:profile=min        | https://h/x                       | main      | cargo
            git:my-app:https://h/x:main:build_my_app                               | https://h/x                       | main      | build_my_app
            git:tool:https://h/x:main:make:bin=src/tool                            | https://h/x                       | main      | make
            git:a.b+c_d-e:https://h/x:main:cargo                                   | https://h/x                       | main      | cargo
            git my_init https://example.org/my_init.git development build_my_init  | https://example.org/my_init.git   | development | build_my_init
            git x ssh://git@example.org:22/x.git main cargo dir=a features=b,c     | ssh://git@example.org:22/x.git    | main      | cargo
            git x git@example.org:team/x.git main cargo                            | git@example.org:team/x.git        | main      | cargo
            git x file:x main cargo                                                | file:x                            | main      | cargo
            release:corex:https://h/d/2.1.4/corex-2.1.4:2.1.4:install_corex:rename=corex | https://h/d/2.1.4/corex-2.1.4 | 2.1.4   | install_corex
            release:x:http://h:9000/x.tar.zst:1:install:path=x-1/bin/x             | http://h:9000/x.tar.zst           | 1         | install
            release:x:file:x.zip:1:install:install=/opt/x/bin/x                    | file:x.zip                        | 1         | install
            release:x:x.gz:1.0:install                                             | x.gz                              | 1.0       | install
            release mytool https://h/mytool-x86_64 v2.0 install_mytool             | https://h/mytool-x86_64           | v2.0      | install_mytool
            """)
    void reads_a_line_and_prints_it_as_it_was(String line, String url, String version, String function) {
        Source source = Source.parse("sources.conf", 3, line);

        assertThat(source.url()).isEqualTo(url);
        assertThat(source.version()).isEqualTo(version);
        assertThat(source.function()).isEqualTo(function);
        assertThat(source).hasToString(line);
    }

    @ParameterizedTest
    @CsvSource(delimiter = '|', quoteCharacter = '\0', textBlock = """
            git                                                        |                                   | expected TYPE
            git:                                                       |                                   | expected TYPE
            git:x                                                      |                                   | expected TYPE
            git:x:https://h/x                                          |                                   | expected TYPE
            git:x:https://h/x:main                                     |                                   | expected TYPE
            git:x:https://h/x:cargo                                    |                                   | expected TYPE
            git:x:https://h:8443/x.git:cargo                           |                                   | expected TYPE
            git:x:https://[::1]/x.git:cargo                            |                                   | expected TYPE
            git:x:ssh://git@h:22/x.git:cargo                           |                                   | expected TYPE
            git:x:git@example.org:team/x.git:cargo                     |                                   | expected TYPE
            git:x:file:x:cargo                                         |                                   | expected TYPE
            git:x:https://h/x:main:dir=a                               |                                   | expected TYPE
            git x https://h/x main                                     |                                   | expected TYPE
            svn:x:https://h/x:main:cargo                               | svn                               | unknown type svn
            gti x https://h/x main cargo                               | gti                               | did you mean git?
            relaese:x:https://h/x:1:install                            | relaese                           | did you mean release?
            git::https://h/x:main:cargo                                | ^                                 | not a name
            git:a b:https://h/x:main:cargo                             | a b                               | not a name
            git:../x:https://h/x:main:cargo                            | ../x                              | not a name
            git:x:htps://h/x:main:cargo                                | htps://h/x                        | did you mean https?
            git:x:ftp://h/x:main:cargo                                 | ftp://h/x                         | unknown kind of URL ftp://
            git:x:ext::sh:main:cargo                                   | ext::sh                           | not a URL
            git:x:https://h:main:cargo                                 | https://h                         | lacks a host, a path
            git:x:https:///x:main:cargo                                | https:///x                        | lacks a host, a path
            git:x:https://h:84x3/x:main:cargo                          | https://h:84x3/x                  | correct port
            git:x:https://h:99999/x:main:cargo                         | https://h:99999/x                 | no port 99999
            git:x:--upload-pack=x:main:cargo                           | --upload-pack=x                   | not a URL
            git:x::main:cargo                                          | ^                                 | not a URL
            git:x:file::main:cargo                                     | file:                             | names no file
            release:x:ssh://h/x:1:install                              | ssh://h/x                         | unknown kind of URL ssh://
            release:x:git@h:x/y:1:install                              | git@h:x/y                         | not a URL
            git:x:https://h/x:-b:cargo                                 | -b                                | not a branch
            git:x:https://h/x::cargo                                   | ^                                 | not a branch
            git:x:https://h/x:a..b:cargo                               | a..b                              | not a branch
            git:x:https://h/x:a/:cargo                                 | a/                                | not a branch
            git:x:https://h/x:main:crago                               | crago                             | did you mean cargo?
            git:my_init:https://h/x:main:build_my_int                  | build_my_int                      | did you mean build_my_init?
            git:x:https://h/x:main:build_y                             | build_y                           | did you mean build_x?
            git:x:https://h/x:main:install                             | install                           | unknown function install for git
            release:x:https://h/x:1:cargo                              | cargo                             | unknown function cargo for release
            git:x:https://h/x:main:cargo:fetures=b                     | fetures=b                         | did you mean features?
            git:x:https://h/x:main:cargo:Dir=b                         | Dir=b                             | did you mean dir?
            git:x:https://h/x:main:cargo:sha256=00                     | sha256=00                         | unknown option sha256
            release:x:https://h/x:1:install:dir=b                      | dir=b                             | unknown option dir
            git x https://h/x main cargo oops                          | oops                              | not an option
            git x https://h/x main cargo =a                            | =a                                | not an option
            git:x:https://h/x:main:cargo:dir=a:dir=b                   | dir=b                             | given twice
            git:x:https://h/x:main:cargo:dir=                          | ^                                 | dir= needs a folder
            git:x:https://h/x:main:cargo:dir=../y                      | ../y                              | dir= needs a folder
            git:x:https://h/x:main:cargo:dir=/y                        | /y                                | dir= needs a folder
            git:x:https://h/x:main:cargo:install=x                     | x                                 | install= needs a path
            git:x:https://h/x:main:cargo:install=/usr/../x             | /usr/../x                         | install= needs a path
            git:x:https://h/x:main:cargo:features=a,,b                 | a,,b                              | features= needs names
            release:x:https://h/x:1:install:sha256=0123                | 0123                              | 64 hexadecimal digits
            release:x:https://h/x:1:install:rename=a/b                 | a/b                               | rename= needs the name
            release:x:https://h/x:1:install:rename=a:install=/b        | install=/b                        | both say where
            git:x:https://h/x:main:make:features=a                     | none                              | make has no use for features=a
            git:x:https://user:secret@h/x:main:cargo                   | none                              | password
            git:x:https://ghp_abcdef@h/x:main:cargo                    | none                              | token
            git x https://0123456789abcdef0123456789abcdef01234567@h/x main cargo | none                   | token
            """)
    void points_at_the_part_of_a_line_that_is_wrong(String line, String marked, String fault) {
        assertThatThrownBy(() -> Source.all(List.of(new Config.Line("config/sources.conf", 7, line)), "x86_64")).isInstanceOfSatisfying(Failure.class, failure -> {
            assertThat(failure.exitCode()).isEqualTo(Failure.USAGE);
            assertThat(failure.what()).startsWith("config/sources.conf:7: ").doesNotContain("secret", "ghp_abcdef", "0123456789abcdef");
            assertThat(failure.what() + failure.hint()).contains(fault);
            if (!"none".equals(marked)) {
                assertThat(caret(failure.what())).isEqualTo(marked == null ? "^" : marked);
            }
        });
    }

    /** The part of the line that the carets stand under; a caret behind or between words is {@code ^}. */
    private static String caret(String what) {
        String[] lines = what.split("\n");
        int start = lines[2].indexOf('^');
        String under = lines[1].substring(Math.min(start, lines[1].length()), Math.min(lines[2].length(), lines[1].length()));
        return under.isEmpty() || under.equals(":") ? "^" : under;
    }

    @Test
    void tabs_do_not_move_the_carets() {
        assertThatThrownBy(() -> Source.parse("f", 7, "git\tx\thttps://h/x\tmain\tcrago")).hasMessage("""
                f:7: unknown function crago for git
                  git\tx\thttps://h/x\tmain\tcrago
                     \t \t           \t    \t^^^^^""");
    }

    @Test
    void comments_empty_lines_and_line_ends_of_windows_are_no_part_of_it(@TempDir Path folder) throws IOException {
        Path file = folder.resolve("sources.conf");
        Files.writeString(file, "# components\r\n\r\ngit:a:https://h/a:main:cargo # the first\r\n  release b https://h/b#x 1 install\r\n\t\r\n");

        List<Source> sources = Source.all(Config.lines(file), "x86_64");
        assertThat(sources).extracting(Source::toString).containsExactly("git:a:https://h/a:main:cargo", "release b https://h/b#x 1 install");
        assertThat(sources.get(1).where()).isEqualTo(file + ":4");
    }

    @Test
    void two_lines_never_have_one_name_or_install_one_path() {
        assertThatThrownBy(() -> all("git:a:https://h/a:main:cargo", "release:a:https://h/b:1:install")).hasMessage("""
                sources.conf:2: the name a is used twice
                  release:a:https://h/b:1:install
                          ^""");
        assertThatThrownBy(() -> all("git:a:https://h/a:main:cargo:bin=b", "release:b:https://h/b:1:install"))
                .hasMessageContaining("sources.conf:2: b and a (sources.conf:1) both install /usr/bin/b");
    }

    @Test
    void a_line_for_another_processor_is_left_out() {
        List<Source> pc = all("release:a:https://h/amd64:1:install:arch=x86_64", "release:a:https://h/arm64:1:install:arch=aarch64", "git:b:https://h/b:main:cargo");

        assertThat(pc).extracting(Source::url).containsExactly("https://h/amd64", "https://h/b");
        assertThatThrownBy(() -> all("git:b:https://h/b:main:cargo:arch=amd64")).hasMessageContaining("arch= needs x86_64 or aarch64");
    }

    private static List<Source> all(String... lines) {
        return Source.all(java.util.stream.IntStream.range(0, lines.length).mapToObj(i -> new Config.Line("sources.conf", i + 1, lines[i])).toList(), "x86_64");
    }

    @Test
    void the_functions_of_the_shell_tooling_mean_what_they_did() {
        assertThat(recipe("git:my_init:https://h/x:main:build_my_init")).isEqualTo(Recipes.Cargo.of("my_init").install("/sbin/my_init"));
        assertThat(recipe("git:rfs:https://h/x:main:build_rfs")).isEqualTo(Recipes.Cargo.of("rfs").features("build-binary"));
        assertThat(recipe("git:mycelium:https://h/x:main:build_mycelium")).isEqualTo(Recipes.Cargo.of("mycelium").in("myceliumd"));
        assertThat(recipe("git:myapp:https://h/x:main:build_myapp")).isEqualTo(Recipes.Cargo.of("myapp"));
        assertThat(recipe("git:x:https://h/x:main:cargo:dir=d:bin=b:package=p:features=f,g:profile=min"))
                .isEqualTo(new Recipes.Cargo("d", "p", "b", List.of("f", "g"), "min", "/usr/bin/b"));
        assertThat(Recipes.program(Source.parse("f", 1, "release:mytool:https://h/x:1:install_mytool"))).isEqualTo(new Recipes.Program("", "/usr/bin/mytool"));
        assertThat(Recipes.program(Source.parse("f", 1, "release:c:https://h/x:1:install_corex:rename=core"))).isEqualTo(new Recipes.Program("", "/usr/bin/core"));
    }

    private static Recipes.Recipe recipe(String line) {
        return Recipes.recipe(Source.parse("f", 1, line));
    }

    @Test
    void the_examples_of_the_shell_tooling_parse_as_meant() {
        List<Source> sources = examples(Trees.read(TestProject.shared("reference/shell-tooling-readme.txt")), "");

        assertThat(sources).extracting(source -> source.type() + " " + source.name() + " " + source.version() + " " + source.function() + " " + Recipes.path(source))
                .containsExactlyInAnyOrder("GIT my_init development build_my_init /sbin/my_init", "GIT mycelium 0.6.1 build_mycelium /usr/bin/mycelium",
                        "GIT rfs development build_rfs /usr/bin/rfs", "RELEASE corex 2.1.4 install_corex /usr/bin/corex",
                        "GIT myapp v1.0 build_myapp /usr/bin/myapp", "RELEASE mytool v2.0 install_mytool /usr/bin/mytool");
        assertThat(sources).extracting(Source::url).allMatch(url -> url.matches("https://[^/:]+/\\S*[a-z0-9_]"));
    }

    @Test
    void the_examples_of_the_documentation_parse() {
        assertThat(examples(Trees.read(TestProject.folder().resolve("docs/COMPONENTS.md")), " {4}")).hasSizeGreaterThan(4);
    }

    private static List<Source> examples(String text, String indent) {
        return Pattern.compile("(?m)^" + indent + "((git|release)[: ]\\S.*:.*)$").matcher(text).results().map(found -> Source.parse("text", 1, found.group(1))).toList();
    }

    @Property(tries = 400, edgeCases = EdgeCasesMode.NONE)
    boolean what_is_printed_is_what_was_read(@ForAll("lines") String line) {
        return Source.parse("f", 1, line).toString().equals(line);
    }

    @Property(tries = 200, edgeCases = EdgeCasesMode.NONE)
    boolean blanks_between_words_say_nothing(@ForAll("words") List<String> words, @ForAll("gaps") String gap) {
        return Source.parse("f", 1, gap + String.join(gap, words) + gap).toString().equals(String.join(" ", words));
    }

    @Property(tries = 400, edgeCases = EdgeCasesMode.NONE)
    boolean any_text_is_read_or_refused_with_its_place(@ForAll String text) {
        try {
            Source.parse("f", 1, "git:" + text);
            return true;
        } catch (Failure e) {
            return e.what().startsWith("f:1: ") && e.exitCode() == Failure.USAGE;
        }
    }

    @Provide
    Arbitrary<String> gaps() {
        return Arbitraries.of(" ", "  ", "\t", " \t ");
    }

    @Provide
    Arbitrary<String> lines() {
        return Combinators.combine(words(), Arbitraries.of(":", " ")).as((words, separator) -> String.join(separator, words));
    }

    @Provide
    Arbitrary<List<String>> words() {
        Arbitrary<List<String>> git = Combinators.combine(name(), url(true), version(), options("dir=a/b", "package=p", "bin=run", "features=a,b-c", "profile=min", "install=/opt/x"))
                .as((name, url, version, options) -> join(List.of("git", name, url, version), "cargo", options));
        Arbitrary<List<String>> release = Combinators.combine(name(), url(false), version(), options("path=a/b", "install=/opt/x", "sha256=" + "0a".repeat(32)))
                .as((name, url, version, options) -> join(List.of("release", name, url, version), "install", options));
        return Arbitraries.oneOf(git, release);
    }

    private static List<String> join(List<String> words, String function, List<String> options) {
        return Stream.of(words, List.of(function), options).flatMap(List::stream).toList();
    }

    private static Arbitrary<String> name() {
        return Arbitraries.strings().withCharRange('a', 'z').withCharRange('0', '9').ofMinLength(1).ofMaxLength(8);
    }

    private static Arbitrary<String> version() {
        return Arbitraries.oneOf(name(), Combinators.combine(name(), Arbitraries.of("/", ".", "-", "_"), name()).as((a, middle, b) -> a + middle + b));
    }

    private static Arbitrary<String> url(boolean git) {
        Arbitrary<String> host = Arbitraries.oneOf(Arbitraries.of("[::1]", "[2001:db8::7]"), name().map(name -> name + ".example.org"));
        Arbitrary<String> user = Arbitraries.of("", "git@");
        Arbitrary<String> port = Arbitraries.oneOf(Arbitraries.just(""), Arbitraries.integers().between(1, 65535).map(number -> ":" + number));
        Arbitrary<String> path = Combinators.combine(name(), Arbitraries.of("", "/", ":", "/a:8/", "?x=", "/%7E"), name()).as((a, middle, b) -> a + middle + b);
        Arbitrary<String> web = Combinators.combine(Arbitraries.of(git ? List.of("https", "http", "ssh", "git") : List.of("https", "http")), user, host, port, path)
                .as((scheme, who, where, number, what) -> scheme + "://" + who + where + number + "/" + what);
        Arbitrary<String> local = Combinators.combine(Arbitraries.of("file:", "file:/", "file:///", "/", "./"), name()).as((scheme, what) -> scheme + what);
        Arbitrary<String> scp = name().map(what -> "git@example.org:team/" + what);
        return git ? Arbitraries.oneOf(web, local, scp) : Arbitraries.oneOf(web, local);
    }

    private static Arbitrary<List<String>> options(String... all) {
        return Arbitraries.subsetOf(Stream.of(all).toList()).map(chosen -> chosen.stream().sorted().toList());
    }
}
