package lib;

import java.nio.charset.StandardCharsets;
import java.util.Map;
import java.util.regex.Pattern;
import lib.image.CpioEntry;
import lib.image.FinishedImage;

/** Keys, tokens and passwords that were left in an image. Never shows what it found, only where. */
record LintSecrets(FinishedImage image, Lint.Findings findings) {
    private static final int LARGEST_TEXT = 1 << 20;
    private static final byte[] BEGIN = "-----BEGIN ".getBytes(StandardCharsets.US_ASCII);
    /** With its content: programs that read keys have the first line alone. */
    private static final Pattern PRIVATE_KEY = Pattern.compile("-----BEGIN (?:[A-Z0-9]+ )*PRIVATE KEY(?: BLOCK)?-----\\s+(?:[A-Za-z0-9-]+: [^\\n]*\\s+)*[A-Za-z0-9+/=]{16}");
    private static final Map<String, Pattern> TOKENS = Map.of(
            "a key of Amazon's cloud", Pattern.compile("\\bAKIA[0-9A-Z]{16}\\b"),
            "a token of GitHub", Pattern.compile("\\bgh[pousr]_[A-Za-z0-9]{36,}|\\bgithub_pat_[A-Za-z0-9_]{40,}"),
            "a token of GitLab", Pattern.compile("\\bglpat-[A-Za-z0-9_-]{20,}"),
            "a token of Slack", Pattern.compile("\\bxox[abprs]-[A-Za-z0-9-]{10,}"),
            "a setting that holds a secret", Pattern.compile("(?mi)^\\s*(?:export\\s+)?[A-Z0-9_]*(?:SECRET_KEY|SECRET_ACCESS_KEY|ACCESS_KEY|API_KEY|AUTH_?TOKEN|_PASSWORD)"
                    + "\\s*[=:]\\s*[\"']?[A-Za-z0-9+/=_.-]{8,}"),
            "a password in an address", Pattern.compile("\\b[a-z][a-z0-9+]*://[^/\\s:@\"']{1,64}:[^/\\s:@\"'$<{]{3,64}@[A-Za-z0-9.-]+"));
    private static final Pattern FILES = Pattern.compile("(.*/)?(\\.netrc|\\.git-credentials|\\.pgpass|\\.aws/credentials|\\.docker/config\\.json|\\.cargo/credentials(\\.toml)?|rfs\\.conf)");
    private static final Pattern AUTHORIZED = Pattern.compile("(.*/)?\\.ssh/authorized_keys2?|etc/ssh/authorized_keys(/.*)?");

    void examine() {
        for (CpioEntry entry : image.entries().stream().filter(CpioEntry::isFile).toList()) {
            String path = FinishedImage.plain(entry.path());
            if (FILES.matcher(path).matches()) {
                findings.add(LintRule.SECRET, path, "files of this name hold passwords");
            }
            if (AUTHORIZED.matcher(path).matches()) {
                long keys = entry.text().lines().filter(line -> !line.isBlank() && !line.startsWith("#")).count();
                findings.add(LintRule.AUTHORIZED_KEYS, path, keys == 1 ? "1 key" : keys + " keys");
            }
            if (entry.contains(BEGIN) && PRIVATE_KEY.matcher(latin(entry)).find()) {
                findings.add(LintRule.PRIVATE_KEY, path, entry.modeText());
            }
            if (entry.size() <= LARGEST_TEXT && isText(entry)) {
                String text = latin(entry);
                TOKENS.forEach((what, pattern) -> {
                    if (pattern.matcher(text).find()) {
                        findings.add(LintRule.SECRET, path, what);
                    }
                });
            }
        }
    }

    private static String latin(CpioEntry entry) {
        return new String(entry.bytes(), StandardCharsets.ISO_8859_1);
    }

    private static boolean isText(CpioEntry entry) {
        for (byte one : entry.first(1 << 12)) {
            if (one == 0) {
                return false;
            }
        }
        return true;
    }
}
