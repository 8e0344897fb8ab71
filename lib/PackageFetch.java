package lib;

import java.net.URI;
import java.util.Base64;
import java.util.HexFormat;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.TimeUnit;
import lib.apk.Package;
import lib.apk.PackageFile;
import lib.tool.Ahead;
import lib.tool.Download;
import lib.tool.Failure;

/**
 * Fetches packages side by side, in the order in which they will be installed, and verifies each as soon as it is there. The cache keeps
 * them by their checksum. Closing it ends what still runs.
 */
final class PackageFetch implements AutoCloseable {
    /** Enough to keep a network busy while two processors verify. */
    private static final int THREADS = 4;

    private final Download download;
    private final ExecutorService threads = Executors.newFixedThreadPool(THREADS);
    private final Map<Package, Ahead<PackageFile>> coming = new LinkedHashMap<>();
    private final ConcurrentLinkedQueue<PackageFile> open = new ConcurrentLinkedQueue<>();

    /** Begins with all of them. */
    PackageFetch(Download download, List<Package> packages) {
        this.download = download;
        packages.forEach(pkg -> coming.put(pkg, Ahead.begin(() -> fetch(pkg), threads)));
        threads.shutdown();
    }

    /** The verified file of one of the packages, waited for. */
    PackageFile take(Package pkg) {
        return coming.get(pkg).get();
    }

    @Override
    public void close() {
        threads.shutdownNow();
        try {
            threads.awaitTermination(1, TimeUnit.MINUTES);
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
        open.forEach(PackageFile::close);
    }

    private PackageFile fetch(Package pkg) {
        List<URI> places = pkg.repositories().stream().flatMap(repository -> repository.places().stream())
                .map(place -> Download.child(place, pkg.arch() + "/" + pkg.fileName())).toList();
        PackageFile file = download.accepted("apk", key(pkg), places, pkg.size(), one -> PackageFile.verified(one, pkg));
        open.add(file);
        return file;
    }

    /** The checksum as a file name. */
    private static String key(Package pkg) {
        try {
            if (pkg.checksum().startsWith("Q1")) {
                return HexFormat.of().formatHex(Base64.getDecoder().decode(pkg.checksum().substring(2)));
            }
        } catch (IllegalArgumentException e) {
            throw new Failure("the index gives " + pkg + " the checksum " + pkg.checksum() + ", which is none", "use another mirror", e);
        }
        throw new Failure("the index gives " + pkg + " a checksum of an unknown kind: " + pkg.checksum(), "only Q1 (SHA-1) is known");
    }
}
