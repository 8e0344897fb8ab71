package lib;

import java.util.Locale;

/** What {@link Lint} looks for in a finished image. A rule's id is its name in lower case with dashes. */
public enum LintRule {
    INIT_MISSING("the kernel finds no /init that it can run"),
    CONSOLE_MISSING("no /dev/console: the first process has no input and output"),
    PATH_UNSAFE("a path that is absolute or has .. in it"),
    PATH_TWICE("two entries have the same path"),
    PARENT_MISSING("the folder of an entry comes after it or not at all, so the kernel leaves the entry out"),
    LINK_DANGLING("a link leads to nothing (links into /proc, /sys, /dev, /run and /tmp are fine)"),
    LINK_LOOP("a link leads to itself"),
    DEVICE_UNEXPECTED("a device node, pipe or socket outside of /dev"),
    WORLD_WRITABLE("everybody may change a file, or a folder that has no sticky bit"),
    SETUID_WRITABLE("others than root may change a setuid or setgid program"),
    SETUID_SCRIPT("a script is setuid or setgid"),
    OWNER_UNKNOWN("the owner or group has no name in /etc/passwd or /etc/group"),
    PASSWORD_EMPTY("an account can be used without a password"),
    PASSWORD_WEAK("a password's hash is DES or MD5, which can be broken"),
    PASSWORDS_READABLE("everybody may read the hashes of passwords"),
    ROOT_TWICE("a second account has user id 0"),
    SHELL_MISSING("the shell of an account that can log in is not in the image"),
    SSH_EMPTY_PASSWORDS("sshd lets in who has no password"),
    PRIVATE_KEY("a private key: every node would have the same, and whoever has the image has it"),
    SECRET("a token or password"),
    LEFTOVER("a backup, history, cache or repository that nobody needs on a node"),
    PROGRAM_NOT_EXECUTABLE("a program in a folder of programs that nobody may run"),
    ELF_DAMAGED("a program, library or module that is cut off or damaged"),
    MACHINE_MIXED("a program or library for another processor"),
    INTERPRETER_MISSING("the dynamic loader of a program is not in the image"),
    LIBRARY_MISSING("a shared library that a program or library needs is not where the loader looks"),
    SCRIPT_INTERPRETER_MISSING("the program that runs a script in a folder of programs, or my_init's, is not in the image"),
    SERVICE_PROGRAM_MISSING("the program of a service is not in the image, or nobody may run it"),
    SERVICE_UNKNOWN("a service waits for one that does not exist"),
    SERVICE_DAMAGED("a service's file cannot be read"),
    MODULE_DEPENDENCY_MISSING("a kernel module needs one that is neither in the image nor in the kernel"),
    MODULE_FOREIGN("a kernel module is for another kernel"),
    MODULE_INDEX_STALE("modules.dep and the modules that are there differ"),
    MODULE_LOAD_UNKNOWN("a module to be loaded at boot does not exist"),
    SETUID(true, "programs that run with the rights of another account"),
    SCRIPT_IDLE(true, "scripts elsewhere that cannot run, because their interpreter is not in the image"),
    AUTHORIZED_KEYS(true, "keys that open an account");

    private final boolean listed;
    private final String what;

    LintRule(String what) {
        this(false, what);
    }

    LintRule(boolean listed, String what) {
        this.listed = listed;
        this.what = what;
    }

    /** As it is printed and written in lint.conf. */
    public String id() {
        return name().toLowerCase(Locale.ROOT).replace('_', '-');
    }

    /** Findings are shown for people to look at; they are no errors. */
    public boolean listed() {
        return listed;
    }

    /** What a finding of it means. */
    public String what() {
        return what;
    }
}
