package lib.image;

import java.io.IOException;
import java.io.InputStream;
import java.nio.BufferUnderflowException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Optional;
import java.util.stream.Stream;
import lib.tool.Failure;

/**
 * An ELF file: programs, shared libraries, kernel modules; 32 and 64 bit, both byte orders. Offsets and sizes are checked against the
 * file's length, so that a truncated file is a Failure and never a wrong answer. Source: System V ABI, chapters 4 and 5; elf(5).
 */
public final class Elf {
    /** What {@link #type()} returns for relocatable files (.o, .ko), programs at a fixed address, and shared or position-independent ones. */
    public static final int RELOCATABLE = 1;
    public static final int EXECUTABLE = 2;
    public static final int SHARED = 3;
    /** What {@link #machine()} returns for the architectures that images are made for. */
    public static final int X86_64 = 62;
    public static final int AARCH64 = 183;
    /** Type of a section that takes no room in the file. */
    public static final int NO_BITS = 8;

    private static final int PT_LOAD = 1;
    private static final int PT_DYNAMIC = 2;
    private static final int PT_INTERP = 3;
    private static final int SHT_SYMTAB = 2;
    private static final int DT_NEEDED = 1;
    private static final int DT_STRTAB = 5;
    private static final int DT_SONAME = 14;
    private static final int DT_RPATH = 15;
    private static final int DT_RUNPATH = 29;
    private static final int XINDEX = 0xffff;

    private final String name;
    private final ByteBuffer data;
    private final boolean wide;
    private final int type;
    private final int machine;
    private final List<Segment> segments;
    private final List<Section> sections;

    /** A program header: where a part of the file goes in memory. */
    public record Segment(int type, long offset, long address, long fileSize) { }

    /** A section header; {@code size} bytes at {@code offset} of the file, {@code link} is the index of a related section. */
    public record Section(String name, int type, long flags, long offset, long size, int link, long entrySize) { }

    /** A symbol; {@code section} 0 means that it is undefined here, binding 2 that it is weak. */
    public record Symbol(String name, int binding, int section, long value) { }

    /** Whether the file begins as ELF files do; false for anything that is not a readable regular file. */
    public static boolean isElf(Path file) {
        if (!Files.isRegularFile(file)) {
            return false;
        }
        try (InputStream in = Files.newInputStream(file)) {
            return isElf(in.readNBytes(4));
        } catch (IOException e) {
            throw Failure.io("cannot read " + file, e);
        }
    }

    public static boolean isElf(byte[] bytes) {
        return bytes.length >= 4 && bytes[0] == 0x7f && bytes[1] == 'E' && bytes[2] == 'L' && bytes[3] == 'F';
    }

    public static Elf read(Path file) {
        try {
            return parse(file.toString(), Files.readAllBytes(file));
        } catch (IOException e) {
            throw Failure.io("cannot read " + file, e);
        }
    }

    /** @param name stands for the file in errors */
    public static Elf parse(String name, byte[] bytes) {
        if (!isElf(bytes)) {
            throw new Failure(name + " is not an ELF file", "");
        }
        try {
            return new Elf(name, bytes);
        } catch (BufferUnderflowException | IndexOutOfBoundsException | IllegalArgumentException e) {
            throw new Failure(name + " is a damaged or truncated ELF file", "build or fetch it again", e);
        }
    }

    private Elf(String name, byte[] bytes) {
        this.name = name;
        data = ByteBuffer.wrap(bytes).order(bytes[5] == 2 ? ByteOrder.BIG_ENDIAN : ByteOrder.LITTLE_ENDIAN);
        wide = bytes[4] == 2;
        type = half(16);
        machine = half(18);
        segments = readSegments();
        sections = readSections();
    }

    private List<Segment> readSegments() {
        long table = wide ? data.getLong(32) : word(28);
        int size = half(wide ? 54 : 42);
        int count = half(wide ? 56 : 44);
        List<Segment> all = new ArrayList<>();
        for (int i = 0; i < count; i++) {
            int at = Math.toIntExact(table + (long) i * size);
            all.add(wide ? new Segment(data.getInt(at), data.getLong(at + 8), data.getLong(at + 16), data.getLong(at + 32))
                    : new Segment(data.getInt(at), word(at + 4), word(at + 8), word(at + 16)));
        }
        return List.copyOf(all);
    }

    private List<Section> readSections() {
        long table = wide ? data.getLong(40) : word(32);
        int size = half(wide ? 58 : 46);
        if (table == 0) {
            return List.of();
        }
        Section first = header(Math.toIntExact(table));
        // Files with 0xff00 sections or more keep the true numbers in the first header (System V ABI, "Sections").
        long count = half(wide ? 60 : 48) == 0 ? first.size() : half(wide ? 60 : 48);
        int names = half(wide ? 62 : 50) == XINDEX ? first.link() : half(wide ? 62 : 50);
        List<Section> unnamed = new ArrayList<>();
        for (int i = 0; i < count; i++) {
            unnamed.add(header(Math.toIntExact(table + (long) i * size)));
        }
        List<Section> all = new ArrayList<>();
        for (Section one : unnamed) {
            bytes(one);
            String title = names == 0 ? "" : text(unnamed.get(names).offset() + Long.parseLong(one.name()));
            all.add(new Section(title, one.type(), one.flags(), one.offset(), one.size(), one.link(), one.entrySize()));
        }
        return List.copyOf(all);
    }

    /** A section header whose name is still the offset into the string table. */
    private Section header(int at) {
        String title = Long.toString(word(at));
        return wide ? new Section(title, data.getInt(at + 4), data.getLong(at + 8), data.getLong(at + 24), data.getLong(at + 32), data.getInt(at + 40),
                data.getLong(at + 56))
                : new Section(title, data.getInt(at + 4), word(at + 8), word(at + 16), word(at + 20), data.getInt(at + 24), word(at + 36));
    }

    /** What stands for this file in errors: its path. */
    public String name() {
        return name;
    }

    /** {@link #RELOCATABLE}, {@link #EXECUTABLE} or {@link #SHARED}. */
    public int type() {
        return type;
    }

    public int machine() {
        return machine;
    }

    /** 32 or 64: the file's class. */
    public int bits() {
        return wide ? 64 : 32;
    }

    /** The program headers in file order. */
    public List<Segment> segments() {
        return segments;
    }

    /** The section headers in file order, the empty first one included, so that indexes of symbols fit. */
    public List<Section> sections() {
        return sections;
    }

    /** Offset behind the table of section headers, which most files end with. */
    public long sectionHeadersEnd() {
        return (wide ? data.getLong(40) : word(32)) + (long) half(wide ? 58 : 46) * sections.size();
    }

    /** The dynamic loader that the program asks for, such as /lib/ld-musl-x86_64.so.1. */
    public Optional<String> interpreter() {
        return segments.stream().filter(segment -> segment.type() == PT_INTERP).findFirst().map(segment -> text(segment.offset()));
    }

    /** A program that needs neither a loader nor libraries; position-independent ones included. */
    public boolean isStatic() {
        return type != RELOCATABLE && interpreter().isEmpty() && needed().isEmpty();
    }

    /** Names of the shared libraries that must be there (DT_NEEDED), in file order. */
    public List<String> needed() {
        return dynamic(DT_NEEDED);
    }

    /** Folders that its libraries are looked for in before others (DT_RUNPATH, DT_RPATH), as written: with $ORIGIN. */
    public List<String> runPaths() {
        return Stream.of(DT_RUNPATH, DT_RPATH).flatMap(tag -> dynamic(tag).stream()).flatMap(text -> Stream.of(text.split(":"))).filter(text -> !text.isEmpty()).toList();
    }

    /** The name under which a shared library is needed by others. */
    public Optional<String> soname() {
        return dynamic(DT_SONAME).stream().findFirst();
    }

    private List<String> dynamic(int tag) {
        Optional<Segment> segment = segments.stream().filter(one -> one.type() == PT_DYNAMIC).findFirst();
        if (segment.isEmpty()) {
            return List.of();
        }
        int step = wide ? 16 : 8;
        long strings = -1;
        List<Long> found = new ArrayList<>();
        for (long at = segment.get().offset(); at + step <= segment.get().offset() + segment.get().fileSize(); at += step) {
            int place = Math.toIntExact(at);
            long key = wide ? data.getLong(place) : data.getInt(place);
            long value = wide ? data.getLong(place + 8) : word(place + 4);
            if (key == 0) {
                break;
            }
            if (key == DT_STRTAB) {
                strings = fileOffset(value);
            } else if (key == tag) {
                found.add(value);
            }
        }
        long table = strings;
        return found.stream().map(offset -> text(table + offset)).toList();
    }

    private long fileOffset(long address) {
        return segments.stream().filter(one -> one.type() == PT_LOAD && address >= one.address() && address < one.address() + one.fileSize())
                .findFirst().map(one -> address - one.address() + one.offset())
                .orElseThrow(() -> new Failure(name + " is a damaged ELF file: no segment holds its string table", "build or fetch it again"));
    }

    /** The bytes of the first section of that name; empty for one that takes no room in the file. */
    public Optional<byte[]> section(String title) {
        return sections.stream().filter(one -> one.name().equals(title)).findFirst().map(this::bytes);
    }

    private byte[] bytes(Section section) {
        if (section.type() == NO_BITS || section.type() == 0) {
            return new byte[0];
        }
        int from = Math.toIntExact(section.offset());
        int to = Math.toIntExact(section.offset() + section.size());
        if (from < 0 || to < from || to > data.capacity()) {
            throw new IndexOutOfBoundsException(to);
        }
        return Arrays.copyOfRange(data.array(), from, to);
    }

    /** The NUL-terminated strings of a section such as .modinfo, in file order, empty ones left out. */
    public List<String> strings(String title) {
        String all = section(title).map(bytes -> new String(bytes, StandardCharsets.UTF_8)).orElse("");
        return Arrays.stream(all.split("\0")).filter(text -> !text.isEmpty()).toList();
    }

    /** The symbol table in file order, without its empty first entry; empty for a stripped file. */
    public List<Symbol> symbols() {
        Optional<Section> table = sections.stream().filter(one -> one.type() == SHT_SYMTAB).findFirst();
        if (table.isEmpty()) {
            return List.of();
        }
        long strings = sections.get(table.get().link()).offset();
        int size = wide ? 24 : 16;
        List<Symbol> all = new ArrayList<>();
        for (long at = table.get().offset() + size; at + size <= table.get().offset() + table.get().size(); at += size) {
            int place = Math.toIntExact(at);
            String title = text(strings + word(place));
            all.add(wide ? new Symbol(title, (data.get(place + 4) & 0xff) >> 4, half(place + 6), data.getLong(place + 8))
                    : new Symbol(title, (data.get(place + 12) & 0xff) >> 4, half(place + 14), word(place + 4)));
        }
        return all;
    }

    private int half(int at) {
        return data.getShort(at) & 0xffff;
    }

    private long word(int at) {
        return data.getInt(at) & 0xffffffffL;
    }

    private String text(long offset) {
        int from = Math.toIntExact(offset);
        int to = from;
        while (data.get(to) != 0) {
            to++;
        }
        return new String(data.array(), from, to - from, StandardCharsets.UTF_8);
    }
}
