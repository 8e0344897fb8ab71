package lib;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.LinkOption;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Stream;
import lib.Why.Cause;
import lib.image.ModuleFile;
import lib.tool.Failure;
import lib.tool.Trees;

/** Puts together, from what the phases returned and the finished tree, why each file is in the image. */
final class Origins {
    private static final Pattern NEEDS = Pattern.compile("(\\S+) (needs .+)");
    private static final String LINK = "target of the link ";
    /** Files that phase 4 writes itself, and what they are made from. */
    private static final Map<String, String> SYSTEM = Map.of("etc/hostname", "HOSTNAME in build.conf", "etc/mos/signing.pub", "config/signing.pub",
            "etc/modules-load.d/mos.conf", "modules.conf", "etc/modprobe.d/mos.conf", "parameters in modules.conf");

    private final Map<String, List<Cause>> causes = new TreeMap<>();
    private final BuildReport report;

    private Origins(BuildReport report) {
        this.report = report;
    }

    /** @param root the finished tree */
    static Why of(BuildReport report, Path root) {
        Origins origins = new Origins(report);
        List<String> present = files(root);
        origins.modules();
        origins.firmware();
        origins.components();
        origins.system(present);
        origins.packages();
        for (String path : present) {
            origins.causes.computeIfAbsent(path, any -> List.of(linkOrMade(root, path)));
        }
        return new Why(origins.causes);
    }

    private static List<String> files(Path root) {
        try (Stream<Path> all = Files.walk(root)) {
            return all.filter(file -> !Files.isDirectory(file, LinkOption.NOFOLLOW_LINKS)).map(file -> root.relativize(file).toString()).sorted().toList();
        } catch (IOException e) {
            throw Failure.io("cannot read " + root, e);
        }
    }

    /** A link is there for what it leads to; what else nobody listed was made by a script. */
    private static Cause linkOrMade(Path root, String path) {
        try {
            RootTree tree = new RootTree(root);
            Path file = tree.resolve(path);
            if (Files.isSymbolicLink(file)) {
                Path target = root.resolve(path).resolveSibling(Files.readSymbolicLink(file)).normalize();
                Path inside = target.startsWith(root) ? target : root.resolve(target.toString().substring(1));
                if (Files.exists(inside, LinkOption.NOFOLLOW_LINKS)) {
                    return new Cause(root.relativize(inside).toString(), "link");
                }
            }
            return new Cause("no package lists it", "made by a package's script or by the build");
        } catch (IOException e) {
            throw Failure.io("cannot read the link " + path, e);
        }
    }

    private void add(String thing, String by, String how) {
        causes.computeIfAbsent(thing, any -> new ArrayList<>()).add(new Cause(by, how));
    }

    private void modules() {
        String folder = "lib/modules/" + report.modules().release() + "/";
        for (Modules.Module module : report.modules().modules()) {
            boolean asked = module.by().equals(module.name());
            add(folder + ModuleFile.unpackedPath(module.path()), "module " + module.name(), "");
            add("module " + module.name(), asked ? module.why() : "module " + module.by(), asked ? "" : module.why());
        }
        new ModuleFolder(report.kernel().modules().resolve(folder)).builtIn().forEach(driver -> {
            add("module " + driver.name(), "the kernel", "built in");
            add("built-in driver " + driver.name(), "the kernel", "");
        });
        add("the kernel", "kernel.config", report.kernel().release());
        linkedIn();
    }

    /** Firmware inside the kernel: microcode that firmware.conf asks for, and what kernel.config names itself. */
    private void linkedIn() {
        Trees.read(report.kernel().config()).lines().filter(line -> line.startsWith("CONFIG_EXTRA_FIRMWARE=\""))
                .flatMap(line -> Stream.of(line.split("\"", -1)[1].split("\\s+"))).filter(name -> !name.isEmpty())
                .forEach(name -> add(Firmware.FOLDER + name, report.config().firmware().lines().stream()
                        .filter(line -> line.text().matches("microcode\\s+" + name.replaceFirst("-ucode/.*", ""))).findFirst()
                        .map(line -> line.place() + " " + line.text()).orElse("the kernel"), "CONFIG_EXTRA_FIRMWARE"));
    }

    private void firmware() {
        for (Firmware.Item item : report.firmware().items()) {
            for (String by : item.askedBy()) {
                if (by.startsWith(LINK)) {
                    String link = Firmware.FOLDER + by.substring(LINK.length());
                    String title = report.firmware().items().stream().map(Firmware.Item::path).filter(path -> path.matches(Pattern.quote(link) + "(\\.xz|\\.zst)?"))
                            .findFirst().orElse(link);
                    add(item.path(), title, "link");
                } else {
                    add(item.path(), by, by.startsWith("module ") || by.startsWith("built-in ") ? "firmware" : "");
                }
            }
        }
    }

    private void components() {
        report.components().forEach(one -> {
            add(one.path().replaceFirst("^/", ""), "component " + one.name(), one.version());
            report.config().sources().stream().filter(source -> source.name().equals(one.name())).findFirst()
                    .ifPresent(source -> add("component " + one.name(), source.where().replaceFirst("^.*/", ""), one.url()));
        });
    }

    private void system(List<String> present) {
        for (String path : present) {
            if (SYSTEM.containsKey(path)) {
                add(path, SYSTEM.get(path), "");
            } else if (Files.exists(report.config().folder().resolve("rootfs").resolve(path), LinkOption.NOFOLLOW_LINKS)) {
                add(path, "config/rootfs/" + path, "");
            } else if (path.startsWith("etc/my_init/")) {
                add(path, "config/my_init/" + path.substring("etc/my_init/".length()), "");
            } else if (path.matches("lib/modules/[^/]+/modules\\.[^/]+")) {
                add(path, "the modules of the image", "index for modprobe");
            } else if (path.startsWith("lib/apk/db/") || path.matches("etc/apk/(world|arch|repositories)")) {
                add(path, "packages.list", "the package database");
            }
        }
    }

    private void packages() {
        for (Alpine.InstalledPackage one : report.alpine().packages()) {
            String name = "package " + one.name();
            // What a later phase put in its place is not the package's any more.
            one.files().forEach(file -> causes.computeIfAbsent(file, any -> List.of(new Cause(name, one.version()))));
            Matcher needs = NEEDS.matcher(one.reason());
            boolean byPackage = needs.matches() && report.alpine().packages().stream().anyMatch(other -> other.name().equals(needs.group(1)));
            add(name, byPackage ? "package " + needs.group(1) : one.reason().isEmpty() ? "the miniroot" : one.reason(), byPackage ? needs.group(2) : "");
        }
    }
}
