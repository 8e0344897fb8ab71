package lib;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.LinkOption;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.stream.Stream;
import lib.tool.Failure;
import lib.tool.Tools;

/** Phase 4: my_init as PID 1, its configuration and services, host name, root's password, kernel modules. */
public record SystemSetup(Config.Guest guest, Tools tools) {
    private static final String MY_INIT = "sbin/my_init";

    /**
     * @param release of the kernel, as {@code uname -r} prints it
     * @param modules folder that holds {@code lib/modules/RELEASE}
     * @return the modules of the image
     */
    public Modules.Installed applyTo(RootTree root, String release, Path modules) {
        tools.console().step("my_init is /sbin/init", () -> installInit(root));
        tools.console().step("configuration and services", () -> copyConfiguration(root), count -> count + " files in /etc/my_init");
        root.write("etc/hostname", guest.hostname() + "\n", 0644);
        lockPasswords(root).forEach(tools.console()::detail);
        installKey(root);
        writeRuntime(root);
        tools.console().step("files of config/rootfs", () -> copyFiles(root), count -> count + " files of config/rootfs");
        tools.console().step("programs of services", () -> new ServicePrograms(guest.services(), root).require());
        return tools.console().step("kernel modules", () -> new Modules(guest.modules(), tools).installInto(root.folder(), release, modules),
                done -> done.modules().size() + " kernel modules, " + done.loaded().size() + " loaded at boot");
    }

    /** The kernel starts /init of an initramfs; people and scripts expect /sbin/init. */
    private static void installInit(RootTree root) {
        if (!root.isFile(MY_INIT)) {
            throw Failure.usage("no component installs /" + MY_INIT, "sources.conf needs a line such as git:my_init:URL:BRANCH:build_my_init");
        }
        root.link("sbin/init", "my_init");
        root.link("init", "sbin/init");
    }

    private int copyConfiguration(RootTree root) {
        try (Stream<Path> files = Files.walk(guest.myInit())) {
            List<Path> all = files.filter(file -> Files.isRegularFile(file, LinkOption.NOFOLLOW_LINKS)).sorted().toList();
            all.forEach(file -> root.install(file, "etc/my_init/" + guest.myInit().relativize(file), 0644));
            return all.size();
        } catch (IOException e) {
            throw Failure.io("cannot read " + guest.myInit(), e);
        }
    }

    /** Puts config/rootfs over the tree as it is: executable files stay so, all belong to root, and only root reads what is in /root. */
    private int copyFiles(RootTree root) {
        Path folder = guest.myInit().resolveSibling("rootfs");
        if (!Files.isDirectory(folder)) {
            return 0;
        }
        try (Stream<Path> files = Files.walk(folder)) {
            List<Path> all = files.filter(file -> !Files.isDirectory(file, LinkOption.NOFOLLOW_LINKS))
                    .filter(file -> !file.equals(folder.resolve("README"))).sorted().toList();
            for (Path file : all) {
                String path = folder.relativize(file).toString();
                closeToOthers(root, path);
                if (Files.isSymbolicLink(file)) {
                    root.link(path, Files.readSymbolicLink(file).toString());
                } else {
                    root.install(file, path, (Files.isExecutable(file) ? 0755 : 0644) & (path.startsWith("root/") ? 0700 : 0777));
                }
            }
            return all.size();
        } catch (IOException e) {
            throw Failure.io("cannot read " + folder, e);
        }
    }

    /** Folders in /root are root's alone; sshd takes no keys from others. */
    private static void closeToOthers(RootTree root, String path) throws IOException {
        for (int slash = path.indexOf('/'); path.startsWith("root/") && slash > 0; slash = path.indexOf('/', slash + 1)) {
            Files.setAttribute(root.makeFolder(path.substring(0, slash)), "unix:mode", 0700, LinkOption.NOFOLLOW_LINKS);
        }
    }

    /** What the service runtime-fetch reads: from where, and which channel. */
    private void writeRuntime(RootTree root) {
        guest.runtime().ifPresent(runtime -> root.write("etc/mos/runtime.conf",
                "RUNTIME_URL=\"" + runtime.url() + "\"\nRUNTIME_CHANNEL=\"" + runtime.channel() + "\"\n", 0644));
    }

    /** The key that published images and channels are signed with, so that a node can check what it fetches. */
    private void installKey(RootTree root) {
        Path key = guest.myInit().resolveSibling("signing.pub");
        if (Files.exists(key)) {
            Signing.publicKey(key);
            root.install(key, "etc/mos/signing.pub", 0644);
        }
    }

    /**
     * Sets root's password hash, or locks the password when none is configured; locks every other account without a password. Alpine's
     * base system ships root with an empty password, which would let anybody in. Returns what was done, a line each.
     */
    List<String> lockPasswords(RootTree root) {
        List<String> done = new ArrayList<>();
        StringBuilder shadow = new StringBuilder();
        for (String line : root.read("etc/shadow").split("\n")) {
            String[] fields = line.split(":", -1);
            if (fields.length > 1 && fields[0].equals("root")) {
                // "*" matches no password. With "!" the account itself would be locked, and sshd would take no key either.
                fields[1] = guest.rootPasswordHash().orElse("*");
                done.add(guest.rootPasswordHash().isPresent() ? "root's password is set" : "root's password is locked");
            } else if (fields.length > 1 && fields[1].isEmpty()) {
                fields[1] = "!";
                done.add("the empty password of " + fields[0] + " is locked");
            }
            shadow.append(String.join(":", fields)).append('\n');
        }
        rewrite(root, "etc/shadow", shadow.toString());
        return done;
    }

    /** New text for a file that keeps its mode and owner. */
    private static void rewrite(RootTree root, String path, String text) {
        try {
            Files.writeString(root.file(path), text);
        } catch (IOException e) {
            throw Failure.io("cannot write /" + path + " into the image", e);
        }
    }
}
