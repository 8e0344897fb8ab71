package lib;

import java.io.DataInputStream;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.atomic.AtomicInteger;
import lib.tool.Failure;
import lib.tool.UnixSocket;

/**
 * A cable from the guest's first card that loses frames: QEMU hands over each frame that the guest sends, and takes back those that may
 * pass (filter-redirector; a frame behind its length in four bytes, big-endian: net/filter-mirror.c).
 *
 * @param back whether frames can pass; else all are lost
 */
record BootWire(Path folder, Rule rule, boolean back, AtomicInteger lost) {
    private static final Duration CONNECT = Duration.ofSeconds(20);
    private static final int LONGEST = 1 << 17;

    /** What became of a frame. */
    enum Fate { PASSED, LOST }

    /** Decides about one frame. */
    interface Rule {
        /** @param seconds since the first frame that {@link #of} lost or would have; 0 for that one */
        Fate of(Frame frame, double seconds);
    }

    BootWire(Path folder, Rule rule, boolean back) {
        this(folder, rule, back, new AtomicInteger());
    }

    private Path out() {
        return UnixSocket.fitting(folder.resolve("wire-out.sock"));
    }

    private Path in() {
        return UnixSocket.fitting(folder.resolve("wire-in.sock"));
    }

    /** Arguments for QEMU. */
    List<String> argv() {
        List<String> argv = new ArrayList<>(List.of("-chardev", "socket,id=wireout,server=on,wait=off,path=" + Qemu.escape(out())));
        if (back) {
            argv.addAll(List.of("-chardev", "socket,id=wirein,server=on,wait=off,path=" + Qemu.escape(in())));
        }
        // rx: what the card's other end receives, so what the guest sends
        argv.addAll(List.of("-object", "filter-redirector,id=wire,netdev=net0,queue=rx,outdev=wireout" + (back ? ",indev=wirein" : "")));
        return argv;
    }

    /** Carries frames, from a thread of its own, until the machine ends; false when it has ended before. */
    boolean connect() {
        var from = UnixSocket.connect(out(), CONNECT);
        var to = back ? UnixSocket.connect(in(), CONNECT) : from;
        if (from.isEmpty() || to.isEmpty()) {
            from.ifPresent(UnixSocket::close);
            return false;
        }
        Thread carrier = new Thread(() -> {
            try (UnixSocket guest = from.get(); UnixSocket net = to.get()) {
                carry(new DataInputStream(guest.stream()), net);
            } catch (IOException | Failure e) {
                // QEMU has ended, and with it the need for a wire
            }
        }, "wire");
        carrier.setDaemon(true);
        carrier.start();
        return true;
    }

    private void carry(DataInputStream guest, UnixSocket net) throws IOException {
        long first = 0;
        while (true) {
            int length = guest.readInt();
            if (length < 0 || length > LONGEST) {
                throw new IOException("not a frame");
            }
            byte[] frame = guest.readNBytes(length);
            if (frame.length < length) {
                return;
            }
            double seconds = first == 0 ? 0 : (System.nanoTime() - first) / 1e9;
            if (rule.of(new Frame(frame), seconds) == Fate.LOST) {
                lost.incrementAndGet();
                first = first == 0 ? System.nanoTime() : first;
            } else if (back) {
                net.write(ByteBuffer.allocate(4 + length).putInt(length).put(frame).array());
            }
        }
    }

    /** An Ethernet frame (IEEE 802.3) with what is in it (RFC 791, 8200, 768, 9293). */
    record Frame(byte[] bytes) {
        private static final int PAYLOAD = 14;
        private static final int TCP = 6;
        private static final int UDP = 17;

        /** Whether it goes to this port of TCP or UDP; of fragments only the first tells. */
        boolean to(int port) {
            int type = number(12);
            int version4 = PAYLOAD + (bytes.length > PAYLOAD ? (bytes[PAYLOAD] & 0xf) * 4 : 0);
            return type == 0x0800 && carries(23) && number(version4 + 2) == port || type == 0x86dd && carries(20) && number(PAYLOAD + 40 + 2) == port;
        }

        private boolean carries(int protocolAt) {
            return bytes.length > protocolAt && (bytes[protocolAt] == TCP || bytes[protocolAt] == UDP);
        }

        private int number(int at) {
            return bytes.length < at + 2 ? -1 : (bytes[at] & 0xff) << 8 | bytes[at + 1] & 0xff;
        }
    }
}
