package lib;

import java.io.IOException;
import java.net.URI;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Locale;
import java.util.Optional;
import lib.tool.Cache;
import lib.tool.Digest;
import lib.tool.Download;
import lib.tool.Failure;
import lib.tool.Tools;
import lib.tool.Trees;

/** A component that is downloaded as a finished program. */
record ReleaseInstall(Config.Toolchain toolchain, ComponentLock lock, Tools tools) {
    private static final long MAX_BYTES = 1L << 30;

    /** The program of a line; a release whose bytes are known by their SHA-256 is asked for only when its program is not in the cache. */
    Components.Made make(Source source) {
        URI uri = Download.uri(source.location(toolchain.base()), toolchain.base());
        Recipes.Program recipe = Recipes.program(source);
        String digest = digest(source, uri);
        Cache.Key key = Cache.Key.of("component", source.name()).with("name", source.name()).with("file", Path.of(uri.getPath()).getFileName()).with("sha256", digest).with("recipe", recipe).with("target", toolchain.target());
        Path entry = tools.cache().get(key, target -> {
            Path file = fetched(source, uri, digest);
            Path scratch = tools.cache().temporary(source.name());
            Path program = tools.cache().temporary(source.name() + "-program");
            try {
                new ReleaseFile(file, uri.getPath(), source).program(recipe.path(), scratch, program);
                Components.Made.keep(source, program, target, new ProgramCheck(toolchain.target(), tools));
            } finally {
                Trees.delete(scratch);
                Trees.delete(program);
            }
        });
        return Components.Made.kept(entry, "sha256:" + digest, recipe.install());
    }

    /** By sha256= of the line, else by the lock, else by what is there now. A file of this machine is looked at in any case. */
    private String digest(Source source, URI uri) {
        Optional<String> expected = source.option("sha256").map(hex -> hex.toLowerCase(Locale.ROOT)).or(() -> lock.pinned(source));
        if (expected.isPresent() && !uri.getScheme().equals("file")) {
            return expected.get();
        }
        String found = digest(tools.download().latest(uri, MAX_BYTES));
        refuseOther(source, found);
        return found;
    }

    private void refuseOther(Source source, String found) {
        source.option("sha256").filter(hex -> !hex.equalsIgnoreCase(found)).ifPresent(hex -> {
            throw new Failure(source.where() + ": " + source.url() + " has the wrong checksum\n  expected " + hex.toLowerCase(Locale.ROOT) + "\n  found    " + found,
                    "the file was changed, or cut on its way");
        });
        lock.refuseRewritten(source, found);
    }

    /** The download itself: a file with this digest, and no other. */
    private Path fetched(Source source, URI uri, String digest) {
        Path latest = tools.cache().folder("latest").resolve(Digest.sha256(uri.toString()));
        if (Files.exists(latest) && digest(latest).equals(digest)) {
            return latest;
        }
        return tools.download().accepted("download", digest, List.of(uri), MAX_BYTES, file -> {
            String found = digest(file);
            refuseOther(source, found);
            if (!found.equals(digest)) {
                throw new Failure(source.where() + ": " + uri + " changed while it was fetched", "run again");
            }
            return file;
        });
    }

    /** The SHA-256 of a file, remembered as long as its size and time stay. */
    private String digest(Path file) {
        try {
            String state = Files.size(file) + " " + Files.getLastModifiedTime(file);
            Path memory = tools.cache().folder("release-digest").resolve(Digest.sha256(file.toString()));
            String[] known = Files.exists(memory) ? Trees.read(memory).split("\n") : new String[0];
            if (known.length == 2 && known[0].equals(state)) {
                return known[1];
            }
            String digest = Digest.sha256(file);
            tools.cache().locked("release-digest", () -> {
                Trees.replace(memory, state + "\n" + digest + "\n");
                return null;
            });
            return digest;
        } catch (IOException e) {
            throw Failure.io("cannot read " + file, e);
        }
    }
}
