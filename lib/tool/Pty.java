package lib.tool;

import java.io.FileInputStream;
import java.io.FileOutputStream;
import java.io.IOException;
import java.nio.file.Path;
import java.util.Arrays;

/** A pseudo-terminal that another process made, such as /dev/pts/7, used as its console. */
public final class Pty implements Peer {
    private final Path path;
    private final FileInputStream in;
    private final FileOutputStream out;

    private Pty(Path path, FileInputStream in, FileOutputStream out) {
        this.path = path;
        this.in = in;
        this.out = out;
    }

    public static Pty open(Path path) {
        try {
            return new Pty(path, new FileInputStream(path.toFile()), new FileOutputStream(path.toFile(), true));
        } catch (IOException e) {
            throw Failure.io("cannot open the console " + path, e);
        }
    }

    @Override
    public byte[] chunk() {
        byte[] buffer = new byte[8192];
        try {
            return Arrays.copyOf(buffer, Math.max(0, in.read(buffer)));
        } catch (IOException e) {
            return new byte[0]; // the way in which a pseudo-terminal says that its maker is gone (EIO)
        }
    }

    @Override
    public void write(byte[] bytes) {
        try {
            out.write(bytes);
        } catch (IOException e) {
            throw Failure.io("while writing to " + path, e);
        }
    }

    @Override
    public void close() {
        try (in; out) {
            out.flush();
        } catch (IOException e) {
            throw Failure.io("while closing " + path, e);
        }
    }
}
