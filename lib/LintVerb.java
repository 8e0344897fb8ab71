package lib;

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

/** {@code image.java lint}. */
@Command(name = "lint", sortOptions = false, description = {"Looks for faults in a finished vmlinuz.efi or initramfs: programs whose loader or libraries are not there,",
    "links that lead nowhere, secrets, empty passwords, services and modules that cannot start, and more.",
    "Each build does this with its own image. What is meant to be so is allowed in config/lint.conf: allow RULE PATH (a glob; ** crosses folders)."},
        exitCodeListHeading = "%nExit codes:%n", exitCodeList = {"0:no faults", "2:wrong command line or lint.conf", "4:faults were found"})
public final class LintVerb implements Callable<Integer> {
    @Parameters(paramLabel = "FILE", index = "0", arity = "0..1", description = "The image (default: dist/vmlinuz.efi of the workspace).")
    Optional<Path> file;
    @Option(names = "-C", paramLabel = "DIR", description = "Workspace: the folder that holds config/ and dist/ (default: found upwards from here).")
    Optional<Path> folder;
    @Option(names = "--allow", paramLabel = "FILE", description = "Allowances (default: config/lint.conf of the workspace, where there is one).")
    Optional<Path> allow;
    @Option(names = "--rules", description = "Explain the rules, and stop.")
    boolean rules;
    @Option(names = "--json", description = "Print JSON.")
    boolean json;

    @Override
    public Integer call() {
        if (rules) {
            System.out.print(Lint.rules());
            return 0;
        }
        Path image = file.orElseGet(() -> Workspace.find(folder, Optional.empty()).image());
        List<Lint.Finding> findings = Lint.read(allowances()).examine(FinishedImage.open(image));
        System.out.print(json ? Json.pretty(findings) : findings.isEmpty() ? "" : Lint.table(findings));
        return findings.stream().anyMatch(Lint.Finding::error) ? Failure.CONTRACT : 0;
    }

    /** An image can be looked at anywhere: a workspace is not needed when the image is given. */
    private Path allowances() {
        if (allow.isPresent() || file.isEmpty() || folder.isPresent()) {
            return allow.orElseGet(() -> Workspace.find(folder, Optional.empty()).config().resolve("lint.conf"));
        }
        return Path.of("config/lint.conf");
    }
}
