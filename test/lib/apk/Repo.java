package lib.apk;

import demo.ApkPackage;
import demo.ApkWriter;
import demo.SigningKey;
import java.io.IOException;
import java.net.URI;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import lib.tool.Shell;

/** A repository of made-up packages in a folder, signed by a key of its own, and what tests do with it. */
final class Repo {
    private final Path folder;
    private final String arch;
    private final SigningKey key = SigningKey.generate("test.rsa.pub");
    private final ApkWriter writer = new ApkWriter(key);
    private final Map<String, String> stanzas = new LinkedHashMap<>();

    Repo(Path folder) {
        this(folder, "x86_64");
    }

    Repo(Path folder, String arch) {
        this.folder = folder;
        this.arch = arch;
        write(folder.resolve("keys/test.rsa.pub"), key.publicPem().getBytes(java.nio.charset.StandardCharsets.US_ASCII));
    }

    static void write(Path file, byte[] bytes) {
        try {
            Files.createDirectories(file.getParent());
            Files.write(file, bytes);
        } catch (IOException e) {
            throw new IllegalStateException(e);
        }
    }

    static ApkPackage pkg(String name, String version) {
        return pkg(name, version, "x86_64");
    }

    private static ApkPackage pkg(String name, String version, String arch) {
        return ApkPackage.of(name, version, arch, 1_700_000_000).with("pkgdesc", "a test").with("license", "MIT");
    }

    /** A package for this repository's processor. */
    ApkPackage make(String name, String version) {
        return pkg(name, version, arch);
    }

    Path folder() {
        return folder;
    }

    Path keys() {
        return folder.resolve("keys");
    }

    ApkWriter writer() {
        return writer;
    }

    /** Puts the packages and a new index into the folder. */
    Repo with(ApkPackage... packages) {
        for (ApkPackage one : packages) {
            put(one, writer.write(one));
        }
        return this;
    }

    /** Puts a package whose parts may not fit together. */
    Repo put(ApkPackage one, ApkWriter.Apk apk) {
        write(file(one), apk.bytes());
        stanzas.put(one.name() + "-" + one.version(), writer.stanza(one, apk));
        return index(writer.index("test", List.copyOf(stanzas.values())));
    }

    Repo index(byte[] bytes) {
        write(folder.resolve(arch + "/APKINDEX.tar.gz"), bytes);
        return this;
    }

    Path file(ApkPackage one) {
        return folder.resolve(arch + "/" + one.name() + "-" + one.version() + ".apk");
    }

    /** The index as this project reads it. */
    Catalog catalog(Installation installation) {
        Catalog catalog = new Catalog();
        catalog.addInstalled(installation.packages());
        Path index = folder.resolve(arch + "/APKINDEX.tar.gz");
        URI place = folder.toUri();
        catalog.addIndex(new Repository("test", "", List.of(place), 0),
                Stanzas.read(SignedIndex.read(index, new Keys().addFolder(keys()), index.toString()), index.toString()));
        return catalog;
    }

    /** Installs what {@code atoms} ask for into the tree {@code root}, with this project's code. */
    Plan install(Path root, Shell shell, String... atoms) {
        Installation installation = Installation.open(root);
        List<Dependency> wanted = java.util.Arrays.stream(atoms).map(Dependency::parse).toList();
        Plan plan = Plan.of(catalog(installation), installation.worldWith(wanted), atom -> "");
        Map<Package, PackageFile> files = new HashMap<>();
        plan.wanted().forEach(pkg -> files.put(pkg, PackageFile.verified(folder.resolve(arch + "/" + pkg.fileName()), pkg)));
        installation.apply(plan, files::get, shell);
        return plan;
    }
}
