package lib;

import java.nio.file.Path;
import java.util.HashMap;
import java.util.Map;
import java.util.Optional;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import lib.tool.Console;
import lib.tool.Failure;
import lib.tool.RemoteCache;

/** The cache that {@code --remote-cache s3://bucket/prefix} names, with the server and keys of rfs.conf and the environment. */
public final class SharedCache {
    private static final Pattern PLACE = Pattern.compile("s3://([a-z0-9][a-z0-9.-]{1,61}[a-z0-9])(?:/([^?#]*))?");

    private SharedCache() { }

    /** Checks the place and the settings (exit code 2); asks the server nothing yet. */
    public static RemoteCache open(String place, Path config, Map<String, String> environment, Console console) {
        Matcher m = PLACE.matcher(place);
        if (!m.matches()) {
            throw Failure.usage("--remote-cache=" + place + " is not a place such as s3://bucket/prefix", "server and keys are those of rfs.conf");
        }
        String prefix = Optional.ofNullable(m.group(2)).orElse("").replaceAll("/+$", "");
        Map<String, String> settings = new HashMap<>(environment);
        settings.put("S3_BUCKET", m.group(1));
        Store store = Store.read(config.resolve("rfs.conf"), settings)
                .orElseThrow(() -> Failure.usage("--remote-cache needs a server and keys", "set S3_ENDPOINT, S3_ACCESS_KEY and S3_SECRET_KEY, or write config/rfs.conf"));
        return new RemoteCache(store.endpoint(), () -> store.open(console), prefix, console);
    }
}
