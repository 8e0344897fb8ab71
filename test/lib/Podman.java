package lib;

import static org.junit.jupiter.api.Assumptions.assumeTrue;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import lib.tool.Shell;
import lib.tool.Trees;
import lib.tool.User;

/**
 * A real podman for tests, as root and as an ordinary user, with settings that work in nested containers too (harmless elsewhere), and a
 * base image that takes this machine's own programs: only root's folders are in it, /usr is mounted when it runs.
 *
 * @param folder holds all that it needs; everybody may look into it
 */
public record Podman(Path folder) {
    public static final String BASE = "localhost/mos-builder-test-machine:1";
    private static final String USER = "nobody";

    /** What a command printed and how it ended. */
    public record Run(int exitCode, String out, String err) {
        @Override
        public String toString() {
            return "exit code " + exitCode + "\n--- stdout\n" + out + "--- stderr\n" + err;
        }
    }

    /** Who runs a command: root, or a user with subordinate ids and a home folder of its own. */
    public enum Caller { ROOT, USER }

    /** Writes the settings; skips the test where podman is not installed or its containers do not run. */
    public static Podman in(Path folder) throws IOException, InterruptedException {
        assumeTrue(User.isRoot(), "only root can be another user too");
        assumeTrue(Shell.which("podman").isPresent(), "podman is not installed");
        Files.setPosixFilePermissions(folder, PosixFilePermissions.fromString("rwxr-xr-x"));
        Files.writeString(folder.resolve("containers.conf"), "[containers]\nnetns = \"host\"\ndefault_ulimits = [\"nofile=1024:1024\", \"nproc=1024:1024\"]\n[engine]\n"
                + "cgroup_manager = \"cgroupfs\"\nevents_logger = \"file\"\n" + (Shell.which("runc").isPresent() ? "runtime = \"runc\"\n" : ""));
        // A storage of its own for each: what other programs do with containers meanwhile is not seen.
        Files.writeString(folder.resolve("storage-ROOT.conf"), storage(folder.resolve("storage"), folder.resolve("storage-run")));
        Files.writeString(folder.resolve("storage-USER.conf"), storage(folder.resolve("home/storage"), folder.resolve("run/storage")));
        Files.writeString(folder.resolve("ranges"), USER + ":200000:65536\n");
        Files.writeString(folder.resolve("passwd"), Files.readString(Path.of("/etc/passwd")).replaceAll("(?m)^" + USER + ":([^:]*:\\d+:\\d+:[^:]*):[^:]*:",
                USER + ":$1:" + folder.resolve("home") + ":"));
        Podman podman = new Podman(folder);
        Files.createDirectories(podman.rust());
        Files.createDirectories(folder.resolve("home/.jbang/cache"));
        Files.createDirectories(folder.resolve("run"));
        podman.libraries();
        podman.give(folder.resolve("home"));
        podman.give(folder.resolve("run"));
        Files.setPosixFilePermissions(folder.resolve("run"), PosixFilePermissions.fromString("rwx------"));
        return podman;
    }

    private static String storage(Path root, Path run) {
        return "[storage]\ndriver = \"overlay\"\ngraphroot = \"" + root + "\"\nrunroot = \"" + run + "\"\nrootless_storage_path = \"" + root + "\"\n";
    }

    /** The libraries of build.java, where JBang finds them without a network when the user runs it. */
    private void libraries() throws IOException, InterruptedException {
        String script = """
                set -e
                ./jbang build build.java 2>/dev/null
                jars=$(./jbang info classpath --deps-only build.java | tail -n 1)
                IFS=:
                for jar in $jars; do
                  mkdir -p "$1$(dirname "${jar#"$2"}")"
                  cp -a "$jar" "$1${jar#"$2"}"
                done
                sed "s#$2/#$1/#g" "$2/.jbang/cache/dependency_cache.json" > "$1/.jbang/cache/dependency_cache.json"
                """;
        requireZero(run(Caller.ROOT, Map.of(), "sh", "-c", script, "sh", folder.resolve("home").toString(), System.getProperty("user.home")));
    }

    /** Imports the base image for this caller; skips the test where its containers do not run. */
    public void importBase(Caller caller) throws IOException, InterruptedException {
        Path tar = folder.resolve("base.tar");
        if (!Files.exists(tar)) {
            Path root = Files.createDirectories(folder.resolve("base"));
            for (String name : List.of("bin", "lib", "lib64")) {
                Files.createSymbolicLink(root.resolve(name), Path.of("usr", name));
            }
            for (String name : List.of("rustc", "cargo")) {
                Files.createSymbolicLink(Files.createDirectories(root.resolve("sbin")).resolve(name), rust().resolve("bin").resolve(name));
            }
            for (String name : List.of("usr", "tmp", "proc", "sys", "dev", "run", "var/tmp", "root", "etc", "opt", "etc/ssl/certs", "etc/apk")) {
                Files.createDirectories(root.resolve(name));
            }
            // The engine runs a shell while it builds the image, when nothing is mounted yet.
            String shell = "sh=$(readlink -f /bin/sh); cp \"$sh\" usr/bin/sh; ldd \"$sh\" | grep -o '/[^ ]*' | while read -r file; do "
                    + "mkdir -p \"usr$(dirname \"${file#/usr}\")\" && cp -L \"$file\" \"usr${file#/usr}\"; done";
            for (String name : List.of("bin", "lib", "lib64")) {
                Files.createDirectories(root.resolve("usr").resolve(name));
            }
            requireZero(run(Caller.ROOT, Map.of(), "sh", "-ec", "cd \"$1\"; " + shell, "sh", root.toString()));
            Files.writeString(root.resolve("etc/passwd"), "root:x:0:0:root:/root:/bin/sh\nnobody:x:65534:65534:nobody:/:/bin/sh\n");
            Files.writeString(root.resolve("etc/group"), "root:x:0:\nnogroup:x:65534:\n");
            // A step of the Dockerfile that is given repositories waits here until it is interrupted.
            requireZero(run(Caller.ROOT, Map.of(), "mkfifo", root.resolve("etc/apk/repositories").toString()));
            requireZero(run(Caller.ROOT, Map.of(), "tar", "-C", root.toString(), "-cf", tar.toString(), "."));
        }
        requireZero(run(caller, Map.of(), "podman", "import", tar.toString(), BASE));
        List<String> probe = new ArrayList<>(List.of("podman", "run", "--rm"));
        machine().forEach(path -> probe.addAll(List.of("--volume", path + ":" + path + ":ro")));
        probe.addAll(List.of(BASE, "sh", "-c", "true"));
        Run probed = run(caller, Map.of(), probe.toArray(String[]::new));
        assumeTrue(probed.exitCode() == 0, () -> "podman cannot run containers here: " + probed.err());
    }

    /** The folders of this machine that the base image lacks. */
    public List<Path> machine() throws IOException {
        List<Path> folders = new ArrayList<>(List.of(Path.of("/usr"), Path.of("/etc/alternatives"), rust()));
        try (var list = Files.list(Path.of("/etc"))) {
            list.filter(path -> path.getFileName().toString().matches("java.*|ld\\.so\\..*")).forEach(folders::add);
        }
        return folders.stream().filter(Files::exists).toList();
    }

    /** Options of build.java and dev-container.java for a container that is made of this machine's own programs. */
    public List<String> image() {
        return List.of("--build-arg=BASE=" + BASE, "--build-arg=PACKAGES=", "--build-arg=RUST_TARGET=");
    }

    /** Where everybody finds Rust. */
    private Path rust() {
        return folder.resolve("rust");
    }

    /** Makes the file or folder the user's. */
    public Path give(Path path) throws IOException, InterruptedException {
        requireZero(run(Caller.ROOT, Map.of(), "chown", "-hR", USER + ":", path.toString()));
        return path;
    }

    /** Runs {@code ./jbang WORDS...} in the project's folder. */
    public Run script(Caller caller, Map<String, String> environment, List<String> words) throws IOException, InterruptedException {
        List<String> argv = new ArrayList<>(List.of(TestProject.folder().resolve("jbang").toString()));
        argv.addAll(words);
        return run(caller, environment, argv.toArray(String[]::new));
    }

    public Run run(Caller caller, Map<String, String> environment, String... words) throws IOException, InterruptedException {
        return start(caller, environment, words).finish();
    }

    /** A command that runs, with its output going to files. */
    public record Running(Process process, Path out, Path err) {
        /** What it has printed to standard error so far. */
        public String errors() {
            return Trees.read(err);
        }

        public Run finish() throws IOException, InterruptedException {
            int exitCode = process.waitFor();
            return new Run(exitCode, Files.readString(out), Files.readString(err));
        }
    }

    /** Starts a command as the caller. */
    public Running start(Caller caller, Map<String, String> environment, String... words) throws IOException {
        List<String> argv = new ArrayList<>(List.of("unshare", "--mount", "sh", "-c", """
                mount --bind "$1/ranges" /etc/subuid && mount --bind "$1/ranges" /etc/subgid || exit 99
                if [ -n "$2" ]; then mount --bind "$2" "$1/rust" || exit 99; fi
                if [ "$3" = USER ]; then mount --bind "$1/passwd" /etc/passwd || exit 99; fi
                shift 3; exec "$@"
                """, "sh", folder.toString(), sysroot(), caller.name()));
        if (caller == Caller.USER) {
            argv.addAll(List.of("setpriv", "--reuid", USER, "--regid", "nogroup", "--clear-groups", "--"));
        }
        argv.addAll(List.of(words));
        Path out = Files.createTempFile(folder, "out", ".txt");
        Path err = Files.createTempFile(folder, "err", ".txt");
        ProcessBuilder builder = new ProcessBuilder(argv).directory(TestProject.folder().toFile()).redirectOutput(out.toFile()).redirectError(err.toFile());
        if (caller == Caller.USER) {
            builder.environment().keySet().removeIf(name -> !name.matches("JAVA_HOME|SSL_CERT_FILE|(?i:.*_proxy)"));
        }
        builder.environment().remove("MOS_BUILD");
        builder.environment().putAll(variables(caller));
        builder.environment().putAll(environment);
        return new Running(builder.start(), out, err);
    }

    private Map<String, String> variables(Caller caller) {
        Map<String, String> variables = new TreeMap<>(Map.of("CONTAINERS_CONF", folder.resolve("containers.conf").toString(),
                "CONTAINERS_STORAGE_CONF", folder.resolve("storage-" + caller + ".conf").toString(),
                "PATH", rust().resolve("bin") + ":/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"));
        if (caller == Caller.USER) {
            variables.putAll(Map.of("HOME", folder.resolve("home").toString(), "USER", USER, "XDG_RUNTIME_DIR", folder.resolve("run").toString()));
        }
        return variables;
    }

    private static String sysroot() throws IOException {
        if (Shell.which("rustc").isEmpty()) {
            return "";
        }
        return new String(new ProcessBuilder("rustc", "--print", "sysroot").start().getInputStream().readAllBytes(), StandardCharsets.UTF_8).strip();
    }

    /** Names of all containers, those of half-built images included. One that goes while podman lists it makes podman fail; it is asked again then. */
    public String containers(Caller caller) throws IOException, InterruptedException {
        Run run = null;
        for (int n = 0; n < 10 && (run == null || run.err().contains("container not known")); n++) {
            run = run(caller, Map.of(), "podman", "ps", "--all", "--external", "--format", "{{.Names}}");
        }
        return requireZero(run).out();
    }

    /** Removes containers, images and the process that keeps the user's namespace. */
    public void close(Caller caller) throws IOException, InterruptedException {
        run(caller, Map.of(), "sh", "-c", "podman rm --all --force; podman rmi --all --force");
        Path pause = folder.resolve("run/libpod/tmp/pause.pid");
        if (caller == Caller.USER && Files.exists(pause)) {
            ProcessHandle.of(Long.parseLong(Files.readString(pause).strip())).ifPresent(ProcessHandle::destroyForcibly);
        }
    }

    private static Run requireZero(Run run) {
        if (run.exitCode() != 0) {
            throw new AssertionError(run.toString());
        }
        return run;
    }
}
