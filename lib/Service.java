package lib;

import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import lib.tool.Failure;
import lib.tool.Suggest;
import lib.tool.Trees;
import lib.tool.Yaml;

/**
 * A service of my_init: config/my_init/services/NAME.yaml. The keys are those of zinit, whose files my_init reads.
 *
 * @param exec the command as words; no shell runs it
 * @param oneshot runs once; what comes after it waits for its end
 * @param after names of services that are up before this one starts
 * @param test the command that says when it is up
 * @param lines the line of each key
 */
public record Service(String name, Path file, List<String> exec, boolean oneshot, List<After> after, Optional<List<String>> test, Map<String, Integer> lines) {
    /** A name in {@code after} with its line. */
    public record After(String name, int line) { }

    private static final List<String> KEYS = List.copyOf(ServiceKeys.ALL.keySet());
    private static final List<String> LOGS = List.of("ring", "stdout", "none");
    private static final Set<String> SIGNALS = Set.of("HUP", "INT", "QUIT", "ABRT", "KILL", "USR1", "USR2", "ALRM", "TERM", "CONT", "STOP", "WINCH", "PWR");

    /** A Failure about a key of this service. */
    Failure wrong(String key, String what, String hint) {
        return wrong(lines.getOrDefault(key, 1), what, hint);
    }

    Failure wrong(int line, String what, String hint) {
        return at(file, line, what, hint);
    }

    private static Failure at(Path file, int line, String what, String hint) {
        return Failure.at(file.toString(), line, Trees.read(file).lines().skip(line - 1L).findFirst().orElse(""), what, hint);
    }

    /** Reads a file; an unknown key or a value that my_init would not take is a Failure with file, line and text. */
    static Service read(Path file) {
        Yaml.Entries yaml = Yaml.parse(Trees.read(file), file.toString());
        Map<String, Integer> lines = new LinkedHashMap<>();
        for (Yaml.Entry entry : yaml.entries()) {
            if (!KEYS.contains(entry.key())) {
                throw at(file, entry.line(), "unknown key " + entry.key(), Suggest.hint(entry.key(), KEYS, "the keys are " + String.join(" ", KEYS)));
            }
            lines.put(entry.key(), entry.line());
        }
        Reader reader = new Reader(file, yaml);
        reader.checkTheRest();
        List<String> exec = reader.command("exec").orElseThrow(() -> at(file, 1, "`exec` is missing", "it says what the service runs"));
        Optional<List<String>> test = reader.command("test");
        boolean oneshot = reader.oneOf("oneshot", List.of("true", "false")).filter("true"::equals).isPresent();
        if (oneshot && test.isPresent()) {
            throw at(file, lines.get("test"), "a oneshot needs no `test`", "it is done when it has exited with 0");
        }
        return new Service(file.getFileName().toString().replaceFirst("\\.yaml$", ""), file, exec, oneshot, reader.after(), test, lines);
    }

    private record Reader(Path file, Yaml.Entries yaml) {
        private Optional<Yaml.Scalar> scalar(String key) {
            return yaml.find(key).map(entry -> {
                if (!(entry.value() instanceof Yaml.Scalar scalar) || scalar.text().isEmpty()) {
                    throw at(file, entry.line(), key + " takes one value", "write " + key + ": VALUE on one line");
                }
                return scalar;
            });
        }

        Optional<String> oneOf(String key, List<String> allowed) {
            return scalar(key).map(scalar -> {
                if (!allowed.contains(scalar.text())) {
                    throw at(file, scalar.line(), key + " is not one of " + String.join(", ", allowed), Suggest.hint(scalar.text(), allowed, "take one of them"));
                }
                return scalar.text();
            });
        }

        Optional<List<String>> command(String key) {
            return scalar(key).map(scalar -> words(scalar.text())
                    .orElseThrow(() -> at(file, scalar.line(), key + ": a quote is not closed", "each ' and \" needs its partner")));
        }

        List<After> after() {
            List<After> names = new ArrayList<>();
            yaml.find("after").ifPresent(entry -> {
                List<Yaml.Value> items = entry.value() instanceof Yaml.Items list ? list.items() : List.of(entry.value());
                for (Yaml.Value item : items) {
                    if (!(item instanceof Yaml.Scalar scalar)) {
                        throw at(file, item.line(), "after takes names of services", "write after: [NAME, NAME]");
                    }
                    if (!scalar.text().isEmpty()) {
                        names.add(new After(scalar.text(), scalar.line()));
                    }
                }
            });
            return List.copyOf(names);
        }

        /** Keys whose values nobody else here needs. */
        void checkTheRest() {
            oneOf("log", LOGS);
            scalar("dir").filter(dir -> !dir.text().startsWith("/")).ifPresent(dir -> {
                throw at(file, dir.line(), "dir is not an absolute path", "it is the folder in the image that the service starts in");
            });
            scalar("shutdown_timeout").filter(seconds -> !seconds.text().matches("\\d{1,5}")).ifPresent(seconds -> {
                throw at(file, seconds.line(), "shutdown_timeout is not a number of seconds", "for example 10");
            });
            yaml.find("env").filter(env -> !(env.value() instanceof Yaml.Entries)).ifPresent(env -> {
                throw at(file, env.line(), "env takes lines NAME: value below it", "indent them by two blanks");
            });
            yaml.find("signal").ifPresent(this::checkSignal);
        }

        private void checkSignal(Yaml.Entry signal) {
            if (!(signal.value() instanceof Yaml.Entries inner) || inner.entries().size() != 1 || inner.find("stop").isEmpty()) {
                throw at(file, signal.line(), "signal takes one line below it: stop: SIGNAL", "for example stop: SIGINT");
            }
            Yaml.Entry stop = inner.find("stop").orElseThrow();
            String name = stop.value() instanceof Yaml.Scalar scalar ? scalar.text().toUpperCase(java.util.Locale.ROOT).replaceFirst("^SIG", "") : "";
            if (!SIGNALS.contains(name)) {
                throw at(file, stop.line(), "unknown signal", Suggest.hint(name, SIGNALS, "for example SIGTERM"));
            }
        }
    }

    /** The words of a command, quoted and escaped as a POSIX shell has them; empty when a quote is not closed. */
    static Optional<List<String>> words(String text) {
        List<String> words = new ArrayList<>();
        StringBuilder word = new StringBuilder();
        boolean inWord = false;
        char quote = 0;
        for (int i = 0; i < text.length(); i++) {
            char c = text.charAt(i);
            boolean escapes = c == '\\' && quote != '\'' && i + 1 < text.length() && (quote == 0 || "\\\"$`".indexOf(text.charAt(i + 1)) >= 0);
            if (escapes) {
                word.append(text.charAt(++i));
                inWord = true;
            } else if (quote != 0 ? c == quote : c == '\'' || c == '"') {
                quote = quote == 0 ? c : 0;
                inWord = true;
            } else if (quote == 0 && Character.isWhitespace(c)) {
                if (inWord) {
                    words.add(word.toString());
                }
                word.setLength(0);
                inWord = false;
            } else {
                word.append(c);
                inWord = true;
            }
        }
        if (inWord) {
            words.add(word.toString());
        }
        return quote == 0 && !words.isEmpty() ? Optional.of(List.copyOf(words)) : Optional.empty();
    }
}
