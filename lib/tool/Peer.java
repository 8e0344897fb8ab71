package lib.tool;

import java.io.InputStream;
import java.nio.ByteBuffer;

/** The other end of a console: bytes both ways. */
public interface Peer extends AutoCloseable {
    /** What has come, at least one byte; empty when the other side has ended. Waits as long as it takes. */
    byte[] chunk();

    void write(byte[] bytes);

    @Override
    void close();

    /** What comes, as a stream. */
    default InputStream stream() {
        return new InputStream() {
            private ByteBuffer rest = ByteBuffer.allocate(0);

            @Override
            public int read() {
                byte[] one = new byte[1];
                return read(one, 0, 1) < 0 ? -1 : one[0] & 0xff;
            }

            @Override
            public int read(byte[] bytes, int offset, int length) {
                if (!rest.hasRemaining()) {
                    rest = ByteBuffer.wrap(chunk());
                }
                int n = Math.min(length, rest.remaining());
                rest.get(bytes, offset, n);
                return n == 0 && length > 0 ? -1 : n;
            }
        };
    }
}
