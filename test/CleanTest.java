import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import java.io.IOException;
import java.io.RandomAccessFile;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.stream.Stream;
import lib.Claim;
import lib.TestProject;
import lib.TestTools;
import lib.Workspace;
import lib.tool.Cache;
import lib.tool.Failure;
import lib.tool.Lock;
import lib.tool.Shell;
import lib.tool.User;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class CleanTest {
    @TempDir
    Path folder;

    private Workspace workspace;
    private Path cache;

    @BeforeEach
    void build() throws IOException {
        workspace = new Workspace(folder.resolve("node"), folder.resolve("node/config"));
        cache = folder.resolve("cache");
        Files.createDirectories(workspace.config());
        Files.writeString(workspace.config().resolve("build.conf"), "");
        for (Path output : workspace.outputs()) {
            Files.createDirectories(output.resolve("deep/folder"));
            Files.write(output.resolve("deep/folder/file"), new byte[1 << 20]);
        }
        new Cache(cache, line -> { }).get(Cache.Key.of("strip", "x"), target -> Files.writeString(target, "x"));
    }

    private record Run(int exitCode, String stdout, String stderr) { }

    @Test
    void removes_the_outputs_and_keeps_the_configuration_the_cache_and_files_of_the_user() throws Exception {
        Files.writeString(workspace.folder().resolve("notes.txt"), "mine");

        Run run = clean("-C", workspace.folder().toString());

        assertThat(run.exitCode()).as(run.stderr()).isZero();
        assertThat(run.stdout().lines()).hasSize(workspace.outputs().size()).allMatch(line -> line.matches(" +1\\.0 MiB  /.*"));
        assertThat(workspace.outputs()).noneMatch(Files::exists);
        assertThat(workspace.folder().resolve("notes.txt")).hasContent("mine");
        assertThat(workspace.config().resolve("build.conf")).exists();
        assertThat(cache.resolve("strip")).isNotEmptyDirectory();
    }

    @Test
    void a_dry_run_prints_the_same_and_removes_nothing() throws Exception {
        Run run = clean("-C", workspace.folder().toString(), "--dry-run", "--all");

        assertThat(run.stdout()).contains(workspace.dist().toString(), cache.resolve("strip").toString());
        assertThat(workspace.outputs()).allMatch(Files::exists);
        assertThat(cache.resolve("strip")).isNotEmptyDirectory();
    }

    @Test
    void the_size_is_what_a_disk_takes_not_what_it_could() throws Exception {
        try (RandomAccessFile disk = new RandomAccessFile(workspace.machines().resolve("disk.img").toFile(), "rw")) {
            disk.setLength(20L << 30);
        }

        assertThat(clean("-C", workspace.folder().toString(), "--dry-run").stdout()).containsPattern(" 1\\.0 MiB  " + workspace.machines());
    }

    @Test
    void links_are_removed_and_not_followed() throws Exception {
        Path elsewhere = Files.createDirectories(folder.resolve("elsewhere"));
        Files.writeString(elsewhere.resolve("precious"), "precious");
        Files.createSymbolicLink(workspace.root().resolve("deep/link"), elsewhere);
        lib.tool.Trees.delete(workspace.dist());
        Files.createSymbolicLink(workspace.dist(), elsewhere);

        assertThat(clean("-C", workspace.folder().toString()).exitCode()).isZero();

        assertThat(Files.isSymbolicLink(workspace.dist())).isFalse();
        assertThat(elsewhere.resolve("precious")).hasContent("precious");
    }

    @Test
    void a_folder_that_is_no_workspace_is_refused() throws Exception {
        Path other = Files.createDirectories(folder.resolve("other/dist"));

        Run run = clean("-C", other.getParent().toString());

        assertThat(run.exitCode()).isEqualTo(Failure.USAGE);
        assertThat(run.stderr()).contains("is not a workspace");
        assertThat(other).exists();
    }

    @Test
    void the_cache_goes_only_when_asked_for_and_alone() throws Exception {
        Run run = clean("-C", workspace.folder().toString(), "--cache");

        assertThat(run.exitCode()).as(run.stderr()).isZero();
        assertThat(cache.resolve("strip")).doesNotExist();
        assertThat(workspace.outputs()).allMatch(Files::exists);
    }

    @Test
    void a_folder_that_is_no_cache_of_ours_is_refused() throws Exception {
        Files.delete(cache.resolve(Cache.TAG));

        Run run = clean("--cache");

        assertThat(run.exitCode()).isEqualTo(Failure.USAGE);
        assertThat(cache.resolve("strip")).isNotEmptyDirectory();
    }

    @Test
    void a_cache_that_a_build_uses_is_left_alone() throws Exception {
        Run run = new Cache(cache, line -> { }).locked("kernel", () -> {
            try {
                return clean("--cache");
            } catch (InterruptedException e) {
                throw new IOException(e);
            }
        });

        assertThat(run.exitCode()).isEqualTo(Failure.BUILD);
        assertThat(run.stderr()).contains("a build is using the cache");
        assertThat(cache.resolve("strip")).isNotEmptyDirectory();
    }

    @Test
    void a_workspace_in_which_a_build_works_is_left_alone() throws Exception {
        Run run = new Lock(workspace.lock()).hold(() -> { }, () -> {
            try {
                return clean("-C", workspace.folder().toString());
            } catch (InterruptedException e) {
                throw new IOException(e);
            }
        });

        assertThat(run.exitCode()).isEqualTo(Failure.BUILD);
        assertThat(run.stderr()).contains("a build is working in " + workspace.folder());
        assertThat(workspace.outputs()).allMatch(Files::exists);
        assertThat(clean("-C", workspace.folder().toString()).exitCode()).isZero();
        assertThat(workspace.outputs()).noneMatch(Files::exists);
    }

    @Test
    void a_machine_that_runs_keeps_its_disks() throws Exception {
        Path machine = Files.createDirectories(workspace.machines().resolve("default"));
        try (Claim claim = Claim.of("default", machine, new Shell(TestTools.in(folder).console()))) {
            claim.record(Claim.Running.of("qemu", ProcessHandle.current(), true, List.of(), ""));

            Run run = clean("-C", workspace.folder().toString());

            assertThat(run.exitCode()).isEqualTo(Failure.BUILD);
            assertThat(run.stderr()).contains("default is running", "--stop");
            assertThat(workspace.outputs()).allMatch(Files::exists);
        }
    }

    @Test
    void nothing_is_removed_below_a_mount_point() throws Exception {
        assumeTrue(User.isRoot(), "mounting takes root");
        Path mount = Files.createDirectories(workspace.root().resolve("dev"));
        List<String> argv = new ArrayList<>(List.of("unshare", "--mount", "sh", "-c", "mount -t tmpfs none \"$1\" && touch \"$1/null\" && shift && exec \"$@\"",
                "sh", mount.toString()));
        argv.addAll(command("-C", workspace.folder().toString()));

        Run run = run(argv);

        assumeTrue(!run.stderr().startsWith("mount:") && !run.stderr().startsWith("unshare:"), "mounting is not allowed here: " + run.stderr());
        assertThat(run.exitCode()).isEqualTo(Failure.BUILD);
        assertThat(run.stderr()).contains("something is mounted at " + mount);
        assertThat(workspace.outputs()).allMatch(Files::exists);
    }

    @Test
    void each_option_names_what_it_removes() throws Exception {
        assertThat(clean("-C", workspace.folder().toString(), "--kernel", "--components").exitCode()).isZero();
        assertThat(workspace.outputs()).filteredOn(Files::exists).containsExactlyInAnyOrder(workspace.root(), workspace.dist(), workspace.machines(), workspace.demo());

        assertThat(clean("-C", workspace.folder().toString(), "--dist").exitCode()).isZero();
        assertThat(workspace.outputs()).filteredOn(Files::exists).containsExactlyInAnyOrder(workspace.machines(), workspace.demo());

        assertThat(clean("-C", workspace.folder().toString(), "--vm").exitCode()).isZero();
        assertThat(workspace.outputs()).filteredOn(Files::exists).containsExactly(workspace.demo());
        assertThat(cache.resolve("strip")).isNotEmptyDirectory();
    }

    @Test
    void the_launchers_own_files_stay_in_the_cache() throws Exception {
        Files.writeString(Files.createDirectories(cache.resolve("jbang")).resolve("jbang-cli.jar"), "jar");

        assertThat(clean("-C", workspace.folder().toString(), "--all").exitCode()).isZero();

        assertThat(cache.resolve("strip")).doesNotExist();
        assertThat(cache.resolve("jbang/jbang-cli.jar")).exists();
    }

    /** An entry of so many MiB that was used so many days ago. */
    private Path entry(String kind, int mebibytes, int days) {
        Cache all = new Cache(cache, line -> { });
        Path entry = all.get(Cache.Key.of(kind, "x").with("size", mebibytes), target -> Files.write(target, new byte[mebibytes << 20]));
        assertThat(entry.resolveSibling(entry.getFileName() + ".inputs").toFile().setLastModified(System.currentTimeMillis() - days * 86_400_000L)).isTrue();
        return entry;
    }

    @Test
    void the_cache_loses_what_was_not_used_for_some_days() throws Exception {
        Path old = entry("upx", 2, 40);
        Path used = entry("upx", 3, 40);
        new Cache(cache, line -> { }).get(Cache.Key.of("upx", "x").with("size", 3), target -> { });

        assertThat(clean("--cache-days", "30", "--dry-run").stdout()).contains(old.toString()).doesNotContain(used.toString());
        assertThat(clean("--cache-days", "30").exitCode()).isZero();

        assertThat(old).doesNotExist();
        assertThat(old.resolveSibling(old.getFileName() + ".inputs")).doesNotExist();
        assertThat(used).exists();
        assertThat(workspace.outputs()).allMatch(Files::exists);
    }

    @Test
    void the_cache_shrinks_to_a_size_by_what_was_not_used_for_longest() throws Exception {
        Path oldest = entry("upx", 2, 9);
        Path older = entry("initramfs", 3, 8);
        Path newer = entry("upx", 4, 7);

        Run run = clean("--cache-size", "5M");

        assertThat(run.stdout().lines()).as(run.stderr()).hasSize(2).first().asString().contains("2.0 MiB", oldest.toString());
        assertThat(List.of(oldest, older)).noneMatch(Files::exists);
        assertThat(newer).exists();
        assertThat(clean("--cache-size", "5 lots").exitCode()).isEqualTo(Failure.USAGE);
    }

    @Test
    @Tag("slow")
    void after_a_build_it_returns_a_fresh_clone() throws Exception {
        Path mirror = TestProject.shared("alpine-mirror");
        Path clone = folder.resolve("clone");
        run(List.of("git", "clone", "--quiet", TestProject.folder().toString(), clone.toString()));
        Files.writeString(clone.resolve("config/packages.list"), "jq\n");
        Files.writeString(clone.resolve("config/build.conf"), "ALPINE_VERSION=\"3.19\"\nALPINE_MIRROR=\"" + mirror + "\"\nRUST_TARGET=\"x86_64-unknown-linux-gnu\"\n");
        run(List.of("git", "-C", clone.toString(), "-c", "user.name=x", "-c", "user.email=x", "commit", "--quiet", "--all", "--message=x"));
        Path launcher = Cache.defaultFolder(System.getenv()).resolve("jbang");
        run(List.of("cp", "-a", launcher.toString(), cache.toString()));
        String jbang = clone.resolve("jbang").toString();
        Run build = run(List.of(jbang, clone.resolve("build.java").toString(), "-C", clone.toString(), "--host", "--until", "alpine"));
        assertThat(build.exitCode()).as(build.stderr()).isZero();
        assertThat(run(List.of("git", "-C", clone.toString(), "status", "--short", "--ignored")).stdout()).contains("!! initramfs/", "!! dist/", "?? config/build.lock");

        Run clean = run(List.of(jbang, clone.resolve("clean.java").toString(), "-C", clone.toString(), "--all"));

        assertThat(clean.exitCode()).as(clean.stderr()).isZero();
        assertThat(run(List.of("git", "-C", clone.toString(), "status", "--short", "--ignored")).stdout()).isEmpty();
        try (Stream<Path> left = Files.list(cache)) {
            assertThat(left.map(path -> path.getFileName().toString())).containsExactlyInAnyOrder("CACHEDIR.TAG", "jbang", "lock");
        }
    }

    private Run clean(String... args) throws IOException, InterruptedException {
        return run(command(args));
    }

    private static List<String> command(String... args) {
        List<String> argv = new ArrayList<>(List.of(Path.of(System.getProperty("java.home"), "bin/java").toString(), "-cp",
                System.getProperty("java.class.path"), "Clean"));
        argv.addAll(List.of(args));
        return argv;
    }

    private Run run(List<String> argv) throws IOException, InterruptedException {
        ProcessBuilder builder = new ProcessBuilder(argv).redirectError(folder.resolve("stderr").toFile());
        builder.environment().put("MOS_CACHE_DIR", cache.toString());
        Process process = builder.start();
        String stdout = new String(process.getInputStream().readAllBytes(), UTF_8);
        return new Run(process.waitFor(), stdout, Files.readString(folder.resolve("stderr")));
    }
}
