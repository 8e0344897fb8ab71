package lib;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import lib.tool.Cache;
import lib.tool.Failure;
import lib.tool.Git;
import lib.tool.Shell.Command;
import lib.tool.Shell;
import lib.tool.Tools;

/**
 * A component from a git repository: its commit, then its program by the recipe.
 *
 * @param jobs compilers at once
 */
record RepositoryBuild(Config.Toolchain toolchain, ComponentLock lock, Tools tools, boolean offline, int jobs) {
    /** The program of a line, from the cache where nothing has changed: then neither git nor cargo runs when the lock has the commit. */
    Components.Made make(Source source) {
        Git git = new Git(tools.shell(), tools.cache(), offline);
        String url = source.location(toolchain.base());
        String commit = commit(source, url, git);
        Recipes.Recipe recipe = Recipes.recipe(source);
        CargoBuild cargo = new CargoBuild(tools, toolchain, offline, jobs);
        Cache.Key key = Cache.Key.of("component", source.name()).with("commit", commit).with("recipe", recipe).with("keeps", "program, version, crates");
        Map<String, Object> inputs = recipe instanceof Recipes.Cargo ? cargo.inputs()
                : Map.of("target", toolchain.target(), "epoch", toolchain.epoch(), "environment", RustToolchain.variables(System.getenv()), "compiler", compiler());
        for (Map.Entry<String, Object> input : inputs.entrySet()) {
            key = key.with(input.getKey(), input.getValue());
        }
        Path entry = tools.cache().get(key, target -> {
            refuseRewrittenTag(source, url, commit, git);
            tools.console().detail(source.name() + ": building " + source.version() + " (" + ComponentLock.shortened(commit) + ") for " + toolchain.target());
            try (SourceFolder folder = SourceFolder.claim(source.name(), commit, tools.console())) {
                git.checkout(url, commit, folder.source());
                ProgramCheck check = new ProgramCheck(toolchain.target(), tools);
                if (recipe instanceof Recipes.Cargo project) {
                    // Commits of a component share the folder in which cargo leaves the program.
                    tools.cache().locked("cargo-target-" + source.name(), () -> {
                        Components.Made.keep(source, cargo.compile(source, project, folder.source(), commit), target, check);
                        return target;
                    });
                    CargoLock.find(folder.source().resolve(project.folder()).normalize(), folder.source()).ifPresent(file -> keep(file, target));
                } else {
                    Components.Made.keep(source, run(source, (Recipes.Commands) recipe, folder.source()), target, check);
                }
            }
        });
        return Components.Made.kept(entry, commit, recipe.install());
    }

    /** What makefiles most often call. */
    private String compiler() {
        return Shell.which("gcc").map(gcc -> tools.shell().output(gcc.toString(), "--version").lines().findFirst().orElse("")).orElse("");
    }

    private static void keep(Path cargoLock, Path entry) {
        try {
            Components.Made.keepCrates(cargoLock, entry);
        } catch (IOException e) {
            throw Failure.io("cannot keep " + cargoLock, e);
        }
    }

    private String commit(Source source, String url, Git git) {
        return lock.pinned(source).orElseGet(() -> {
            Git.Resolved now = git.resolve(url, source.version());
            if (now.kind() == Git.Kind.TAG) {
                lock.refuseRewritten(source, now.commit());
            }
            return now.commit();
        });
    }

    /** A locked tag whose commit has to be fetched: the server may say by now that it is another one. */
    private void refuseRewrittenTag(Source source, String url, String commit, Git git) {
        if (lock.pinned(source).isPresent() && !offline && !git.has(url, commit)) {
            Git.Resolved now = git.resolve(url, source.version());
            if (now.kind() == Git.Kind.TAG) {
                lock.refuseRewritten(source, now.commit());
            }
        }
    }

    private Path run(Source source, Recipes.Commands recipe, Path checkout) throws IOException {
        Path folder = checkout.resolve(recipe.folder()).normalize();
        if (!Files.isDirectory(folder)) {
            throw new Failure(source.where() + ": there is no folder " + recipe.folder() + " in " + source.url(), "name the folder with the option dir=");
        }
        for (List<String> command : recipe.commands()) {
            tools.shell().run(Command.of(command).in(folder).with("RUST_TARGET", toolchain.target()).with("SOURCE_DATE_EPOCH", String.valueOf(toolchain.epoch())),
                    source.where() + ": " + source.name() + " cannot be built");
        }
        Path program = folder.resolve(recipe.program()).normalize();
        if (!program.startsWith(checkout) || !Files.isRegularFile(program)) {
            throw new Failure(source.where() + ": the commands made no file " + recipe.program(), "name it with the option bin=");
        }
        return program;
    }
}
