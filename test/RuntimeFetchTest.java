import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HexFormat;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.TreeMap;
import java.util.stream.Stream;
import lib.Curl;
import lib.PublishingTests;
import lib.RuntimeServer;
import lib.RuntimeServer.Fault;
import lib.S3Server;
import lib.TestProject;
import lib.tool.Json;
import lib.tool.Shell;
import lib.tool.Trees;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/**
 * The project's own config/ in a guest: real Alpine packages, its services and its rootfs; the demo's kernel and process 1 stand in for
 * those that cannot be had here. One boot sees all that may go wrong between a bucket and a node.
 */
@Tag("slow")
@Timeout(900)
class RuntimeFetchTest {
    private static final String FOLDER = "/mos/runtime/";
    /** What of the project's packages.list the mirror beside the project has; openssl is this machine's. */
    private static final List<String> PACKAGES = List.of("ca-certificates", "eudev", "dhcpcd", "dosfstools", "e2fsprogs", "sgdisk", "openssh-server",
            "openssh-keygen", "openssh-client-default", "jq", "zstd");
    private static final String CHECKS = """
            fetch() { /usr/libexec/mos/runtime-fetch --once; echo "check $1 ended with $? and has $(/var/cache/bin/hello)"; }
            next() { wget -q -O /dev/null http://10.0.2.2:PORT/next; }
            echo "check first $(/var/cache/bin/hello), $(/var/cache/bin/tool), $(/var/cache/bin/packed)"
            fetch again
            next; fetch forged
            next; fetch changed
            next; fetch older
            next; fetch channel
            next; fetch escape
            next; fetch update
            echo "check rest [$(ls -A /var/cache/bin | tr '\\n' ' ')] [$(ls /var/cache/bin/.releases | wc -l)]"
            ssh -o StrictHostKeyChecking=no -o LogLevel=ERROR root@127.0.0.1 'echo "check ssh lets $(id -un) in by key"'
            ssh -o StrictHostKeyChecking=no -o LogLevel=ERROR -o PubkeyAuthentication=no -o BatchMode=yes root@127.0.0.1 true || echo "check ssh without a key is refused"
            echo "check forwarding $(sysctl -n net.ipv4.ip_forward)"
            echo "check udev $(udevadm info --query=property --name=/dev/vda | grep -c '^DEVNAME=/dev/vda$')"
            echo "check done"
            """;

    @TempDir
    static Path folder;
    private static Path workspace;
    private static RuntimeServer server;

    @BeforeAll
    static void build() throws IOException, InterruptedException {
        Path mirror = TestProject.shared("alpine-mirror");
        assumeTrue(Shell.which("qemu-system-x86_64").isPresent(), "QEMU is not installed");
        assumeTrue(Shell.which("openssl").isPresent() && Shell.which("mke2fs").isPresent(), "openssl or mke2fs is not installed");
        publish();
        workspace = Script.demoWorkspace(folder);
        Path demo = Files.move(workspace.resolve("config"), workspace.resolve("demo-config"));
        Path config = workspace.resolve("config");
        run("cp", "-a", TestProject.folder().resolve("config").toString(), config.toString());
        for (String name : List.of("kernel.config", "modules.conf", "sources.conf")) {
            run("cp", demo.resolve(name).toString(), config.resolve(name).toString());
        }
        Trees.delete(config.resolve("kernel.d"));
        Files.writeString(config.resolve("packages.list"), String.join("\n", PACKAGES) + "\n");
        String kernel = Trees.read(demo.resolve("build.conf")).lines().filter(line -> line.matches("(KERNEL_SOURCE|RUST_TARGET)=.*")).reduce("", (a, b) -> a + b + "\n");
        Files.writeString(config.resolve("build.conf"), Trees.read(config.resolve("build.conf")).replaceAll("(?m)^(ALPINE_VERSION|ALPINE_MIRROR|UPX|COMPRESSION)=.*\n", "")
                + "ALPINE_VERSION=\"3.19.4\"\nALPINE_MIRROR=\"" + mirror + "\"\nUPX=never\nRUNTIME_URL=\"http://10.0.2.2:" + server.port() + "/mos/runtime\"\n" + kernel);
        services(config.resolve("my_init/services"));
        openssl(config.resolve("rootfs"));
        logins(config.resolve("rootfs/root/.ssh"));
        Files.copy(folder.resolve("signing.pub"), config.resolve("signing.pub"));
        // The program of this machine runs by a loader of its own; the guest logs in to itself.
        Files.writeString(config.resolve("lint.conf"), Trees.read(config.resolve("lint.conf")) + "allow interpreter-missing opt/openssl/*\nallow private-key root/.ssh/id_ed25519\n");
        Files.writeString(config.resolve("rootfs/etc/my_checks"), CHECKS.replace("PORT", Integer.toString(server.port())));
        Files.writeString(config.resolve("boot.expect"), Trees.read(config.resolve("boot.expect")).replace("within 180", "within 400").replaceAll("(?m)^must-not runtime-fetch.*\n", "") + """
                must cannot get http://10.0.2.2:\\d+/mos/runtime/testing.json
                must refused: the signature of testing.json is not ours
                must going on with files/\\S+ at byte \\d+ of \\d+
                must has the wrong bytes: it is fetched anew
                must 3 programs of channel testing are in /var/cache/bin
                must check first hello 1, tool 1, packed 1$
                must check again ended with 0 and has hello 1$
                must check forged ended with 1 and has hello 1$
                must refused: testing.json is not what was signed
                must check changed ended with 1 and has hello 1$
                must refused: version \\d+ is older than what was here before
                must check older ended with 1 and has hello 1$
                must refused: the signature is of something else than channel testing
                must check channel ended with 1 and has hello 1$
                must refused: escape.tar holds paths that lead out of its folder
                must check escape ended with 1 and has hello 1$
                must check update ended with 0 and has hello 2$
                must check rest \\[\\.current \\.releases \\.version-testing hello \\] \\[2\\]
                must check ssh lets root in by key
                must check ssh without a key is refused
                must check forwarding 1
                must check udev 1
                must storage: cannot mount /dev/vda \\(ext4\\): everything is kept in memory
                must check done
                must-not my_init: error:
                """);
        succeeds(Script.run(Map.of("MOS_ENV", "testing"), "build.java", "-C", workspace.toString()));
    }

    /** Services of programs that the mirror has not, and of a screen that the demo's kernel has not, are left out, and one is added that looks around. */
    private static void services(Path services) throws IOException {
        for (String name : List.of("entropy", "mycelium", "screen")) {
            Files.delete(services.resolve(name + ".yaml"));
        }
        Path keys = services.resolve("sshd-keys.yaml");
        Files.writeString(keys, Trees.read(keys).replace("[storage, entropy]", "[storage]"));
        Files.writeString(services.resolve("checks.yaml"), "exec: sh /etc/my_checks\noneshot: true\nafter: [runtime-fetch, sshd]\n");
    }

    /** Alpine's package openssl is not in the mirror: this machine's program with its own loader and libraries does the same. */
    private static void openssl(Path rootfs) throws IOException, InterruptedException {
        Path home = Files.createDirectories(rootfs.resolve("opt/openssl"));
        String program = Shell.which("openssl").orElseThrow().toString();
        Process ldd = new ProcessBuilder("ldd", program).start();
        String loader = "";
        for (String line : new String(ldd.getInputStream().readAllBytes(), StandardCharsets.UTF_8).lines().toList()) {
            String file = line.strip().replaceAll("^.*=> ", "").replaceAll(" \\(0x.*", "");
            if (file.startsWith("/")) {
                run("cp", "-L", file, home.toString());
                loader = file.contains("/ld-") ? Path.of(file).getFileName().toString() : loader;
            }
        }
        run("cp", "-L", program, home.toString());
        script(Files.createDirectories(rootfs.resolve("usr/bin")).resolve("openssl"),
                "OPENSSL_CONF=/dev/null exec /opt/openssl/" + loader + " --library-path /opt/openssl /opt/openssl/openssl \"$@\"\n");
    }

    private static void logins(Path ssh) throws IOException, InterruptedException {
        Files.createDirectories(ssh);
        run("ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", ssh.resolve("id_ed25519").toString());
        Files.move(ssh.resolve("id_ed25519.pub"), ssh.resolve("authorized_keys"));
    }

    private static Path script(Path file, String text) throws IOException {
        Files.writeString(file, "#!/bin/sh\n" + text);
        assertThat(file.toFile().setExecutable(true)).isTrue();
        return file;
    }

    /** Publishes what the guest is shown, one bucket after the other, and plans what goes wrong on the way. */
    private static void publish() throws IOException, InterruptedException {
        Files.createDirectories(folder.resolve("files"));
        PublishingTests.keys(folder.resolve("signing.pem"), folder.resolve("signing.pub"));
        PublishingTests.keys(folder.resolve("other.pem"), folder.resolve("other.pub"));
        String older = bucket("signing", "testing", archive("hello", 0, ".tar.gz"));
        String canary = bucket("signing", "canary", archive("hello", 0, ".tar.gz"));
        for (String end : List.of(".json", ".json.sig")) {
            PublishingTests.put(canary + FOLDER + "testing" + end, Curl.get(canary + FOLDER + "canary" + end).body());
        }
        String forged = bucket("other", "testing", archive("hello", 9, ".tar.gz"));
        Thread.sleep(1_100);
        Path hello = archive("hello", 1, ".tar.gz");
        Path[] files = {hello, archive("packed", 1, ".tar.zst"), program("tool", 1)};
        String good = bucket("signing", "testing", files);
        String changed = bucket("signing", "testing", files);
        PublishingTests.put(changed + FOLDER + "testing.json", Curl.get(changed + FOLDER + "testing.json").text().replace("hello", "jello").getBytes(StandardCharsets.UTF_8));
        Path evil = Files.writeString(folder.resolve("evil"), "evil");
        run("tar", "-C", folder.resolve("files").toString(), "-cPf", folder.resolve("files/escape.tar").toString(), "../" + evil.getFileName());
        String escape = bucket("signing", "testing", folder.resolve("files/escape.tar"));
        String update = bucket("signing", "testing", archive("hello", 2, ".tar"));
        server = new RuntimeServer(List.of(good, forged, changed, older, canary, escape, update));
        server.fail("/testing.json", Fault.BUSY);
        server.fail("/testing.json.sig", Fault.FORGED);
        server.fail("/" + hello.getFileName(), Fault.CUT, Fault.CORRUPT);
    }

    /** A new bucket in which image.java published these files. */
    private static String bucket(String key, String channel, Path... files) throws IOException, InterruptedException {
        String name = S3Server.shared().bucket();
        Map<String, String> environment = new TreeMap<>(S3Server.environment(S3Server.shared().endpoint(), name));
        environment.put("S3_PREFIX", "mos");
        environment.put("SIGNING_KEY", Trees.read(folder.resolve(key + ".pem")));
        Path config = Files.createDirectories(folder.resolve("publisher/config"));
        Files.writeString(config.resolve("build.conf"), "");
        List<String> words = new ArrayList<>(List.of("image.java", "runtime", "-C", config.getParent().toString(), channel));
        Stream.of(files).map(Path::toString).forEach(words::add);
        Script.Run run = Script.run(environment, words.toArray(String[]::new));
        succeeds(run);
        assertThat(run.out()).isEqualTo("mos/runtime/" + channel + ".json\n");
        return S3Server.shared().endpoint() + "/" + name;
    }

    /** A program that says its name and number, with a megabyte of noise behind it. */
    private static Path program(String name, int number) throws IOException {
        byte[] noise = new byte[1 << 19];
        new Random(number).nextBytes(noise);
        return script(folder.resolve("files").resolve(name), "echo " + name + " " + number + "\nexit\n" + HexFormat.of().formatHex(noise));
    }

    private static Path archive(String name, int number, String extension) throws IOException, InterruptedException {
        Path file = folder.resolve("files").resolve(name + "-" + number + extension);
        program(name, number);
        run("tar", "-C", folder.resolve("files").toString(), "-caf", file.toString(), name);
        return file;
    }

    private static void succeeds(Script.Run run) {
        assertThat(run.exitCode()).describedAs(run.toString()).isZero();
    }

    private static void run(String... argv) throws IOException, InterruptedException {
        assertThat(new ProcessBuilder(argv).inheritIO().start().waitFor()).describedAs(String.join(" ", argv)).isZero();
    }

    @AfterAll
    static void close() {
        if (server != null) {
            server.close();
        }
    }

    @Test
    void programs_arrive_whatever_happens_on_the_way_and_forged_ones_never() throws IOException, InterruptedException {
        // The demo's kernel has no file systems for disks: what is seen here is that such a node still lets people in.
        Path disk = Files.createDirectories(workspace.resolve("vm/default")).resolve("disk0.raw");
        run("truncate", "-s", "1G", disk.toString());
        run("mke2fs", "-q", "-t", "ext4", "-L", "MOS_DATA", disk.toString());

        Script.Run run = Script.run("runit.java", "-C", workspace.toString(), "--check", "--disks", "1", "--disk-size", "1G", "--memory", "1024");

        assertThat(run.exitCode()).describedAs(run.toString() + server.log()).isZero();
        assertThat(Json.read(workspace.resolve("dist/build.json")).get("environment").asText()).isEqualTo("testing");
        assertThat(server.log()).anyMatch(line -> line.contains("hello-1.tar.gz bytes=")).anyMatch(line -> line.endsWith("BUSY"));
    }
}
