package lib;

import com.fasterxml.jackson.databind.JsonNode;
import java.io.ByteArrayOutputStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.time.Duration;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.TreeMap;
import lib.tool.Failure;
import lib.tool.Json;
import lib.tool.Peer;
import lib.tool.Pty;
import lib.tool.UnixSocket;

/**
 * The HTTP API of a cloud-hypervisor, over its Unix socket: one connection a request.
 *
 * <p>Written for its small HTTP server: a status line may lack its reason, 204 has neither length nor body while the connection
 * stays open, and an action without a payload must have no body at all.
 *
 * @param limit time that the hypervisor may take to answer; booting a machine is its longest action
 */
record ChApi(Path socket, Duration limit) implements Control {
    private static final Duration LIMIT = Duration.ofSeconds(30);

    ChApi(Path socket) {
        this(socket, LIMIT);
    }

    /** Status and body of an answer. */
    private record Answer(int status, String body) { }

    /** Reads something; empty when nobody listens. */
    Optional<JsonNode> get(String resource) {
        return request("GET", resource, Optional.empty()).map(answer -> Json.parse(answer.body(), resource));
    }

    /** Runs an action; false when nobody listens or the hypervisor ended while it answered. */
    boolean put(String action) {
        return request("PUT", action, Optional.empty()).isPresent();
    }

    /** The same with a payload. */
    boolean put(String action, Object payload) {
        return request("PUT", action, Optional.of(Json.line(payload))).isPresent();
    }

    /** The serial console of the machine: a socket, or the pseudo-terminal of versions before 36. Its path changes with each boot. */
    Peer console() {
        JsonNode serial = get("vm.info").orElseThrow(() -> new Failure("cloud-hypervisor has ended", "")).path("config").path("serial");
        if (serial.path("mode").asText().equals("Pty")) {
            return Pty.open(Path.of(serial.path("file").asText()));
        }
        return UnixSocket.connect(Path.of(serial.path("socket").asText()), limit)
                .orElseThrow(() -> new Failure("nobody listens on the console " + serial.path("socket").asText(), ""));
    }

    @Override
    public String state() {
        return get("vm.info").map(info -> info.path("state").asText().toLowerCase(Locale.ROOT)).orElse("gone");
    }

    @Override
    public Map<String, Object> counters() {
        Map<String, Object> counters = new TreeMap<>();
        get("vm.counters").ifPresent(all -> all.fields().forEachRemaining(device -> counters.put(device.getKey(), device.getValue())));
        return counters;
    }

    @Override
    public boolean powerButton() {
        return put("vm.power-button");
    }

    /** Ends the machine and the hypervisor with it. */
    @Override
    public boolean unplug() {
        boolean taken = put("vm.delete");
        put("vmm.shutdown"); // may be gone before it answers
        return taken;
    }

    private Optional<Answer> request(String method, String action, Optional<String> body) {
        Optional<UnixSocket> connection = UnixSocket.connect(socket, limit);
        if (connection.isEmpty()) {
            return Optional.empty();
        }
        try (UnixSocket server = connection.get()) {
            String head = method + " /api/v1/" + action + " HTTP/1.1\r\nHost: localhost\r\nAccept: */*\r\n"
                    + body.map(text -> "Content-Type: application/json\r\nContent-Length: " + text.getBytes(StandardCharsets.UTF_8).length + "\r\n").orElse("");
            server.write((head + "\r\n" + body.orElse("")).getBytes(StandardCharsets.UTF_8));
            Optional<Answer> answer = answer(server, action);
            answer.filter(one -> one.status() / 100 != 2).ifPresent(one -> {
                throw new Failure("cloud-hypervisor refuses " + action + " (" + one.status() + "): " + reason(one.body()), "");
            });
            return answer;
        }
    }

    private static Optional<Answer> answer(UnixSocket server, String action) {
        Optional<String> first = server.line();
        if (first.isEmpty()) {
            return Optional.empty();
        }
        String[] words = first.get().split(" ");
        if (words.length < 2 || !words[1].matches("\\d{3}")) {
            throw new Failure("no answer that HTTP knows to " + action + ": " + first.get(), "");
        }
        int status = Integer.parseInt(words[1]);
        int length = 0;
        for (String line = header(server, action); !line.isEmpty(); line = header(server, action)) {
            if (line.toLowerCase(Locale.ROOT).startsWith("content-length:")) {
                length = Integer.parseInt(line.substring(line.indexOf(':') + 1).strip());
            }
        }
        return Optional.of(new Answer(status, status == 204 ? "" : body(server, length, action)));
    }

    private static String header(UnixSocket server, String action) {
        return server.line().orElseThrow(() -> cut(action));
    }

    private static String body(UnixSocket server, int length, String action) {
        ByteArrayOutputStream body = new ByteArrayOutputStream();
        for (int i = 0; i < length; i++) {
            int b = server.read();
            if (b < 0) {
                throw cut(action);
            }
            body.write(b);
        }
        return body.toString(StandardCharsets.UTF_8);
    }

    private static Failure cut(String action) {
        return new Failure("cloud-hypervisor ended in the middle of its answer to " + action, "");
    }

    /** Since v47 an error is a list whose last element is the root cause, before that plain text. */
    static String reason(String body) {
        if (body.strip().startsWith("[")) {
            JsonNode chain = Json.parse(body, "error");
            return chain.isEmpty() ? "no reason given" : chain.get(chain.size() - 1).asText();
        }
        return body.isBlank() ? "no reason given" : body.strip();
    }
}
