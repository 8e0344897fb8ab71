package lib;

import static org.assertj.core.api.Assertions.assertThat;

import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeSet;
import lib.apk.Package;
import lib.apk.Plan;
import lib.tool.Cache;
import lib.tool.Console;
import lib.tool.Download;
import lib.tool.Shell;
import lib.tool.Tools;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** What the project's own config/packages.list asks for is there in Alpine's index, with all that it needs. */
class NodePackagesTest {
    @TempDir
    Path scratch;

    @Test
    void the_packages_of_a_node_resolve_from_a_complete_real_index_without_openrc() {
        Path mirror = TestProject.shared("alpine-mirror");
        Config node = Config.read(TestProject.folder().resolve("config"), Map.of("ALPINE_VERSION", "3.19.4", "ALPINE_MIRROR", mirror.toString()));
        Console console = Console.plain(System.err);
        Cache cache = new Cache(scratch, line -> { });
        Tools tools = new Tools(console, new Shell(console), cache, new Download(console, cache, false));

        Plan plan = new Alpine(node.alpine(), BuildLock.Use.of(scratch.resolve("build.lock"), BuildLock.Mode.USE), tools).plan();

        Set<String> names = new TreeSet<>(plan.packages().stream().map(Package::name).toList());
        assertThat(names).contains("openssl", "btrfs-progs", "haveged", "iproute2-minimal", "libcrypto3").doesNotContain("openrc", "bash", "python3", "perl");
        List<String> wanted = node.alpine().packages().stream().map(Config.Line::text).toList();
        assertThat(names).hasSizeGreaterThan(60).containsAll(wanted);
    }
}
