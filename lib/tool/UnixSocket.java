package lib.tool;

import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.net.StandardProtocolFamily;
import java.net.UnixDomainSocketAddress;
import java.nio.ByteBuffer;
import java.nio.channels.SelectionKey;
import java.nio.channels.Selector;
import java.nio.channels.SocketChannel;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.Optional;
import java.util.concurrent.locks.LockSupport;

/** A connection to a Unix socket whose reads have a time limit. Everything that goes wrong on it is a Failure that names the socket. */
public final class UnixSocket implements Peer {
    /** Longest path that the kernel takes (sun_path without its NUL). */
    public static final int LONGEST_PATH = 107;

    private final Path path;
    private final SocketChannel channel;
    private final Selector selector;
    private final Duration limit;
    private final ByteBuffer buffer = ByteBuffer.allocate(16_384).flip();

    private UnixSocket(Path path, SocketChannel channel, Selector selector, Duration limit) {
        this.path = path;
        this.channel = channel;
        this.selector = selector;
        this.limit = limit;
    }

    /**
     * Connects; empty when nobody listens (the file is missing, or left over from a process that is gone).
     *
     * @param limit time that each read and write may take
     */
    public static Optional<UnixSocket> connect(Path path, Duration limit) {
        if (!Files.exists(path)) {
            return Optional.empty();
        }
        SocketChannel channel = null;
        try {
            channel = SocketChannel.open(StandardProtocolFamily.UNIX);
            channel.connect(UnixDomainSocketAddress.of(path));
            channel.configureBlocking(false);
            Selector selector = Selector.open();
            channel.register(selector, SelectionKey.OP_READ);
            return Optional.of(new UnixSocket(path, channel, selector, limit));
        } catch (java.net.ConnectException | java.nio.file.NoSuchFileException e) {
            close(channel);
            return Optional.empty();
        } catch (IOException e) {
            close(channel);
            throw Failure.io("cannot connect to " + path, e);
        }
    }

    /** Fails when a socket cannot have this path. */
    public static Path fitting(Path path) {
        if (path.toString().getBytes(StandardCharsets.UTF_8).length > LONGEST_PATH) {
            throw Failure.usage("the path of the socket " + path + " is longer than the " + LONGEST_PATH + " bytes that the kernel takes",
                    "use a workspace with a shorter path, or a shorter --name");
        }
        return path;
    }

    @Override
    public void write(byte[] bytes) {
        try {
            ByteBuffer left = ByteBuffer.wrap(bytes);
            long end = System.nanoTime() + limit.toNanos();
            while (left.hasRemaining()) {
                if (channel.write(left) == 0) {
                    if (System.nanoTime() > end) {
                        throw new Failure(path + " takes no more data", "");
                    }
                    LockSupport.parkNanos(1_000_000);
                }
            }
        } catch (IOException e) {
            throw Failure.io("while writing to " + path, e);
        }
    }

    /** The next byte, 0 to 255; -1 when the other side has closed the connection. */
    public int read() {
        if (!buffer.hasRemaining() && !fill()) {
            return -1;
        }
        return buffer.get() & 0xff;
    }

    @Override
    public byte[] chunk() {
        try {
            while (!buffer.hasRemaining()) {
                selector.select();
                selector.selectedKeys().clear();
                if (receive() < 0) {
                    return new byte[0];
                }
            }
            byte[] bytes = new byte[buffer.remaining()];
            buffer.get(bytes);
            return bytes;
        } catch (IOException | java.nio.channels.ClosedSelectorException e) {
            return new byte[0];
        }
    }

    private boolean fill() {
        try {
            int n = receive();
            long end = System.nanoTime() + limit.toNanos();
            while (n == 0) {
                long left = (end - System.nanoTime()) / 1_000_000;
                if (left <= 0) {
                    throw new Failure("no answer from " + path + " within " + limit.toSeconds() + " s", "");
                }
                selector.select(left);
                selector.selectedKeys().clear();
                n = receive();
            }
            return n > 0;
        } catch (IOException e) {
            throw Failure.io("while reading from " + path, e);
        }
    }

    private int receive() throws IOException {
        buffer.clear();
        int n = channel.read(buffer);
        buffer.flip();
        return n;
    }

    /** The next line without its end; empty when the other side has closed the connection before one was complete. */
    public Optional<String> line() {
        ByteArrayOutputStream line = new ByteArrayOutputStream();
        for (int b = read(); b >= 0; b = read()) {
            if (b == '\n') {
                return Optional.of(line.toString(StandardCharsets.UTF_8).stripTrailing());
            }
            line.write(b);
        }
        return Optional.empty();
    }

    private static void close(java.io.Closeable part) {
        try {
            if (part != null) {
                part.close();
            }
        } catch (IOException e) {
            throw Failure.io("while closing a socket", e);
        }
    }

    @Override
    public void close() {
        close(selector);
        close(channel);
    }
}
