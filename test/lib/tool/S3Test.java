package lib.tool;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.PrintStream;
import java.net.InetAddress;
import java.net.ServerSocket;
import java.net.Socket;
import java.net.URI;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.time.ZoneOffset;
import java.time.ZonedDateTime;
import java.time.format.DateTimeFormatter;
import java.util.Optional;
import lib.Curl;
import lib.PublishingTests;
import lib.S3Server;
import lib.tool.S3.Condition;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class S3Test {
    private static final S3.Kind TEXT = new S3.Kind("text/plain", "no-store");

    @TempDir
    Path folder;

    private final S3Server server = S3Server.shared();
    private final String bucket = server.bucket();
    private final ByteArrayOutputStream printed = new ByteArrayOutputStream();

    private S3 open(URI endpoint, String name, String access, String secret, S3.Style style, Optional<Path> certificates) {
        Console console = Console.plain(new PrintStream(printed, true)).logTo(folder.resolve("log"));
        return new S3(new S3.Place(endpoint, "us-east-1", name, access, secret, style, certificates, Duration.ofSeconds(3)), console);
    }

    private S3 open() {
        return open(server.endpoint(), bucket, S3Server.ACCESS, S3Server.SECRET, S3.Style.AUTO, Optional.empty());
    }

    private static byte[] bytes(String text) {
        return text.getBytes(UTF_8);
    }

    @Test
    void objects_are_written_read_listed_and_removed() {
        try (S3 s3 = open()) {
            assertThat(s3.find("a/b")).isEmpty();
            assertThat(s3.stat("a/b")).isEmpty();
            s3.put("a/b", bytes("text"), TEXT, Condition.NONE);
            s3.put("a/c/d", bytes("deeper"), TEXT, Condition.NONE);

            assertThat(s3.find("a/b").orElseThrow().text()).isEqualTo("text");
            assertThat(s3.sha256("a/b", Progress.none())).contains(Digest.sha256("text"));
            assertThat(s3.list("a/")).extracting(S3.Item::key).containsExactly("a/b");
            Curl.Answer answer = Curl.get(server.endpoint() + "/" + bucket + "/a/b");
            assertThat(answer.header("Cache-Control")).contains("no-store");
            assertThat(answer.header("Content-Type")).contains("text/plain");

            s3.remove("a/b");
            s3.remove("a/b");
            assertThat(s3.find("a/b")).isEmpty();
        }
    }

    @Test
    void conditions_hold_on_a_server_that_knows_them() {
        try (S3 s3 = open()) {
            assertThat(s3.put("a", bytes("1"), TEXT, Condition.ABSENT)).isTrue();
            assertThat(s3.put("a", bytes("2"), TEXT, Condition.ABSENT)).isFalse();
            Optional<S3.Found> first = s3.find("a");
            assertThat(s3.put("a", bytes("3"), TEXT, Condition.unchanged(first))).isTrue();
            assertThat(s3.put("a", bytes("4"), TEXT, Condition.unchanged(first))).isFalse();
            assertThat(s3.find("a").orElseThrow().text()).isEqualTo("3");
            assertThat(s3.honoursConditions("a", bytes("3"), TEXT)).isTrue();
        }
    }

    @Test
    void a_file_keeps_its_metadata_and_does_not_replace_another() throws IOException {
        Path file = Files.writeString(folder.resolve("file"), "content");
        try (S3 s3 = open()) {
            assertThat(s3.upload("f", file, TEXT, java.util.Map.of("sha256", "abc"), Progress.none())).isTrue();
            assertThat(s3.metadata("f")).containsEntry("sha256", "abc");
            assertThat(s3.upload("f", file, TEXT, java.util.Map.of(), Progress.none())).isFalse();
        }
    }

    @Test
    void a_wrong_key_a_wrong_secret_and_a_missing_bucket_are_told_in_one_line_with_the_fix() {
        String wrong = "wrong-secret-99";
        try (S3 s3 = open(server.endpoint(), bucket, S3Server.ACCESS, wrong, S3.Style.AUTO, Optional.empty())) {
            expect(() -> s3.put("a", bytes("1"), TEXT, Condition.NONE), "S3_SECRET_KEY is wrong", "S3_REGION");
            expect(() -> s3.stat("a"), "S3_SECRET_KEY is wrong", "config/rfs.conf");
        }
        try (S3 s3 = open(server.endpoint(), bucket, "AKNOBODY", S3Server.SECRET, S3.Style.AUTO, Optional.empty())) {
            expect(() -> s3.list(""), "does not know this S3_ACCESS_KEY", "config/rfs.conf");
        }
        try (S3 s3 = open(server.endpoint(), "no-such-bucket", S3Server.ACCESS, S3Server.SECRET, S3.Style.AUTO, Optional.empty())) {
            expect(() -> s3.find("a"), "there is no bucket no-such-bucket", "S3_BUCKET");
            expect(() -> s3.put("a", bytes("1"), TEXT, Condition.NONE), "there is no bucket no-such-bucket", "S3_BUCKET");
        }
        assertThat(printed + Trees.read(folder.resolve("log"))).doesNotContain(wrong).doesNotContain(S3Server.SECRET);
    }

    @Test
    void a_clock_that_is_wrong_is_explained_with_the_servers_time() throws IOException {
        String there = ZonedDateTime.now(ZoneOffset.UTC).plusMinutes(42).format(DateTimeFormatter.RFC_1123_DATE_TIME);
        answering(403, there, "RequestTimeTooSkewed", s3 -> expect(() -> s3.find("a"), "clock differs from that of 127.0.0.1 by 4", "timedatectl"));
        answering(403, there, "AccessDenied", s3 -> expect(() -> s3.find("a"), "it is behind", "timedatectl"));
    }

    @Test
    void a_denied_request_names_what_the_key_lacks() throws IOException {
        answering(403, ZonedDateTime.now(ZoneOffset.UTC).format(DateTimeFormatter.RFC_1123_DATE_TIME), "AccessDenied",
                s3 -> expect(() -> s3.put("a", bytes("1"), TEXT, Condition.NONE), "cannot write a: this key may not do that", "s3:PutObject"));
    }

    /** With the four actions s3:ListBucket, s3:GetObject, s3:PutObject and s3:DeleteObject. */
    @Test
    void a_key_that_may_not_list_or_abort_uploads_sends_long_files_all_the_same() throws IOException {
        Path file = Files.write(folder.resolve("long"), new byte[(int) S3.PART + 1]);
        try (var proxy = PublishingTests.denying(server.port(), "GET .*[?&]uploads\\b.*|DELETE .*uploadId=.*|PUT /[^/]+/refused[?].*");
                S3 s3 = open(URI.create(proxy.endpoint()), bucket, S3Server.ACCESS, S3Server.SECRET, S3.Style.AUTO, Optional.empty())) {
            assertThat(s3.upload("long", file, TEXT, java.util.Map.of(), Progress.none())).isTrue();
            assertThat(s3.stat("long")).map(S3.Item::bytes).contains(S3.PART + 1);
            expect(() -> s3.upload("refused", file, TEXT, java.util.Map.of(), Progress.none()), "cannot write part 1 of refused: this key may not", "s3:AbortMultipartUpload");
            assertThat(s3.abortAbandoned("", Duration.ZERO)).isEmpty();
        }
    }

    private interface Work {
        void with(S3 s3);
    }

    /** A server that gives one answer to everything: errors that the real one cannot be brought to give. */
    private void answering(int status, String date, String code, Work work) throws IOException {
        String body = "<?xml version=\"1.0\"?><Error><Code>" + code + "</Code><Message>no</Message></Error>";
        byte[] answer = bytes("HTTP/1.1 " + status + " No\r\nContent-Type: application/xml\r\nDate: " + date + "\r\nConnection: close\r\nContent-Length: "
                + body.length() + "\r\n\r\n" + body);
        try (ServerSocket listening = new ServerSocket(0, 50, InetAddress.getLoopbackAddress())) {
            Thread thread = new Thread(() -> answerAll(listening, answer));
            thread.start();
            try (S3 s3 = open(URI.create("http://127.0.0.1:" + listening.getLocalPort()), bucket, "A", "B", S3.Style.PATH, Optional.empty())) {
                work.with(s3);
            }
        }
    }

    private static void answerAll(ServerSocket listening, byte[] answer) {
        while (!listening.isClosed()) {
            try (Socket client = listening.accept()) {
                StringBuilder head = new StringBuilder();
                while (head.indexOf("\r\n\r\n") < 0) {
                    head.append((char) client.getInputStream().read());
                }
                var length = java.util.regex.Pattern.compile("(?i)content-length: (\\d+)").matcher(head);
                client.getInputStream().readNBytes(length.find() ? Integer.parseInt(length.group(1)) : 0);
                client.getOutputStream().write(answer);
                client.getOutputStream().flush();
            } catch (IOException closed) {
                return;
            }
        }
    }

    @Test
    void https_needs_a_known_certificate_authority_and_a_custom_one_can_be_given() {
        try (S3 s3 = open(server.secureEndpoint(), bucket, S3Server.ACCESS, S3Server.SECRET, S3.Style.AUTO, Optional.empty())) {
            expect(() -> s3.find("a"), "is not trusted", "S3_CA_FILE");
        }
        try (S3 s3 = open(server.secureEndpoint(), bucket, S3Server.ACCESS, S3Server.SECRET, S3.Style.AUTO, Optional.of(server.certificate()))) {
            s3.put("a", bytes("by https"), TEXT, Condition.NONE);
            assertThat(s3.find("a").orElseThrow().text()).isEqualTo("by https");
        }
        assertThat(Curl.get(server.endpoint() + "/" + bucket + "/a").text()).isEqualTo("by https");
        URI plain = URI.create(server.endpoint().toString().replace("http:", "https:"));
        try (S3 s3 = open(plain, bucket, S3Server.ACCESS, S3Server.SECRET, S3.Style.AUTO, Optional.empty())) {
            assertThatThrownBy(() -> s3.find("a")).isInstanceOf(Failure.class).satisfies(e -> assertThat(((Failure) e).hint()).contains("does the server speak https"));
        }
    }

    private static void expect(org.assertj.core.api.ThrowableAssert.ThrowingCallable call, String what, String hint) {
        assertThatThrownBy(call).isInstanceOf(Failure.class).hasMessageContaining(what).satisfies(e -> {
            assertThat(e.getMessage().lines()).hasSize(1);
            assertThat(((Failure) e).hint()).contains(hint);
        });
    }
}
