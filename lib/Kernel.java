package lib;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.TreeMap;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.regex.Pattern;
import lib.image.ModuleIndex;
import lib.tool.Cache;
import lib.tool.Digest;
import lib.tool.Failure;
import lib.tool.Isolation;
import lib.tool.Progress;
import lib.tool.Shell.Command;
import lib.tool.Shell;
import lib.tool.Tools;
import lib.tool.Trees;

/**
 * Phase 6, second half: a kernel from source with the initramfs inside, as one file that firmware, QEMU and cloud-hypervisor boot.
 *
 * <p>Objects and modules are built once per source, configuration and compiler; a new initramfs only links them again. The same
 * inputs give the same bytes in any folder (Documentation/kbuild/reproducible-builds.rst).
 *
 * @param lock pins the source's checksum; empty: nothing is pinned
 * @param firmware to be linked in
 * @param jobs compilers that run side by side
 */
public record Kernel(Config.Kernel config, Optional<BuildLock.Use> lock, Optional<LinkedFirmware> firmware, Tools tools, int jobs) {
    private static final Pattern TAKES_REQUESTS = Pattern.compile("all(no|yes|mod|def)config");

    public Kernel(Config.Kernel config, Tools tools, int jobs) {
        this(config, Optional.empty(), Optional.empty(), tools, jobs);
    }

    /** The same kernel with this firmware inside. */
    public Kernel with(Optional<LinkedFirmware> linked) {
        return new Kernel(config, lock, linked, tools, jobs);
    }

    /**
     * A kernel that only lacks its initramfs.
     *
     * @param release what {@code uname -r} will say
     * @param modules folder that holds {@code lib/modules/RELEASE}, complete; it must not be changed
     * @param config the final configuration
     * @param source the source tree
     * @param objects what a link starts from
     * @param key stands for everything that the objects were made from
     * @param cached whether nothing had to be compiled
     */
    public record Compiled(String release, Path modules, Path config, Path source, Path objects, String key, Config.Compression compression,
            boolean cached) { }

    /** Builds all but the initramfs; the configuration is checked first. */
    public Compiled compile(Config.Compression compression) {
        KernelSource.Tree source = new KernelSource(config, lock, tools).unpacked();
        String compiler = kbuild().compiler();
        Path configuration = configure(source, compiler, compression);
        KernelNeeds.requireCompressor(KernelConfig.values(configuration));
        Cache.Key key = key(source, compiler, configuration);
        boolean cached = tools.cache().has(key);
        Path made = tools.cache().get(key, target -> compile(key.digest(), source, configuration, target));
        String release = Trees.read(made.resolve("release")).strip();
        return new Compiled(release, made.resolve("install"), configuration, source.folder(), made.resolve("objects"), key.digest(), compression, cached);
    }

    private Cache.Key key(KernelSource.Tree source, String compiler, Path configuration) {
        Cache.Key key = Cache.Key.of("kernel-objects", "linux").with("recipe", 1).with("source", source.key()).with("compiler", compiler)
                .with("host", Kbuild.hostHeaders()).with("epoch", config.epoch()).with("arch", config.arch()).with("configuration", Digest.sha256(configuration));
        return KernelInputs.of(KernelConfig.values(configuration), source.folder(), firmware.isPresent()).in(key);
    }

    /** Whether {@link #compile} would find its result in the cache. */
    boolean isCompiled(Config.Compression compression) {
        KernelSource.Tree source = new KernelSource(config, lock, tools).unpacked();
        String compiler = kbuild().compiler();
        return tools.cache().has(key(source, compiler, configure(source, compiler, compression)));
    }

    /** Only checks the configuration, which takes seconds, and returns the final one. */
    public Path configuration(Config.Compression compression) {
        return configure(new KernelSource(config, lock, tools).unpacked(), kbuild().compiler(), compression);
    }

    /**
     * Shows the kernel's menu and writes what was changed there, and no more, into kernel.config.
     *
     * @return the changed options with their new values
     */
    public Map<String, String> menuconfig(Config.Compression compression) {
        KernelSource.Tree source = new KernelSource(config, lock, tools).unpacked();
        KernelMenu menu = new KernelMenu(kbuild(), tools);
        return edit(source, compression, menu, menu.menu(source.folder()));
    }

    /** The same with any editor. */
    Map<String, String> edit(KernelSource.Tree source, Config.Compression compression, KernelMenu menu, KernelMenu.Editor editor) {
        Path before = configure(source, kbuild().compiler(), compression);
        KernelMenu.Edited edited = menu.edited(source.folder(), before, editor).without(KernelNeeds.fixed(config.localVersion(), compression).keySet());
        Map<String, String> changes = new TreeMap<>(edited.changes());
        if (!changes.isEmpty()) {
            KernelMenu.write(config.config(), config.arch(), changes);
            // The menu proposes what depends on a new option; a base such as allnoconfig says no to it.
            Map<String, String> more = edited.missingIn(proposed(source, compression), Kconfig.read(source.folder(), kbuild().sourceArch()));
            KernelMenu.write(config.config(), config.arch(), more);
            changes.putAll(more);
            configure(source, kbuild().compiler(), compression);
        }
        return changes;
    }

    /** What the kernel makes of the files in config/ as they are, whether that is good or not. */
    private Map<String, String> proposed(KernelSource.Tree source, Config.Compression compression) {
        Path work = tools.cache().temporary("kernel-config");
        try {
            return KernelConfig.values(resolve(source, wanted(source, compression), work));
        } catch (IOException e) {
            throw Failure.io("cannot configure the kernel", e);
        } finally {
            Trees.delete(work);
        }
    }

    /** The bootable kernel with this initramfs (a file as {@link Initramfs} makes it): in the cache, copy it, do not change it. */
    public Path link(Compiled compiled, Path initramfs) {
        requireSame(compiled.compression(), initramfs);
        Cache.Key key = Cache.Key.of("kernel-linked", "vmlinuz").with("objects", compiled.key()).with("initramfs", Digest.sha256(initramfs));
        return tools.cache().get(key, made -> tools.console().step("linking " + compiled.release() + " with its initramfs",
                () -> relink(compiled, initramfs, made)));
    }

    private Kbuild kbuild() {
        return new Kbuild(config, tools, jobs);
    }

    private KernelConfig wanted(KernelSource.Tree source, Config.Compression compression) {
        return KernelConfig.read(config.config(), config.arch()).withDefaults(KernelNeeds.of(config.arch(), compression), "every image").withDefaults(KernelNeeds.POLICY, "every image")
                .with(firmware.map(linked -> KernelNeeds.linking(linked, source.folder())).orElse(List.of()))
                .withFixed(KernelNeeds.fixed(config.localVersion(), compression), "the build");
    }

    /** The final configuration, made and checked once per source, requests and compiler. */
    private Path configure(KernelSource.Tree source, String compiler, Config.Compression compression) {
        Map<String, String> needs = KernelNeeds.of(config.arch(), compression);
        KernelConfig wanted = wanted(source, compression);
        Cache.Key key = Cache.Key.of("kernel-config", "linux").with("recipe", 1).with("source", source.key()).with("compiler", compiler)
                .with("arch", config.arch()).with("base", wanted.base().orElse("full"));
        for (KernelConfig.Request request : wanted.requests()) {
            // One input each: --explain then names the one that changed.
            key = key.with(request.symbol(), request.value() + (request.optional() ? " optional" : ""));
        }
        return tools.cache().get(key, target -> tools.console().step("checking the kernel configuration", () -> {
            Path work = tools.cache().temporary("kernel-config");
            try {
                Path result = resolve(source, wanted, work);
                Map<String, String> values = KernelConfig.values(result);
                KernelNeeds.require(needs, values, wanted);
                wanted.requireIn(values, source.folder(), kbuild().sourceArch());
                Files.createDirectories(target);
                Files.copy(result, target.resolve(".config"));
            } catch (IOException e) {
                throw Failure.io("cannot configure the kernel", e);
            } finally {
                Trees.delete(work);
            }
        })).resolve(".config");
    }

    /** Lets the kernel's own tools make a configuration from the base and the requests. */
    private Path resolve(KernelSource.Tree source, KernelConfig wanted, Path work) throws IOException {
        Files.createDirectories(work);
        Path result = work.resolve(".config");
        Path requests = Files.writeString(work.resolve("requests"), wanted.text());
        if (wanted.base().isPresent()) {
            // Only these take requests along, so that what becomes possible by a request keeps the base's answer.
            boolean along = TAKES_REQUESTS.matcher(wanted.base().get()).matches();
            Command base = kbuild().make(source.folder(), work, wanted.base().get());
            tools.shell().run(along ? base.with("KCONFIG_ALLCONFIG", requests.toString()) : base,
                    "the base of " + config.config() + " is not a configuration that this kernel has");
        }
        if (!wanted.base().map(base -> TAKES_REQUESTS.matcher(base).matches()).orElse(false)) {
            Files.writeString(result, (Files.exists(result) ? Files.readString(result) : "") + wanted.text());
            tools.shell().run(kbuild().make(source.folder(), work, "olddefconfig"));
        }
        return result;
    }

    private void compile(String key, KernelSource.Tree source, Path configuration, Path target) {
        AtomicInteger files = new AtomicInteger();
        tools.console().step("compiling Linux " + source.version(), () -> inWork(key, work -> {
            Files.copy(configuration, work.resolve(".config"));
            embed(work, KernelNeeds.initramfs(work, configuration));
            Map<String, String> values = KernelConfig.values(configuration);
            String image = kbuild().image(values);
            boolean modules = values.getOrDefault("CONFIG_MODULES", "n").equals("y");
            String[] targets = modules ? new String[] {image, "modules"} : new String[] {image};
            tools.shell().run(kbuild().make(source.folder(), work, "prepare"));
            try (Progress bar = tools.console().progress("compiling", kbuild().total(source.folder(), work, targets), " files", 1)) {
                tools.shell().run(Isolation.withoutNetwork(kbuild().make(source.folder(), work, targets), tools.shell()).onLine(line -> {
                    if (Kbuild.isStep(line)) {
                        files.incrementAndGet();
                        bar.add(1);
                    }
                }), "the complete output is in the build's log");
            }
            keep(source, work, modules, target);
            return files.get();
        }), count -> "Linux " + source.version() + " compiled, " + count + " files");
    }

    /** Moves what later steps need from the work folder into the new cache entry. */
    private void keep(KernelSource.Tree source, Path work, boolean modules, Path target) throws IOException {
        Path install = Files.createDirectories(target.resolve("install"));
        String release = tools.shell().run(kbuild().make(source.folder(), work, "-s", "kernelrelease")).text();
        Path tree = Files.createDirectories(install.resolve("lib/modules").resolve(release));
        if (modules) {
            tools.shell().run(kbuild().make(source.folder(), work, "modules_install", "INSTALL_MOD_PATH=" + install, "INSTALL_MOD_STRIP=1", "DEPMOD=true"));
            ModuleObjects.delete(work);
        }
        for (String name : List.of("modules.builtin", "modules.builtin.modinfo")) {
            Files.copy(work.resolve(name), tree.resolve(name), StandardCopyOption.REPLACE_EXISTING);
        }
        Files.deleteIfExists(tree.resolve("build"));
        Files.deleteIfExists(tree.resolve("source"));
        ModuleIndex.write(tree);
        Files.writeString(target.resolve("release"), release + "\n");
        Files.move(work, target.resolve("objects"));
    }

    private void relink(Compiled compiled, Path initramfs, Path made) {
        inWork(compiled.key(), work -> {
            Trees.delete(work);
            tools.shell().run(Command.of("cp", "-a", compiled.objects().toString(), work.toString()));
            Files.copy(initramfs, KernelNeeds.initramfs(work, compiled.config()), StandardCopyOption.REPLACE_EXISTING);
            String name = kbuild().image(KernelConfig.values(compiled.config()));
            tools.shell().run(kbuild().make(compiled.source(), work, name), "the complete output is in the build's log");
            Path image = work.resolve("arch").resolve(kbuild().sourceArch()).resolve("boot").resolve(name);
            if (Files.size(image) < Files.size(initramfs)) {
                throw new Failure("the kernel is smaller than the initramfs that it should hold", "remove the cache entry kernel-objects/" + compiled.key());
            }
            Files.copy(image, made);
            return null;
        });
    }

    private static void embed(Path work, Path placeholder) throws IOException {
        Files.createDirectories(placeholder.getParent());
        Files.write(placeholder, new byte[0]);
    }

    private interface Work<T> {
        T run(Path folder) throws IOException;
    }

    /**
     * Works in a folder that is empty at the start and gone at the end. Its path is the same for every link of one set of objects,
     * because some of the kernel's own tools are built again, and all objects after them, when they find themselves elsewhere.
     */
    private <T> T inWork(String key, Work<T> work) {
        Path folder = tools.cache().folder("kernel-work").resolve(key.substring(0, 16));
        return tools.cache().locked("kernel-work-" + key.substring(0, 16), () -> {
            Shell.endOrphans(Kbuild.MARK, folder.toString());
            Trees.delete(folder);
            try {
                Files.createDirectories(folder);
                return work.run(folder);
            } finally {
                Trees.delete(folder);
            }
        });
    }

    /** Fails when the file is not packed as the kernel was told to expect. */
    private static void requireSame(Config.Compression compression, Path initramfs) {
        Config.Compression found = KernelNeeds.compressionOf(initramfs);
        if (found != compression) {
            throw new Failure(initramfs + " is packed with " + found + ", but this kernel was configured for " + compression, "set COMPRESSION to what is meant");
        }
    }
}
