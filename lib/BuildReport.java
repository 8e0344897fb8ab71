package lib;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.LinkOption;
import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.stream.Stream;
import lib.tool.Digest;
import lib.tool.Failure;
import lib.tool.Tools;

/** What dist/build.json says about a build: versions, commits, digests, sizes, seconds of each phase, what was cached. */
public record BuildReport(Config config, Alpine.Installed alpine, List<Components.Built> components, Kernel.Compiled kernel,
        Modules.Installed modules, Firmware.Installed firmware, Initramfs.Packed initramfs, BuildLock.Use lock, Tools tools) {
    private static final String MY_INIT = "sbin/my_init";

    /** {@code {uname -r}-{first 7 of the my_init commit}}. */
    public String version() {
        return kernel.release() + "-" + components.stream().filter(component -> component.path().endsWith(MY_INIT)).findFirst()
                .map(component -> component.identity().replaceFirst("^sha256:", "").substring(0, 7)).orElse("unknown");
    }

    /** What the SBOM tells. */
    public Sbom.Contents sbom(Path image) {
        String source = config.kernel().source().map(uri -> "file".equals(uri.getScheme()) ? "" : uri.toString()).orElse("");
        return new Sbom.Contents("MyceliumOS", version(), Digest.sha256(image), alpine, components, components.stream().map(Components.Built::crates).toList(),
                kernel.release(), source, firmware.items(), firmware.origin(), firmware.version());
    }

    /** The part that says whose a file of the image is: kernel, components, modules, rootfs. */
    public Map<String, Object> contents() {
        Map<String, Object> json = new LinkedHashMap<>();
        json.put("kernel", Map.of("release", kernel.release()));
        json.put("components", components);
        json.put("modules", modules.modules());
        json.put("rootfs", rootfs());
        return json;
    }

    /** Paths that config/rootfs put into the image. */
    private List<String> rootfs() {
        Path folder = config.folder().resolve("rootfs");
        try (Stream<Path> files = Files.isDirectory(folder) ? Files.walk(folder) : Stream.empty()) {
            return files.filter(file -> !Files.isDirectory(file, LinkOption.NOFOLLOW_LINKS)).map(file -> folder.relativize(file).toString()).sorted().toList();
        } catch (IOException e) {
            throw Failure.io("cannot read " + folder, e);
        }
    }

    /** What stands for the sources of kernel and firmware; those of components are with the components. */
    private Map<String, Object> sources() {
        Map<String, Object> sources = new LinkedHashMap<>();
        lock.read().section("kernel").ifPresent(entry -> sources.put("kernel", entry));
        if (!firmware.version().isEmpty()) {
            sources.put("firmware", Map.of("source", firmware.origin(), "version", firmware.version()));
        }
        return sources;
    }

    /** The report without the artifacts, which are known only when they are written. */
    public Map<String, Object> json() {
        Map<String, Object> json = new LinkedHashMap<>();
        json.put("version", version());
        json.putAll(contents());
        json.put("alpine", Map.of("release", alpine.release(), "arch", config.alpine().arch()));
        json.put("packages", alpine.packages().stream().map(p -> p.name() + "=" + p.version()).toList());
        json.put("sources", sources());
        json.put("firmware", firmware.items().stream().map(Firmware.Item::path).toList());
        json.put("initramfs", Map.of("bytes", initramfs.bytes(), "unpacked", initramfs.unpackedBytes(), "sha256", initramfs.sha256()));
        json.putAll(course(config, tools));
        return json;
    }

    /** What --json says of a build that ended behind the phase of --until: where the root tree is, and how it came about. */
    public static Map<String, Object> until(Path root, Config config, Tools tools) {
        Map<String, Object> json = new LinkedHashMap<>();
        json.put("root", root.toString());
        json.putAll(course(config, tools));
        return json;
    }

    private static Map<String, Object> course(Config config, Tools tools) {
        Map<String, Object> json = new LinkedHashMap<>();
        config.environment().ifPresent(name -> json.put("environment", name));
        json.put("config", config.folder().toAbsolutePath().normalize().toString());
        json.put("sourceDateEpoch", config.budget().epoch());
        Map<String, Double> seconds = new LinkedHashMap<>();
        tools.console().spans().stream().filter(span -> span.step().isEmpty()).forEach(span -> seconds.put(span.phase(), span.seconds()));
        json.put("seconds", seconds);
        json.put("spans", tools.console().spans());
        json.put("cached", tools.cache().hits());
        json.put("made", tools.cache().misses());
        return json;
    }
}
