package lib;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.regex.Pattern;
import java.util.stream.Stream;
import lib.tool.Cache;
import lib.tool.Console;
import lib.tool.Digest;
import lib.tool.Failure;
import lib.tool.Guard;
import lib.tool.Shell;
import lib.tool.Shell.Command;
import lib.tool.Trees;

/**
 * The image that builds run in: what the Dockerfile installs, and build.java itself, compiled, with its libraries, so that a start
 * inside takes no network and no compiler. Its name changes with everything that it is made of.
 *
 * @param project the folder of the launcher and the scripts
 * @param arguments arguments of the Dockerfile, {@code KEY=VALUE}
 */
public record ContainerImage(ContainerEngine engine, Path project, List<String> arguments) {
    /** Where the image has build.java and its libraries. */
    static final String PROGRAM = "/opt/mos-builder";
    private static final String REPOSITORY = "localhost/mos-builder";
    private static final String LABEL = "mos-builder";
    private static final String ARGUMENTS = "mos-builder.arguments";
    private static final Pattern PROXY = Pattern.compile("(?i)(https?|ftp|all|no)_proxy");
    /** The places of the certificates that this machine trusts: Debian, Alpine and Arch; Fedora. */
    private static final List<String> CERTIFICATES = List.of("/etc/ssl/certs/ca-certificates.crt", "/etc/pki/tls/certs/ca-bundle.crt");

    /** Arguments: the base image's name, and the containers that were there before. Behind a cached layer its id is the name. */
    private static final String REMOVE_HALF_BUILT = """
            podman ps --all --external --format '{{.ID}} {{.Names}}' | while read -r id name; do
              case " $2 " in *" $id "*) continue;; esac
              case $name in "$1"-working-container*|????????????-working-container*) podman rm --force "$id";; esac
            done
            """;

    /** The folder of the launcher, which names it in MOS_PROJECT; for others the nearest folder upwards that has a Dockerfile beside a launcher. */
    public static Path project(Map<String, String> environment) {
        return Stream.concat(Optional.ofNullable(environment.get("MOS_PROJECT")).map(Path::of).stream(),
                        Stream.iterate(Path.of("").toAbsolutePath(), one -> one != null, Path::getParent))
                .filter(one -> Files.exists(one.resolve("Dockerfile")) && Files.exists(one.resolve("jbang"))).findFirst()
                .orElseThrow(() -> Failure.usage("there is no Dockerfile in this folder or above it", "run it in the project's folder"));
    }

    /** Repository and tag; another tag when the Dockerfile, an argument or a script changes. */
    public String name() {
        StringBuilder text = new StringBuilder(Trees.read(dockerfile())).append('\0').append(String.join("\0", arguments));
        scripts().forEach(file -> text.append('\0').append(project.relativize(file)).append('\0').append(Digest.sha256(file)));
        return REPOSITORY + ":" + Digest.sha256(text.toString()).substring(0, 12);
    }

    private Path dockerfile() {
        return project.resolve("Dockerfile");
    }

    /** What build.java is compiled from. */
    private List<Path> scripts() {
        return Stream.of("build.java", "lib", "demo").map(project::resolve).filter(Files::exists).flatMap(top -> {
            try (Stream<Path> files = Files.walk(top)) {
                return files.filter(file -> file.toString().endsWith(".java")).sorted().toList().stream();
            } catch (IOException e) {
                throw Failure.io("cannot read " + top, e);
            }
        }).toList();
    }

    List<String> exists() {
        return engine.argv("image", "inspect", "--format", "{{.Id}}", name());
    }

    /** @param environment this process's; a daemon is told of its proxies by name, podman looks for itself */
    List<String> build(Path context, Map<String, String> environment) {
        List<String> argv = engine.argv("build", "--network", "host", "--file", dockerfile().toString(), "--tag", name(), "--label", label(project),
                "--label", ARGUMENTS + "=" + argumentsDigest());
        arguments.forEach(argument -> argv.addAll(List.of("--build-arg", argument)));
        if (engine == ContainerEngine.DOCKER) {
            environment.keySet().stream().filter(name -> PROXY.matcher(name).matches()).sorted().forEach(name -> argv.addAll(List.of("--build-arg", name)));
        }
        argv.add(context.toString());
        return argv;
    }

    List<String> remove() {
        return engine.argv("rmi", "--force", name());
    }

    /** Marks the images of a project. */
    static String label(Path project) {
        return LABEL + "=" + Digest.sha256(project.toString()).substring(0, 12);
    }

    /** Of the images of one project with the same arguments only the newest is of use. */
    private String argumentsDigest() {
        return Digest.sha256(String.join("\0", arguments)).substring(0, 12);
    }

    boolean isThere(Shell shell) {
        return shell.attempt(Command.of(exists())).exitCode() == 0;
    }

    /** Builds the image when there is none of this content; then those that it supersedes are removed where nothing uses them. */
    void obtain(Shell shell, Console console, Cache cache) {
        cache.locked("container-image", () -> console.say("waiting for another build's image"), () -> {
            if (!isThere(shell)) {
                Path context = cache.temporary("container-context");
                try {
                    fill(context, shell);
                    build(context, shell, console);
                } finally {
                    Trees.delete(context);
                }
                removeOlder(shell);
            }
            return null;
        });
    }

    private void build(Path context, Shell shell, Console console) {
        Guard cleanup = Guard.afterwards(shell, engine == ContainerEngine.PODMAN ? List.of(removeHalfBuilt(shell)) : List.of(), name());
        try {
            console.step("building the image " + name(), () -> {
                shell.run(Command.of(build(context, System.getenv())), "--debug shows all that it prints; --build-arg BASE=... names another base image");
            });
        } finally {
            cleanup.close();
        }
    }

    /** Podman, when it is interrupted, leaves the container in which it builds, named after the base image. */
    private List<String> removeHalfBuilt(Shell shell) {
        List<String> list = engine.argv("ps", "--all", "--external", "--format", "{{.ID}}");
        String before = shell.attempt(Command.of(list)).text().replace("\n", " ");
        return List.of("sh", "-c", REMOVE_HALF_BUILT, "sh", base().replaceAll(".*/|[:@].*", ""), before);
    }

    /** The base image: an argument, or what the Dockerfile says. */
    private String base() {
        return Stream.concat(arguments.stream(), Trees.read(dockerfile()).lines().map(line -> line.replaceFirst("^ARG ", "")))
                .filter(line -> line.startsWith("BASE=")).findFirst().map(line -> line.substring("BASE=".length())).orElse("");
    }

    /** The files that the Dockerfile copies: this machine's certificates, the libraries, and the scripts, compiled. */
    private void fill(Path context, Shell shell) throws IOException {
        Path certificates = Files.createDirectories(context.resolve("certificates"));
        Optional<Path> trusted = trusted(System.getenv());
        if (trusted.isPresent()) {
            Files.copy(trusted.get(), certificates.resolve("ca-certificates.crt"));
        }
        Path libraries = Files.createDirectories(context.resolve("libraries"));
        Path program = Files.createDirectories(context.resolve("program"));
        String launcher = project.resolve("jbang").toString();
        shell.run(Command.of(launcher, "build", "build.java").in(project));
        String classPath = shell.run(Command.of(launcher, "info", "classpath", "build.java").in(project)).text();
        for (String jar : classPath.substring(classPath.lastIndexOf('\n') + 1).split(":")) {
            Path file = Path.of(jar);
            Files.copy(file, (file.endsWith("build.jar") ? program : libraries).resolve(file.getFileName()));
        }
    }

    /** The file of certificates that this machine's programs trust: that of SSL_CERT_FILE, else the distribution's. */
    static Optional<Path> trusted(Map<String, String> environment) {
        return Stream.concat(Optional.ofNullable(environment.get("SSL_CERT_FILE")).filter(text -> !text.isBlank()).stream(), CERTIFICATES.stream())
                .map(Path::of).filter(Files::isRegularFile).findFirst();
    }

    private void removeOlder(Shell shell) {
        List<String> list = engine.argv("images", "--filter", "label=" + label(project), "--filter", "label=" + ARGUMENTS + "=" + argumentsDigest(), "--format", "{{.Repository}}:{{.Tag}}");
        shell.attempt(Command.of(list)).text().lines().filter(other -> other.startsWith(REPOSITORY + ":") && !other.equals(name()))
                .forEach(other -> shell.attempt(Command.of(engine.argv("rmi", other))));
    }
}
