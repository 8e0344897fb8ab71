import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.concurrent.TimeUnit;
import java.util.stream.Stream;
import lib.Curl;
import lib.S3Server;
import lib.TestProject;
import lib.tool.Cache;
import lib.tool.Digest;
import lib.tool.Json;
import lib.tool.Trees;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.MethodSource;

/** build.java as a process on the demo's inputs: real packages, a real Rust PID 1, a real kernel (compiled once, then cached). */
@Tag("slow")
class BuildTest {
    @TempDir
    static Path folder;
    private static Path workspace;
    private static Script.Run demo;

    /** A workspace of its own with the demo's inputs, built once. */
    @BeforeAll
    static void build() throws IOException, InterruptedException {
        workspace = Files.createDirectory(folder.resolve("workspace"));
        demo = Script.run("build.java", "--demo", "-C", workspace.toString());
        assertThat(demo.exitCode()).describedAs(demo.toString()).isZero();
        Script.run("build.java", "--demo", "-C", workspace.toString());
    }

    @Test
    void stdout_is_the_path_of_an_image_that_pc_firmware_can_start() throws IOException {
        Path image = Path.of(demo.out().strip());
        ByteBuffer header = ByteBuffer.wrap(Files.readAllBytes(image)).order(ByteOrder.LITTLE_ENDIAN);

        assertThat(image).isEqualTo(workspace.resolve("dist/vmlinuz.efi"));
        assertThat(header.getShort(0)).describedAs("MZ").isEqualTo((short) 0x5a4d);
        assertThat(header.getInt(header.getInt(0x3c))).describedAs("PE").isEqualTo(0x4550);
        assertThat(header.getInt(0x202)).describedAs("HdrS").isEqualTo(0x53726448);
    }

    @Test
    void dist_holds_the_versioned_name_the_archive_and_sums_that_hold() throws IOException, InterruptedException {
        JsonNode report = Json.read(workspace.resolve("dist/build.json"));
        String version = report.get("version").asText();

        assertThat(version).matches("\\d+\\.\\d+[^-]*-MyceliumOS-[0-9a-f]{7}");
        assertThat(workspace.resolve("dist/vmlinuz-" + version + ".efi")).hasSameBinaryContentAs(workspace.resolve("dist/vmlinuz.efi"));
        assertThat(report.get("components").get(0).get("identity").asText()).startsWith(version.substring(version.length() - 7));
        assertThat(in("dist", "sha256sum", "--check", "--strict", "SHA256SUMS")).isZero();
        assertThat(in("dist", "xz", "--test", "initramfs.cpio.xz")).isZero();
        assertThat(list()).contains("init", "sbin/init", "sbin/my_init", "etc/my_init/my_init.conf", "dev/console", "lib/apk/db/installed");
    }

    @Test
    void the_finished_image_is_charged_linted_and_described() throws IOException, InterruptedException {
        JsonNode sizes = Json.read(workspace.resolve("dist/size.json"));
        long sum = 0;
        for (JsonNode item : sizes.get("items")) {
            sum += item.get("bytes").asLong();
        }
        assertThat(sum).isEqualTo(Files.size(workspace.resolve("dist/vmlinuz.efi"))).isEqualTo(sizes.get("bytes").asLong());
        assertThat(sizes.get("initramfs").asLong()).isEqualTo(Files.size(workspace.resolve("dist/initramfs.cpio.xz")));
        assertThat(demo.err()).contains("lint of vmlinuz.efi").containsPattern("(?m)^packages +\\d+ +\\d+\\.\\d % ");
        assertThat(Json.read(workspace.resolve("dist/sbom.cdx.json")).findValuesAsText("purl")).anyMatch(purl -> purl.startsWith("pkg:apk/alpine/jq@"))
                .anyMatch(purl -> purl.startsWith("pkg:generic/my_init@")).anyMatch(purl -> purl.startsWith("pkg:generic/linux@"));
        String image = workspace.resolve("dist/vmlinuz.efi").toString();
        assertThat(Script.run("image.java", "inspect", image, "etc/hostname").out()).isEqualTo("demo\n");
        assertThat(Script.run("image.java", "lint", image).exitCode()).isZero();
        assertThat(Script.run("image.java", "size", workspace.toString(), image).out().lines()).hasSize(2);
    }

    @Test
    void a_build_with_nothing_changed_makes_nothing_anew() throws IOException, InterruptedException {
        Map<String, String> before = dist(workspace);
        Script.Run again = Script.run("build.java", "--demo", "-C", workspace.toString());

        assertThat(again.err()).contains("all was cached");
        assertThat(Json.read(workspace.resolve("dist/build.json")).get("made")).isEmpty();
        assertThat(dist(workspace)).isEqualTo(before);
    }

    @Test
    void an_edited_service_is_in_the_next_image_without_a_kernel_build() throws IOException, InterruptedException {
        Path other = copy("edited");
        try (Stream<Path> services = Files.list(other.resolve("config/my_init/services"))) {
            Files.writeString(services.findFirst().orElseThrow(), "\n# edited at " + System.nanoTime() + "\n", StandardOpenOption.APPEND);
        }

        Script.Run run = Script.run("build.java", "-C", other.toString(), "--explain");

        assertThat(run.exitCode()).describedAs(run.toString()).isZero();
        assertThat(other.resolve("dist/vmlinuz.efi")).exists();
        assertThat(Digest.sha256(other.resolve("dist/vmlinuz.efi"))).isNotEqualTo(Digest.sha256(workspace.resolve("dist/vmlinuz.efi")));
        assertThat(run.err()).contains("miss initramfs").contains("hit  component my_init").doesNotContainPattern("miss kernel-objects");
        // 25 s on two cores that have nothing else to do; others may be at work on this machine.
        assertThat(Json.read(other.resolve("dist/build.json")).get("seconds").get("Packaging: Kernel").asDouble()).isLessThan(25 * TestProject.load());
    }

    @Test
    void a_build_elsewhere_and_one_by_somebody_else_a_week_later_with_other_jobs_give_the_same_bytes() throws IOException, InterruptedException {
        Path other = copy("elsewhere");
        Files.writeString(Files.createDirectories(other.resolve("dist")).resolve("initramfs.cpio.zst"), "of a build with another COMPRESSION");
        Script.Run run = Script.run(S3Server.environment(java.net.URI.create("http://127.0.0.1:9"), "mos"), "build.java", "-C", other.toString(), "--jobs", "3", "--verify");
        assertThat(run.exitCode()).describedAs(run.toString()).isZero();
        assertThat(run.err()).contains("built twice, the same bytes: initramfs.cpio.xz, vmlinuz.efi");
        assertThat(other.resolve("dist/initramfs.cpio.xz")).hasSameBinaryContentAs(workspace.resolve("dist/initramfs.cpio.xz"));
        assertThat(other.resolve("dist/vmlinuz.efi")).hasSameBinaryContentAs(workspace.resolve("dist/vmlinuz.efi"));
    }

    @Test
    void until_leaves_the_tree_and_no_artifacts() throws IOException, InterruptedException {
        Path other = copy("until");
        Script.Run run = Script.run("build.java", "-C", other.toString(), "--until", "alpine");

        assertThat(run.exitCode()).isZero();
        assertThat(run.out().strip()).isEqualTo(other.resolve("initramfs").toString());
        assertThat(other.resolve("initramfs/etc/alpine-release")).exists();
        assertThat(other.resolve("initramfs/sbin/my_init")).doesNotExist();
        assertThat(other.resolve("dist/vmlinuz.efi")).doesNotExist();
    }

    /** A change to a workspace that makes its build fail. */
    private interface Fault {
        void plant(Path workspace) throws IOException;
    }

    static Stream<Arguments> faults() {
        return Stream.of(
                fault("unknown package", 2, "packages.list:\\d+: .*jqq.*", at -> append(at, "config/packages.list", "jqq\n")),
                fault("tampered index", 1, "APKINDEX", at -> flip(at.resolve("mirror"), "APKINDEX.tar.gz")),
                fault("tampered package", 1, "jq-", at -> flip(at.resolve("mirror"), "jq-[0-9].*\\.apk")),
                fault("wrong checksum of the miniroot", 1, "wrong checksum", at -> flip(at.resolve("mirror"), "alpine-minirootfs.*tar.gz")),
                fault("unreachable mirror", 1, "127.0.0.1:9", at -> setting(at, "ALPINE_MIRROR", "http://127.0.0.1:9")),
                fault("unknown key", 2, "build.conf:\\d+: unknown key ALPINE_VERSOIN", at -> append(at, "config/build.conf", "ALPINE_VERSOIN=1\n")),
                fault("malformed sources.conf line", 2, "sources.conf:\\d+: ", at -> append(at, "config/sources.conf", "git:x\n")),
                fault("kernel option that does not exist", 2, "kernel.config:\\d+.*CONFIG_NO_SUCH_OPTION", at -> append(at, "config/kernel.config", "CONFIG_NO_SUCH_OPTION=y\n")),
                fault("kernel option that vanishes", 2, "kernel.config:\\d+: CONFIG_E1000=m: it became n", at -> append(at, "config/kernel.config", "# CONFIG_NET_VENDOR_INTEL is not set\n")),
                fault("kernel source that is not there", 2, "build.conf:\\d+: KERNEL_SOURCE=.* there is no file ", at -> setting(at, "KERNEL_SOURCE", "linux-9.tar.xz")),
                fault("patch that does not apply", 1, "1.patch does not apply", BuildTest::plantPatch),
                fault("missing required firmware", 2, "firmware.conf:1: the required firmware is not in (?s:.*)hint: did you mean net/card-1.fw", at -> plantFirmware(at, "require net/card-l.fw\n")),
                fault("initramfs over its budget", 4, "MAX_INITRAMFS_SIZE", at -> setting(at, "MAX_INITRAMFS_SIZE", "10K")),
                fault("kernel over its budget", 4, "MAX_KERNEL_SIZE", at -> setting(at, "MAX_KERNEL_SIZE", "1M")),
                fault("packages over their budget", 4, "MAX_PACKAGES_SIZE(?s:.*)busybox", at -> setting(at, "MAX_PACKAGES_SIZE", "1M")),
                fault("a secret in the image", 4, "private-key +/etc/my_init/node.key", at -> Files.writeString(at.resolve("config/my_init/node.key"),
                        "-----BEGIN PRIVATE " + "KEY-----\nMC4CAQAwBQYDK2VwBCIEIAAAAAAAAAAAAAAA\n-----END PRIVATE " + "KEY-----\n")),
                fault("missing module", 2, "modules.conf:\\d+: .*virtio_nett", at -> append(at, "config/modules.conf", "virtio_nett\n")),
                fault("no my_init", 2, "no component installs /sbin/my_init", at -> Files.writeString(at.resolve("config/sources.conf"), "")));
    }

    /** A kernel of one file, and a patch for another one. */
    private static void plantPatch(Path at) throws IOException {
        Path tree = Files.createDirectories(at.resolve("linux-9"));
        Files.writeString(tree.resolve("Makefile"), "VERSION = 9\nPATCHLEVEL = 1\nSUBLEVEL = 0\n");
        run("tar", "-cJf", at.resolve("linux-9.tar.xz").toString(), "-C", at.toString(), "linux-9");
        Path patches = Files.createDirectories(at.resolve("config/kernel-patches"));
        Files.writeString(patches.resolve("1.patch"), "--- a/Makefile\n+++ b/Makefile\n@@ -1 +1 @@\n-VERSION = 8\n+VERSION = 7\n");
        setting(at, "KERNEL_SOURCE", "linux-9.tar.xz");
    }

    private static void plantFirmware(Path at, String rules) throws IOException {
        Files.writeString(Files.createDirectories(at.resolve("firmware/net")).resolve("card-1.fw"), "firmware");
        Files.writeString(at.resolve("config/firmware.conf"), rules);
        setting(at, "FIRMWARE_SOURCE", "firmware");
    }

    private static void run(String... argv) throws IOException {
        try {
            assertThat(new ProcessBuilder(argv).inheritIO().start().waitFor()).isZero();
        } catch (InterruptedException e) {
            throw new IOException(e);
        }
    }

    @ParameterizedTest(name = "{0}")
    @MethodSource("faults")
    void a_fault_is_one_clear_error_and_leaves_the_last_good_image(String name, int exitCode, String message, Fault fault) throws IOException, InterruptedException {
        Path other = copy("fault");
        Map<String, String> before = copyDist(other);
        fault.plant(other);

        Script.Run run = Script.run("build.java", "-C", other.toString());

        assertThat(run.exitCode()).describedAs(run.toString()).isEqualTo(exitCode);
        assertThat(run.err()).containsPattern("error: (?s:.*)" + message).doesNotContain("defect of the program").doesNotContain("\tat ");
        assertThat(run.err().lines().filter(line -> line.startsWith("error: "))).hasSize(1);
        assertThat(run.out()).isEmpty();
        assertThat(dist(other)).isEqualTo(before);
        Trees.delete(other);
    }

    @ParameterizedTest
    @org.junit.jupiter.params.provider.ValueSource(strings = {"is a damaged or truncated ELF file", "was made for the kernel 9."})
    void a_damaged_or_foreign_module_is_one_clear_error(String message) throws IOException, InterruptedException {
        Path other = copy("module");
        Path cache = folder.resolve("cache-" + message.hashCode());
        // The real cache, but for a copy of the kernel's modules of which one is spoilt.
        run("sh", "-c", "set -e; mkdir -p \"$2\"; cd \"$1\"; for kind in *; do [ $kind = kernel-objects ] || ln -s \"$1/$kind\" \"$2/$kind\"; done;"
                + " cd kernel-objects; for entry in *; do t=\"$2/kernel-objects/$entry\"; if [ -d $entry ]; then mkdir -p \"$t\"; ln -s \"$PWD/$entry/objects\" \"$t/objects\";"
                + " cp -a $entry/release $entry/install \"$t\"; else cp $entry \"$t\"; fi; done", "sh", Cache.defaultFolder(System.getenv()).toString(), cache.toString());
        List<Path> modules;
        try (Stream<Path> files = Files.walk(cache.resolve("kernel-objects"))) {
            modules = files.filter(file -> file.endsWith("virtio_net.ko")).toList();
        }
        for (Path module : modules) {
            String text = new String(Files.readAllBytes(module), StandardCharsets.ISO_8859_1);
            String spoilt = message.contains("truncated") ? text.substring(0, text.length() / 2) : text.replaceFirst("vermagic=\\d", "vermagic=9");
            Files.writeString(module, spoilt, StandardCharsets.ISO_8859_1);
        }

        Script.Run run = Script.run(Map.of("MOS_CACHE_DIR", cache.toString()), "build.java", "-C", other.toString());

        assertThat(run.exitCode()).describedAs(run.toString()).isEqualTo(1);
        assertThat(run.err().lines().filter(line -> line.startsWith("error: "))).singleElement().asString().contains("virtio_net.ko " + message);
        Trees.delete(other);
    }

    @Test
    void the_build_says_why_a_file_is_in_the_image() throws IOException, InterruptedException {
        Path other = copy("why");
        plantFirmware(other, "include net/*\n");
        assertThat(Script.run("build.java", "-C", other.toString()).exitCode()).isZero();

        assertThat(why(other, "failover")).isEqualTo("module failover <- module net_failover (depends) <- module virtio_net (depends) <- modules.conf:2 virtio_net\n");
        assertThat(why(other, "/lib/firmware/net/card-1.fw")).isEqualTo("lib/firmware/net/card-1.fw <- firmware.conf:1 include net/*\n");
        assertThat(why(other, "usr/bin/jq")).startsWith("usr/bin/jq <- package jq (").endsWith(") <- packages.list:2 asks for jq\n");
        assertThat(why(other, "init")).contains("init <- sbin/init (link) <- sbin/my_init (link) <- component my_init (main) <- sources.conf:2 (file:my_init)");
        assertThat(why(other, "e1000.ko")).contains("modules.conf:3 e1000");
        Script.Run unknown = Script.run("build.java", "-C", other.toString(), "--why", "virtio_nett");
        assertThat(unknown.exitCode()).isEqualTo(2);
        assertThat(unknown.err()).contains("virtio_nett is not in the image", "did you mean virtio_net?");
        assertThat(unknown.out()).isEmpty();
    }

    private static String why(Path at, String what) throws IOException, InterruptedException {
        return Script.run("build.java", "-C", at.toString(), "--why", what).out();
    }

    @Test
    void a_missing_compiler_is_named_with_the_line_that_installs_it() throws IOException, InterruptedException {
        Path other = copy("compiler");
        Path tools = Files.createDirectory(folder.resolve("tools"));
        for (String place : new String[] {"/usr/bin", "/bin", "/usr/sbin", "/sbin"}) {
            try (Stream<Path> programs = Files.list(Path.of(place))) {
                for (Path program : programs.filter(one -> !one.getFileName().toString().matches("(.*-)?(gcc|cc|flex|lex)(-[0-9.]+)?")).toList()) {
                    if (!Files.exists(tools.resolve(program.getFileName()))) {
                        Files.createSymbolicLink(tools.resolve(program.getFileName()), program);
                    }
                }
            }
        }
        String path = System.getenv("PATH").lines().flatMap(text -> Stream.of(text.split(":"))).filter(one -> one.contains("cargo")).findFirst()
                .map(cargo -> cargo + ":" + tools).orElse(tools.toString());

        Script.Run run = Script.run(Map.of("PATH", path), "build.java", "-C", other.toString());

        assertThat(run.exitCode()).describedAs(run.toString()).isEqualTo(3);
        assertThat(run.err()).contains("gcc").contains("flex").contains("install");
    }

    @ParameterizedTest
    @org.junit.jupiter.params.provider.ValueSource(strings = {"2/6", "3/6", "4/6", "5/6", "6/6"})
    void interrupted_in_any_phase_it_leaves_the_last_good_image_and_can_run_again(String phase) throws IOException, InterruptedException {
        Path other = copy("interrupted" + phase.charAt(0));
        Map<String, String> before = copyDist(other);
        Script.Running running = Script.start(Map.of(), "build.java", "-C", other.toString());
        while (running.process().isAlive() && !Files.readString(running.err()).contains(phase)) {
            Thread.sleep(5);
        }
        new ProcessBuilder("kill", "-INT", Long.toString(running.process().pid())).start().waitFor(5, TimeUnit.SECONDS);
        Script.Run run = Script.finish(running);

        assertThat(run.exitCode()).describedAs(run.toString()).isEqualTo(130);
        assertThat(dist(other)).isEqualTo(before);
        Script.Run again = Script.run("build.java", "-C", other.toString());
        assertThat(again.exitCode()).describedAs(again.toString()).isZero();
    }

    @Test
    void a_full_disk_is_one_clear_error_and_leaves_the_last_good_image() throws IOException, InterruptedException {
        org.junit.jupiter.api.Assumptions.assumeTrue(lib.tool.User.isRoot(), "only root may mount a small file system");
        Path other = copy("full");
        copyDist(other);
        // Room for what is in dist/ and half of what is about to take its place.
        long bytes = Trees.size(other.resolve("dist")) * 3 / 2;
        String script = "cp -a \"$1\" \"$1.good\" && mount -t tmpfs -o size=$4 tmpfs \"$1\" && cp -a \"$1.good/.\" \"$1\" && cd \"$2\" || exit 99;"
                + " ./jbang build.java -C \"$3\"; code=$?; (cd \"$1\" && sha256sum --check --quiet SHA256SUMS && ls | sed -n 's/.*part$/left behind: &/p') ; exit $code";
        Process process = new ProcessBuilder("unshare", "--mount", "sh", "-c", script, "sh", other.resolve("dist").toString(),
                lib.TestProject.folder().toString(), other.toString(), Long.toString(bytes))
                .redirectErrorStream(true).start();
        String output = new String(process.getInputStream().readAllBytes(), StandardCharsets.UTF_8);

        assertThat(process.waitFor()).describedAs(output).isEqualTo(1);
        assertThat(output).contains("No space left on device").contains("hint: free some space").doesNotContain("FAILED").doesNotContain("left behind");
    }

    @Test
    void uploads_the_image_and_the_flists_when_it_is_asked_to() throws IOException, InterruptedException {
        Path other = copy("upload");
        S3Server server = S3Server.shared();
        String bucket = server.bucket();
        Map<String, String> environment = new TreeMap<>(S3Server.environment(server.endpoint(), bucket));
        environment.putAll(Map.of("UPLOAD_KERNEL", "true", "UPLOAD_MANIFESTS", "true", "KERNEL_SUBPATH", "kernels", "S3_PREFIX", "mos"));

        Script.Run run = Script.run(environment, "build.java", "-C", other.toString());

        assertThat(run.exitCode()).describedAs(run.toString()).isZero();
        String version = Json.read(other.resolve("dist/build.json")).get("version").asText();
        String release = version.replaceFirst("-[0-9a-f]{7}$", "");
        String base = server.endpoint() + "/" + bucket + "/mos/";
        assertThat(Curl.get(base + "kernels/vmlinuz-" + version + ".efi").body()).isEqualTo(Files.readAllBytes(other.resolve("dist/vmlinuz.efi")));
        assertThat(new String(Curl.get(base + "kernels/kernels.txt").body(), StandardCharsets.UTF_8)).isEqualTo("vmlinuz-" + version + ".efi\n");
        assertThat(Curl.get(base + "manifests/modules-" + release + ".fl").status()).isEqualTo(200);
        assertThat(run.toString() + Trees.read(other.resolve("dist/build.log"))).doesNotContain(S3Server.SECRET);
    }

    @Test
    void an_upload_without_a_bucket_is_refused_before_anything_is_built() throws IOException, InterruptedException {
        Path other = copy("nowhere");
        Script.Run run = Script.run("build.java", "-C", other.toString(), "--upload-kernel");

        assertThat(run.exitCode()).isEqualTo(2);
        assertThat(run.err()).contains("error: there is nowhere to upload to").doesNotContain("2/6");
    }

    private static Arguments fault(String name, int exitCode, String message, Fault fault) {
        return Arguments.of(name, exitCode, message, fault);
    }

    /** A workspace with the demo's inputs, as a user's own: config/, mirror/ and my_init/ side by side. */
    private static Path copy(String name) throws IOException, InterruptedException {
        Path target = folder.resolve(name);
        assertThat(new ProcessBuilder("cp", "-a", workspace.resolve(".demo").toString(), target.toString()).inheritIO().start().waitFor()).isZero();
        return target;
    }

    private static Map<String, String> copyDist(Path target) throws IOException, InterruptedException {
        assertThat(new ProcessBuilder("cp", "-a", workspace.resolve("dist").toString(), target.toString()).inheritIO().start().waitFor()).isZero();
        return dist(target);
    }

    /** Names and digests of what a build leaves, but for the log and the report with its seconds. */
    private static Map<String, String> dist(Path at) throws IOException {
        Map<String, String> files = new TreeMap<>();
        try (Stream<Path> all = Files.list(at.resolve("dist"))) {
            // What tells how long the build took is left out.
            all.filter(file -> !file.getFileName().toString().matches("build\\.(log|json)|report\\.html"))
                    .forEach(file -> files.put(file.getFileName().toString(), Digest.sha256(file)));
        }
        return files;
    }

    private static List<String> list() throws IOException, InterruptedException {
        Process process = new ProcessBuilder("sh", "-c", "xz -dc initramfs.cpio.xz | cpio -t --quiet").directory(workspace.resolve("dist").toFile()).start();
        return new String(process.getInputStream().readAllBytes(), StandardCharsets.UTF_8).lines().toList();
    }

    private static int in(String below, String... argv) throws IOException, InterruptedException {
        return new ProcessBuilder(argv).directory(workspace.resolve(below).toFile()).inheritIO().redirectOutput(ProcessBuilder.Redirect.DISCARD).start().waitFor();
    }

    private static void append(Path at, String file, String text) throws IOException {
        Files.writeString(at.resolve(file), text, StandardOpenOption.APPEND);
    }

    private static void setting(Path at, String key, String value) throws IOException {
        Path conf = at.resolve("config/build.conf");
        Files.writeString(conf, Files.readString(conf).replaceAll("(?m)^" + key + "=.*\n", "") + key + "=\"" + value + "\"\n");
    }

    /** Changes a byte in the middle of the first file below a folder whose name matches. */
    private static void flip(Path below, String name) throws IOException {
        try (Stream<Path> files = Files.walk(below)) {
            Path file = files.filter(one -> one.getFileName().toString().matches(name)).sorted().findFirst().orElseThrow();
            byte[] bytes = Files.readAllBytes(file);
            bytes[bytes.length / 2] ^= 1;
            Files.write(file, bytes);
        } catch (UncheckedIOException e) {
            throw e.getCause();
        }
    }
}
