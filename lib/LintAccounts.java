package lib;

import java.util.HashSet;
import java.util.List;
import java.util.Set;
import java.util.regex.Pattern;
import java.util.stream.Collectors;
import lib.image.CpioEntry;
import lib.image.FinishedImage;

/** Who can log in, and to whom files belong. */
record LintAccounts(FinishedImage image, Lint.Findings findings) {
    private static final String PASSWD = "etc/passwd";
    private static final String SHADOW = "etc/shadow";
    private static final Pattern WEAK = Pattern.compile("[A-Za-z0-9./]{13}|_[A-Za-z0-9./]{19}|\\$1\\$.*");
    /** Shells that let nobody in, there or not. */
    private static final Pattern CLOSED = Pattern.compile(".*/(nologin|false)");
    private static final Pattern EMPTY_PASSWORDS = Pattern.compile("(?mi)^\\s*PermitEmptyPasswords\\s+yes");

    void examine() {
        owners();
        Set<String> open = new HashSet<>();
        for (List<String> account : lines(SHADOW, 2)) {
            password(SHADOW, account.get(0), account.get(1), open);
        }
        for (List<String> account : lines(PASSWD, 7)) {
            if (!account.get(1).equals("x")) {
                password(PASSWD, account.get(0), account.get(1), open);
            }
            if (account.get(2).equals("0") && !account.get(0).equals("root")) {
                findings.add(LintRule.ROOT_TWICE, PASSWD, account.get(0));
            }
            String shell = account.get(6).isEmpty() ? "/bin/sh" : account.get(6);
            boolean entered = open.contains(account.get(0)) || account.get(0).equals("root");
            if (entered && !CLOSED.matcher(shell).matches() && image.file(shell).isEmpty()) {
                findings.add(LintRule.SHELL_MISSING, PASSWD, account.get(0) + " has " + shell);
            }
        }
        for (String file : List.of(SHADOW, "etc/shadow-", "etc/gshadow")) {
            image.file(file).filter(entry -> (entry.permissions() & 0004) != 0).ifPresent(entry -> findings.add(LintRule.PASSWORDS_READABLE, file, entry.modeText()));
        }
        image.file("etc/ssh/sshd_config").filter(file -> EMPTY_PASSWORDS.matcher(file.text()).find())
                .ifPresent(file -> findings.add(LintRule.SSH_EMPTY_PASSWORDS, "etc/ssh/sshd_config", "PermitEmptyPasswords yes"));
    }

    private void password(String file, String account, String hash, Set<String> open) {
        if (hash.isEmpty()) {
            findings.add(LintRule.PASSWORD_EMPTY, file, account);
            open.add(account);
        } else if (!hash.startsWith("!") && !hash.startsWith("*")) {
            open.add(account);
            if (WEAK.matcher(hash).matches()) {
                findings.add(LintRule.PASSWORD_WEAK, file, account);
            }
        }
    }

    private void owners() {
        Set<String> users = lines(PASSWD, 4).stream().map(line -> line.get(2)).collect(Collectors.toSet());
        Set<String> groups = lines("etc/group", 3).stream().map(line -> line.get(2)).collect(Collectors.toSet());
        for (CpioEntry entry : image.entries()) {
            boolean userKnown = entry.uid() == 0 || users.contains(Integer.toString(entry.uid()));
            boolean groupKnown = entry.gid() == 0 || groups.contains(Integer.toString(entry.gid())) || lowDevice(entry);
            if (!userKnown || !groupKnown) {
                findings.add(LintRule.OWNER_UNKNOWN, FinishedImage.plain(entry.path()), entry.uid() + ":" + entry.gid());
            }
        }
    }

    /** Groups of terminals and the like that a small system may do without. */
    private static boolean lowDevice(CpioEntry entry) {
        return entry.isSpecial() && entry.gid() < 100;
    }

    /** Lines of a file of accounts that have at least so many fields. */
    private List<List<String>> lines(String file, int fields) {
        return image.file(file).map(CpioEntry::text).orElse("").lines().map(line -> List.of(line.split(":", -1))).filter(line -> line.size() >= fields).toList();
    }
}
