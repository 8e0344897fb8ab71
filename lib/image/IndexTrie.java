package lib.image;

import java.io.ByteArrayOutputStream;
import java.io.DataOutputStream;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;
import java.util.TreeMap;

/**
 * The binary form of a module index (modules.dep.bin and others), which kmod's modprobe reads instead of the text: keys with values,
 * as a trie whose single-child chains are merged. All numbers are 32 bit, most significant byte first.
 *
 * <p>A file is magic, version, offset of the root; a node is, each part only if it has it: prefix and NUL; first and last child
 * character and an offset for each between them; number of values, each with priority, text and NUL. The top four bits of an offset
 * say which parts the node has. Nodes come after their children. Source: kmod, libkmod/libkmod-index.c.
 */
final class IndexTrie {
    private static final int MAGIC = 0xB007F457;
    private static final int VERSION = 0x00020001;
    private static final int HAS_PREFIX = 0x80000000;
    private static final int HAS_VALUES = 0x40000000;
    private static final int HAS_CHILDREN = 0x20000000;

    private final Node root = new Node("");

    private record Value(int priority, String text) { }

    private static final class Node {
        private String prefix;
        private TreeMap<Character, Node> children = new TreeMap<>();
        private List<Value> values = new ArrayList<>();

        private Node(String prefix) {
            this.prefix = prefix;
        }

        /** Values are in order of priority; among equal ones the last that was added is first. */
        private void add(int priority, String text) {
            int at = 0;
            while (at < values.size() && values.get(at).priority() < priority) {
                at++;
            }
            values.add(at, new Value(priority, text));
        }

        /** Makes this node end after {@code length} characters of its prefix; what followed becomes its only child. */
        private void split(int length) {
            Node rest = new Node(prefix.substring(length + 1));
            rest.children = children;
            rest.values = values;
            children = new TreeMap<>();
            children.put(prefix.charAt(length), rest);
            values = new ArrayList<>();
            prefix = prefix.substring(0, length);
        }
    }

    /** Adds a value; a lower {@code priority} comes first among the values of a key. */
    void add(String key, String value, int priority) {
        Node node = root;
        int at = 0;
        while (true) {
            int same = 0;
            while (same < node.prefix.length() && at + same < key.length() && node.prefix.charAt(same) == key.charAt(at + same)) {
                same++;
            }
            if (same < node.prefix.length()) {
                node.split(same);
            }
            at += same;
            if (at == key.length()) {
                node.add(priority, value);
                return;
            }
            Node child = node.children.get(key.charAt(at));
            if (child == null) {
                child = new Node(key.substring(at + 1));
                node.children.put(key.charAt(at), child);
                child.add(priority, value);
                return;
            }
            node = child;
            at++;
        }
    }

    /** The file's bytes. */
    byte[] bytes() {
        ByteArrayOutputStream bytes = new ByteArrayOutputStream();
        DataOutputStream out = new DataOutputStream(bytes);
        try {
            out.writeInt(MAGIC);
            out.writeInt(VERSION);
            out.writeInt(0);
            int start = write(root, out);
            out.flush();
            byte[] all = bytes.toByteArray();
            ByteBuffer.wrap(all).putInt(8, start);
            return all;
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    /** Writes the node's children, then the node; returns its offset with the marks of what it has. */
    private static int write(Node node, DataOutputStream out) throws IOException {
        TreeMap<Character, Integer> offsets = new TreeMap<>();
        for (var child : node.children.entrySet()) {
            offsets.put(child.getKey(), write(child.getValue(), out));
        }
        int offset = out.size();
        if (!node.prefix.isEmpty()) {
            text(node.prefix, out);
            offset |= HAS_PREFIX;
        }
        if (!offsets.isEmpty()) {
            out.writeByte(offsets.firstKey());
            out.writeByte(offsets.lastKey());
            for (char c = offsets.firstKey(); c <= offsets.lastKey(); c++) {
                out.writeInt(offsets.getOrDefault(c, 0));
            }
            offset |= HAS_CHILDREN;
        }
        if (!node.values.isEmpty()) {
            out.writeInt(node.values.size());
            for (Value value : node.values) {
                out.writeInt(value.priority());
                text(value.text(), out);
            }
            offset |= HAS_VALUES;
        }
        return offset;
    }

    private static void text(String text, DataOutputStream out) throws IOException {
        out.write(text.getBytes(StandardCharsets.ISO_8859_1));
        out.writeByte(0);
    }
}
