///usr/bin/env jbang "$0" "$@" ; exit $?
//JAVA 17+
//MAIN Docs
//SOURCES build.java
//SOURCES image.java
//SOURCES runit.java
//SOURCES clean.java
//SOURCES dev-container.java
//SOURCES lib/**.java

import java.io.IOException;
import java.io.PrintStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.Callable;
import java.util.stream.Stream;
import lib.Manual;
import lib.ManualCompletion;
import lib.ManualFailures;
import lib.ManualPage;
import lib.ManualPicture;
import lib.tool.Cli;
import lib.tool.Failure;
import lib.tool.Trees;
import picocli.CommandLine;
import picocli.CommandLine.Command;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;
import picocli.CommandLine.ScopeType;

@Command(name = "docs.java", sortOptions = false, usageHelpWidth = 110, synopsisSubcommandLabel = "VERB",
        description = "Makes what can be said about the scripts out of the scripts: reference, manual pages, completion.",
        subcommands = {Docs.Write.class, Docs.Man.class, Docs.Completion.class, Docs.Picture.class},
        exitCodeListHeading = "%nExit codes:%n",
        exitCodeList = {"0:done", "1:it failed", "2:wrong command line", "130:interrupted"},
        footer = {"", "Examples:",
            "  ./jbang docs.java write",
            "  ./jbang docs.java man ~/.local/share/man/man1",
            "  ./jbang docs.java completion bash > ~/.local/share/bash-completion/completions/build.java"})
class Docs implements Cli.Script {
    /** In TROUBLESHOOTING.md, all behind this line is written by the verb write. */
    static final String MARK = "<!-- Below: written by `./jbang docs.java write`. -->\n";

    @Option(names = {"-h", "--help"}, usageHelp = true, scope = ScopeType.INHERIT, description = "Show this help.")
    boolean help;
    @Option(names = "--debug", scope = ScopeType.INHERIT, description = "Show stack traces (DEBUG=1).")
    boolean debug = "1".equals(System.getenv("DEBUG"));

    public static void main(String... args) {
        Cli.main(new Docs(), args);
    }

    @Override
    public boolean debug() {
        return debug;
    }

    @Override
    public Integer call() {
        throw Failure.usage("no verb is given", "one of: write man completion picture");
    }

    /** The scripts that people use. */
    static List<CommandSpec> commands() {
        return Stream.of(new Build(), new Runit(), new Image(), new Clean(), new DevContainer()).map(script -> new CommandLine(script).getCommandSpec()).toList();
    }

    static Path project() {
        return Stream.iterate(Path.of("").toAbsolutePath(), one -> one != null, Path::getParent).filter(one -> Files.exists(one.resolve("docs.java"))).findFirst()
                .orElseThrow(() -> Failure.usage("the project's folder is not above the current folder", "run it in the folder that holds docs.java"));
    }

    static String troubleshooting(Path project) {
        String text = Trees.read(project.resolve("docs/TROUBLESHOOTING.md"));
        int mark = text.indexOf(MARK);
        if (mark < 0) {
            throw new Failure("docs/TROUBLESHOOTING.md has no line " + MARK.strip(), "put it where the list of all messages begins");
        }
        return text.substring(0, mark) + MARK + new ManualFailures(project).text();
    }

    @Command(name = "write", description = "Writes docs/CONFIGURATION.md and the list of all messages in docs/TROUBLESHOOTING.md.")
    static class Write implements Callable<Integer> {
        @Override
        public Integer call() {
            Path project = project();
            Trees.replace(project.resolve("docs/CONFIGURATION.md"), new Manual(project, commands()).text());
            Trees.replace(project.resolve("docs/TROUBLESHOOTING.md"), troubleshooting(project));
            return 0;
        }
    }

    @Command(name = "man", description = "Writes a manual page of each script into a folder.")
    static class Man implements Callable<Integer> {
        @Parameters(paramLabel = "DIR", description = "Folder, such as ~/.local/share/man/man1; made when missing.")
        Path folder;

        @Override
        public Integer call() {
            try {
                Files.createDirectories(folder);
            } catch (IOException e) {
                throw Failure.io("cannot make " + folder, e);
            }
            for (CommandSpec spec : commands()) {
                ManualPage page = new ManualPage(spec);
                Trees.replace(folder.resolve(page.name()), page.text());
                System.out.println(folder.resolve(page.name()));
            }
            return 0;
        }
    }

    @Command(name = "completion", description = "Prints what a shell needs to complete the scripts' options.")
    static class Completion implements Callable<Integer> {
        @Parameters(paramLabel = "SHELL", description = "bash, zsh or fish.")
        String shell;

        @Override
        public Integer call() {
            new PrintStream(System.out, true, StandardCharsets.UTF_8).print(new ManualCompletion(commands()).text(shell));
            return 0;
        }
    }

    @Command(name = "picture", description = "Prints an SVG picture of a terminal's text, which comes on standard input or in a file.")
    static class Picture implements Callable<Integer> {
        @Parameters(index = "0", paramLabel = "TITLE", description = "Heading of the picture.")
        String title;
        @Parameters(index = "1", arity = "0..1", paramLabel = "FILE", description = "The text (default: standard input).")
        Optional<Path> file = Optional.empty();

        @Override
        public Integer call() throws IOException {
            String text = file.isPresent() ? Trees.read(file.get()) : new String(System.in.readAllBytes(), StandardCharsets.UTF_8);
            new PrintStream(System.out, true, StandardCharsets.UTF_8).print(new ManualPicture(title, text).svg());
            return 0;
        }
    }
}
