package lib;

import java.util.List;
import java.util.Map;
import java.util.function.Function;

/**
 * Names that sources.conf uses -> how such a component is built. A plain cargo project needs no line here: use the function
 * {@code cargo} with options. One line is enough for a function of its own.
 */
final class Recipes {
    private Recipes() { }

    /**
     * A Rust project built by cargo.
     *
     * @param folder where cargo runs, relative to the repository
     * @param packageName package of a workspace, empty for the folder's own
     * @param binary name of the program that cargo makes, and that is installed
     * @param install path in the image
     */
    record Cargo(String folder, String packageName, String binary, List<String> features, String profile, String install) {
        static Cargo of(String binary) {
            return new Cargo(".", "", binary, List.of(), "release", "/usr/bin/" + binary);
        }

        Cargo in(String folder) {
            return new Cargo(folder, packageName, binary, features, profile, install);
        }

        Cargo features(String... names) {
            return new Cargo(folder, packageName, binary, List.of(names), profile, install);
        }

        Cargo install(String path) {
            return new Cargo(folder, packageName, binary, features, profile, path);
        }
    }

    /**
     * A finished program, downloaded.
     *
     * @param path where it is in the archive; empty: the archive holds one program of the component's name, or the download is it
     * @param install path in the image
     */
    record Program(String path, String install) { }

    private static final Map<String, Function<Source, Cargo>> BUILD = Map.of(
            "build_my_init", source -> Cargo.of("my_init").install("/sbin/my_init"),
            "build_zinit", source -> Cargo.of("zinit").install("/sbin/zinit"),
            "build_rfs", source -> Cargo.of("rfs").features("build-binary"),
            "build_myfs", source -> Cargo.of("myfs"),
            "build_mycelium", source -> Cargo.of("mycelium").in("myceliumd"),
            "build_mosstorage", source -> Cargo.of("mosstorage"),
            "build_mosnet", source -> Cargo.of("mosnet"),
            "build_mos_volmgr", source -> Cargo.of("mos_volmgr"),
            "cargo", source -> Cargo.of(source.name()));

    private static final Map<String, Function<Source, Program>> INSTALL = Map.of(
            "install_corex", source -> new Program("", "/usr/bin/corex"),
            "install", source -> new Program("", "/usr/bin/" + source.name()));

    /** Names of the functions that build a repository or install a release. */
    static List<String> names(Source.Type type) {
        return (type == Source.Type.GIT ? BUILD : INSTALL).keySet().stream().sorted().toList();
    }

    /** Options that a line of this type may carry. */
    static List<String> options(Source.Type type) {
        return type == Source.Type.GIT ? List.of("dir", "package", "bin", "features", "profile", "install")
                : List.of("rename", "path", "install", "sha256");
    }

    /** How a repository is built, with the options of its line on top. */
    static Cargo cargo(Source source) {
        Cargo base = BUILD.get(source.function()).apply(source);
        String binary = source.option("bin").orElse(base.binary());
        return new Cargo(source.option("dir").orElse(base.folder()), source.option("package").orElse(base.packageName()), binary,
                source.option("features").map(text -> List.of(text.split(","))).orElse(base.features()),
                source.option("profile").orElse(base.profile()),
                source.option("install").orElse(base.install().equals("/usr/bin/" + base.binary()) ? "/usr/bin/" + binary : base.install()));
    }

    /** How a release is installed, with the options of its line on top. */
    static Program program(Source source) {
        Program base = INSTALL.get(source.function()).apply(source);
        return new Program(source.option("path").orElse(base.path()),
                source.option("install").orElse(source.option("rename").map(name -> "/usr/bin/" + name).orElse(base.install())));
    }
}
