package lib;

import com.fasterxml.jackson.databind.JsonNode;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.stream.Stream;
import lib.tool.Failure;
import lib.tool.Json;
import lib.tool.Shell;
import lib.tool.Shell.Command;
import lib.tool.User;

/** What runs containers. Command lines of the two are the same but for their first word. */
public enum ContainerEngine {
    PODMAN, DOCKER;

    /**
     * What the engine says of itself.
     *
     * @param rootless whether root inside is only the caller outside
     * @param storage storage driver, such as overlay or vfs
     * @param cgroups version and who manages them, such as {@code v2 systemd}
     * @param trouble why it cannot be used, and {@code help} what to do about it; both empty when it can
     */
    public record Health(ContainerEngine engine, String version, boolean rootless, String storage, String cgroups, String trouble, String help) {
        public boolean usable() {
            return trouble.isEmpty();
        }

        /** For people: {@code podman 4.3.1, rootless, storage overlay, cgroups v2 systemd}. */
        public String describe() {
            String name = engine.program() + (version.isEmpty() ? "" : " " + version);
            return usable() ? name + ", " + (rootless ? "rootless" : "as root") + ", storage " + storage + slow() + ", cgroups " + cgroups
                    : name + " cannot be used: " + trouble;
        }

        private String slow() {
            return storage.equals("vfs") ? " (slow: it copies whole images; set driver = \"overlay\" in storage.conf, or install fuse-overlayfs)" : "";
        }
    }

    /** The wanted one, else podman, else docker; a Failure (exit code 3) when it is not installed. */
    public static ContainerEngine find(Optional<ContainerEngine> wanted) {
        return (wanted.isPresent() ? wanted.stream() : Arrays.stream(values())).filter(ContainerEngine::isInstalled).findFirst()
                .orElseThrow(() -> Failure.machine(wanted.map(ContainerEngine::program).orElse("neither podman nor docker") + " is not installed",
                        "install podman (apt-get install podman uidmap, apk add podman, pacman -S podman, dnf install podman)"));
    }

    boolean isInstalled() {
        return Shell.which(program()).isPresent();
    }

    String program() {
        return name().toLowerCase(Locale.ROOT);
    }

    /** The engine's command line with these words. */
    List<String> argv(String... words) {
        List<String> argv = new ArrayList<>(List.of(program()));
        argv.addAll(List.of(words));
        return argv;
    }

    /** Asks an installed engine how it is; an ordinary user's podman also needs subordinate ids, which it does not ask for itself. */
    public Health health(Shell shell) {
        Optional<Failure> lacking = this == PODMAN && !User.isRoot() ? UserNamespace.lacking() : Optional.empty();
        if (lacking.isPresent()) {
            return new Health(this, "", true, "", "", lacking.get().what(), lacking.get().hint());
        }
        Shell.Result result = shell.attempt(Command.of(argv("info", "--format", this == PODMAN ? "json" : "{{json .}}")).timeout(60));
        if (result.exitCode() != 0 || !result.text().startsWith("{")) {
            return unusable("", result.tail().stream().filter(line -> !line.startsWith("{")).findFirst().orElse("exit code " + result.exitCode()));
        }
        return read(Json.parse(result.text(), program() + " info"));
    }

    /** Reads what {@code info} prints as JSON. */
    Health read(JsonNode info) {
        if (this == PODMAN) {
            JsonNode host = info.path("host");
            return new Health(this, info.path("version").path("Version").asText(), host.path("security").path("rootless").asBoolean(),
                    info.path("store").path("graphDriverName").asText(), host.path("cgroupVersion").asText() + " " + host.path("cgroupManager").asText(), "", "");
        }
        JsonNode errors = info.path("ServerErrors");
        if (!errors.isEmpty()) {
            return unusable(info.path("ClientInfo").path("Version").asText(), errors.get(0).asText());
        }
        return new Health(this, info.path("ServerVersion").asText(), info.path("SecurityOptions").toString().contains("rootless"), info.path("Driver").asText(),
                "v" + info.path("CgroupVersion").asText() + " " + info.path("CgroupDriver").asText(), "", "");
    }

    private Health unusable(String version, String trouble) {
        return new Health(this, version, false, "", "", trouble, this == PODMAN ? "see what podman info says"
                : "start the daemon (systemctl start docker), and be root or a member of the group docker");
    }

    /**
     * Whether this process runs in some container, of whatever engine.
     *
     * @param root folder of the root file system
     */
    static boolean isAround(Map<String, String> environment, Path root) {
        return environment.containsKey("container") || Stream.of("run/.containerenv", ".dockerenv").anyMatch(file -> Files.exists(root.resolve(file)));
    }
}
