package lib;

import com.fasterxml.jackson.databind.JsonNode;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.Callable;
import lib.image.FinishedImage;
import lib.tool.Failure;
import lib.tool.Json;
import picocli.CommandLine.Command;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;

/** {@code image.java size}. */
@Command(name = "size", sortOptions = false, description = {"Says who takes which part of an image, or what changed between two builds.",
    "A and B: a workspace or dist folder of a finished build, a size.json, or an image (vmlinuz.efi, initramfs.cpio.xz); build.json beside an",
    "image is used where it is. docs/IMAGES.md tells how bytes are charged."},
        footer = {"", "Examples:", "  ./jbang image.java size dist", "  ./jbang image.java size main/dist dist --markdown"})
public final class SizeVerb implements Callable<Integer> {
    @Parameters(paramLabel = "A", index = "0", description = "The build, or the earlier one of two.")
    Path first;
    @Parameters(paramLabel = "B", index = "1", arity = "0..1", description = "The later build.")
    Optional<Path> second;
    @Option(names = "--json", description = "Print JSON.")
    boolean json;
    @Option(names = "--markdown", description = "Print a comparison as Markdown, for a pull request.")
    boolean markdown;

    @Override
    public Integer call() {
        if (markdown && (json || second.isEmpty())) {
            throw Failure.usage("--markdown is for a comparison, and not together with --json", "image.java size A B --markdown");
        }
        SizeReport before = report(first);
        if (second.isEmpty()) {
            System.out.print(json ? before.json() : items(before));
            return 0;
        }
        SizeComparison comparison = SizeComparison.of(before, report(second.get()));
        System.out.print(json ? Json.pretty(comparison) : markdown ? comparison.markdown() : comparison.table());
        return 0;
    }

    private static SizeReport report(Path place) {
        return SizeReport.find(place).orElseGet(() -> {
            if (Files.isDirectory(place)) {
                throw Failure.usage("there is no size.json in " + place, "build first: build.java");
            }
            return SizeLedger.charge(FinishedImage.open(place), place.getFileName().toString(), build(place));
        });
    }

    /** build.json beside the image. */
    private static JsonNode build(Path image) {
        Path file = image.resolveSibling("build.json");
        return Files.isRegularFile(file) ? Json.read(file) : Json.parse("{}", "nothing");
    }

    private static String items(SizeReport report) {
        return SizeComparison.of(new SizeReport(report.image(), 0, 0, 0, List.of()), report).table() + "\n" + report.table(Optional.empty());
    }
}
