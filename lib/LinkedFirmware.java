package lib;

import java.nio.file.Path;
import java.util.List;

/**
 * Firmware that is linked into the kernel, because it is asked for before there are file systems.
 *
 * @param folder a folder of the cache that holds the files, for CONFIG_EXTRA_FIRMWARE_DIR
 * @param names paths below it, sorted, for CONFIG_EXTRA_FIRMWARE
 * @param askedBy who wants it: {@code firmware.conf:3 microcode amd}
 */
public record LinkedFirmware(Path folder, List<String> names, String askedBy) { }
