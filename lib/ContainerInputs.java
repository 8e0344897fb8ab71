package lib;

import java.net.URI;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.stream.Stream;
import lib.tool.Download;
import lib.tool.Failure;

/**
 * Files and folders of this machine that a build reads besides workspace and cache, wherever they are: a container sees only those that
 * it is given.
 *
 * @param environment names the certificates that are trusted, and wins over files in config/
 * @param mounts what the user gives besides
 */
public record ContainerInputs(Map<String, String> environment, List<Path> mounts) {

    /** Those of a build with this configuration. */
    List<Path> of(Config config) {
        return Stream.concat(named(config).stream(), always()).toList();
    }

    /** The same for a container that is kept. It starts with a faulty configuration too: the build inside says what is wrong with it. */
    public List<Path> of(Workspace workspace) {
        try {
            return of(Config.read(workspace.config(), environment));
        } catch (Failure e) {
            return always().toList();
        }
    }

    private Stream<Path> always() {
        return Stream.concat(ContainerImage.trusted(environment).stream(), mounts.stream()).map(path -> path.toAbsolutePath().normalize());
    }

    /** What the configuration names and what exists; a missing one is the build's own error. */
    static List<Path> named(Config config) {
        Path base = config.toolchain().base();
        Stream<URI> alpine = Stream.concat(config.alpine().mirrors().stream(),
                config.alpine().repositories().stream().map(line -> Download.uri(line.text().replaceFirst("^@\\S+\\s+", ""), base)));
        Stream<URI> sources = config.sources().stream().map(source -> source.location(base)).filter(ContainerInputs::isLocal).map(place -> Download.uri(place, base));
        Stream<URI> kernel = config.kernel().source().stream();
        Stream<URI> firmware = config.firmware().source().filter(ContainerInputs::isLocal).map(place -> Download.uri(place, base)).stream();
        Stream<Path> places = Stream.of(alpine, sources, kernel, firmware).flatMap(all -> all).filter(uri -> "file".equals(uri.getScheme())).map(Path::of);
        Stream<Path> publishing = config.store().stream().flatMap(store -> Stream.concat(store.certificates().stream(), store.signing().file().stream()));
        return Stream.concat(places, publishing).map(Path::normalize).filter(Files::exists).distinct().toList();
    }

    /** Neither a URL nor git's {@code host:path}. */
    private static boolean isLocal(String place) {
        return place.startsWith("file:") || !place.contains(":");
    }
}
