package lib.apk;

import java.io.ByteArrayInputStream;
import java.io.IOException;
import java.nio.channels.FileChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Optional;
import lib.tool.Failure;

/** APKINDEX.tar.gz: a gzip member with signatures, then one with the index, which the signatures cover in its compressed form. */
public final class SignedIndex {
    /** The largest index accepted, compressed; community of Alpine 3.19 has 1.7 MB. */
    public static final long LARGEST = 64L << 20;
    private static final int LARGEST_TEXT = 512 << 20;
    private static final int LARGEST_SIGNATURES = 1 << 16;

    private SignedIndex() { }

    private record Signed(String algorithm, String key, byte[] signature) { }

    /** The stanzas, once a known key's signature was found good; anything else is a Failure. {@code source} names the file in errors. */
    public static byte[] read(Path file, Keys keys, String source) {
        try (FileChannel channel = FileChannel.open(file)) {
            List<Signed> signatures;
            long border;
            try (GzipMember member = new GzipMember(channel, 0, LARGEST_SIGNATURES)) {
                signatures = signatures(new TarReader(member));
                if (signatures.isEmpty()) {
                    throw new Failure(source + " is not signed", "only signed indexes are used; sign it with abuild-sign");
                }
                border = member.end();
            }
            byte[] all = Files.readAllBytes(file);
            verify(signatures, Arrays.copyOfRange(all, (int) border, all.length), keys, source);
            return text(channel, border, all.length, source);
        } catch (IOException e) {
            throw new Failure(source + ": not a signed index: " + e.getMessage(), "the file was damaged or changed on its way; try another mirror", e);
        }
    }

    private static List<Signed> signatures(TarReader tar) throws IOException {
        List<Signed> found = new ArrayList<>();
        for (Optional<TarReader.Entry> entry = tar.next(); entry.isPresent(); entry = tar.next()) {
            String name = entry.get().name();
            if (!name.startsWith(".SIGN.")) {
                break;
            }
            int dot = name.indexOf('.', ".SIGN.".length());
            if (dot > 0 && List.of("RSA", "RSA256", "RSA512").contains(name.substring(".SIGN.".length(), dot))) {
                found.add(new Signed(name.substring(".SIGN.".length(), dot), name.substring(dot + 1), tar.content(LARGEST_SIGNATURES)));
            }
        }
        return found;
    }

    private static void verify(List<Signed> signatures, byte[] signed, Keys keys, String source) {
        Signed one = signatures.stream().filter(signature -> keys.knows(signature.key())).findFirst()
                .orElseThrow(() -> new Failure(source + " is signed by an unknown key: " + signatures.get(0).key(),
                        "the keys of the miniroot and of config/keys are trusted: " + String.join(", ", keys.names())));
        if (!keys.fits(one.key(), one.algorithm(), one.signature(), signed)) {
            throw new Failure(source + " has a wrong signature by key " + one.key(), "the index was changed after it was signed; use another mirror");
        }
    }

    private static byte[] text(FileChannel channel, long start, long size, String source) throws IOException {
        byte[] tar;
        try (GzipMember member = new GzipMember(channel, start, LARGEST_TEXT)) {
            tar = member.readAllBytes();
            if (member.end() != size) {
                throw new IOException("there are " + (size - member.end()) + " bytes behind the index");
            }
        }
        TarReader reader = new TarReader(new ByteArrayInputStream(tar));
        for (Optional<TarReader.Entry> entry = reader.next(); entry.isPresent(); entry = reader.next()) {
            if (entry.get().name().equals("APKINDEX")) {
                return reader.content(LARGEST_TEXT);
            }
        }
        throw new IOException("there is no APKINDEX in it");
    }
}
