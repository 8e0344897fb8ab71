package lib;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Optional;
import java.util.function.Supplier;
import java.util.stream.Stream;
import lib.tool.Failure;
import lib.tool.Lock;

/** Every path of a build, named once. The workspace is the folder that holds config/; all outputs stay inside it. */
public record Workspace(Path folder, Path config) {

    /**
     * The given folder, else the nearest one upwards from the current folder that has config/build.conf.
     *
     * @param config another configuration folder than {@code folder/config}
     */
    public static Workspace find(Optional<Path> given, Optional<Path> config) {
        Path folder = given.map(Path::toAbsolutePath).map(Path::normalize).orElseGet(() -> upwards(Path.of("").toAbsolutePath(), config.isPresent()));
        if (!Files.isDirectory(folder)) {
            throw Failure.usage("there is no folder " + folder, "-C takes the folder that holds config/");
        }
        return new Workspace(folder, config.map(Path::toAbsolutePath).map(Path::normalize).orElse(folder.resolve("config")));
    }

    private static Path upwards(Path start, boolean anywhere) {
        return Stream.iterate(start, folder -> folder != null, Path::getParent).filter(folder -> Files.exists(folder.resolve("config/build.conf")))
                .findFirst().or(() -> anywhere ? Optional.of(start) : Optional.empty())
                .orElseThrow(() -> Failure.usage("no config/build.conf in " + start + " or a folder above it", "give the workspace with -C DIR"));
    }

    /** The same workspace with another configuration folder. */
    public Workspace with(Path otherConfig) {
        return new Workspace(folder, otherConfig);
    }

    /** The root tree of the image; made anew by every build. */
    public Path root() {
        return folder.resolve("initramfs");
    }

    /** Sources of components, for people to look into. */
    public Path components() {
        return folder.resolve("components");
    }

    /** Links to what is worth looking into: the kernel's final configuration, all its modules. */
    public Path kernel() {
        return folder.resolve("kernel");
    }

    /** Finished artifacts. */
    public Path dist() {
        return folder.resolve("dist");
    }

    /** The bootable image. */
    public Path image() {
        return dist().resolve("vmlinuz.efi");
    }

    /** Disks, sockets and state of virtual machines that runit.java starts. */
    public Path machines() {
        return folder.resolve("vm");
    }

    /** Inputs that {@code build.java --demo} makes. */
    public Path demo() {
        return folder.resolve(".demo");
    }

    /** Every folder that builds and boots write to. */
    public List<Path> outputs() {
        return List.of(root(), components(), kernel(), dist(), machines(), demo());
    }

    /** Does {@code work} while no other build or cleaning works in this workspace, whatever cache that uses; else first calls {@code whenBusy}. */
    public <T> T locked(Runnable whenBusy, Supplier<T> work) {
        try {
            return new Lock(lock()).hold(whenBusy, work::get);
        } catch (IOException e) {
            throw Failure.io("cannot lock " + folder, e);
        }
    }

    /** Held while something works in the workspace. */
    public Path lock() {
        return dist().resolve(".lock");
    }

    public Path log() {
        return dist().resolve("build.log");
    }

    public Path lockFile() {
        return config.resolve("build.lock");
    }
}
