package lib;

//DEPS org.cyclonedx:cyclonedx-core-java:10.2.1

import com.github.packageurl.MalformedPackageURLException;
import com.github.packageurl.PackageURLBuilder;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.Date;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.UUID;
import lib.tool.Cache;
import lib.tool.Digest;
import lib.tool.Json;
import lib.tool.Tools;
import lib.tool.Trees;
import org.cyclonedx.Version;
import org.cyclonedx.exception.GeneratorException;
import org.cyclonedx.generators.BomGeneratorFactory;
import org.cyclonedx.model.Bom;
import org.cyclonedx.model.Component;
import org.cyclonedx.model.Component.Type;
import org.cyclonedx.model.Dependency;
import org.cyclonedx.model.ExternalReference;
import org.cyclonedx.model.Hash;
import org.cyclonedx.model.License;
import org.cyclonedx.model.LicenseChoice;
import org.cyclonedx.model.Metadata;
import org.cyclonedx.model.license.Expression;

/**
 * dist/sbom.cdx.json: what an image is made of, in CycloneDX 1.6 (cyclonedx.org/docs/1.6/json). The same inputs give the same bytes: the time is SOURCE_DATE_EPOCH, the
 * serial number comes from the content.
 *
 * @param epoch seconds since 1970
 */
public record Sbom(long epoch, Tools tools) {
    /** Its name in dist/. */
    public static final String FILE = "sbom.cdx.json";
    private static final String LICENCE_WORD = "(\\(*[A-Za-z0-9][A-Za-z0-9.+-]*\\)*)";
    private static final String LICENCE = LICENCE_WORD + "( (AND|OR|WITH) " + LICENCE_WORD + ")*";

    /** What goes into it, as values; also what stands for it in the cache. */
    public record Contents(String name, String version, String imageSha256, Alpine.Installed alpine, List<Components.Built> components,
            List<List<CargoLock.Crate>> crates, String kernel, String kernelSource, List<Firmware.Item> firmware, String firmwareOrigin, String firmwareVersion) { }

    /** The text; made anew only when something in it changes, because the library takes a second to load. */
    public String of(Contents contents) {
        Cache.Key key = Cache.Key.of("sbom", contents.name()).with("recipe", 1).with("epoch", epoch).with("contents", Digest.sha256(Json.line(contents)));
        return Trees.read(tools.cache().get(key, target -> Files.writeString(target, text(contents))));
    }

    private String text(Contents contents) {
        Bom bom = new Bom();
        bom.setSerialNumber("urn:uuid:" + UUID.nameUUIDFromBytes(Json.line(contents).getBytes(StandardCharsets.UTF_8)));
        Component image = component(Type.OPERATING_SYSTEM, contents.name(), contents.version(), "image");
        image.addHash(new Hash(Hash.Algorithm.SHA_256, contents.imageSha256()));
        Metadata metadata = new Metadata();
        metadata.setTimestamp(new Date(epoch * 1000));
        metadata.setComponent(image);
        bom.setMetadata(metadata);
        Map<String, Component> parts = new TreeMap<>();
        Dependency all = new Dependency("image");
        List<Dependency> dependencies = new ArrayList<>(List.of(all));
        contents.alpine().packages().forEach(pkg -> add(parts, apk(pkg, contents.alpine()), all));
        for (int i = 0; i < contents.components().size(); i++) {
            Component program = program(contents.components().get(i));
            add(parts, program, all);
            Dependency made = new Dependency(program.getBomRef());
            contents.crates().get(i).forEach(crate -> add(parts, crate(crate), made));
            dependencies.add(made);
        }
        add(parts, linux(contents), all);
        contents.firmware().stream().filter(item -> item.target().isEmpty()).forEach(item -> add(parts, firmware(item, contents), all));
        parts.values().forEach(bom::addComponent);
        dependencies.sort(Comparator.comparing(Dependency::getRef));
        bom.setDependencies(dependencies);
        try {
            return BomGeneratorFactory.createJson(Version.VERSION_16, bom).toJsonString(true) + "\n";
        } catch (GeneratorException e) {
            throw new IllegalStateException("the SBOM cannot be written", e);
        }
    }

    private static void add(Map<String, Component> parts, Component part, Dependency user) {
        parts.putIfAbsent(part.getBomRef(), part);
        user.addDependency(new Dependency(part.getBomRef()));
    }

    private static Component component(Type type, String name, String version, String reference) {
        Component component = new Component();
        component.setType(type);
        component.setName(name);
        component.setVersion(version);
        component.setBomRef(reference);
        return component;
    }

    private static Component apk(Alpine.InstalledPackage pkg, Alpine.Installed alpine) {
        String purl = purl("apk", "alpine", pkg.name(), pkg.version(), Map.of("arch", alpine.arch(), "distro", "alpine-" + alpine.release()));
        Component component = component(Type.LIBRARY, pkg.name(), pkg.version(), purl);
        component.setPurl(purl);
        licence(component, pkg.license());
        return component;
    }

    private static Component program(Components.Built built) {
        boolean release = built.identity().startsWith("sha256:");
        String plain = built.identity().replaceFirst("^sha256:", "");
        String url = withoutPassword(built.url());
        String purl = purl("generic", "", built.name(), release ? built.version() : plain,
                release ? Map.of("download_url", url, "checksum", built.identity()) : Map.of("vcs_url", "git+" + url + "@" + plain));
        Component component = component(Type.APPLICATION, built.name(), built.version(), purl);
        component.setPurl(purl);
        if (release) {
            component.addHash(new Hash(Hash.Algorithm.SHA_256, plain));
        }
        ExternalReference reference = new ExternalReference();
        reference.setType(release ? ExternalReference.Type.DISTRIBUTION : ExternalReference.Type.VCS);
        reference.setUrl(url);
        reference.setComment(release ? built.identity() : "commit " + plain);
        component.addExternalReference(reference);
        return component;
    }

    private static Component crate(CargoLock.Crate crate) {
        String git = crate.source().startsWith("git+") ? withoutPassword(crate.source()) : "";
        String purl = purl("cargo", "", crate.name(), crate.version(), git.isEmpty() ? Map.of() : Map.of("vcs_url", git));
        Component component = component(Type.LIBRARY, crate.name(), crate.version(), purl);
        component.setPurl(purl);
        if (!crate.checksum().isEmpty()) {
            component.addHash(new Hash(Hash.Algorithm.SHA_256, crate.checksum()));
        }
        return component;
    }

    private static Component linux(Contents contents) {
        String purl = purl("generic", "", "linux", contents.kernel(), contents.kernelSource().isEmpty() ? Map.of() : Map.of("download_url", contents.kernelSource()));
        Component component = component(Type.OPERATING_SYSTEM, "linux", contents.kernel(), purl);
        component.setPurl(purl);
        licence(component, "GPL-2.0-only WITH Linux-syscall-note");
        return component;
    }

    private static Component firmware(Firmware.Item item, Contents contents) {
        Component component = component(Type.FIRMWARE, item.path(), contents.firmwareVersion(), "firmware:" + item.path());
        licence(component, item.licence());
        if (!contents.firmwareOrigin().isEmpty()) {
            component.setDescription("from " + withoutPassword(contents.firmwareOrigin()));
        }
        return component;
    }

    /** An SPDX expression where it reads as one, else the licence's name in words. */
    private static void licence(Component component, String text) {
        if (text.isBlank()) {
            return;
        }
        LicenseChoice choice = new LicenseChoice();
        if (text.matches(LICENCE)) {
            choice.setExpression(new Expression(text));
        } else {
            License named = new License();
            named.setName(text);
            choice.addLicense(named);
        }
        component.setLicenses(choice);
    }

    private static String purl(String type, String namespace, String name, String version, Map<String, String> qualifiers) {
        PackageURLBuilder builder = PackageURLBuilder.aPackageURL().withType(type).withName(name).withVersion(version);
        if (!namespace.isEmpty()) {
            builder.withNamespace(namespace);
        }
        new LinkedHashMap<>(qualifiers).forEach(builder::withQualifier);
        try {
            return builder.build().canonicalize();
        } catch (MalformedPackageURLException e) {
            throw new IllegalArgumentException("no package URL for " + name + " " + version, e);
        }
    }

    private static String withoutPassword(String url) {
        return url.replaceFirst("://[^/@]*@", "://");
    }
}
