package lib.tool;

/**
 * The one exception of this project: what happened, and what to do about it.
 *
 * <p>Both texts are shown to the user as they are, so {@code what} names the file, line and text (or the program and its
 * exit code), and {@code hint} is a sentence that helps. Neither may hold a secret.
 */
public final class Failure extends RuntimeException {
    /** Exit code 1: the build (or the boot, the upload) failed. */
    public static final int BUILD = 1;
    /** Exit code 2: wrong command line or configuration. */
    public static final int USAGE = 2;
    /** Exit code 3: this machine lacks something. */
    public static final int MACHINE = 3;
    /** Exit code 4: a budget or contract is not met. */
    public static final int CONTRACT = 4;

    private static final long serialVersionUID = 1L;

    private final String hint;
    private final int exitCode;

    private Failure(int exitCode, String what, String hint, Throwable cause) {
        super(what, cause);
        this.exitCode = exitCode;
        this.hint = hint;
    }

    public Failure(String what, String hint) {
        this(BUILD, what, hint, null);
    }

    public Failure(String what, String hint, Throwable cause) {
        this(BUILD, what, hint, cause);
    }

    /** The command line or a file in config/ is wrong. */
    public static Failure usage(String what, String hint) {
        return new Failure(USAGE, what, hint, null);
    }

    /** A line of a configuration file is wrong: shown as {@code file:line: what: text}. */
    public static Failure at(String file, int line, String text, String what, String hint) {
        return usage(file + ":" + line + ": " + what + ": " + text.strip(), hint);
    }

    /** A program, a kernel feature, memory or disk is missing on this machine. */
    public static Failure machine(String what, String hint) {
        return new Failure(MACHINE, what, hint, null);
    }

    /** A size budget or a boot contract is not met. */
    public static Failure contract(String what, String hint) {
        return new Failure(CONTRACT, what, hint, null);
    }

    /** The same failure, found at a place such as {@code config/build.conf:7}. */
    public Failure at(String place) {
        return new Failure(exitCode, place + ": " + getMessage(), hint, getCause());
    }

    /** The same failure with another exit code of the contract (runit --check has codes of its own). */
    public Failure exit(int code) {
        return new Failure(code, getMessage(), hint, getCause());
    }

    /** An input or output error turned into a failure; a full disk gets a hint of its own. */
    public static Failure io(String doing, java.io.IOException e) {
        String reason = e instanceof java.nio.file.FileSystemException f && f.getReason() == null
                ? e.getClass().getSimpleName().replaceAll("Exception$", "") + " " + f.getFile()
                : String.valueOf(e.getMessage() == null ? e.getClass().getSimpleName() : e.getMessage());
        String hint = reason.contains("No space left") ? "free some space (clean.java --help shows what can go), then run again"
                : reason.contains("Read-only file system") ? "it is mounted read-only: name a folder that can be written (MOS_CACHE_DIR, -C)"
                : reason.contains("Permission denied") || reason.contains("AccessDenied") ? "check who owns the file and its folder" : "";
        return new Failure(BUILD, doing + ": " + reason, hint, e);
    }

    public String what() {
        return getMessage();
    }

    /** What to do; may be empty. */
    public String hint() {
        return hint;
    }

    public int exitCode() {
        return exitCode;
    }
}
