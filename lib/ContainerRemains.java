package lib;

import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import lib.tool.Shell;
import lib.tool.Shell.Command;

/**
 * Containers of a workspace and images of a project, whichever engine made them; for clean.java.
 *
 * @param project the folder of the launcher and the scripts
 */
public record ContainerRemains(Container.Names names, Path project, Shell shell) {

    /**
     * Something that an engine keeps.
     *
     * @param what {@code podman container NAME} or {@code podman image NAME}
     * @param size as the engine prints it; empty for a container
     */
    public record Remainder(String what, String size, List<String> removal) { }

    /** Of all engines that work here: first the workspace's containers, then the images, which other workspaces may share. */
    public List<Remainder> all() {
        return Arrays.stream(ContainerEngine.values()).filter(ContainerEngine::isInstalled).filter(engine -> engine.health(shell).usable())
                .flatMap(engine -> of(engine).stream()).toList();
    }

    private List<Remainder> of(ContainerEngine engine) {
        List<Remainder> found = new ArrayList<>();
        lines(engine.argv("ps", "--all", "--format", "{{.Names}}")).stream().filter(names::isOurs)
                .forEach(name -> found.add(new Remainder(engine.program() + " container " + name, "", engine.argv("rm", "--force", "--volumes", name))));
        lines(engine.argv("images", "--filter", "label=" + ContainerImage.label(project), "--format", "{{.Size}}\t{{.Repository}}:{{.Tag}}\t{{.ID}}")).stream()
                .map(line -> line.split("\t")).filter(words -> words.length == 3)
                .forEach(words -> found.add(new Remainder(engine.program() + " image " + (words[1].contains("<none>") ? words[2] : words[1]), words[0], engine.argv("rmi", words[2]))));
        return found;
    }

    private List<String> lines(List<String> argv) {
        return shell.attempt(Command.of(argv)).text().lines().toList();
    }

    /** Removes it; false when something still uses it. */
    public boolean remove(Remainder remainder) {
        return shell.attempt(Command.of(remainder.removal())).exitCode() == 0;
    }
}
