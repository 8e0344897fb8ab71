package lib;

import java.net.URI;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermission;
import java.nio.file.attribute.PosixFilePermissions;
import java.time.Duration;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import lib.tool.Console;
import lib.tool.Failure;
import lib.tool.S3;

/**
 * Where images are published: config/rfs.conf with the environment's variables of the same names on top.
 *
 * @param prefix in front of every object's name but those of flist blocks; without slashes at its ends, may be empty
 * @param style how the bucket stands in URLs
 * @param certificates PEM file of certificate authorities trusted besides the usual ones
 * @param patience time without a byte after which a transfer is tried again
 * @param publicUrl where readers find the bucket's root; default: endpoint and bucket
 * @param modulesExtension extension of the modules flist: {@code fl}, or {@code fls} as the shell tooling documented
 * @param signing where the signing key is
 * @param secretFile the file that the secret key came from, when it did not come from the environment
 */
public record Store(URI endpoint, String region, String bucket, String prefix, String accessKey, String secretKey, S3.Style style,
        Optional<Path> certificates, Duration patience, Optional<URI> publicUrl, String modulesExtension, Signing.Source signing,
        Optional<Path> secretFile) {

    private static final List<String> REQUIRED = List.of("S3_ENDPOINT", "S3_BUCKET", "S3_ACCESS_KEY", "S3_SECRET_KEY");
    private static final List<String> KEYS = List.of("S3_ENDPOINT", "S3_REGION", "S3_BUCKET", "S3_PREFIX", "S3_ACCESS_KEY", "S3_SECRET_KEY",
            "S3_STYLE", "S3_CA_FILE", "S3_TIMEOUT", "S3_PUBLIC_URL", "FLIST_EXTENSION", "SIGNING_KEY_FILE", "SIGNING_DAYS");

    /** Without the keys: this text may end in a log. */
    @Override
    public String toString() {
        return endpoint + " bucket " + bucket + " prefix " + prefix;
    }

    /** rfs.conf with the environment on top; empty when neither names a bucket. */
    public static Optional<Store> read(Path file, Map<String, String> environment) {
        Map<String, String> values = new LinkedHashMap<>();
        if (Files.exists(file)) {
            BuildConf.parse(file, KEYS).forEach((key, setting) -> values.put(key, setting.value()));
        }
        boolean secretInFile = !values.getOrDefault("S3_SECRET_KEY", "").isEmpty() && environment.getOrDefault("S3_SECRET_KEY", "").isEmpty();
        KEYS.forEach(key -> Optional.ofNullable(environment.get(key)).filter(value -> !value.isEmpty()).ifPresent(value -> values.put(key, value)));
        if (REQUIRED.stream().noneMatch(values::containsKey)) {
            return Optional.empty();
        }
        for (String key : REQUIRED) {
            if (values.getOrDefault(key, "").isBlank()) {
                throw Failure.usage(key + " is missing in " + file + " and in the environment", "rfs.conf.example shows all keys");
            }
        }
        Path base = file.toAbsolutePath().getParent();
        Settings settings = new Settings(file, values);
        return Optional.of(new Store(settings.url("S3_ENDPOINT", "https?://[^/@?#\\s]+/?").orElseThrow(), values.getOrDefault("S3_REGION", "us-east-1"),
                settings.matching("S3_BUCKET", "[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]", "a bucket's name"),
                values.getOrDefault("S3_PREFIX", "").replaceAll("^/+|/+$", ""), values.get("S3_ACCESS_KEY"), values.get("S3_SECRET_KEY"),
                S3.Style.valueOf(settings.matching("S3_STYLE", "auto|path|virtual", "auto, path or virtual").toUpperCase(java.util.Locale.ROOT)),
                settings.file("S3_CA_FILE", base), Duration.ofSeconds(Long.parseLong(settings.matching("S3_TIMEOUT", "[1-9]\\d{0,3}", "seconds"))),
                settings.url("S3_PUBLIC_URL", "https?://[^@?#\\s]+"), settings.matching("FLIST_EXTENSION", "fl|fls", "fl or fls"),
                new Signing.Source(settings.file("SIGNING_KEY_FILE", base), Optional.ofNullable(environment.get("SIGNING_KEY")).filter(text -> !text.isBlank()),
                        base.resolve("signing.pub"), Integer.parseInt(settings.matching("SIGNING_DAYS", "[1-9]\\d{0,3}", "days"))),
                secretInFile ? Optional.of(file) : Optional.empty()));
    }

    private record Settings(Path from, Map<String, String> values) {
        private static final Map<String, String> DEFAULTS = Map.of("S3_STYLE", "auto", "S3_TIMEOUT", "30", "FLIST_EXTENSION", "fl", "SIGNING_DAYS", "90");

        String matching(String key, String pattern, String expected) {
            String value = values.getOrDefault(key, DEFAULTS.getOrDefault(key, ""));
            if (!value.matches(pattern)) {
                throw Failure.usage(key + "=\"" + value + "\" is not " + expected, "look into " + from + " and the environment");
            }
            return value;
        }

        /** URLs with a password before the host are refused: they would be shown. */
        Optional<URI> url(String key, String pattern) {
            if (values.getOrDefault(key, "").isEmpty()) {
                return Optional.empty();
            }
            if (!values.get(key).matches(pattern)) {
                throw Failure.usage(key + " is not a URL such as https://s3.example.com:9000", "look into " + from);
            }
            return Optional.of(URI.create(values.get(key)));
        }

        Optional<Path> file(String key, Path base) {
            return Optional.ofNullable(values.get(key)).filter(text -> !text.isBlank()).map(base::resolve);
        }
    }

    /** A connection; takes a second. A secret in a file that others may read is refused. */
    public S3 open(Console console) {
        secretFile.ifPresent(file -> requirePrivate(file, "S3_SECRET_KEY"));
        return new S3(new S3.Place(endpoint, region, bucket, accessKey, secretKey, style, certificates, patience), console);
    }

    /** Refuses a file with a secret that somebody else than its owner may read. */
    static void requirePrivate(Path file, String secret) {
        try {
            Set<PosixFilePermission> mode = Files.getPosixFilePermissions(file);
            if (mode.stream().anyMatch(one -> one.name().startsWith("GROUP") || one.name().startsWith("OTHERS"))) {
                throw Failure.usage(file + " holds " + secret + " and others may read it (" + PosixFilePermissions.toString(mode) + ")", "chmod 600 " + file);
            }
        } catch (java.io.IOException e) {
            throw Failure.io("cannot look at the mode of " + file, e);
        }
    }

    /** Parts joined to an object's key; empty ones are left out. */
    static String key(String... parts) {
        return String.join("/", Arrays.stream(parts).map(part -> part.replaceAll("^/+|/+$", "")).filter(part -> !part.isEmpty()).toList());
    }

    /** Key of the folder that {@code subpath} names below the prefix. */
    String folder(String subpath) {
        return key(prefix, subpath);
    }

    /** Where readers find the bucket's root. */
    URI readers() {
        return publicUrl.orElseGet(() -> URI.create(endpoint.toString().replaceAll("/+$", "") + "/" + bucket));
    }
}
