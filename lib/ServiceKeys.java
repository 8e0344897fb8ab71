package lib;

import java.util.LinkedHashMap;
import java.util.Map;

/** The keys of a service file, with what they mean. They are those of zinit. */
final class ServiceKeys {
    static final Map<String, String> ALL = all();

    private ServiceKeys() { }

    private static Map<String, String> all() {
        Map<String, String> keys = new LinkedHashMap<>();
        keys.put("exec", "what runs, as words; no shell reads them: write `sh -c '...'` for one. Required");
        keys.put("oneshot", "`true`: runs once; what comes after it waits until it has ended well. Default `false`: started again whenever it ends");
        keys.put("after", "names of services that are up before this one starts; their order is all that counts, file names do not");
        keys.put("test", "run again and again until it succeeds; only then the service counts as up");
        keys.put("signal", "below it `stop: SIGNAL`, sent at shutdown; default SIGTERM");
        keys.put("env", "below it `NAME: value` lines");
        keys.put("dir", "folder in which it starts; default `/`");
        keys.put("log", "`ring` (default: on the console, last lines kept), `stdout`, `none`");
        keys.put("shutdown_timeout", "seconds between the signal and SIGKILL; default 10");
        return java.util.Collections.unmodifiableMap(keys);
    }
}
