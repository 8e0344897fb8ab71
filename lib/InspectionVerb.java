package lib;

import java.nio.file.Path;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.Callable;
import lib.image.CpioEntry;
import lib.tool.Columns;
import lib.tool.Failure;
import lib.tool.Json;
import picocli.CommandLine.Command;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;

/** {@code image.java inspect}. */
@Command(name = "inspect", sortOptions = false, description = {"Opens a finished vmlinuz.efi or initramfs, without root.",
    "Without PATH: lists everything. PATH is a folder: lists what is below it. PATH is a file: writes its content to stdout.",
    "Links are followed inside the image."},
        footer = {"", "Examples:", "  ./jbang image.java inspect dist/vmlinuz.efi etc",
            "  ./jbang image.java inspect dist/vmlinuz.efi etc/passwd", "  ./jbang image.java inspect dist/initramfs.cpio.xz --extract tree"})
public final class InspectionVerb implements Callable<Integer> {
    @Parameters(paramLabel = "FILE", index = "0", description = "vmlinuz.efi, or an initramfs: cpio, plain or packed with xz, zstd or gzip.")
    Path file;
    @Parameters(paramLabel = "PATH", index = "1", arity = "0..1", description = "A file or folder of the image.")
    Optional<String> path;
    @Option(names = "--extract", paramLabel = "DIR", description = {"Unpack (what is at PATH) into a new folder. Files belong to you, setuid bits and device nodes",
        "are left out; an image with paths that lead out of the folder is refused."})
    Optional<Path> extract;
    @Option(names = "--json", description = "Print the listing as JSON.")
    boolean json;

    @Override
    public Integer call() {
        Inspection inspection = Inspection.of(file);
        String at = path.orElse("");
        if (extract.isPresent()) {
            Inspection.Extracted done = inspection.extract(at, extract.get());
            done.leftOut().forEach(name -> System.err.println("left out: " + name));
            System.out.print(json ? Json.pretty(done) : Columns.aligned(List.of(List.of(done.folder().toString(), done.entries() + " entries"))));
            return 0;
        }
        Optional<CpioEntry> one = at.isEmpty() ? Optional.empty() : inspection.file(at);
        if (one.isPresent() && !json) {
            inspection.cat(one.get(), System.out);
            return 0;
        }
        System.err.println(inspection.describe());
        List<Inspection.Listed> lines = inspection.list(at);
        if (lines.isEmpty()) {
            throw new Failure("there is nothing below /" + at + " in " + file, "");
        }
        System.out.print(json ? Json.pretty(lines) : Inspection.table(lines));
        return 0;
    }
}
