package lib;

import java.net.URI;
import java.util.Base64;
import java.util.Collection;
import java.util.HashMap;
import java.util.HexFormat;
import java.util.List;
import java.util.Map;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.ThreadPoolExecutor;
import java.util.concurrent.TimeUnit;
import lib.apk.Package;
import lib.apk.PackageFile;
import lib.tool.Ahead;
import lib.tool.Download;
import lib.tool.Failure;

/**
 * Fetches packages side by side, in the order in which they are asked for, and verifies each as soon as it is there. The cache keeps
 * them by their checksum. Closing it ends what still runs.
 */
final class PackageFetch implements AutoCloseable {
    /** Enough to keep a network busy while two processors verify. */
    private static final int THREADS = 4;

    private final Download download;
    /** One, until all are known: whoever chooses them has work for the other processor. */
    private final ThreadPoolExecutor threads = new ThreadPoolExecutor(1, THREADS, 0, TimeUnit.SECONDS, new LinkedBlockingQueue<>());
    /** By checksum. */
    private final Map<String, Ahead<PackageFile>> coming = new HashMap<>();
    private final ConcurrentLinkedQueue<PackageFile> open = new ConcurrentLinkedQueue<>();

    PackageFetch(Download download) {
        this.download = download;
    }

    /** Begins with all that are still to come, side by side. */
    void beginAll(List<Package> packages) {
        threads.setCorePoolSize(THREADS);
        begin(packages);
    }

    /** Begins with those of the packages that have files and that it has not begun with yet, one after the other. */
    void begin(Collection<Package> packages) {
        packages.stream().filter(Package::hasFiles).forEach(pkg -> coming.computeIfAbsent(pkg.checksum(), any -> Ahead.begin(() -> fetch(pkg), threads)));
    }

    /** The verified file of one of the packages, waited for. */
    PackageFile take(Package pkg) {
        return coming.get(pkg.checksum()).get();
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
