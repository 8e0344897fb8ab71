package lib.tool;

import java.io.IOException;
import java.io.OutputStream;
import java.io.PrintStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.stream.Stream;

/** A git repository that a test commits to; independent of the machine's git settings. */
public record TestRepository(Path folder) {
    private static final Shell SHELL = new Shell(Console.plain(new PrintStream(OutputStream.nullOutputStream())));

    /** A new one with the branch main. */
    public static TestRepository create(Path folder) {
        try {
            Files.createDirectories(folder);
        } catch (IOException e) {
            throw Failure.io("cannot create " + folder, e);
        }
        TestRepository repository = new TestRepository(folder);
        repository.git("init", "--quiet", "--initial-branch=main");
        return repository;
    }

    public String url() {
        return folder.toUri().toString();
    }

    /** Writes a file without committing it. */
    public TestRepository write(String file, String text) {
        Trees.replace(folder.resolve(file), text);
        return this;
    }

    /** Writes a file, commits all changes, returns the commit. */
    public String commit(String file, String text) {
        return write(file, text).commit();
    }

    public String commit() {
        git("add", "--all");
        git("commit", "--quiet", "--message", "change");
        return git("rev-parse", "HEAD");
    }

    /** Records a submodule as git submodule add would, without cloning it. */
    public void submodule(String url, String path, String commit) {
        write(".gitmodules", "[submodule \"inner\"]\n\tpath = " + path + "\n\turl = " + url + "\n");
        git("add", ".gitmodules");
        git("update-index", "--add", "--cacheinfo", "160000," + commit + "," + path);
        git("commit", "--quiet", "--message", "submodule");
        try {
            Files.createDirectories(folder.resolve(path));
        } catch (IOException e) {
            throw Failure.io("cannot create " + path, e);
        }
    }

    /** What a git command prints. */
    public String git(String... arguments) {
        List<String> argv = Stream.concat(Stream.of("git", "-c", "user.name=test", "-c", "user.email=test@example.org", "-c", "commit.gpgsign=false"),
                Stream.of(arguments)).toList();
        return SHELL.run(Shell.Command.of(argv).in(folder).with("GIT_AUTHOR_DATE", "2024-01-01T00:00:00Z").with("GIT_COMMITTER_DATE", "2024-01-01T00:00:00Z")).text();
    }
}
