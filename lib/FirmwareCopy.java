package lib;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.TreeMap;
import java.util.TreeSet;
import lib.Firmware.Item;
import lib.FirmwareTree.Reached;
import lib.image.Compressed;
import lib.tool.Failure;

/**
 * Puts names of a firmware tree into a root tree: files, links as links, and the notices. A packed file stays packed when the kernel can
 * load it that way, else it is unpacked; links to packed files get their ending on both sides, as copy-firmware.sh does it.
 *
 * @param kernel lines of the kernel's .config
 */
record FirmwareCopy(FirmwareTree tree, List<String> kernel) {

    /**
     * @param wanted names, each with those who asked for it
     * @param linkedIn names of firmware inside the kernel, whose licences belong to the image too
     */
    List<Item> into(RootTree root, Map<String, Set<String>> wanted, List<String> linkedIn) {
        TreeMap<String, Item> items = new TreeMap<>();
        Set<String> files = new TreeSet<>();
        wanted.forEach((name, by) -> {
            Reached reached = tree.find(name).orElseThrow();
            String ending = isAccepted(reached) ? reached.packing() : "";
            Set<String> reasons = new LinkedHashSet<>(by);
            for (FirmwareTree.Link link : reached.links()) {
                String suffix = link.toFile() ? ending : "";
                String path = Firmware.FOLDER + link.path() + suffix;
                root.link(path, link.target() + suffix);
                items.merge(path, new Item(path, 0, Optional.of(link.target() + suffix), Set.copyOf(reasons), ""), FirmwareCopy::both);
                reasons = new LinkedHashSet<>(List.of("target of the link " + link.path()));
            }
            String path = Firmware.FOLDER + reached.name() + ending;
            if (files.add(reached.name())) {
                install(root, reached, path, !ending.isEmpty());
            }
            items.merge(path, new Item(path, root.resolve(path).toFile().length(), Optional.empty(), Set.copyOf(reasons),
                    tree.entry(reached.name()).map(entry -> entry.licence().title()).orElse("not listed in WHENCE")), FirmwareCopy::both);
        });
        files.addAll(linkedIn);
        if (!files.isEmpty()) {
            String notices = FirmwareNotices.text(tree, files);
            root.write(FirmwareNotices.PATH, notices, 0644);
            items.put(FirmwareNotices.PATH, new Item(FirmwareNotices.PATH, notices.getBytes(StandardCharsets.UTF_8).length,
                    Optional.empty(), Set.of("licences of the firmware"), ""));
        }
        return List.copyOf(items.values());
    }

    private static Item both(Item one, Item other) {
        Set<String> reasons = new TreeSet<>(one.askedBy());
        reasons.addAll(other.askedBy());
        return new Item(one.path(), one.bytes(), one.target(), reasons, one.licence());
    }

    private static void install(RootTree root, Reached reached, String path, boolean asItIs) {
        if (asItIs || reached.packing().isEmpty()) {
            root.install(reached.file(), path, 0644);
            return;
        }
        root.write(path, "", 0644);
        try {
            Files.write(root.resolve(path), Compressed.read(reached.file()));
        } catch (IOException e) {
            throw Failure.io("cannot write /" + path + " into the image", e);
        }
    }

    /** Whether the kernel loads the file in its packed form; drivers that WHENCE marks with RawFile read theirs without the loader's help. */
    private boolean isAccepted(Reached reached) {
        if (reached.packing().isEmpty() || tree.entry(reached.name()).filter(entry -> entry.raw()).isPresent()) {
            return false;
        }
        return reached.packing().equals(".zst") ? kernel.contains("CONFIG_FW_LOADER_COMPRESS_ZSTD=y")
                : kernel.contains("CONFIG_FW_LOADER_COMPRESS_XZ=y") && Compressed.isXzForTheKernel(reached.file());
    }
}
