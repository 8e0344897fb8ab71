package demo;

import static org.junit.jupiter.api.Assumptions.assumeTrue;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.stream.Stream;

/** The apk program of a real Alpine minirootfs, run through that system's own loader. */
record RealApk(Path mini) {
    /** What a run printed (both streams) and its exit code. */
    record Run(int exitCode, String text) { }

    /** Unpacks the minirootfs of the shared folder into {@code scratch}; the test is skipped where there is none. */
    static RealApk unpackedInto(Path scratch) throws IOException, InterruptedException {
        Path archive = project().resolveSibling("shared/alpine-mirror/v3.19/releases/x86_64/alpine-minirootfs-3.19.4-x86_64.tar.gz");
        assumeTrue(Files.exists(archive), "no real apk: there is no " + archive);
        assumeTrue(System.getProperty("os.arch").equals("amd64"), "the real apk is a program for x86_64");
        Path mini = Files.createDirectories(scratch.resolve("mini"));
        Run tar = run(List.of("tar", "xzf", archive.toString(), "--no-same-owner", "-C", mini.toString()));
        assumeTrue(tar.exitCode() == 0, "cannot unpack the minirootfs: " + tar.text());
        return new RealApk(mini);
    }

    /** Runs apk with these arguments. */
    Run apk(String... arguments) throws IOException, InterruptedException {
        List<String> argv = new ArrayList<>(List.of(mini.resolve("lib/ld-musl-x86_64.so.1").toString(), "--library-path",
                mini.resolve("lib") + ":" + mini.resolve("usr/lib"), mini.resolve("sbin/apk").toString(), "--no-network", "--no-cache",
                "--no-progress"));
        argv.addAll(List.of(arguments));
        return run(argv);
    }

    static Run run(List<String> argv) throws IOException, InterruptedException {
        Process process = new ProcessBuilder(argv).redirectErrorStream(true).start();
        String text = new String(process.getInputStream().readAllBytes());
        return new Run(process.waitFor(), text);
    }

    static Path project() {
        return Stream.iterate(Path.of("").toAbsolutePath(), folder -> folder != null, Path::getParent)
                .filter(folder -> Files.exists(folder.resolve("demo/ApkWriter.java"))).findFirst()
                .orElseThrow(() -> new IllegalStateException("the tests run from the project's folder"));
    }
}
