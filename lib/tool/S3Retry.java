package lib.tool;

import io.minio.errors.ErrorResponseException;
import io.minio.errors.InvalidResponseException;
import io.minio.errors.MinioException;
import io.minio.errors.ServerException;
import io.minio.errors.XmlParserException;
import java.io.IOException;
import java.net.ConnectException;
import java.net.UnknownHostException;
import java.time.Duration;
import java.time.ZonedDateTime;
import java.time.format.DateTimeFormatter;
import java.time.format.DateTimeParseException;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.ThreadLocalRandom;
import java.util.concurrent.atomic.AtomicReference;
import java.util.function.Predicate;
import javax.net.ssl.SSLException;

/** Which errors of an S3 server pass, how long to wait for that, and what to tell the user about the others. */
final class S3Retry {
    private static final int TRIES = 7;
    private static final long FIRST_PAUSE = 100;
    private static final long LONGEST_PAUSE = 10_000;
    /** Error codes of S3 that come with a 4xx and pass by themselves. */
    private static final Set<String> PASSING = Set.of("RequestTimeout", "SlowDown", "InternalError", "OperationAborted", "ConditionalRequestConflict",
            "ServiceUnavailable", "BadDigest", "IncompleteBody", "RetryHead");

    private final S3.Place place;
    private final Console console;

    S3Retry(S3.Place place, Console console) {
        this.place = place;
        this.console = console;
    }

    interface Call<T> {
        T run() throws IOException, MinioException;
    }

    interface Action {
        void run() throws IOException, MinioException;
    }

    /** Runs to success; a lasting error is a Failure. */
    <T> T run(String doing, Call<T> call) {
        return run(doing, () -> { }, e -> false, call).orElseThrow();
    }

    /** Empty when the object does not exist (but a bucket that does not exist is a Failure). */
    <T> Optional<T> optional(String doing, Action why, Call<T> call) {
        return run(doing, why, answered(404), call);
    }

    /** False when the server answers with this status. */
    boolean unless(int status, String doing, Action action) {
        return run(doing, () -> { }, answered(status), () -> {
            action.run();
            return true;
        }).isPresent();
    }

    /** For what only tidies up: empty when there is nothing to do, or when this key may not do it, which the log tells. */
    <T> Optional<T> tidying(String doing, Call<T> call) {
        Optional<T> done = run(doing, () -> { }, answered(404).or(e -> code(e).equals("AccessDenied")), call);
        if (done.isEmpty()) {
            console.log("did not " + doing + ": nothing is there, or this key may not");
        }
        return done;
    }

    private static Predicate<MinioException> answered(int status) {
        return e -> status(e) == status && !code(e).equals("NoSuchBucket");
    }

    private <T> Optional<T> run(String doing, Action why, Predicate<MinioException> accepted, Call<T> call) {
        for (int attempt = 1; ; attempt++) {
            try {
                return Optional.of(call.run());
            } catch (MinioException e) {
                if (accepted.test(e)) {
                    return Optional.empty();
                }
                if (attempt == TRIES || !passes(e)) {
                    throw explained(doing, e, why);
                }
                again(doing, attempt, e);
            } catch (IOException e) {
                if (attempt == TRIES || e instanceof SSLException && !lost(e) || e instanceof UnknownHostException) {
                    throw unreachable(doing, e);
                }
                again(doing, attempt, e);
            }
        }
    }

    private static boolean passes(MinioException e) {
        int status = status(e);
        return status >= 500 && status != 501 || status == 429 || status == 408 || PASSING.contains(code(e))
                || e instanceof XmlParserException || e instanceof InvalidResponseException && status < 0;
    }

    private static boolean lost(IOException e) {
        return String.valueOf(e.getMessage()).matches("(?i).*(closed|reset|broken pipe|terminated|eof).*");
    }

    private void again(String doing, int attempt, Exception e) {
        long pause = Math.min(LONGEST_PAUSE, FIRST_PAUSE << attempt);
        pause = pause / 2 + ThreadLocalRandom.current().nextLong(pause / 2 + 1);
        console.log("cannot " + doing + " (try " + attempt + " of " + TRIES + "): " + reason(e) + "; again in " + pause + " ms");
        try {
            Thread.sleep(pause);
        } catch (InterruptedException interrupted) {
            Thread.currentThread().interrupt();
            throw new Failure("interrupted while waiting for the S3 server", "", interrupted);
        }
    }

    /** HTTP status of an error; negative when there is none. */
    static int status(MinioException e) {
        if (e instanceof ErrorResponseException error) {
            return error.response().code();
        }
        if (e instanceof ServerException server) {
            return server.statusCode();
        }
        java.util.regex.Matcher m = java.util.regex.Pattern.compile("(?i)response code: (\\d{3})").matcher(String.valueOf(e.getMessage()));
        return m.find() ? Integer.parseInt(m.group(1)) : -1;
    }

    private static String code(MinioException e) {
        return e instanceof ErrorResponseException error && error.errorResponse().code() != null ? error.errorResponse().code() : "";
    }

    /** What the server or the network said; the client library's own texts can hold whole requests and are not shown. */
    private static String reason(Exception e) {
        if (e instanceof ErrorResponseException error) {
            return (error.response().code() + " " + code(error) + " " + Optional.ofNullable(error.errorResponse().message()).orElse("")).strip();
        }
        if (e instanceof MinioException minio) {
            return status(minio) > 0 ? "the server answered " + status(minio) : e.getClass().getSimpleName();
        }
        return e.getMessage() == null ? e.getClass().getSimpleName() : e.getMessage();
    }

    private Failure unreachable(String doing, IOException e) {
        String host = place.endpoint().getAuthority();
        String what = "cannot " + doing + ": " + host + ": " + reason(e).lines().findFirst().orElse("");
        if (e instanceof UnknownHostException) {
            return new Failure("there is no host " + e.getMessage().replaceAll(":.*", ""), "check S3_ENDPOINT" + (place.style() == S3.Style.VIRTUAL
                    ? ", or set S3_STYLE=path when the server knows no bucket names in host names" : ""));
        }
        if (e instanceof SSLException && String.valueOf(e.getMessage()).matches(".*(PKIX|unable to find valid|certif|No subject).*")) {
            return new Failure("the certificate of " + host + " is not trusted", "set S3_CA_FILE to the PEM file of its certificate authority");
        }
        if (e instanceof SSLException) {
            return new Failure(what, "does the server speak https? S3_ENDPOINT says so");
        }
        return new Failure(what, e instanceof ConnectException ? "is the server running, and is the port of S3_ENDPOINT right?"
                : "check the network; a slow server may need a larger S3_TIMEOUT (seconds)");
    }

    private Failure explained(String doing, MinioException e, Action why) {
        MinioException known = e;
        if (status(e) == 403 && Set.of("", "AccessDenied").contains(code(e))) {
            AtomicReference<MinioException> better = new AtomicReference<>(e);
            try {
                why.run();
            } catch (MinioException clearer) {
                better.set(clearer);
            } catch (IOException unknown) {
                console.log("the reason for " + reason(e) + " is not known: " + reason(unknown));
            }
            known = better.get();
        }
        Optional<Duration> skew = skew(known);
        if (code(known).equals("RequestTimeTooSkewed") || status(known) == 403 && skew.filter(d -> d.abs().toMinutes() >= 5).isPresent()) {
            return new Failure("this machine's clock differs from that of " + place.endpoint().getHost()
                    + skew.map(d -> " by " + Math.abs(d.toMinutes()) + " minutes (it is " + (d.isNegative() ? "behind" : "ahead") + ")").orElse(""),
                    "set the clock: timedatectl set-ntp true, or: date -s '" + date(known).map(ZonedDateTime::toString).orElse("...") + "'");
        }
        return switch (code(known)) {
            case "InvalidAccessKeyId" -> new Failure("the server does not know this S3_ACCESS_KEY", "correct it in config/rfs.conf or the environment");
            case "SignatureDoesNotMatch" -> new Failure("the server refuses the signature: S3_SECRET_KEY is wrong",
                    "correct it in config/rfs.conf or the environment; check S3_REGION, too (now " + place.region() + ")");
            case "AuthorizationHeaderMalformed" -> new Failure("the server refuses the region " + place.region(), "correct S3_REGION: " + reason(known));
            case "NoSuchBucket" -> new Failure("there is no bucket " + place.bucket() + " at " + place.endpoint(), "create it, or correct S3_BUCKET");
            case "AccessDenied" -> new Failure("cannot " + doing + ": this key may not do that in bucket " + place.bucket(),
                    "allow it s3:ListBucket, s3:GetObject, s3:PutObject and s3:DeleteObject there, with s3:ListBucketMultipartUploads and"
                            + " s3:AbortMultipartUpload for what killed uploads leave, or use another key");
            default -> new Failure("cannot " + doing + ": " + place.endpoint().getAuthority() + ": " + reason(known), "");
        };
    }

    private static Optional<ZonedDateTime> date(MinioException e) {
        try {
            return e instanceof ErrorResponseException error ? Optional.ofNullable(error.response().header("Date"))
                    .map(text -> ZonedDateTime.parse(text, DateTimeFormatter.RFC_1123_DATE_TIME)) : Optional.empty();
        } catch (DateTimeParseException unreadable) {
            return Optional.empty();
        }
    }

    /** How far this machine's clock is ahead of the server's. */
    private static Optional<Duration> skew(MinioException e) {
        return date(e).map(there -> Duration.between(there, ZonedDateTime.now()));
    }
}
