package lib;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Locale;
import java.util.Optional;
import lib.tool.Digest;

/** An S3 client that shares no code with ours: curl with its own SigV4. */
public final class Curl {
    private Curl() { }

    /** Status, header lines and body of an answer. */
    public record Answer(int status, List<String> headers, byte[] body) {
        public String text() {
            return new String(body, StandardCharsets.UTF_8);
        }

        public Optional<String> header(String name) {
            String start = name.toLowerCase(Locale.ROOT) + ":";
            return headers.stream().filter(line -> line.toLowerCase(Locale.ROOT).startsWith(start)).map(line -> line.substring(start.length()).strip()).findFirst();
        }

        Answer requireStatus(int expected) {
            if (status != expected) {
                throw new AssertionError("status " + status + ": " + text());
            }
            return this;
        }
    }

    public static Answer get(String url) {
        return run("GET", url, new byte[0]);
    }

    static Answer put(String url, String text) {
        return run("PUT", url, text.getBytes(StandardCharsets.UTF_8)).requireStatus(200);
    }

    static Answer run(String method, String url, byte[] body) {
        try {
            Path folder = Files.createTempDirectory("curl");
            try {
                Path sent = Files.write(folder.resolve("sent"), body);
                // The credentials come by a file, as a secret in an argument list can be seen by everyone.
                Path config = Files.writeString(folder.resolve("config"), "user = \"" + S3Server.ACCESS + ":" + S3Server.SECRET + "\"\n");
                Process process = new ProcessBuilder("curl", "-s", "-S", "--connect-to", "::127.0.0.1:", "-K", config.toString(), "--aws-sigv4", "aws:amz:us-east-1:s3", "-X", method,
                        "-H", "Content-Type: application/octet-stream", "-H", "x-amz-content-sha256: " + Digest.sha256(body), "--data-binary", "@" + sent, "-D", folder.resolve("headers").toString(),
                        "-o", folder.resolve("body").toString(), url).redirectErrorStream(true).start();
                String said = new String(process.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
                if (process.waitFor() != 0) {
                    throw new IOException("curl: " + said);
                }
                List<String> headers = Files.readAllLines(folder.resolve("headers"), StandardCharsets.ISO_8859_1);
                byte[] read = Files.exists(folder.resolve("body")) ? Files.readAllBytes(folder.resolve("body")) : new byte[0];
                return new Answer(Integer.parseInt(headers.get(0).split(" ")[1]), headers, read);
            } finally {
                lib.tool.Trees.delete(folder);
            }
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw new IllegalStateException(e);
        }
    }
}
