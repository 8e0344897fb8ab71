package lib;

import java.util.List;
import java.util.Locale;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Collectors;
import java.util.stream.StreamSupport;
import lib.tool.Failure;
import lib.tool.Suggest;
import picocli.AutoComplete;
import picocli.CommandLine;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Model.OptionSpec;

/**
 * Completion of command lines: {@code build.java --unt<Tab>} and {@code ./jbang build.java --unt<Tab>}.
 *
 * @param commands the scripts
 */
public record ManualCompletion(List<CommandSpec> commands) {
    private static final List<String> SHELLS = List.of("bash", "zsh", "fish");

    /** What the shell reads to know the scripts. */
    public String text(String shell) {
        return switch (shell) {
            case "bash" -> bash();
            // picocli's functions are bash's; zsh has a module that runs them.
            case "zsh" -> "autoload -U +X compinit && compinit -u\nautoload -U +X bashcompinit && bashcompinit\n" + bash();
            case "fish" -> fish();
            default -> throw Failure.usage("there is no completion for " + shell, Suggest.hint(shell, SHELLS, "there is one for " + String.join(", ", SHELLS)));
        };
    }

    private String bash() {
        StringBuilder text = new StringBuilder();
        for (CommandSpec spec : commands) {
            // Words of enums are taken in any letter case; people write them small.
            String functions = Pattern.compile("(?m)^.*_args=\\(.*$").matcher(AutoComplete.bash(spec.name(), new CommandLine(spec.userObject())))
                    .replaceAll(words -> Matcher.quoteReplacement(words.group().replaceFirst("=.*", "") + words.group().replaceFirst("^[^=]*", "").toLowerCase(Locale.ROOT)));
            text.append(functions.replaceAll("(?m)^(#.*)?\n", "")).append('\n');
        }
        String cases = commands.stream().map(spec -> "    " + spec.name() + ") COMP_WORDS=(\"${COMP_WORDS[@]:1}\"); COMP_CWORD=$((COMP_CWORD - 1)); _complete_" + spec.name() + " ;;\n")
                .collect(Collectors.joining());
        String names = commands.stream().map(CommandSpec::name).collect(Collectors.joining(" "));
        return text + "_complete_mos_jbang() {\n  if [ \"$COMP_CWORD\" -le 1 ]; then\n    COMPREPLY=($(compgen -W \"" + names + "\" -- \"${COMP_WORDS[1]}\"))\n    return\n  fi\n"
                + "  case \"${COMP_WORDS[1]##*/}\" in\n" + cases + "  esac\n}\ncomplete -o default -F _complete_mos_jbang jbang ./jbang\n";
    }

    private String fish() {
        StringBuilder text = new StringBuilder("# Whether the script was named, behind ./jbang or by itself.\nfunction __mos_script\n    set -l words (commandline -opc)\n"
                + "    for word in $words[1..2]\n        test (path basename -- $word) = $argv[1]; and return 0\n    end\n    return 1\nend\n");
        String names = commands.stream().map(CommandSpec::name).collect(Collectors.joining(" "));
        text.append("complete -c jbang -f -n 'test (count (commandline -opc)) = 1' -a '").append(names).append("'\n");
        for (CommandSpec spec : commands) {
            for (String command : List.of("jbang", spec.name())) {
                spec.subcommands().forEach((verb, inner) -> {
                    text.append("complete -c ").append(command).append(" -f -n '__mos_script ").append(spec.name()).append("' -a ").append(verb)
                            .append(" -d ").append(quoted(String.join(" ", inner.getCommandSpec().usageMessage().description()))).append('\n');
                    options(text, command, spec.name(), inner.getCommandSpec(), "; and __fish_seen_subcommand_from " + verb);
                });
                options(text, command, spec.name(), spec, "");
            }
        }
        return text.toString();
    }

    private static void options(StringBuilder text, String command, String script, CommandSpec spec, String condition) {
        for (OptionSpec option : Manual.options(spec)) {
            text.append("complete -c ").append(command).append(" -n '__mos_script ").append(script).append(condition).append("'");
            for (String name : option.names()) {
                text.append(name.startsWith("--") ? " -l " + name.substring(2) : " -s " + name.substring(1));
            }
            List<String> words = words(option);
            if (option.arity().max() > 0) {
                text.append(words.isEmpty() ? " -r" : " -x -a '" + String.join(" ", words) + "'");
            }
            text.append(" -d ").append(quoted(Manual.meaning(option))).append('\n');
        }
    }

    /** The words that an option takes, when they are few and known. */
    private static List<String> words(OptionSpec option) {
        Class<?> type = option.typeInfo().isOptional() || option.typeInfo().isCollection() ? option.auxiliaryTypes()[0] : option.type();
        if (type.isEnum()) {
            return java.util.Arrays.stream(type.getEnumConstants()).map(one -> one.toString().toLowerCase(Locale.ROOT)).toList();
        }
        return option.completionCandidates() == null ? List.of() : StreamSupport.stream(option.completionCandidates().spliterator(), false).toList();
    }

    private static String quoted(String text) {
        return "'" + text.replace("\\", "\\\\").replace("'", "\\'") + "'";
    }
}
