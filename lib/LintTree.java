package lib;

import java.util.Arrays;
import java.util.HashSet;
import java.util.List;
import java.util.Set;
import java.util.regex.Pattern;
import lib.image.CpioEntry;
import lib.image.FinishedImage;

/** Paths, links and modes of an image. */
record LintTree(FinishedImage image, Lint.Findings findings) {
    /** Empty in the image, full on a running node. */
    private static final Pattern FILLED_LATER = Pattern.compile("(proc|sys|dev|run|tmp|var/run|var/tmp|var/lock)(/.*)?");
    private static final Pattern LEFTOVER = Pattern.compile("(.*/)?(\\.(ash|bash|sh|zsh|python|lesshs?t?)_?(history)?|\\.viminfo|\\.git|\\.svn|\\.apk\\.[0-9a-f]{16,}"
            + "|[^/]*(~|\\.swp|\\.bak|\\.orig|\\.rej|\\.part|\\.apk-new|\\.apk-old))|var/cache/apk/.+\\.(apk|tar\\.gz)");
    private static final int SETUID_OR_SETGID = 06000;
    private static final int STICKY = 01000;

    void examine() {
        CpioEntry init = image.file("init").orElse(null);
        if (init == null || (init.mode() & 0111) == 0) {
            findings.add(LintRule.INIT_MISSING, "init", init == null ? "there is none" : "nobody may run it");
        }
        if (image.at("dev/console").filter(CpioEntry::isSpecial).isEmpty()) {
            findings.add(LintRule.CONSOLE_MISSING, "dev/console", "there is none");
        }
        Set<String> seen = new HashSet<>();
        for (CpioEntry entry : image.entries()) {
            String path = FinishedImage.plain(entry.path());
            place(entry, path, seen);
            if (entry.isLink()) {
                link(entry, path);
            } else {
                modes(entry, path);
            }
            if (LEFTOVER.matcher(path).matches()) {
                findings.add(LintRule.LEFTOVER, path, entry.isFile() ? entry.size() + " bytes" : "");
            }
            seen.add(path);
        }
    }

    private void place(CpioEntry entry, String path, Set<String> seen) {
        if (entry.path().startsWith("/") || Arrays.asList(entry.path().split("/")).contains("..")) {
            findings.add(LintRule.PATH_UNSAFE, path, entry.path());
        }
        if (seen.contains(path) && !entry.isFolder()) {
            findings.add(LintRule.PATH_TWICE, path, "");
        }
        String parent = path.substring(0, Math.max(0, path.lastIndexOf('/')));
        boolean reached = parent.isEmpty() || seen.contains(parent) && image.resolve(parent, true).filter(seen::contains).isPresent();
        if (!reached || !parent.isEmpty() && image.reached(parent).filter(CpioEntry::isFolder).isEmpty()) {
            findings.add(LintRule.PARENT_MISSING, path, parent + " is not there before it");
        }
        if (entry.isSpecial() && !path.startsWith("dev/")) {
            findings.add(LintRule.DEVICE_UNEXPECTED, path, entry.modeText());
        }
    }

    private void link(CpioEntry entry, String path) {
        if (image.resolve(path, true).isPresent()) {
            return;
        }
        String target = entry.target();
        String parent = image.resolve(path.substring(0, Math.max(0, path.lastIndexOf('/'))), true).orElse("");
        String leads = FinishedImage.plain(java.nio.file.Path.of("/", target.startsWith("/") ? "" : parent).resolve(target).normalize().toString());
        if (FILLED_LATER.matcher(leads).matches()) {
            return;
        }
        boolean loop = image.byPath().containsKey(leads) && image.byPath().get(leads).isLink() && circles(path);
        findings.add(loop ? LintRule.LINK_LOOP : LintRule.LINK_DANGLING, path, "-> " + target);
    }

    /** Whether following the links comes back to where it was. */
    private boolean circles(String path) {
        Set<String> passed = new HashSet<>();
        String at = path;
        while (passed.add(at)) {
            CpioEntry entry = image.byPath().get(at);
            if (entry == null || !entry.isLink()) {
                return false;
            }
            String parent = at.substring(0, Math.max(0, at.lastIndexOf('/')));
            at = FinishedImage.plain(java.nio.file.Path.of("/", entry.target().startsWith("/") ? "" : parent).resolve(entry.target()).normalize().toString());
        }
        return true;
    }

    private void modes(CpioEntry entry, String path) {
        int mode = entry.permissions();
        boolean device = entry.isSpecial();
        if ((mode & 0002) != 0 && !device && !(entry.isFolder() && (mode & STICKY) != 0)) {
            findings.add(LintRule.WORLD_WRITABLE, path, entry.modeText());
        }
        if (!entry.isFile() || (mode & SETUID_OR_SETGID) == 0) {
            return;
        }
        findings.add(LintRule.SETUID, path, entry.modeText() + " " + entry.uid() + ":" + entry.gid());
        if ((mode & 0022) != 0) {
            findings.add(LintRule.SETUID_WRITABLE, path, entry.modeText());
        }
        if (Arrays.equals(entry.first(2), new byte[] {'#', '!'})) {
            findings.add(LintRule.SETUID_SCRIPT, path, List.of(entry.text().split("\n")).get(0));
        }
    }
}
