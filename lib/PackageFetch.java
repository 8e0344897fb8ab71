package lib;

import java.net.URI;
import java.util.ArrayList;
import java.util.Base64;
import java.util.HexFormat;
import java.util.List;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import lib.apk.Package;
import lib.apk.PackageFile;
import lib.tool.Download;
import lib.tool.Failure;

/** Fetches packages side by side and verifies each as soon as it is there. The cache keeps them by their checksum. */
record PackageFetch(Download download) {
    /** Enough to keep a network busy while two processors verify. */
    private static final int THREADS = 4;

    /** All of them, verified and open; when one fails, none stays open and nothing goes on in the background. */
    List<PackageFile> fetch(List<Package> packages) {
        ExecutorService threads = Executors.newFixedThreadPool(THREADS);
        List<Future<PackageFile>> running = new ArrayList<>();
        packages.forEach(pkg -> running.add(threads.submit(() -> fetch(pkg))));
        threads.shutdown();
        List<PackageFile> files = new ArrayList<>();
        RuntimeException failure = null;
        for (Future<PackageFile> one : running) {
            try {
                if (failure == null || !one.cancel(false)) {
                    files.add(one.get());
                }
            } catch (ExecutionException e) {
                failure = failure != null ? failure : e.getCause() instanceof RuntimeException cause ? cause : new IllegalStateException(e.getCause());
            } catch (InterruptedException e) {
                Thread.currentThread().interrupt();
                failure = new Failure("interrupted while fetching packages", "", e);
                threads.shutdownNow();
            }
        }
        if (failure != null) {
            files.forEach(PackageFile::close);
            throw failure;
        }
        return files;
    }

    private PackageFile fetch(Package pkg) {
        String key = key(pkg);
        List<URI> places = pkg.repositories().stream().flatMap(repository -> repository.places().stream())
                .map(place -> Download.child(place, pkg.arch() + "/" + pkg.fileName())).toList();
        return download.accepted("apk", key, places, pkg.size(), file -> PackageFile.verified(file, pkg));
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
