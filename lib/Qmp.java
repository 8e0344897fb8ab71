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

    /** Lets a machine that was started with {@code -S} run; false when no QEMU listens. */
    boolean resume() {
        return ask("cont").isPresent();
    }

    /** Pulls the cable of a network card, or plugs it in. */
    boolean link(String card, boolean up) {
        return ask("set_link", Map.of("name", card, "up", up)).isPresent();
    }

    private Optional<JsonNode> ask(String command) {
        return ask(command, Map.of());
    }

    /** Runs one command and returns its answer; empty when no QEMU listens or it ended meanwhile. */
    private Optional<JsonNode> ask(String command, Map<String, Object> arguments) {
        Optional<UnixSocket> connection = UnixSocket.connect(socket, LIMIT);
        if (connection.isEmpty()) {
            return Optional.empty();
        }
        try (UnixSocket qemu = connection.get()) {
            qemu.line();
            return send(qemu, "qmp_capabilities", Map.of()).isPresent() ? send(qemu, command, arguments) : Optional.empty();
        }
    }

    private Optional<JsonNode> send(UnixSocket qemu, String command, Map<String, Object> arguments) {
        qemu.write((Json.line(arguments.isEmpty() ? Map.of("execute", command) : Map.of("execute", command, "arguments", arguments)) + "\n").getBytes(StandardCharsets.UTF_8));
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
