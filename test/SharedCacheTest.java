import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Map;
import java.util.TreeMap;
import lib.S3Server;
import lib.tool.Cache;
import lib.tool.Json;
import lib.tool.Trees;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Two machines, each with a cache and a workspace of its own, and one S3 server. */
@Tag("slow")
class SharedCacheTest {
    @TempDir
    Path folder;

    @Test
    void what_one_machine_compiled_the_other_does_not() throws IOException, InterruptedException {
        S3Server server = S3Server.shared();
        Map<String, String> environment = new TreeMap<>(S3Server.environment(server.endpoint(), server.bucket()));
        environment.put("REMOTE_CACHE", "s3://" + environment.get("S3_BUCKET") + "/ci");
        Path one = Files.createDirectory(folder.resolve("one"));
        Path two = folder.resolve("two");

        Script.Run first = Script.run(environment, "build.java", "--demo", "-C", one.toString());
        assertThat(first.exitCode()).as(first.toString()).isZero();
        new ProcessBuilder("cp", "-a", one.resolve(".demo").toString(), two.toString()).inheritIO().start().waitFor();
        environment.put("MOS_CACHE_DIR", cache().toString());
        Script.Run second = Script.run(environment, "build.java", "-C", two.toString(), "--explain");

        assertThat(second.exitCode()).as(second.toString()).isZero();
        assertThat(second.err()).contains("hit  component my_init (remote cache)", "hit  kernel-objects linux (remote cache)", "hit  kernel-linked vmlinuz (remote cache)");
        assertThat(Json.read(two.resolve("dist/build.json")).get("made")).extracting(made -> made.asText().replaceAll(" .*", ""))
                .doesNotContain("component", "strip", "upx", "initramfs", "kernel-config", "kernel-objects", "kernel-linked");
        assertThat(Trees.read(two.resolve("dist/build.log"))).doesNotContain("  CC  ", "modules_install")
                .doesNotContainPattern("(?m)^\\$ .*\\bcargo (?!--version)");
        assertThat(two.resolve("dist/vmlinuz.efi")).hasSameBinaryContentAs(one.resolve("dist/vmlinuz.efi"));
        assertThat(first.toString() + second).doesNotContain(S3Server.SECRET);
    }

    /** Empty but for the launcher's JBang and the kernel's source, which is unpacked already. */
    private Path cache() throws IOException, InterruptedException {
        Path warm = Cache.defaultFolder(System.getenv());
        Path cache = Files.createDirectory(folder.resolve("cache"));
        new ProcessBuilder("cp", "-a", warm.resolve("jbang").toString(), cache.toString()).inheritIO().start().waitFor();
        Files.createSymbolicLink(cache.resolve("kernel-source"), warm.resolve("kernel-source"));
        return cache;
    }

    @Test
    void a_place_that_is_none_is_a_wrong_command_line() throws IOException, InterruptedException {
        Script.Run run = Script.run("build.java", "-C", lib.TestProject.folder().toString(), "--remote-cache", "bucket/prefix");

        assertThat(run.exitCode()).isEqualTo(2);
        assertThat(run.err()).contains("--remote-cache=bucket/prefix is not a place such as s3://bucket/prefix");
    }
}
