package lib.apk;

import java.io.EOFException;
import java.io.IOException;
import java.io.InputStream;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.util.zip.CRC32;
import java.util.zip.DataFormatException;
import java.util.zip.Inflater;

/**
 * The expanded bytes of one gzip member (RFC 1952) of a file, and where the member ends. An .apk is several members one after the
 * other whose borders matter, which {@link java.util.zip.GZIPInputStream} hides.
 *
 * <p>The trailer's CRC and length are checked; more than {@code limit} expanded bytes are an error, against bombs.
 */
final class GzipMember extends InputStream {
    private static final int HEADER = 10;
    private static final int TRAILER = 8;

    private final FileChannel channel;
    private final long limit;
    private final Inflater inflater = new Inflater(true);
    private final CRC32 crc = new CRC32();
    private final ByteBuffer buffer = ByteBuffer.allocate(1 << 15);
    private long position;
    private long body;
    private long end = -1;

    GzipMember(FileChannel channel, long start, long limit) throws IOException {
        this.channel = channel;
        this.limit = limit;
        this.position = start;
        header();
        body = position;
    }

    private void header() throws IOException {
        byte[] fixed = take(HEADER);
        if ((fixed[0] & 0xff) != 0x1f || (fixed[1] & 0xff) != 0x8b || fixed[2] != 8) {
            throw new IOException("not a gzip member at byte " + (position - HEADER));
        }
        int flags = fixed[3];
        if ((flags & 4) != 0) {
            byte[] length = take(2);
            take(length[0] & 0xff | (length[1] & 0xff) << 8);
        }
        for (int text = 8; text <= 16; text *= 2) {
            if ((flags & text) != 0) {
                while (take(1)[0] != 0) {
                    continue;
                }
            }
        }
        if ((flags & 2) != 0) {
            take(2);
        }
    }

    private byte[] take(int count) throws IOException {
        ByteBuffer bytes = ByteBuffer.allocate(count);
        while (bytes.hasRemaining()) {
            int n = channel.read(bytes, position);
            if (n < 0) {
                throw new EOFException("the file ends at byte " + position + " in the middle of a gzip member");
            }
            position += n;
        }
        return bytes.array();
    }

    @Override
    public int read() throws IOException {
        byte[] one = new byte[1];
        return read(one, 0, 1) < 0 ? -1 : one[0] & 0xff;
    }

    @Override
    public int read(byte[] into, int offset, int length) throws IOException {
        if (length == 0) {
            return 0;
        }
        try {
            while (end < 0) {
                int n = inflater.inflate(into, offset, length);
                if (n > 0) {
                    crc.update(into, offset, n);
                    if (inflater.getBytesWritten() > limit) {
                        throw new IOException("expands to more than the " + limit + " bytes allowed");
                    }
                    return n;
                }
                if (inflater.finished()) {
                    trailer();
                } else if (inflater.needsDictionary()) {
                    throw new IOException("not a gzip member: it wants a dictionary");
                } else {
                    fill();
                }
            }
            return -1;
        } catch (DataFormatException e) {
            throw new IOException("damaged gzip data near byte " + position + ": " + e.getMessage(), e);
        }
    }

    private void fill() throws IOException {
        buffer.clear();
        int n = channel.read(buffer, position);
        if (n < 0) {
            throw new EOFException("the file ends at byte " + position + " in the middle of a gzip member");
        }
        position += n;
        inflater.setInput(buffer.array(), 0, n);
    }

    private void trailer() throws IOException {
        position = body + inflater.getBytesRead();
        ByteBuffer trailer = ByteBuffer.wrap(take(TRAILER)).order(java.nio.ByteOrder.LITTLE_ENDIAN);
        if (trailer.getInt() != (int) crc.getValue() || trailer.getInt() != (int) inflater.getBytesWritten()) {
            throw new IOException("damaged gzip data: the checksum of the member that ends at byte " + position + " is wrong");
        }
        end = position;
    }

    /** Where the member ends in the file; known once all of it was read. */
    long end() throws IOException {
        byte[] rest = new byte[1 << 13];
        while (read(rest, 0, rest.length) >= 0) {
            continue;
        }
        return end;
    }

    @Override
    public void close() {
        inflater.end();
    }
}
