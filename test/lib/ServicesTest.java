package lib;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.stream.Stream;
import lib.tool.Failure;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.MethodSource;
import org.junit.jupiter.params.provider.ValueSource;

class ServicesTest {
    @TempDir
    Path folder;

    @BeforeEach
    void files() throws IOException {
        Files.createDirectories(folder.resolve("services"));
        Files.writeString(folder.resolve("my_init.conf"), "log_level: debug\ninit: [load-modules, networking, services]\n");
        service("log", "exec: syslogd -n\n");
        service("net", "exec: dhcp\nafter: [log]\ntest: sh -c 'probe && true'\nsignal:\n  stop: SIGINT\nenv:\n  A: b\nlog: none\nshutdown_timeout: 5\n");
        service("web", "exec: \"httpd -h '/srv/my www'\"\nafter:\n  - net\n  - keys\n");
        service("keys", "exec: make-keys\noneshot: true\n");
    }

    private void service(String name, String text) throws IOException {
        Files.writeString(folder.resolve("services/" + name + ".yaml"), text);
    }

    @Test
    void services_start_in_waves_behind_what_they_come_after() {
        Services services = Services.read(folder);

        assertThat(services.waves().stream().map(wave -> wave.stream().map(Service::name).toList()))
                .containsExactly(List.of("keys", "log"), List.of("net"), List.of("web"));
        assertThat(services.services().get("web").exec()).containsExactly("httpd", "-h", "/srv/my www");
        assertThat(services.drawing()).isEqualTo("""
                stages: load-modules -> networking -> services
                  1 ┬─ keys  once
                    └─ log
                  2 ── net   tested   after log
                  3 ── web            after net, keys
                """);
    }

    static Stream<Arguments> mistakes() {
        return Stream.of(
                mistake("exec: a\nonshot: true\n", 2, "unknown key onshot: onshot: true", "did you mean oneshot?"),
                mistake("exec: a\noneshot: yes\n", 2, "oneshot is not one of true, false", "take one of them"),
                mistake("after: [log]\n", 1, "`exec` is missing", "what the service runs"),
                mistake("exec: a 'b\n", 1, "exec: a quote is not closed", "partner"),
                mistake("exec:\n  - a\n", 1, "exec takes one value", "on one line"),
                mistake("exec: a\nexec: b\n", 2, "`exec` is given twice", ""),
                mistake("exec: a\n  b: c: d\n", 2, "this is not YAML", "indent"),
                mistake("exec: a\nlog: null\n", 2, "log is not one of ring, stdout, none", ""),
                mistake("exec: a\nsignal:\n  stop: SIGTREM\n", 3, "unknown signal", "did you mean TERM?"),
                mistake("exec: a\nshutdown_timeout: soon\n", 2, "shutdown_timeout is not a number", ""),
                mistake("exec: a\ndir: here\n", 2, "dir is not an absolute path", ""),
                mistake("exec: a\noneshot: true\ntest: b\n", 3, "a oneshot needs no `test`", ""),
                mistake("exec: a\nafter:\n  - log\n  - nett\n", 4, "bad is never started: there is no service nett", "did you mean net?"),
                mistake("exec: a\nafter: [bad]\n", 2, "wait for one another: bad -> bad", "take one of them out"));
    }

    private static Arguments mistake(String text, int line, String what, String hint) {
        return Arguments.of(text, line, what, hint);
    }

    @ParameterizedTest
    @MethodSource("mistakes")
    void a_mistake_is_named_with_file_line_and_what_to_do(String text, int line, String what, String hint) throws IOException {
        service("bad", text);

        assertThatThrownBy(() -> Services.read(folder)).isInstanceOfSatisfying(Failure.class, failure -> {
            assertThat(failure.what()).startsWith(folder.resolve("services/bad.yaml") + ":" + line + ": ").contains(what);
            assertThat(failure.hint()).contains(hint);
            assertThat(failure.exitCode()).isEqualTo(2);
        });
    }

    @Test
    void a_circle_is_named_without_those_that_only_wait_for_it() throws IOException {
        service("a", "exec: a\nafter: [b]\n");
        service("b", "exec: b\n\nafter: [c]\n");
        service("c", "exec: c\nafter: [log, b]\n");

        assertThatThrownBy(() -> Services.read(folder)).hasMessageContaining("b.yaml:3: these services wait for one another: b -> c -> b");
    }

    @ParameterizedTest
    @ValueSource(strings = {"web.yml", "sub/web.yaml", "README"})
    void what_my_init_would_overlook_is_refused(String name) throws IOException {
        Path file = folder.resolve("services").resolve(name);
        Files.createDirectories(file.getParent());
        Files.writeString(file, "exec: a\n");

        assertThatThrownBy(() -> Services.read(folder)).hasMessageContaining("my_init would never start this service");
    }

    @Test
    void the_main_file_is_checked_too() throws IOException {
        for (Map.Entry<String, String> wrong : Map.of("log_levle: debug", ":1: unknown key log_levle", "log_level: loud", ":1: log_level is not one of",
                "init: [load-modules, network]", ":1: unknown stage network", "\ninit: [load-modules]", ":2: no service is ever started").entrySet()) {
            Files.writeString(folder.resolve("my_init.conf"), wrong.getKey() + "\n");
            assertThatThrownBy(() -> Services.read(folder)).as(wrong.getKey()).isInstanceOf(Failure.class).hasMessageContaining(wrong.getValue());
        }
    }

    @Test
    void a_program_that_the_image_lacks_is_found_by_the_build() throws IOException {
        RootTree root = new RootTree(Files.createDirectory(folder.resolve("root")));
        for (String program : List.of("sbin/syslogd", "usr/sbin/dhcp", "bin/sh", "usr/bin/probe", "usr/bin/make-keys")) {
            root.write(program, "", 0755);
        }
        assertThatThrownBy(() -> new ServicePrograms(Services.read(folder), root).require()).isInstanceOf(Failure.class)
                .hasMessageContaining("web.yaml:1: the image has no httpd: exec: ");
        root.link("usr/sbin/httpd", "../../bin/busybox");
        assertThatThrownBy(() -> new ServicePrograms(Services.read(folder), root).require()).hasMessageContaining("the image has no httpd");
        root.write("bin/busybox", "", 0755);
        new ServicePrograms(Services.read(folder), root).require();

        service("net", "exec: dhcp\ntest: sh -c 'A=1 exec prob x'\n");
        assertThatThrownBy(() -> new ServicePrograms(Services.read(folder), root).require()).hasMessageContaining("net.yaml:2: the image has no prob: ");
        service("net", "exec: sh /etc/missing.sh\n");
        assertThatThrownBy(() -> new ServicePrograms(Services.read(folder), root).require()).hasMessageContaining("the image has no /etc/missing.sh");
    }

    @Test
    void a_fetched_program_is_run_only_behind_the_service_that_fetches_it() throws IOException {
        RootTree root = new RootTree(Files.createDirectory(folder.resolve("root")));
        for (String program : List.of("sbin/syslogd", "usr/sbin/dhcp", "bin/sh", "usr/bin/probe", "usr/bin/make-keys", "usr/sbin/httpd")) {
            root.write(program, "", 0755);
        }
        service("youki", "exec: /var/cache/bin/youki\nafter: [net]\n");
        assertThatThrownBy(() -> new ServicePrograms(Services.read(folder), root).require()).isInstanceOfSatisfying(Failure.class,
                failure -> assertThat(failure.hint()).contains("comes after runtime-fetch"));

        service("runtime-fetch", "exec: make-keys\noneshot: true\n");
        service("net", "exec: dhcp\nafter: [runtime-fetch]\n");
        new ServicePrograms(Services.read(folder), root).require();
    }

    @Test
    void the_projects_own_services_can_all_start() {
        Path config = TestProject.folder().resolve("config/my_init");

        assertThat(Services.read(config).services()).containsKeys("udevd", "network", "time", "sshd", "sshd-keys", "console", "storage", "mycelium",
                "runtime-fetch", "load-modules");
        assertThat(Services.read(config).before(Services.read(config).services().get("runtime-fetch"))).contains("network", "udevd");
    }
}
