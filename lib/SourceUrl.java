package lib;

import java.nio.file.Path;
import java.util.List;
import java.util.Optional;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import lib.tool.Download;
import lib.tool.Failure;
import lib.tool.Suggest;

/** What a URL in sources.conf has to look like: gitprotocol URLs of git-clone(1) for git; http, https, file and paths for a release. */
final class SourceUrl {
    private static final List<String> GIT = List.of("https", "http", "ssh", "git", "git+ssh", "ssh+git", "file");
    private static final List<String> RELEASE = List.of("https", "http", "file");
    private static final Pattern SCHEME = Pattern.compile("([A-Za-z][A-Za-z0-9+.-]*)://(.*)");
    private static final Pattern PLACE = Pattern.compile("(?:[^@/]+@)?(?:\\[[0-9A-Fa-f:.]+\\]|[^:/@\\[\\]]+)(?::(\\d{1,5}))?(/.+)");
    private static final Pattern SCP = Pattern.compile("(?:[^@/:]+@)?(?:\\[[^]]+\\]|[^:/@]{2,}):(.+)");

    private SourceUrl() { }

    /** What is wrong, and what to do. */
    record Fault(String what, String hint) { }

    /** Why this cannot be a URL for this type; empty when it can. */
    static Optional<Fault> fault(Source.Type type, String url) {
        List<String> schemes = type == Source.Type.GIT ? GIT : RELEASE;
        if (url.isEmpty() || url.startsWith("-") || url.chars().anyMatch(c -> c <= ' ')) {
            return Optional.of(new Fault("not a URL", "write https://host/path, ssh://user@host/path, file:path or a path"));
        }
        Matcher scheme = SCHEME.matcher(url);
        if (scheme.matches()) {
            return schemes.contains(scheme.group(1)) ? place(scheme.group(1), scheme.group(2)).or(() -> type == Source.Type.RELEASE ? syntax(url) : Optional.empty())
                    : Optional.of(new Fault("unknown kind of URL " + scheme.group(1) + "://", Suggest.hint(scheme.group(1), schemes,
                            "known are " + String.join(" ", schemes))));
        }
        if (url.startsWith("file:")) {
            return url.equals("file:") ? Optional.of(new Fault("the URL names no file", "write file:path")) : Optional.empty();
        }
        boolean scp = type == Source.Type.GIT && SCP.matcher(url).matches() && !url.contains("::");
        return scp || !url.contains(":") ? Optional.empty()
                : Optional.of(new Fault("not a URL", "known are " + String.join(" ", schemes) + " and paths"));
    }

    /** By the rules of RFC 2396, which a client keeps to; git has its own client. */
    private static Optional<Fault> syntax(String url) {
        try {
            Download.uri(url, Path.of(""));
            return Optional.empty();
        } catch (Failure e) {
            return Optional.of(new Fault(e.what(), e.hint()));
        }
    }

    private static Optional<Fault> place(String scheme, String rest) {
        if (scheme.equals("file")) {
            return rest.matches("/.+") ? Optional.empty() : Optional.of(new Fault("the URL names no file", "write file:///path, or file:path for a relative one"));
        }
        Matcher place = PLACE.matcher(rest);
        if (!place.matches()) {
            return Optional.of(new Fault("the URL lacks a host, a path or a correct port", "write " + scheme + "://host[:port]/path"));
        }
        return place.group(1) == null || Integer.parseInt(place.group(1)) <= 65535 ? Optional.empty()
                : Optional.of(new Fault("there is no port " + place.group(1), "ports go from 1 to 65535"));
    }
}
