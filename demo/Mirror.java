package demo;

import demo.ApkWriter.Apk;
import demo.Miniroot.Installed;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;
import java.util.TreeSet;
import java.util.function.Predicate;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import lib.tool.Cache;
import lib.tool.Digest;
import lib.tool.Failure;
import lib.tool.Shell;
import lib.tool.Tools;
import lib.tool.Trees;

/**
 * A small signed mirror in Alpine's form: {@code v1.0/releases}, {@code v1.0/main} and {@code v1.0/community}, made of the recipes in
 * demo/packages and packages of the distribution. The same inputs and key give the same bytes.
 */
final class Mirror {
    static final String ARCH = "x86_64";
    /** 1 January 2025, as SOURCE_DATE_EPOCH has it by default. */
    private static final long TIME = 1_735_689_600;
    private static final String KEY_NAME = "mos-builder-demo.rsa.pub";
    /** Order of installation of the base system: what others need comes first. */
    private static final List<String> MINIROOT = List.of("alpine-baselayout-data", "busybox", "busybox-binsh", "alpine-baselayout",
            "alpine-keys", "alpine-release");

    private final Path sources;
    private final List<Recipe> recipes;
    private final String version;
    private final Tools tools;

    /** @param sources the project's folder demo/ */
    Mirror(Path sources, Tools tools) {
        this.sources = sources;
        this.tools = tools;
        Path packages = sources.resolve("packages");
        version = Trees.read(packages.resolve("alpine-release/etc/alpine-release")).strip();
        try (Stream<Path> folders = Files.list(packages)) {
            recipes = folders.filter(folder -> Files.exists(folder.resolve("PACKAGE"))).sorted().map(Recipe::read).toList();
        } catch (IOException e) {
            throw Failure.io("cannot read " + packages, e);
        }
    }

    /** The folder of the mirror in the cache, made when it is not there. Its key is made once and stays in the cache. */
    Path cached() {
        SigningKey key = SigningKey.load(KEY_NAME, tools.cache().get(Cache.Key.of("demo-key", KEY_NAME), SigningKey.generate(KEY_NAME)::save));
        Debs debs = debs();
        Cache.Key made = Cache.Key.of("demo-mirror", version).with("recipes", new Folder(sources.resolve("packages")).digest())
                .with("distribution", debs.folder().getFileName()).with("key", Digest.sha256(key.publicPem())).with("code", codeDigest());
        return tools.cache().get(made, target ->
                tools.console().step("packing and signing " + recipes.size() + " packages", () -> write(target, debs, key)));
    }

    Debs debs() {
        Set<String> names = new TreeSet<>();
        recipes.forEach(recipe -> names.addAll(recipe.debs()));
        return Debs.fetch(List.copyOf(names), tools);
    }

    /** Of the code that writes the mirror: while that is worked on, no old mirror may stand in for a new one. */
    private String codeDigest() {
        try (Stream<Path> files = Files.list(sources)) {
            return Digest.sha256(files.filter(file -> file.toString().endsWith(".java")).sorted().map(Digest::sha256).collect(Collectors.joining()));
        } catch (IOException e) {
            throw Failure.io("cannot read " + sources, e);
        }
    }

    /** Writes the mirror into a new folder. */
    void write(Path target, Debs debs, SigningKey key) {
        ApkWriter writer = new ApkWriter(key);
        Map<String, Installed> all = new LinkedHashMap<>();
        for (Recipe recipe : recipes) {
            ApkPackage content = recipe.build(debs, TIME);
            if (recipe.name().equals("alpine-keys")) {
                content = content.with(TarEntry.file("etc/apk/keys/" + KEY_NAME, 0644, key.publicPem())).tidy();
            }
            Apk apk = writer.write(content);
            all.put(recipe.name(), new Installed(content, apk, writer.stanza(content, apk)));
        }
        Path branch = target.resolve("v" + version.replaceFirst("^(\\d+\\.\\d+).*", "$1"));
        writeRepository(branch.resolve("main"), all, recipe -> !recipe.isIn("community"), writer);
        writeRepository(branch.resolve("community"), all, recipe -> recipe.isIn("community"), writer);
        writeMiniroot(branch.resolve("releases").resolve(ARCH), all, busyboxLinks(debs));
    }

    private void writeRepository(Path folder, Map<String, Installed> all, Predicate<Recipe> belongs, ApkWriter writer) {
        List<String> stanzas = new ArrayList<>();
        for (Recipe recipe : recipes.stream().filter(belongs).toList()) {
            Installed one = all.get(recipe.name());
            write(folder.resolve(ARCH).resolve(one.content().name() + "-" + one.content().version() + ".apk"), one.apk().bytes());
            stanzas.add(one.stanza());
        }
        write(folder.resolve(ARCH).resolve("APKINDEX.tar.gz"), writer.index(folder.getFileName() + " of the MOS Builder demo", stanzas));
    }

    private void writeMiniroot(Path folder, Map<String, Installed> all, Map<String, String> links) {
        List<String> marked = recipes.stream().filter(recipe -> recipe.isIn("miniroot")).map(Recipe::name).sorted().toList();
        if (!marked.equals(MINIROOT.stream().sorted().toList())) {
            throw new IllegalStateException("packages marked \"in miniroot\": " + marked + ", expected: " + MINIROOT);
        }
        byte[] archive = new Miniroot(MINIROOT.stream().map(all::get).toList(), List.of("alpine-baselayout", "alpine-keys", "alpine-release", "busybox"),
                links, TIME).tarGz();
        String name = "alpine-minirootfs-" + version + "-" + ARCH + ".tar.gz";
        write(folder.resolve(name), archive);
        write(folder.resolve(name + ".sha256"), (Digest.sha256(archive) + "  " + name + "\n").getBytes(java.nio.charset.StandardCharsets.US_ASCII));
    }

    /** What {@code busybox --install -s} makes, asked of the program itself: it runs on this machine as in the image. */
    private Map<String, String> busyboxLinks(Debs debs) {
        Shell shell = tools.shell();
        return shell.output(debs.file("busybox-static", "busybox").toString(), "--list-full").lines()
                .collect(Collectors.toMap(path -> path, path -> "/bin/busybox", (one, other) -> one, TreeMap::new));
    }

    private static void write(Path file, byte[] content) {
        try {
            Files.createDirectories(file.getParent());
            Files.write(file, content);
        } catch (IOException e) {
            throw Failure.io("cannot write " + file, e);
        }
    }
}
