package lib.tool;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.IOException;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Optional;
import lib.tool.HttpFiles.Answer;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

@Timeout(60)
class HttpFilesTest {
    @TempDir
    Path folder;

    private static HttpResponse<byte[]> get(HttpFiles server, String path) throws IOException, InterruptedException {
        HttpClient client = HttpClient.newHttpClient();
        return client.send(HttpRequest.newBuilder(URI.create("http://127.0.0.1:" + server.port() + path)).build(), HttpResponse.BodyHandlers.ofByteArray());
    }

    @Test
    void files_texts_and_faults_are_answered_and_counted() throws Exception {
        Path file = Files.write(folder.resolve("file"), new byte[200_000]);
        try (HttpFiles server = new HttpFiles(path -> switch (path) {
            case "/file" -> Optional.of(Answer.of(file));
            case "/busy" -> Optional.of(Answer.of(503, "busy"));
            case "/cut" -> Optional.of(Answer.of(file).cut());
            default -> Optional.empty();
        })) {
            assertThat(get(server, "/file").body()).hasSize(200_000);
            assertThat(get(server, "/busy").statusCode()).isEqualTo(503);
            assertThat(get(server, "/else").statusCode()).isEqualTo(404);
            assertThatThrownBy(() -> get(server, "/cut")).isInstanceOf(IOException.class);
            assertThat(server.asked()).isGreaterThanOrEqualTo(4);
        }
    }
}
