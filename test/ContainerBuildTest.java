import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.stream.Stream;
import lib.Podman;
import lib.Podman.Caller;
import lib.TestProject;
import lib.tool.Cache;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestInstance;
import org.junit.jupiter.api.io.TempDir;

/** The demo's image, built in containers of a real podman and on this machine, as root and as an ordinary user, each with a cache of its own. */
@Tag("slow")
@TestInstance(TestInstance.Lifecycle.PER_CLASS)
class ContainerBuildTest {
    @TempDir
    private static Path folder;

    private Podman podman;
    private Path inputs;
    private Path reference;

    @BeforeAll
    void build() throws IOException, InterruptedException {
        podman = Podman.in(folder);
        inputs = Files.createDirectory(folder.resolve("inputs"));
        Script.Run demo = Script.run("build.java", "--demo", "-C", inputs.toString());
        assertThat(demo.exitCode()).as(demo.toString()).isZero();
        reference = initramfs("host-root", Caller.ROOT, "--host");
    }

    @AfterAll
    void close() throws IOException, InterruptedException {
        if (podman != null) {
            podman.close(Caller.ROOT);
            podman.close(Caller.USER);
        }
    }

    @Test
    void an_ordinary_user_on_the_host_gets_the_same_bytes_and_may_interrupt_at_any_time() throws IOException, InterruptedException {
        assertThat(initramfs("host-user", Caller.USER, "--host")).hasSameBinaryContentAs(reference);
        interrupt("host-user", Caller.USER, "--host");
        cleansWhatOthersOwn("host-user");
    }

    /** Folders that belong to a subordinate id of the user, who may not even look into them. */
    private void cleansWhatOthersOwn(String name) throws IOException, InterruptedException {
        Path ofTree = folder.resolve(name).resolve("initramfs/var/closed");
        Path ofCache = cache(name).resolve("upx/closed");
        String script = "for one; do mkdir -p \"$one/deep\"; echo x >\"$one/deep/file\"; chmod -R go= \"$one\"; chown -R 100:101 \"$one\"; done";
        Podman.Run made = podman.run(Caller.USER, Map.of(), "unshare", "--user", "--map-root-user", "--map-auto", "sh", "-ec", script, "sh", ofTree.toString(), ofCache.toString());
        assertThat(made.exitCode()).as(made.toString()).isZero();

        Podman.Run clean = podman.script(Caller.USER, Map.of("MOS_CACHE_DIR", cache(name).toString()),
                List.of("clean.java", "-C", folder.resolve(name).toString(), "--dist", "--cache-days", "0"));

        assertThat(clean.exitCode()).as(clean.toString()).isZero();
        assertThat(clean.out()).contains(ofCache.toString());
        assertThat(List.of(ofCache, ofTree, folder.resolve(name).resolve("initramfs"))).noneMatch(Files::exists);
    }

    @Test
    void a_container_of_root_gives_the_same_bytes_and_goes_with_an_interrupt() throws IOException, InterruptedException {
        podman.importBase(Caller.ROOT);
        assertThat(initramfs("podman-root", Caller.ROOT, "--container=podman")).hasSameBinaryContentAs(reference);
        interrupt("podman-root", Caller.ROOT, "--container");
    }

    @Test
    void a_container_of_an_ordinary_user_gives_the_same_bytes_and_goes_with_an_interrupt() throws IOException, InterruptedException {
        podman.importBase(Caller.USER);
        Path made = initramfs("podman-user", Caller.USER, "--container=podman");

        assertThat(made).hasSameBinaryContentAs(reference);
        assertThat(Files.getOwner(made).getName()).isEqualTo("nobody");
        interrupt("podman-user", Caller.USER, "--container");
    }

    @Test
    void an_interrupt_while_the_image_is_built_leaves_nothing() throws IOException, InterruptedException {
        podman.importBase(Caller.ROOT);
        Path workspace = workspace("image", Caller.ROOT);
        List<String> argv = new ArrayList<>(List.of("setsid", TestProject.folder().resolve("jbang").toString()));
        argv.addAll(words(workspace, "--container", "--build-arg=REPOSITORIES=none"));
        Podman.Running running = podman.start(Caller.ROOT, Map.of("MOS_CACHE_DIR", cache("image").toString()), argv.toArray(String[]::new));
        while (running.process().isAlive() && podman.containers(Caller.ROOT).isEmpty()) {
            Thread.sleep(20);
        }
        new ProcessBuilder("kill", "-INT", "--", "-" + running.process().pid()).start().waitFor();

        Podman.Run run = running.finish();
        assertThat(run.exitCode()).as(run.toString()).isEqualTo(130);
        assertNothingIsLeft(workspace, Caller.ROOT);
    }

    @Test
    void a_dev_container_builds_the_same_and_the_second_time_from_its_cache() throws IOException, InterruptedException {
        podman.importBase(Caller.ROOT);
        Path workspace = workspace("dev", Caller.ROOT);
        Podman.Run first = dev(workspace, "build", "--until", "initramfs");
        assertThat(first.exitCode()).as(first.toString()).isZero();
        assertThat(made("dev")).hasSameBinaryContentAs(reference);

        Podman.Run second = dev(workspace, "build", "--until", "initramfs", "--explain");

        assertThat(second.err()).contains("hit  initramfs", "hit  component my_init").doesNotContain("miss ");
        assertThat(dev(workspace, "status").out()).contains(" running ");
        startsQuickly(workspace);
        Podman.Run clean = podman.script(Caller.ROOT, Map.of("MOS_CACHE_DIR", cache("dev").toString()), List.of("clean.java", "-C", workspace.toString(), "--container"));
        assertThat(clean.exitCode()).as(clean.toString()).isZero();
        assertThat(clean.out()).containsPattern("podman container mos-dev-.*\n").containsPattern("\\d MB +podman image localhost/mos-builder:");
        assertThat(podman.containers(Caller.ROOT)).isEmpty();
        assertThat(podman.run(Caller.ROOT, Map.of(), "podman", "images", "--format", "{{.Repository}}").out()).doesNotContain("localhost/mos-builder\n");
    }

    /** At most two seconds more than podman itself takes, on a machine with nothing else to do; the best of some tries. */
    private void startsQuickly(Path workspace) throws IOException, InterruptedException {
        String name = dev(workspace, "status").out().split(" ")[0];
        double least = Double.MAX_VALUE;
        double limit = 2 * TestProject.load();
        for (int i = 0; i < 6 && least > limit; i++) {
            podman.run(Caller.ROOT, Map.of(), "podman", "stop", "--time", "1", name);
            double theirs = seconds(() -> podman.run(Caller.ROOT, Map.of(), "podman", "start", name));
            podman.run(Caller.ROOT, Map.of(), "podman", "stop", "--time", "1", name);
            double ours = seconds(() -> dev(workspace, "start"));
            least = Math.min(least, ours - theirs);
        }
        System.err.printf("dev-container.java start: %.2f s more than podman start%n", least);
        assertThat(least).isLessThan(limit);
    }

    private interface Work {
        Podman.Run run() throws IOException, InterruptedException;
    }

    private static double seconds(Work work) throws IOException, InterruptedException {
        long start = System.nanoTime();
        Podman.Run run = work.run();
        assertThat(run.exitCode()).as(run.toString()).isZero();
        return (System.nanoTime() - start) / 1e9;
    }

    private Podman.Run dev(Path workspace, String... verb) throws IOException, InterruptedException {
        List<String> words = new ArrayList<>(List.of("dev-container.java", "-C", workspace.toString(), "--engine", "podman"));
        words.addAll(podman.image());
        podman.machine().forEach(path -> words.add("--mount=" + path));
        words.addAll(List.of(verb));
        return podman.script(Caller.ROOT, Map.of("MOS_CACHE_DIR", cache("dev").toString()), words);
    }

    /** Builds in a new workspace with a new cache, in which only the compiled kernel is, and returns the initramfs. */
    private Path initramfs(String name, Caller caller, String where) throws IOException, InterruptedException {
        Path workspace = workspace(name, caller);
        Podman.Run run = podman.script(caller, Map.of("MOS_CACHE_DIR", cache(name).toString()), words(workspace, where, "--until", "initramfs"));
        assertThat(run.exitCode()).as(run.toString()).isZero();
        assertThat(run.out().strip()).isEqualTo(workspace.resolve("initramfs").toString());
        return made(name);
    }

    private static Path made(String name) throws IOException {
        try (Stream<Path> made = Files.walk(cache(name).resolve("initramfs"))) {
            return made.filter(Files::isRegularFile).filter(file -> file.getFileName().toString().startsWith("initramfs")).findFirst().orElseThrow();
        }
    }

    /** Ctrl-C at every phase of a build whose results are cached; each next build starts at once only if the one before left no lock. */
    private void interrupt(String name, Caller caller, String where) throws IOException, InterruptedException {
        Path workspace = folder.resolve(name);
        for (String phase : List.of("2/6", "3/6", "4/6", "5/6", "6/6")) {
            List<String> argv = new ArrayList<>(List.of("setsid", TestProject.folder().resolve("jbang").toString()));
            argv.addAll(words(workspace, where, "--until", "initramfs", "--no-wait"));
            Podman.Running running = podman.start(caller, Map.of("MOS_CACHE_DIR", cache(name).toString()), argv.toArray(String[]::new));
            while (running.process().isAlive() && !running.errors().contains(phase)) {
                Thread.sleep(5);
            }
            // As a terminal does it: everybody in the foreground gets the signal.
            new ProcessBuilder("kill", "-INT", "--", "-" + running.process().pid()).start().waitFor();
            Podman.Run run = running.finish();

            assertThat(run.exitCode()).as(where + " in " + phase + ": " + run).isEqualTo(130);
            assertNothingIsLeft(workspace, caller);
        }
    }

    private void assertNothingIsLeft(Path workspace, Caller caller) throws IOException, InterruptedException {
        long end = System.nanoTime() + 10_000_000_000L;
        String left = left(workspace, caller);
        while (!left.isEmpty() && System.nanoTime() < end) {
            Thread.sleep(100);
            left = left(workspace, caller);
        }
        assertThat(left).isEmpty();
    }

    /** Containers, processes, mounts and files of variables that belong to a build of the workspace. */
    private String left(Path workspace, Caller caller) throws IOException, InterruptedException {
        StringBuilder left = new StringBuilder(podman.containers(caller));
        ProcessHandle.allProcesses().map(process -> Path.of("/proc", Long.toString(process.pid()), "cmdline")).forEach(file -> {
            try {
                String command = new String(Files.readAllBytes(file), StandardCharsets.ISO_8859_1).replace('\0', ' ');
                left.append(command.contains(workspace + " ") ? command + "\n" : "");
            } catch (IOException e) {
                // It has ended meanwhile.
                left.append("");
            }
        });
        Files.readString(Path.of("/proc/self/mounts")).lines().filter(line -> line.contains(workspace.toString())).forEach(line -> left.append(line).append('\n'));
        try (Stream<Path> files = Files.list(cache(workspace.getFileName().toString()).resolve("tmp"))) {
            files.filter(file -> file.getFileName().toString().startsWith("environment")).forEach(file -> left.append(file).append('\n'));
        }
        return left.toString();
    }

    private List<String> words(Path workspace, String where, String... more) throws IOException {
        List<String> words = new ArrayList<>(List.of("build.java", "-C", workspace.toString(), where));
        words.addAll(podman.image());
        podman.machine().forEach(path -> words.add("--mount=" + path));
        words.addAll(List.of(more));
        return words;
    }

    private static Path cache(String name) {
        return folder.resolve("cache-" + name);
    }

    private Path workspace(String name, Caller caller) throws IOException, InterruptedException {
        Path workspace = Files.createDirectory(folder.resolve(name));
        Path cache = Files.createDirectory(cache(name));
        Path seed = Cache.defaultFolder(System.getenv());
        String script = """
                set -e
                cp -a "$1/.demo/config" "$1/.demo/mirror" "$1/.demo/my_init" "$2"
                mkdir "$2/kernel-source"
                ln "$1"/.demo/kernel-source/* "$2/kernel-source"
                cp "$4/CACHEDIR.TAG" "$3"
                cp -a "$4/kernel-config" "$4/jbang" "$3"
                for one in "$4"/kernel-objects/*/; do
                  mkdir -p "$3/kernel-objects/${one##*-objects/}"
                  cp -a "$one/install" "$one/release" "$3/kernel-objects/${one##*-objects/}"
                done
                for one in "$4"/kernel-source/*/; do
                  mkdir -p "$3/kernel-source/${one##*-source/}"
                  cp -a "$one/Makefile" "$3/kernel-source/${one##*-source/}"
                done
                """;
        Podman.Run run = podman.run(Caller.ROOT, Map.of(), "sh", "-c", script, "sh", inputs.toString(), workspace.toString(), cache.toString(), seed.toString());
        assertThat(run.exitCode()).as(run.toString()).isZero();
        if (caller == Caller.USER) {
            podman.give(workspace);
            podman.give(cache);
        }
        return workspace;
    }
}
