package lib;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;
import java.util.regex.Pattern;
import java.util.stream.Collectors;
import lib.tool.Cache;
import lib.tool.Failure;

/**
 * What reaches a build in a container of the environment outside. The values go through a file that only the caller may read and that
 * is removed once it was read, so that none is on a command line or in what the engine remembers of the container.
 */
record ContainerVariables(Map<String, String> environment) {
    private static final Pattern OTHERS = Pattern.compile("MOS_ENV|DEBUG|NO_COLOR|TERM|KERNEL_SUBPATH|UPLOAD_KERNEL|UPLOAD_MANIFESTS|REMOTE_CACHE|S3_[A-Z_]+|SIGNING_[A-Z_]+"
            + "|FLIST_EXTENSION|(?i:(https?|all|no)_proxy)|RUSTC_WRAPPER|CC_WRAPPER|S?CCACHE_\\w+|AWS_\\w+|CARGO_(PROFILE|TARGET|REGISTRIES|NET)_\\w+");
    private static final Set<String> BUILD_CONF = Arrays.stream(BuildConf.Key.values()).map(Enum::name).filter(name -> !name.equals("HOSTNAME"))
            .collect(Collectors.toUnmodifiableSet());
    private static final List<String> SECRETS = List.of("ROOT_PASSWORD_HASH", "SECRET", "ACCESS_KEY", "SIGNING_KEY", "TOKEN", "AWS_", "CARGO_REGISTRIES");
    /** What tells programs inside which certificates to trust, each in its own way; the first is read by this program and by OpenSSL. */
    private static final List<String> CERTIFICATES = List.of("SSL_CERT_FILE", "CURL_CA_BUNDLE", "GIT_SSL_CAINFO", "CARGO_HTTP_CAINFO");

    /** All that are handed on, those about certificates included. */
    Map<String, String> handedOn() {
        Map<String, String> found = new TreeMap<>();
        environment.forEach((name, value) -> {
            if (BUILD_CONF.contains(name) || OTHERS.matcher(name).matches()) {
                found.put(name, value);
            }
        });
        ContainerImage.trusted(environment).ifPresent(file -> CERTIFICATES.forEach(name -> found.put(name, file.toString())));
        return found;
    }

    /** Names of those whose values anyone may see; a command of the user's own, which reads no file, gets only these. */
    List<String> harmless() {
        return handedOn().keySet().stream().filter(name -> SECRETS.stream().noneMatch(name::contains) && !CERTIFICATES.contains(name)).toList();
    }

    /** Writes a new file of assignments that a POSIX shell can read in. */
    Path write(Cache cache) {
        Path file = cache.temporary("environment");
        StringBuilder text = new StringBuilder();
        handedOn().forEach((name, value) -> text.append(name).append("='").append(value.replace("'", "'\\''")).append("'\n"));
        try {
            Files.createFile(file, PosixFilePermissions.asFileAttribute(PosixFilePermissions.fromString("rw-------")));
            return Files.writeString(file, text);
        } catch (IOException e) {
            throw Failure.io("cannot write " + file, e);
        }
    }
}
