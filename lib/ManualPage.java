package lib;

import java.util.List;
import java.util.Map;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Model.OptionSpec;
import picocli.CommandLine.Model.PositionalParamSpec;

/** The manual page of a script, in the language of man(7), made of its command line model. */
public record ManualPage(CommandSpec spec) {
    /** File name for a folder man1. */
    public String name() {
        return spec.name() + ".1";
    }

    /** The page. */
    public String text() {
        StringBuilder page = new StringBuilder(".TH \"" + spec.name().toUpperCase(java.util.Locale.ROOT) + "\" 1 \"\" \"MOS Builder\" \"MOS Builder\"\n");
        page.append(".SH NAME\n").append(escaped(spec.name())).append(" \\- ").append(escaped(description(spec).replaceFirst("(?s)\\.( .*|$)", "")));
        page.append("\n.SH SYNOPSIS\n.B ").append(escaped(spec.name())).append("\n[\\fIoption\\fR ...]").append(spec.subcommands().isEmpty() ? "" : " \\fIverb\\fR [\\fIargument\\fR ...]");
        page.append("\n.SH DESCRIPTION\n").append(escaped(description(spec))).append('\n');
        arguments(page, "OPTIONS", spec);
        spec.subcommands().forEach((name, command) -> {
            page.append(".SH ").append(escaped(name.toUpperCase(java.util.Locale.ROOT))).append('\n').append(escaped(description(command.getCommandSpec()))).append('\n');
            arguments(page, "", command.getCommandSpec());
        });
        page.append(".SH EXIT STATUS\n");
        for (Map.Entry<String, String> code : spec.usageMessage().exitCodeList().entrySet()) {
            item(page, code.getKey(), code.getValue());
        }
        List<String> footer = List.of(spec.usageMessage().footer());
        if (!footer.isEmpty()) {
            page.append(".SH NOTES\n.nf\n");
            footer.forEach(line -> page.append(escaped(line)).append('\n'));
            page.append(".fi\n");
        }
        return page.toString();
    }

    private static String description(CommandSpec spec) {
        return String.join(" ", spec.usageMessage().description()).strip();
    }

    private static void arguments(StringBuilder page, String heading, CommandSpec spec) {
        if (!heading.isEmpty()) {
            page.append(".SH ").append(heading).append('\n');
        }
        for (PositionalParamSpec argument : spec.positionalParameters()) {
            item(page, argument.paramLabel(), Manual.meaning(argument));
        }
        for (OptionSpec option : Manual.options(spec)) {
            item(page, String.join(", ", option.names()) + (option.arity().max() == 0 ? "" : option.arity().min() == 0 ? "[=" + option.paramLabel() + "]" : " " + option.paramLabel()),
                    Manual.meaning(option));
        }
    }

    private static void item(StringBuilder page, String term, String text) {
        page.append(".TP\n.B ").append(escaped(term)).append('\n').append(escaped(text)).append('\n');
    }

    /** No text may be taken for a request, which begins with a dot or an apostrophe; hyphens are those of commands. */
    private static String escaped(String text) {
        return text.replace("\\", "\\e").replace("-", "\\-").replaceAll("(?m)^([.'])", "\\\\&$1");
    }
}
