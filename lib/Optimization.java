package lib;

import java.nio.file.Path;
import java.util.Map;
import lib.apk.Installation;
import lib.tool.Console;
import lib.tool.Tools;

/**
 * Phase 5: what a booted node does not need is taken out of the tree, programs are stripped, and packed with UPX where that helps.
 *
 * @param packing tells the bytes of the initramfs that a tree becomes; asked only to decide about UPX
 */
public record Optimization(Cleanup cleanup, Config.Budget budget, String arch, Tools tools, int jobs, PackedSizes.Measure packing) {
    /** The phase as the configuration wants it; a wrong line in cleanup.conf is a Failure now, not when the phase runs. */
    public static Optimization of(Config config, Tools tools, int jobs, PackedSizes.Measure packing) {
        return of(config.folder(), config.budget(), config.alpine().arch(), tools, jobs, packing);
    }

    /** The phase by itself: with the rules of a configuration folder, or those that are delivered when it has none. */
    public static Optimization of(Path folder, Config.Budget budget, String arch, Tools tools, int jobs, PackedSizes.Measure packing) {
        return new Optimization(Cleanup.read(folder.resolve("cleanup.conf")), budget, arch, tools, jobs, packing);
    }

    /** Shrinks the tree and brings the package database in line with it. */
    public void shrink(Path root) {
        Map<Cleanup.Rule, Long> freed = tools.console().step("cleanup", () -> cleanup.apply(root),
                done -> "cleanup freed " + Console.mib(done.values().stream().mapToLong(Long::longValue).sum()));
        freed.forEach((rule, bytes) -> tools.console().detail("  " + bytes + " bytes: " + rule.glob() + " (" + rule.why() + ")"));
        tools.console().step("strip", () -> new Strip(arch, tools, jobs).applyTo(root), saved -> "strip freed " + Console.mib(saved));
        if (budget.linkIdentical()) {
            tools.console().step("identical files", () -> new IdenticalFiles(root).link(), saved -> "identical files linked, " + Console.mib(saved) + " less to unpack");
        }
        // Before UPX, so that what it measures without is the very tree that is packed next, and is packed once.
        refresh(root);
        if (new Upx(budget.upx(), budget.compression(), tools, jobs, packing).applyTo(root)) {
            refresh(root);
        }
    }

    private void refresh(Path root) {
        tools.console().step("package database", () -> Installation.open(root).refresh());
    }
}
