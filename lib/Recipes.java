package lib;

import java.util.List;
import java.util.Map;
import java.util.TreeSet;
import java.util.function.Function;
import lib.tool.Failure;

/**
 * Names that sources.conf uses -> how such a component is built. A plain cargo project needs no line here: use the function
 * {@code cargo} with options. One line is enough for a function of its own.
 */
final class Recipes {
    private Recipes() { }

    /** How the program of a repository is made. The whole text of a recipe is part of the cache's key. */
    sealed interface Recipe permits Cargo, Commands {
        /** Path in the image. */
        String install();
    }

    /**
     * A Rust project built by cargo.
     *
     * @param folder where cargo runs, relative to the repository
     * @param packageName package of a workspace, empty for the folder's own
     * @param binary name of the program that cargo makes, and that is installed
     */
    record Cargo(String folder, String packageName, String binary, List<String> features, String profile, String install) implements Recipe {
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
     * A project built by commands of its own, which have RUST_TARGET and SOURCE_DATE_EPOCH in their environment.
     *
     * @param folder where they run, relative to the repository
     * @param program the static program that they make, relative to {@code folder}
     */
    record Commands(String folder, String program, String install, List<List<String>> commands) implements Recipe { }

    /**
     * A finished program, downloaded.
     *
     * @param path where it is in the archive; empty: the archive holds one program of the component's name, or the download is it
     * @param install path in the image
     */
    record Program(String path, String install) { }

    private static final Map<String, Function<Source, Recipe>> BUILD = Map.of(
            "build_my_init", source -> Cargo.of("my_init").install("/sbin/my_init"),
            "build_zinit", source -> Cargo.of("zinit").install("/sbin/zinit"),
            "build_rfs", source -> Cargo.of("rfs").features("build-binary"),
            "build_myfs", source -> Cargo.of("myfs"),
            "build_mycelium", source -> Cargo.of("mycelium").in("myceliumd"),
            "build_mosstorage", source -> Cargo.of("mosstorage"),
            "build_mosnet", source -> Cargo.of("mosnet"),
            "build_mos_volmgr", source -> Cargo.of("mos_volmgr"),
            "make", Recipes::make,
            "cargo", source -> Cargo.of(source.name()));

    private static final Map<String, Function<Source, Program>> INSTALL = Map.of(
            "install_corex", source -> new Program("", "/usr/bin/corex"),
            "install", source -> new Program("", "/usr/bin/" + source.name()));

    /** A program written in C or anything else that a Makefile knows how to make. */
    private static Recipe make(Source source) {
        return new Commands(".", source.name(), "/usr/bin/" + source.name(), List.of(List.of("make", "LDFLAGS=-static")));
    }

    /** Names of the functions that a component of this name can use. */
    static List<String> names(Source.Type type, String name) {
        TreeSet<String> names = new TreeSet<>((type == Source.Type.GIT ? BUILD : INSTALL).keySet());
        names.add(own(type, name));
        return List.copyOf(names);
    }

    static boolean knows(Source.Type type, String function, String name) {
        return names(type, name).contains(function);
    }

    /** The shell tooling calls a component's own function build_NAME or install_NAME; where this table has none it is the plain one. */
    private static String own(Source.Type type, String name) {
        return (type == Source.Type.GIT ? "build_" : "install_") + name.replaceAll("[^A-Za-z0-9]", "_");
    }

    /** How a repository is built, with the options of its line on top. */
    static Recipe recipe(Source source) {
        Recipe base = BUILD.getOrDefault(source.function(), BUILD.get("cargo")).apply(source);
        if (base instanceof Cargo cargo) {
            String binary = source.option("bin").orElse(cargo.binary());
            return new Cargo(source.option("dir").orElse(cargo.folder()), source.option("package").orElse(cargo.packageName()), binary,
                    source.option("features").map(text -> List.of(text.split(","))).orElse(cargo.features()),
                    source.option("profile").orElse(cargo.profile()),
                    source.option("install").orElse(cargo.install().equals("/usr/bin/" + cargo.binary()) ? "/usr/bin/" + binary : cargo.install()));
        }
        for (String key : List.of("package", "features", "profile")) {
            source.option(key).ifPresent(value -> {
                throw Failure.usage(source.where() + ": " + source.function() + " has no use for " + key + "=" + value, "only cargo has; take it out");
            });
        }
        Commands commands = (Commands) base;
        return new Commands(source.option("dir").orElse(commands.folder()), source.option("bin").orElse(commands.program()),
                source.option("install").orElse(commands.install()), commands.commands());
    }

    /** How a release is installed, with the options of its line on top. */
    static Program program(Source source) {
        Program base = INSTALL.getOrDefault(source.function(), INSTALL.get("install")).apply(source);
        return new Program(source.option("path").orElse(base.path()),
                source.option("install").orElse(source.option("rename").map(name -> "/usr/bin/" + name).orElse(base.install())));
    }

    /** Path in the image of what a line brings. */
    static String path(Source source) {
        return source.type() == Source.Type.GIT ? recipe(source).install() : program(source).install();
    }
}
