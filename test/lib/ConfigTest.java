package lib;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Map;
import lib.tool.Failure;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class ConfigTest {
    @TempDir
    Path workspace;
    private Path config;

    @BeforeEach
    void folder() throws IOException {
        config = Files.createDirectories(workspace.resolve("config"));
        Files.createDirectories(config.resolve("my_init/services"));
        write("build.conf", "ALPINE_MIRROR=\"mirror https://example.org/alpine\"\nKERNEL_SOURCE=linux.tar.xz\n");
        Files.writeString(workspace.resolve("linux.tar.xz"), "a tarball");
        write("packages.list", "# comment\nbusybox   # why\n\n  jq=1.7-r0\r\nfoo#bar\n");
        write("sources.conf", "git my_init https://example.org/x.git main build_my_init\n");
        write("kernel.config", "CONFIG_TTY=y\n");
        write("my_init/my_init.conf", "log_level: info\n");
    }

    @Test
    void relative_paths_start_at_the_workspace() {
        Config read = Config.read(config, Map.of());

        assertThat(read.alpine().mirrors()).extracting(Object::toString)
                .containsExactly(workspace.resolve("mirror").toUri().toString().replaceAll("/$", ""), "https://example.org/alpine");
        assertThat(read.kernel().source().orElseThrow().getPath()).isEqualTo(workspace.resolve("linux.tar.xz").toString());
    }

    @Test
    void lines_lose_comments_and_keep_their_numbers() {
        assertThat(Config.read(config, Map.of()).alpine().packages()).extracting(Config.Line::text).containsExactly("busybox", "jq=1.7-r0", "foo#bar");
        assertThat(Config.read(config, Map.of()).alpine().packages()).extracting(Config.Line::number).containsExactly(2, 4, 5);
    }

    @Test
    void the_rust_target_follows_the_architecture() {
        assertThat(Config.read(config, Map.of("ALPINE_ARCH", "aarch64")).toolchain().target()).isEqualTo("aarch64-unknown-linux-musl");
        assertThat(Config.read(config, Map.of("RUST_TARGET", "x86_64-unknown-linux-gnu")).toolchain().target()).isEqualTo("x86_64-unknown-linux-gnu");
    }

    @ParameterizedTest
    @ValueSource(strings = {"../x86_64-unknown-linux-musl", "--config=x-y", "musl", "x86_64-unknown linux-musl"})
    void a_rust_target_is_a_triple(String target) {
        assertThatThrownBy(() -> Config.read(config, Map.of("RUST_TARGET", target))).isInstanceOf(Failure.class)
                .hasMessage("environment variable RUST_TARGET: RUST_TARGET=\"" + target + "\" is not a target triple such as x86_64-unknown-linux-musl");
    }

    @Test
    void a_time_that_cpio_cannot_hold_is_refused() {
        assertThat(Config.read(config, Map.of("SOURCE_DATE_EPOCH", "4294967295")).budget().epoch()).isEqualTo(0xffff_ffffL);
        assertThatThrownBy(() -> Config.read(config, Map.of("SOURCE_DATE_EPOCH", "4294967296"))).isInstanceOf(Failure.class)
                .hasMessageContaining("SOURCE_DATE_EPOCH=\"4294967296\" is not a time that an initramfs can hold: at most 4294967295");
    }

    @Test
    void an_environment_lies_over_build_conf_and_below_the_variables() throws IOException {
        write("build.conf", "HOSTNAME=\"node\"\nMAX_KERNEL_SIZE=\"9M\"\nRUNTIME_URL=\"https://s3.example.org/x/\"\n");
        Files.createDirectories(config.resolve("env"));
        write("env/canary.conf", "MAX_KERNEL_SIZE=\"1M\"\n");
        write("env/dev.conf", "COMPRESSION=zstd\nRUNTIME_CHANNEL=nightly\n");

        Config canary = Config.read(config, Map.of("MOS_ENV", "canary"));
        assertThat(canary.environment()).contains("canary");
        assertThat(canary.budget().maxKernel()).contains(1L << 20);
        assertThat(canary.guest().hostname()).isEqualTo("node");
        assertThat(canary.guest().runtime()).contains(new Config.Runtime("https://s3.example.org/x", "canary"));
        assertThat(Config.read(config, Map.of("MOS_ENV", "canary", "MAX_KERNEL_SIZE", "2M")).budget().maxKernel()).contains(2L << 20);
        assertThat(Config.read(config, Map.of()).budget().maxKernel()).contains(9L << 20);
        assertThat(Config.read(config, Map.of("MOS_ENV", "dev")).guest().runtime().orElseThrow().channel()).isEqualTo("nightly");
        assertThatThrownBy(() -> Config.read(config, Map.of("MOS_ENV", "canray"))).hasMessageContaining("there is no environment canray")
                .extracting(e -> ((Failure) e).hint()).isEqualTo("did you mean canary?");
        write("env/dev.conf", "COMPRESION=zstd\n");
        assertThatThrownBy(() -> Config.read(config, Map.of("MOS_ENV", "dev"))).hasMessageContaining("env/dev.conf:1: unknown key COMPRESION");
    }

    @Test
    void the_projects_own_configuration_is_right_in_every_environment() {
        Path own = TestProject.folder().resolve("config");

        assertThat(BuildConf.environments(own.resolve("env"))).containsExactly("canary", "dev", "production", "testing");
        for (String name : BuildConf.environments(own.resolve("env"))) {
            assertThat(Config.read(own, Map.of("MOS_ENV", name)).environment()).contains(name);
        }
        // Each key is explained where it is set, or where it could be.
        String text = lib.tool.Trees.read(own.resolve("build.conf"));
        assertThat(BuildConf.Key.values()).allSatisfy(key -> assertThat(text).containsPattern("(?m)^#[^\\n]*\\n#?" + key + "="));
    }

    @Test
    void a_missing_file_is_named() throws IOException {
        Files.delete(config.resolve("packages.list"));

        assertThatThrownBy(() -> Config.read(config, Map.of())).isInstanceOf(Failure.class).hasMessage("there is no file " + config.resolve("packages.list"));
    }

    @Test
    void a_component_named_twice_is_an_error_that_names_both_lines() throws IOException {
        write("sources.conf", "git:x:https://h/x:main:cargo\n\ngit:x:https://h/y:main:cargo\n");

        assertThatThrownBy(() -> Config.read(config, Map.of())).hasMessageStartingWith(config.resolve("sources.conf") + ":3: the name x is used twice")
                .extracting(e -> ((Failure) e).hint()).asString().contains("sources.conf:1");
    }

    @ParameterizedTest
    @ValueSource(strings = {"KERNEL_SOURCE", "ALPINE_MIRROR"})
    void what_is_no_url_is_refused_with_its_place(String key) {
        assertThatThrownBy(() -> Config.read(config, Map.of(key, "https://example.org/linux-${VERSION}.tar.xz"))).isInstanceOfSatisfying(Failure.class, failure -> {
            assertThat(failure.what()).startsWith("environment variable " + key + ": " + key + ": not a URL: https://example.org/linux-${VERSION}.tar.xz");
            assertThat(failure.exitCode()).isEqualTo(Failure.USAGE);
        });
    }

    @Test
    void a_kernel_source_that_is_not_there_is_known_before_any_work_starts() {
        assertThatThrownBy(() -> Config.read(config, Map.of("KERNEL_SOURCE", "linux-6.tar.xz"))).isInstanceOfSatisfying(Failure.class, failure -> {
            assertThat(failure.exitCode()).isEqualTo(Failure.USAGE);
            assertThat(failure.what()).isEqualTo("environment variable KERNEL_SOURCE: KERNEL_SOURCE=\"linux-6.tar.xz\" is not a tarball: there is no file "
                    + workspace.resolve("linux-6.tar.xz"));
        });
        assertThat(Config.read(config, Map.of("KERNEL_SOURCE", "https://example.org/linux-6.tar.xz")).kernel().source()).isPresent();
    }

    @Test
    void firmware_that_is_not_there_is_known_before_any_work_starts() throws IOException {
        assertThatThrownBy(() -> Config.read(config, Map.of("FIRMWARE_SOURCE", "file:linux-firmware"))).isInstanceOf(Failure.class)
                .hasMessageContaining("FIRMWARE_SOURCE=\"file:linux-firmware\" is not a folder, tarball or git repository: there is no " + workspace.resolve("linux-firmware"));
        Files.createDirectory(workspace.resolve("linux-firmware"));
        for (String good : new String[] {"file:linux-firmware", "linux-firmware", "https://example.org/x.tar.xz", "git@example.org:x.git", "ssh://example.org/x"}) {
            assertThat(Config.read(config, Map.of("FIRMWARE_SOURCE", good)).firmware().source()).contains(good);
        }
    }

    @Test
    void a_password_hash_that_is_none_is_refused_without_being_shown() throws IOException {
        write("build.conf", "ROOT_PASSWORD_HASH=\"hunter2\"\n");

        assertThatThrownBy(() -> Config.read(config, Map.of())).hasMessage(config.resolve("build.conf") + ":1: ROOT_PASSWORD_HASH is not a crypt(5) hash");
        assertThatThrownBy(() -> Config.read(config, Map.of("ROOT_PASSWORD_HASH", "hunter2"))).hasMessage("environment variable ROOT_PASSWORD_HASH: ROOT_PASSWORD_HASH is not a crypt(5) hash");
        write("build.conf", "ROOT_PASSWORD_HASH=\"$6$abcdefgh$0123456789./abcdef\"\n");
        assertThat(Config.read(config, Map.of()).guest().rootPasswordHash()).contains("$6$abcdefgh$0123456789./abcdef");
    }

    @Test
    void s3_settings_come_from_rfs_conf_and_the_environment_and_are_never_printed() throws IOException {
        assertThat(Config.read(config, Map.of()).store()).isEmpty();
        write("rfs.conf", "S3_ENDPOINT=\"http://127.0.0.1:9000\"\nS3_BUCKET=\"mos\"\nS3_PREFIX=\"/a/b/\"\nS3_ACCESS_KEY=\"AK\"\nS3_SECRET_KEY=\"from file\"\n");

        Store store = Config.read(config, Map.of("S3_SECRET_KEY", "s3cr3t")).store().orElseThrow();
        assertThat(store.secretKey()).isEqualTo("s3cr3t");
        assertThat(store.prefix()).isEqualTo("a/b");
        assertThat(store).asString().doesNotContain("s3cr3t").doesNotContain("AK");
        write("rfs.conf", "S3_ENDPOINT=\"http://127.0.0.1:9000\"\nS3_SECRT_KEY=\"s3cr3t\"\n");
        assertThatThrownBy(() -> Config.read(config, Map.of())).hasMessageContaining("rfs.conf:2: unknown key S3_SECRT_KEY").message().doesNotContain("s3cr3t");
    }

    private void write(String name, String text) throws IOException {
        Files.writeString(config.resolve(name), text);
    }
}
