package lib;

import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.io.UncheckedIOException;
import java.net.InetAddress;
import java.net.ServerSocket;
import java.net.Socket;
import java.net.URI;
import java.nio.charset.StandardCharsets;
import java.util.Arrays;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.function.BiFunction;

/**
 * Stands between client and S3 server on loopback: passes requests on as they are, or does what networks and servers do wrong.
 * Writes of one object go through one after the other, which makes the server's conditional writes atomic.
 */
final class FaultyProxy implements AutoCloseable {
    enum Fault {
        NONE,
        /** The connection ends before the request reaches the server. */
        CUT,
        /** Nothing ever comes back. */
        STALL,
        /** 503 SlowDown. */
        BUSY,
        /** 403 AccessDenied, as to a key that may not do that. */
        DENIED,
        /** The server carries the request out, its answer is lost. */
        LOST,
        /** Half of the answer arrives. */
        HALF,
        /** A read is answered as the same read was before, if it was. */
        STALE,
        /** 501 to conditional writes, as by a server that does not know them. */
        NO_CONDITIONS,
        /** Conditional writes are carried out whatever their condition, as by a server that overlooks unknown headers. */
        CONDITIONS_OVERLOOKED
    }

    record Request(int number, String method, String target, Map<String, String> headers) {
        boolean write() {
            return method.equals("PUT") || method.equals("POST") || method.equals("DELETE");
        }

        boolean conditional() {
            return headers.containsKey("if-match") || headers.containsKey("if-none-match");
        }

        @Override
        public String toString() {
            return method + " " + target;
        }
    }

    private record Message(String start, Map<String, String> headers, byte[] head, byte[] body) { }

    private final ServerSocket socket;
    private final int target;
    private final BiFunction<Request, Integer, Fault> faults;
    private final ExecutorService threads = Executors.newCachedThreadPool();
    private final AtomicInteger requests = new AtomicInteger();
    private final Map<String, AtomicInteger> seen = new ConcurrentHashMap<>();
    private final Map<String, Message> answers = new ConcurrentHashMap<>();
    private final Map<String, Object> locks = new ConcurrentHashMap<>();
    private final List<Request> log = new CopyOnWriteArrayList<>();

    /** @param faults from the request, and how often the same one came before, to what goes wrong with it */
    FaultyProxy(int target, BiFunction<Request, Integer, Fault> faults) {
        this.target = target;
        this.faults = faults;
        try {
            socket = new ServerSocket(0, 200, InetAddress.getLoopbackAddress());
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
        threads.execute(this::accept);
    }

    URI endpoint() {
        return URI.create("http://127.0.0.1:" + socket.getLocalPort());
    }

    /** Every request that came, in order. */
    List<Request> log() {
        return List.copyOf(log);
    }

    long count(String method, String part) {
        return log.stream().filter(request -> request.method().equals(method) && request.target().contains(part)).count();
    }

    private void accept() {
        while (!socket.isClosed()) {
            try {
                Socket client = socket.accept();
                threads.execute(() -> serve(client));
            } catch (IOException closed) {
                return;
            }
        }
    }

    private void serve(Socket client) {
        try (client) {
            client.setTcpNoDelay(true);
            for (Optional<Message> message = read(client.getInputStream(), false); message.isPresent(); message = read(client.getInputStream(), false)) {
                String[] words = message.get().start().split(" ");
                Request request = new Request(requests.incrementAndGet(), words[0], words[1], message.get().headers());
                log.add(request);
                int before = seen.computeIfAbsent(request.toString(), any -> new AtomicInteger()).getAndIncrement();
                if (!answer(client.getOutputStream(), request, message.get(), faults.apply(request, before))) {
                    return;
                }
            }
        } catch (IOException gone) {
            // The client went away, as it does when it is killed.
        }
    }

    /** Whether the connection goes on. */
    private boolean answer(OutputStream out, Request request, Message message, Fault fault) throws IOException {
        switch (fault) {
            case CUT:
                return false;
            case STALL:
                sleep(20_000);
                return false;
            case BUSY:
                return error(out, 503, "SlowDown");
            case DENIED:
                return error(out, 403, "AccessDenied");
            default:
                break;
        }
        if (fault == Fault.NO_CONDITIONS && request.write() && request.conditional()) {
            return error(out, 501, "NotImplemented");
        }
        if (fault == Fault.CONDITIONS_OVERLOOKED && request.write() && request.conditional()) {
            // The condition is part of the client's signature, so the request cannot be passed on without it.
            Curl.run(request.method(), "http://127.0.0.1:" + target + request.target(), message.body()).requireStatus(200);
            return send(out, new Message("", Map.of(), "HTTP/1.1 200 OK\r\nETag: \"0\"\r\nContent-Length: 0\r\n\r\n".getBytes(StandardCharsets.UTF_8), new byte[0]), 0);
        }
        Message earlier = answers.get(request.toString());
        if (fault == Fault.STALE && !request.write() && earlier != null) {
            return send(out, earlier, earlier.body().length);
        }
        Message answer = request.write() ? locked(request, message) : pass(message, request.method().equals("HEAD"));
        if (!request.write()) {
            answers.put(request.toString(), answer);
        }
        if (fault == Fault.LOST) {
            return false;
        }
        if (fault == Fault.HALF) {
            send(out, answer, answer.body().length / 2);
            return false;
        }
        return send(out, answer, answer.body().length);
    }

    private Message locked(Request request, Message message) throws IOException {
        synchronized (locks.computeIfAbsent(request.target(), any -> new Object())) {
            return pass(message, false);
        }
    }

    private Message pass(Message message, boolean head) throws IOException {
        try (Socket server = new Socket(InetAddress.getLoopbackAddress(), target)) {
            server.setTcpNoDelay(true);
            server.getOutputStream().write(message.head());
            server.getOutputStream().write(message.body());
            server.getOutputStream().flush();
            return read(server.getInputStream(), head).orElseThrow(() -> new IOException("no answer"));
        }
    }

    private static boolean send(OutputStream out, Message answer, int bytes) throws IOException {
        out.write(answer.head());
        out.write(answer.body(), 0, bytes);
        out.flush();
        return true;
    }

    private static boolean error(OutputStream out, int status, String code) throws IOException {
        byte[] body = ("<?xml version=\"1.0\"?><Error><Code>" + code + "</Code><Message>not now</Message></Error>").getBytes(StandardCharsets.UTF_8);
        out.write(("HTTP/1.1 " + status + " " + code + "\r\nContent-Type: application/xml\r\nContent-Length: " + body.length + "\r\n\r\n").getBytes(StandardCharsets.UTF_8));
        out.write(body);
        out.flush();
        return true;
    }

    /** A request or answer; its body has a Content-Length or, in answers, chunks, which are passed on as they are. */
    private static Optional<Message> read(InputStream in, boolean bodyless) throws IOException {
        ByteArrayOutputStream head = new ByteArrayOutputStream();
        int end = 0;
        while (end != 4) {
            int b = in.read();
            if (b < 0) {
                return Optional.empty();
            }
            head.write(b);
            end = b == (end % 2 == 0 ? '\r' : '\n') ? end + 1 : b == '\r' ? 1 : 0;
        }
        String[] lines = head.toString(StandardCharsets.ISO_8859_1).split("\r\n");
        Map<String, String> headers = new java.util.HashMap<>();
        Arrays.stream(lines).skip(1).forEach(line -> headers.put(line.substring(0, line.indexOf(':')).toLowerCase(Locale.ROOT), line.substring(line.indexOf(':') + 1).strip()));
        boolean none = bodyless || lines[0].matches("HTTP/1.1 (204|304).*");
        byte[] body = none ? new byte[0] : "chunked".equals(headers.get("transfer-encoding")) ? chunks(in)
                : in.readNBytes(Integer.parseInt(headers.getOrDefault("content-length", "0")));
        return Optional.of(new Message(lines[0], headers, head.toByteArray(), body));
    }

    private static byte[] chunks(InputStream in) throws IOException {
        ByteArrayOutputStream all = new ByteArrayOutputStream();
        while (true) {
            StringBuilder line = new StringBuilder();
            for (int b = in.read(); b >= 0; b = in.read()) {
                all.write(b);
                if (b == '\n') {
                    break;
                }
                line.append((char) b);
            }
            int length = Integer.parseInt(line.toString().strip().replaceAll(";.*", ""), 16);
            all.write(in.readNBytes(length + 2));
            if (length == 0) {
                return all.toByteArray();
            }
        }
    }

    private static void sleep(long milliseconds) {
        try {
            Thread.sleep(milliseconds);
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
    }

    @Override
    public void close() throws IOException {
        socket.close();
        threads.shutdownNow();
    }
}
