package lib;

import java.net.URI;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.stream.Stream;
import lib.tool.Download;

/** Files and folders of this machine that a configuration names, wherever they are: a container sees only those that it is given. */
final class ContainerInputs {
    private ContainerInputs() { }

    /** Those that exist; a missing one is the build's own error. */
    static List<Path> of(Config config) {
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
