package lib.image;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.HexFormat;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import lib.image.Flist.Entry;
import lib.image.Flist.Inode;
import lib.image.Flist.Ref;
import lib.image.Flist.Route;
import lib.tool.Failure;
import lib.tool.Shell;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class FlistTest {
    private static final Inode FOLDER = new Inode(4096, 0, 0, 040755, 0, 1_700_000_000);

    @TempDir
    Path folder;

    /** Computed with hashlib and another AES/GCM from rfs's source. */
    @Test
    void a_block_is_encoded_as_rfs_does_it() {
        FlistBlock block = FlistBlock.encode("hello\n".getBytes(UTF_8));

        assertThat(HexFormat.of().formatHex(block.key())).isEqualTo("93becc6e9882211c3ec3708c95bcd69baab7bb59c7f4bc84ce637b88a534b783");
        assertThat(HexFormat.of().formatHex(block.stored())).isEqualTo("856359a989154c8b3e64234a7ce64a57c05471fe5eaa0969");
        assertThat(block.name()).isEqualTo("a9a6d35501f5fa0a1319bc35d9b85213d0e1941bfb1d7867f687915c0ddd0511");
        assertThat(FlistBlock.decode(block.id(), block.key(), block.stored())).asString(UTF_8).isEqualTo("hello\n");
    }

    @Test
    void a_changed_block_is_refused() {
        FlistBlock block = FlistBlock.encode(new byte[100_000]);
        byte[] changed = block.stored().clone();
        changed[7] ^= 1;

        assertThatThrownBy(() -> FlistBlock.decode(block.id(), block.key(), changed)).isInstanceOf(Failure.class).hasMessageContaining(block.name());
        byte[] other = block.key().clone();
        other[0] ^= 1;
        assertThatThrownBy(() -> FlistBlock.decode(block.id(), other, block.stored())).isInstanceOf(Failure.class).hasMessageContaining("cannot be decrypted");
    }

    @Test
    void what_is_written_is_read_again() {
        FlistBlock block = FlistBlock.encode("x".getBytes(UTF_8));
        List<Entry> entries = List.of(new Entry("", FOLDER, Optional.empty(), List.of()),
                new Entry("lib", FOLDER, Optional.empty(), List.of()),
                new Entry("lib/größe", new Inode(1, 1000, 1001, 0100644, 0, 1_600_000_001), Optional.empty(), List.of(new Ref(block.id(), block.key()))),
                new Entry("lib/link", new Inode(7, 0, 0, 0120777, 0, 1), Optional.of("../else"), List.of()),
                new Entry("null", new Inode(0, 0, 0, 020666, 0x103, 2), Optional.empty(), List.of()));
        Path file = folder.resolve("a.fl");

        Flist.write(file, entries, List.of(Route.all("https://example.com/bucket")), Map.of("version", "1"));

        List<Entry> read = Flist.read(file);
        assertThat(read).usingRecursiveComparison().isEqualTo(entries);
        assertThat(read.get(2).blocks().get(0).id()).isEqualTo(block.id());
    }

    @Test
    void sqlite_itself_finds_the_schema_that_readers_expect() throws IOException {
        assumeTrue(Shell.which("sqlite3").isPresent(), "sqlite3 is not installed");
        FlistBlock block = FlistBlock.encode("x".getBytes(UTF_8));
        Path file = folder.resolve("a.fl");
        Flist.write(file, List.of(new Entry("", FOLDER, Optional.empty(), List.of()),
                new Entry("a", new Inode(1, 5, 6, 0100600, 0, 9), Optional.empty(), List.of(new Ref(block.id(), block.key()), new Ref(block.id(), block.key()))),
                new Entry("b", new Inode(1, 0, 0, 0120777, 0, 9), Optional.of("a"), List.of())), List.of(Route.all("http://h/b")), Map.of());

        assertThat(sqlite(file, "SELECT ino, parent, name, size, uid, gid, mode, rdev, ctime, mtime FROM inode")).isEqualTo(
                "1|0|/|4096|0|0|16877|0|1700000000|1700000000\n2|1|a|1|5|6|33152|0|9|9\n3|1|b|1|0|0|41471|0|9|9");
        assertThat(sqlite(file, "SELECT ino, typeof(id), length(id), lower(hex(id)), length(key) FROM block WHERE rowid = 2"))
                .isEqualTo("2|blob|32|" + block.name() + "|32");
        assertThat(sqlite(file, "SELECT typeof(data), hex(data) FROM extra")).isEqualTo("blob|61");
        assertThat(sqlite(file, "SELECT start, \"end\", url FROM route")).isEqualTo("0|255|http://h/b");
        assertThat(sqlite(file, "SELECT name FROM sqlite_master WHERE type = 'index' AND name NOT LIKE 'sqlite%' ORDER BY name")).isEqualTo("block_ino\nnames\nparents");
        Flist.reroute(file, List.of(Route.all("https://cdn/x")));
        assertThat(sqlite(file, "SELECT url FROM route")).isEqualTo("https://cdn/x");
    }

    @Test
    void the_same_entries_make_the_same_bytes() throws IOException {
        List<Entry> entries = List.of(new Entry("", FOLDER, Optional.empty(), List.of()));
        Flist.write(folder.resolve("a.fl"), entries, List.of(), Map.of());
        Flist.write(folder.resolve("b.fl"), entries, List.of(), Map.of());

        assertThat(folder.resolve("a.fl")).hasSameBinaryContentAs(folder.resolve("b.fl"));
    }

    @Test
    void a_file_that_is_no_flist_is_named() throws IOException {
        Path file = Files.writeString(folder.resolve("x.flist"), "not a database, whatever its name says; long enough to be one");

        assertThatThrownBy(() -> Flist.read(file)).isInstanceOf(Failure.class).hasMessageContaining("x.flist");
    }

    private static String sqlite(Path file, String query) throws IOException {
        Process process = new ProcessBuilder("sqlite3", file.toString(), query).redirectErrorStream(true).start();
        return new String(process.getInputStream().readAllBytes(), UTF_8).stripTrailing();
    }
}
