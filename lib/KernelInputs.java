package lib;

import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import lib.tool.Cache;
import lib.tool.Digest;
import lib.tool.Failure;

/**
 * Files of this machine that a configuration names: their content becomes part of the kernel, so that it counts as an input.
 *
 * @param files by {@code OPTION name}
 */
record KernelInputs(Map<String, Path> files) {
    /**
     * Finds them. One that is not there is a Failure (exit code 2) before anything is compiled. Source of the rules: certs/Makefile,
     * drivers/base/firmware_loader/builtin/Makefile, drivers/acpi/osl.c, net/wireless/Makefile.
     *
     * @param values of the final configuration
     * @param linked whether the build itself chose the firmware that is linked in; its folder's name says what it holds
     */
    static KernelInputs of(Map<String, String> values, Path source, boolean linked) {
        Map<String, Path> files = new TreeMap<>();
        if (text(values, "CONFIG_MODULE_SIG").equals("y")) {
            key(values, "CONFIG_MODULE_SIG_KEY", files);
        }
        for (String option : List.of("CONFIG_SYSTEM_TRUSTED_KEYS", "CONFIG_SYSTEM_REVOCATION_KEYS", "CONFIG_SYSTEM_BLACKLIST_HASH_LIST", "CONFIG_ACPI_CUSTOM_DSDT_FILE")) {
            key(values, option, files);
        }
        String keys = text(values, "CONFIG_CFG80211_EXTRA_REGDB_KEYDIR");
        if (!keys.isEmpty()) {
            Config.files(Path.of("/").resolve(keys), ".x509").forEach(file -> files.put("CONFIG_CFG80211_EXTRA_REGDB_KEYDIR " + file.getFileName(), file));
        }
        String firmware = text(values, "CONFIG_EXTRA_FIRMWARE").strip();
        if (!linked && !firmware.isEmpty()) {
            Path folder = source.resolve(text(values, "CONFIG_EXTRA_FIRMWARE_DIR"));
            for (String name : firmware.split("\\s+")) {
                put(files, "CONFIG_EXTRA_FIRMWARE", name, folder.resolve(name), "CONFIG_EXTRA_FIRMWARE_DIR is the folder that has it");
            }
        }
        return new KernelInputs(files);
    }

    /** The key of a cache with their content in it; without such files it is the same key. */
    Cache.Key in(Cache.Key key) {
        Cache.Key all = key;
        for (Map.Entry<String, Path> file : files.entrySet()) {
            all = all.with(file.getKey(), Digest.sha256(file.getValue()));
        }
        return all;
    }

    /** A file; a key in a token (pkcs11:) is named by the configuration itself. */
    private static void key(Map<String, String> values, String option, Map<String, Path> files) {
        String name = text(values, option);
        if (!name.isEmpty() && !name.startsWith("pkcs11:")) {
            put(files, option, name, Path.of("/").resolve(name), "write an absolute path: others start in a folder that only lives as long as the build");
        }
    }

    private static void put(Map<String, Path> files, String option, String name, Path file, String hint) {
        if (!Files.isRegularFile(file)) {
            throw Failure.usage(option + " names the file " + name + ", which is not there", hint);
        }
        files.put(option + " " + name, file);
    }

    private static String text(Map<String, String> values, String option) {
        return values.getOrDefault(option, "").replaceAll("^\"|\"$", "");
    }
}
