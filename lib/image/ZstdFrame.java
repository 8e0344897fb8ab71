package lib.image;

import java.io.EOFException;
import java.io.IOException;

/** How far a frame of zstd goes, from the headers of its blocks. Source: RFC 8878, 3.1.1. */
final class ZstdFrame {
    private static final int[] DICTIONARY_ID = {0, 1, 2, 4};
    private static final int[] CONTENT_SIZE = {0, 2, 4, 8};
    private static final int RLE = 1;

    private ZstdFrame() { }

    /** The offset behind the frame that begins at {@code at}. */
    static int end(byte[] file, int at) throws IOException {
        int descriptor = octet(file, at + 4);
        boolean singleSegment = (descriptor & 0x20) != 0;
        int sizeFlag = descriptor >> 6;
        int size = sizeFlag == 0 && singleSegment ? 1 : CONTENT_SIZE[sizeFlag];
        int next = at + 5 + (singleSegment ? 0 : 1) + DICTIONARY_ID[descriptor & 3] + size;
        boolean last = false;
        while (!last) {
            int header = octet(file, next) | octet(file, next + 1) << 8 | octet(file, next + 2) << 16;
            last = (header & 1) != 0;
            next += 3 + ((header >> 1 & 3) == RLE ? 1 : header >> 3);
        }
        int end = next + ((descriptor & 4) != 0 ? 4 : 0);
        octet(file, end - 1);
        return end;
    }

    private static int octet(byte[] file, int at) throws IOException {
        if (at >= file.length) {
            throw new EOFException("the zstd frame is cut off");
        }
        return file[at] & 0xff;
    }
}
