package lib;

import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import lib.tool.Trees;
import picocli.CommandLine.Model.ArgSpec;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Model.OptionSpec;
import picocli.CommandLine.Model.PositionalParamSpec;

/**
 * docs/CONFIGURATION.md: every key, variable and option, made of the code that reads them.
 *
 * @param project folder of the project, for config/rfs.conf.example
 * @param commands the scripts
 */
public record Manual(Path project, List<CommandSpec> commands) {
    /** A variable that is no key of build.conf or rfs.conf. */
    record Variable(String name, String scripts, String meaning) { }

    /** Options whose variable picocli knows are not repeated here. */
    static final List<Variable> VARIABLES = List.of(
            new Variable("DEBUG", "all", "`1`: the same as `--debug`"),
            new Variable("NO_COLOR", "all", "set to anything: no colours (no-color.org)"),
            new Variable("TERM", "all", "`dumb`: no colours"),
            new Variable("MOS_CACHE_DIR", "build.java, clean.java", "folder of the cache; default `~/.cache/mos-builder`"),
            new Variable("RUSTUP_TOOLCHAIN", "build.java", "toolchain of rustup that builds components, as rustup knows it"),
            new Variable("RUSTC_WRAPPER", "build.java", "program that cargo runs rustc with, such as sccache; docs/BUILDING.md"),
            new Variable("CC_WRAPPER", "build.java", "program that the kernel's build runs gcc with, such as sccache or ccache; docs/BUILDING.md"),
            new Variable("SSL_CERT_FILE", "build.java", "PEM file of certificate authorities, for builds in a container too"),
            new Variable("UPLOAD_KERNEL", "build.java", "`true`: the same as `--upload-kernel`"),
            new Variable("UPLOAD_MANIFESTS", "build.java", "`true`: the same as `--upload-manifests`"),
            new Variable("KERNEL_SUBPATH", "build.java, image.java", "folder of images below S3_PREFIX; default `kernel`"),
            new Variable("SIGNING_KEY", "build.java, image.java", "PEM text of the key that signs what is published; instead of SIGNING_KEY_FILE"));

    private static final String HEAD = """
            # Configuration

            Made by `./jbang docs.java write` from the code; a test holds both together. Edit the code, not this file.

            Stronger settings first: an option, an environment variable, `config/env/NAME.conf` (with `--env NAME`), `config/build.conf`, the
            default. Files are read as text: nothing in them is run, `$` and backquotes mean themselves. An unknown key, option or value is an
            error that names file and line and the nearest known word.

            """;

    /** The whole file. */
    public String text() {
        StringBuilder text = new StringBuilder(HEAD);
        text.append("## config/build.conf and config/env/NAME.conf\n\nEach key is also an environment variable (but HOSTNAME, which shells set).\n\n| key | default | meaning |\n|---|---|---|\n");
        for (BuildConf.Key key : BuildConf.Key.values()) {
            text.append(row("`" + key + "`", key.fallback().isEmpty() ? "" : "`" + key.fallback() + "`", key.help()));
        }
        text.append("\n## config/rfs.conf\n\nWhere images, flists and runtime programs are published. Each key is also an environment variable.\n\n| key | example or default | meaning |\n|---|---|---|\n");
        rfs().forEach(text::append);
        text.append("\n## Other environment variables\n\n| variable | read by | meaning |\n|---|---|---|\n");
        VARIABLES.forEach(one -> text.append(row("`" + one.name() + "`", one.scripts(), one.meaning())));
        text.append("\n## config/my_init/services/NAME.yaml\n\n| key | meaning |\n|---|---|\n");
        ServiceKeys.ALL.forEach((key, meaning) -> text.append(row("`" + key + "`", meaning)));
        commands.forEach(command -> command(text, command, command.name(), "## "));
        return text.toString();
    }

    private static String row(String... cells) {
        return "| " + String.join(" | ", Arrays.stream(cells).map(cell -> cell.replace("|", "\\|").replace("\n", " ").strip()).toList()) + " |\n";
    }

    /** The keys that rfs.conf.example explains: behind them, or in the comment above. */
    List<String> rfs() {
        List<String> rows = new ArrayList<>();
        Pattern line = Pattern.compile("#?([A-Z][A-Z0-9_]+)=\"([^\"]*)\"\\s*(?:#\\s*(.*))?");
        for (String text : Trees.read(project.resolve("config/rfs.conf.example")).split("\n")) {
            Matcher m = line.matcher(text.strip());
            if (m.matches()) {
                rows.add(row("`" + m.group(1) + "`", "`" + m.group(2) + "`", m.group(3) == null ? "" : m.group(3)));
            }
        }
        return rows;
    }

    private static void command(StringBuilder text, CommandSpec spec, String name, String heading) {
        text.append('\n').append(heading).append(name).append("\n\n").append(String.join(" ", spec.usageMessage().description()).strip().replaceAll("\\s+", " "))
                .append("\n\n| option | meaning |\n|---|---|\n");
        for (PositionalParamSpec argument : spec.positionalParameters()) {
            text.append(row("`" + argument.paramLabel() + "`", meaning(argument)));
        }
        for (OptionSpec option : options(spec)) {
            text.append(row("`" + String.join("`, `", option.names()) + (option.arity().max() == 0 ? "" : option.arity().min() == 0 ? "[=" + option.paramLabel() + "]" : " " + option.paramLabel()) + "`", meaning(option)));
        }
        spec.subcommands().forEach((verb, command) -> command(text, command.getCommandSpec(), name + " " + verb, "### "));
    }

    /** The options that a command shows in its help, in that order. */
    static List<OptionSpec> options(CommandSpec spec) {
        return spec.options().stream().filter(option -> !option.hidden()).toList();
    }

    /** The description as --help shows it. */
    static String meaning(ArgSpec spec) {
        String value = spec.defaultValueString();
        return String.join(" ", spec.description()).replace("${DEFAULT-VALUE}", value == null ? "" : value).replace("%%", "%").strip();
    }
}
