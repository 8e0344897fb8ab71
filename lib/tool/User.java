package lib.tool;

import com.sun.security.auth.module.UnixSystem;

/** Who runs this process. */
public final class User {
    private User() { }

    /** Whether the process's user id is 0, in a user namespace too. */
    public static boolean isRoot() {
        return new UnixSystem().getUid() == 0;
    }
}
