package lib;

import com.fasterxml.jackson.databind.JsonNode;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.time.Duration;
import java.util.Map;
import java.util.Optional;
import java.util.TreeMap;
import lib.tool.Failure;
import lib.tool.Json;
import lib.tool.UnixSocket;

/** QEMU's machine protocol: one JSON object a line (docs/interop/qmp-spec of QEMU). */
record Qmp(Path socket) implements Control {
    private static final Duration LIMIT = Duration.ofSeconds(5);

    @Override
    public String state() {
        return ask("query-status").map(status -> status.path("status").asText()).orElse("gone");
    }

    @Override
    public Map<String, Object> counters() {
        Map<String, Object> counters = new TreeMap<>();
        ask("query-blockstats").ifPresent(all -> all.forEach(one -> {
            if (!one.path("device").asText().isEmpty()) {
                counters.put(one.path("device").asText(), Map.of("read_bytes", one.path("stats").path("rd_bytes").asLong(),
                        "write_bytes", one.path("stats").path("wr_bytes").asLong()));
            }
        }));
        return counters;
    }

    @Override
    public boolean powerButton() {
        return ask("system_powerdown").isPresent();
    }

    @Override
    public boolean unplug() {
        return ask("quit").isPresent();
    }

    /** Runs one command without arguments and returns its answer; empty when no QEMU listens or it ended meanwhile. */
    private Optional<JsonNode> ask(String command) {
        Optional<UnixSocket> connection = UnixSocket.connect(socket, LIMIT);
        if (connection.isEmpty()) {
            return Optional.empty();
        }
        try (UnixSocket qemu = connection.get()) {
            qemu.line();
            return send(qemu, "qmp_capabilities").isPresent() ? send(qemu, command) : Optional.empty();
        }
    }

    private Optional<JsonNode> send(UnixSocket qemu, String command) {
        qemu.write((Json.line(Map.of("execute", command)) + "\n").getBytes(StandardCharsets.UTF_8));
        for (Optional<String> line = qemu.line(); line.isPresent(); line = qemu.line()) {
            JsonNode answer = Json.parse(line.get(), socket.toString());
            if (answer.has("error")) {
                throw new Failure("QEMU refuses " + command + ": " + answer.path("error").path("desc").asText(), "");
            }
            if (answer.has("return")) {
                return Optional.of(answer.path("return"));
            }
        }
        return Optional.empty();
    }
}
