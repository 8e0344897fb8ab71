package lib;

import java.net.URI;
import java.nio.file.Path;
import java.util.List;
import lib.apk.Repository;
import lib.apk.SignedIndex;
import lib.tool.Digest;
import lib.tool.Download;

/**
 * The index of a repository as a mirror gives it today; nothing of it is trusted yet.
 *
 * @param file APKINDEX.tar.gz
 * @param sha256 of the file: the identity that the lock keeps
 */
record PackageIndex(Repository repository, Path file, String sha256) {
    /** The newest index of each, in their order. */
    static List<PackageIndex> fetch(List<Repository> repositories, String arch, Download download) {
        return repositories.parallelStream().map(repository -> {
            Path file = download.latest(places(repository, arch), SignedIndex.LARGEST);
            return new PackageIndex(repository, file, Digest.sha256(file));
        }).toList();
    }

    /** Where it is in each mirror of the repository. */
    static List<URI> places(Repository repository, String arch) {
        return repository.places().stream().map(place -> Download.child(place, arch + "/APKINDEX.tar.gz")).toList();
    }
}
