package lib;

import com.fasterxml.jackson.databind.JsonNode;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.net.StandardProtocolFamily;
import java.net.UnixDomainSocketAddress;
import java.nio.channels.Channels;
import java.nio.channels.ServerSocketChannel;
import java.nio.channels.SocketChannel;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.List;
import lib.tool.Json;

/**
 * Answers on the API socket as cloud-hypervisor v53 (or the version in FAKE_VERSION) does, and plays a guest on the serial
 * socket. FAKE_FAULT makes it fail in one of the ways that the real one can.
 */
public final class FakeCloudHypervisor {
    private static final String GUEST = "[    0.000000] Linux version 6.12.44\r\n[    0.900000] Run /init as init process\r\nguest: ready\r\nguest login: ";

    private final Path socket;
    private final String fault = System.getenv().getOrDefault("FAKE_FAULT", "");
    private final int version = Integer.parseInt(System.getenv().getOrDefault("FAKE_VERSION", "53.0").replaceFirst("\\..*", ""));
    private JsonNode config;
    private String state = "Created";

    private FakeCloudHypervisor(Path socket) {
        this.socket = socket;
    }

    public static void main(String... args) throws IOException {
        if (List.of(args).contains("--version")) {
            System.out.println("cloud-hypervisor v" + System.getenv().getOrDefault("FAKE_VERSION", "53.0") + "\nMigration Protocol Versions: 1");
            return;
        }
        if (args.length != 2 || !args[0].equals("--api-socket") || "start".equals(System.getenv("FAKE_FAULT"))) {
            System.err.println("Error: cloud-hypervisor exited with the following error:\n  Cannot create KVM instance");
            System.exit(1);
        }
        new FakeCloudHypervisor(Path.of(args[1])).serve();
    }

    private void serve() throws IOException {
        try (ServerSocketChannel server = ServerSocketChannel.open(StandardProtocolFamily.UNIX).bind(UnixDomainSocketAddress.of(socket))) {
            while (true) {
                try (SocketChannel client = server.accept()) {
                    answer(Channels.newInputStream(client), Channels.newOutputStream(client));
                }
            }
        }
    }

    private void answer(InputStream in, OutputStream out) throws IOException {
        String[] request = line(in).split(" ");
        int length = -1;
        for (String header = line(in); !header.isEmpty(); header = line(in)) {
            length = header.startsWith("Content-Length: ") ? Integer.parseInt(header.substring(16)) : length;
        }
        String body = new String(in.readNBytes(Math.max(0, length)), StandardCharsets.UTF_8);
        String action = request[1].replace("/api/v1/", "");
        Files.writeString(socket.resolveSibling("requests"), request[0] + " " + action + " " + body + "\n", StandardOpenOption.CREATE, StandardOpenOption.APPEND);
        if (fault.equals("vanish " + action)) {
            System.exit(1);
        }
        if (fault.equals("half " + action)) {
            out.write("HTTP/1.1 500 \r\nServer: Cloud Hypervisor API\r\nContent-Length: 200\r\n\r\n[\"The VM".getBytes(StandardCharsets.UTF_8));
            out.flush();
            System.exit(1);
        }
        if (fault.equals("slow " + action)) {
            java.util.concurrent.locks.LockSupport.parkNanos(2_000_000_000L);
        }
        respond(out, action, length >= 0 ? body : null);
    }

    private void respond(OutputStream out, String action, String body) throws IOException {
        boolean payload = action.equals("vm.create");
        if (body != null && !payload) {
            send(out, 400, "[\"Bad Request\"]");
            return;
        }
        switch (action) {
            case "vmm.ping" -> send(out, 200, "{\"build_version\":\"v53.0\",\"version\":\"53.0\",\"pid\":1,\"features\":[]}");
            case "vm.create" -> {
                config = Json.parse(body, "vm.create");
                send(out, 204, "");
            }
            case "vm.boot" -> {
                if (fault.equals("boot")) {
                    send(out, 500, version < 47 ? "The VM could not boot" : "[\"Error from API\",\"The VM could not boot\",\"Cannot load the kernel into memory\"]");
                } else {
                    state = "Running";
                    if (config.path("serial").path("mode").asText().equals("Pty")) {
                        playOnPty();
                    } else {
                        playGuest(Path.of(config.path("serial").path("socket").asText()));
                    }
                    send(out, 204, "");
                }
            }
            case "vm.info" -> send(out, 200, Json.line(java.util.Map.of("config", config, "state", state)));
            case "vm.counters" -> send(out, 200, "{\"_disk0\":{\"read_bytes\":512}}");
            case "vm.power-button" -> {
                send(out, 204, "");
                if (!fault.equals("deaf")) {
                    System.exit(0);
                }
            }
            case "vm.delete" -> send(out, 204, "");
            case "vmm.shutdown" -> System.exit(0);
            default -> send(out, 404, "[\"Not Found\"]");
        }
    }

    /** As micro-http does: no reason phrase, and no length with 204. */
    private static void send(OutputStream out, int status, String body) throws IOException {
        String length = status == 204 ? "" : "Content-Type: application/json\r\nContent-Length: " + body.length() + "\r\n";
        out.write(("HTTP/1.1 " + status + " \r\nServer: Cloud Hypervisor API\r\nConnection: keep-alive\r\n" + length + "\r\n" + body).getBytes(StandardCharsets.UTF_8));
        out.flush();
    }

    /** As versions without a serial socket do: vm.info tells the name of a pseudo-terminal, whose other end is held here by script(1). */
    private void playOnPty() throws IOException {
        Path name = socket.resolveSibling("pty");
        Files.deleteIfExists(name);
        Process holder = new ProcessBuilder("script", "-qec", "stty raw -echo; tty > '" + name + ".part'; mv '" + name + ".part' '" + name + "'; exec sleep 600", "/dev/null").start();
        Runtime.getRuntime().addShutdownHook(new Thread(() -> {
            holder.descendants().forEach(ProcessHandle::destroyForcibly);
            holder.destroyForcibly();
        }));
        while (!Files.exists(name) && holder.isAlive()) {
            java.util.concurrent.locks.LockSupport.parkNanos(10_000_000);
        }
        ((com.fasterxml.jackson.databind.node.ObjectNode) config.path("serial")).put("file", Files.readString(name).strip());
        OutputStream out = holder.getOutputStream();
        out.write(GUEST.getBytes(StandardCharsets.UTF_8));
        out.flush();
    }

    private void playGuest(Path serial) throws IOException {
        ServerSocketChannel server = ServerSocketChannel.open(StandardProtocolFamily.UNIX).bind(UnixDomainSocketAddress.of(serial));
        Thread guest = new Thread(() -> {
            while (true) {
                try (SocketChannel client = server.accept()) {
                    OutputStream out = Channels.newOutputStream(client);
                    out.write((fault.equals("panic") ? "[    1.0] Kernel panic - not syncing: No working init found.\n" : GUEST).getBytes(StandardCharsets.UTF_8));
                    InputStream in = Channels.newInputStream(client);
                    while (true) {
                        out.write(("guest: heard " + line(in) + "\r\n").getBytes(StandardCharsets.UTF_8));
                    }
                } catch (IOException e) {
                    // this client is gone, the next may come
                }
            }
        });
        guest.setDaemon(true);
        guest.start();
    }

    private static String line(InputStream in) throws IOException {
        ByteArrayOutputStream line = new ByteArrayOutputStream();
        for (int b = in.read(); b != '\n'; b = in.read()) {
            if (b < 0) {
                throw new IOException("closed");
            }
            line.write(b);
        }
        return line.toString(StandardCharsets.UTF_8).stripTrailing();
    }
}
