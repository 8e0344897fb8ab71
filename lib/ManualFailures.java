package lib;

import com.sun.source.tree.BinaryTree;
import com.sun.source.tree.CompilationUnitTree;
import com.sun.source.tree.ConditionalExpressionTree;
import com.sun.source.tree.ExpressionTree;
import com.sun.source.tree.LiteralTree;
import com.sun.source.tree.MethodInvocationTree;
import com.sun.source.tree.NewClassTree;
import com.sun.source.tree.ParenthesizedTree;
import com.sun.source.util.JavacTask;
import com.sun.source.util.TreeScanner;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import javax.tools.JavaCompiler;
import javax.tools.StandardJavaFileManager;
import javax.tools.ToolProvider;
import lib.tool.Failure;

/**
 * Every message that this program can fail with, read from its own source by the compiler's parser, for docs/TROUBLESHOOTING.md.
 *
 * @param project folder of the project
 */
public record ManualFailures(Path project) {
    /**
     * A message.
     *
     * @param what what happened; an ellipsis stands for names and numbers
     * @param hint what to do
     * @param exitCode with which the program ends
     */
    record Message(String what, String hint, int exitCode) { }

    /** Names of methods that make a Failure, and the exit code of each; {@code what} and {@code hint} are their last arguments. */
    private static final Map<String, Integer> MAKERS = Map.of("usage", Failure.USAGE, "machine", Failure.MACHINE, "contract", Failure.CONTRACT, "at", Failure.USAGE,
            "wrong", Failure.USAGE, "io", Failure.BUILD);
    private static final String VALUE = "\u2026";
    private static final int FEWEST_LETTERS = 6;

    /** The tables, a heading for each file that can fail. */
    public String text() {
        StringBuilder text = new StringBuilder();
        for (Map.Entry<String, Set<Message>> file : messages().entrySet()) {
            text.append("\n### ").append(file.getKey()).append("\n\n| message | what to do | exit code |\n|---|---|---|\n");
            file.getValue().stream().sorted(Comparator.comparing(Message::what)).forEach(one -> text.append("| ").append(cell(one.what())).append(" | ")
                    .append(cell(one.hint())).append(" | ").append(one.exitCode()).append(" |\n"));
        }
        return text.toString();
    }

    private static String cell(String text) {
        return text.replace("|", "\\|").replace("\n", " ").replace("<", "&lt;").replace("*", "\\*").strip();
    }

    /** The messages of each file. */
    Map<String, Set<Message>> messages() {
        JavaCompiler compiler = ToolProvider.getSystemJavaCompiler();
        Map<String, Set<Message>> messages = new TreeMap<>();
        try (StandardJavaFileManager files = compiler.getStandardFileManager(null, null, null)) {
            JavacTask task = (JavacTask) compiler.getTask(null, files, diagnostic -> { }, List.of(), null, files.getJavaFileObjectsFromPaths(sources()));
            for (CompilationUnitTree unit : task.parse()) {
                Set<Message> found = new LinkedHashSet<>();
                unit.accept(new Finder(), found);
                if (!found.isEmpty()) {
                    messages.put(project.toUri().relativize(unit.getSourceFile().toUri()).getPath(), found);
                }
            }
            return messages;
        } catch (IOException e) {
            throw Failure.io("cannot read the sources in " + project, e);
        }
    }

    private List<Path> sources() throws IOException {
        List<Path> sources = new ArrayList<>();
        for (String folder : List.of("", "lib", "demo")) {
            try (Stream<Path> files = Files.walk(project.resolve(folder), folder.isEmpty() ? 1 : 9)) {
                files.filter(file -> file.toString().endsWith(".java")).sorted().forEach(sources::add);
            }
        }
        return sources;
    }

    private static final class Finder extends TreeScanner<Void, Set<Message>> {
        @Override
        public Void visitNewClass(NewClassTree node, Set<Message> found) {
            if (node.getIdentifier().toString().equals("Failure")) {
                add(found, node.getArguments(), 0, Failure.BUILD);
            }
            return super.visitNewClass(node, found);
        }

        @Override
        public Void visitMethodInvocation(MethodInvocationTree node, Set<Message> found) {
            String called = node.getMethodSelect().toString();
            String name = called.substring(called.lastIndexOf('.') + 1);
            int arguments = node.getArguments().size();
            if (called.equals("Failure.io")) {
                found.add(new Message(text(node.getArguments().get(0)) + ": " + VALUE, "look at the reason behind the colon: space, permissions, a folder that is gone", Failure.BUILD));
            } else if (MAKERS.containsKey(name) && (called.startsWith("Failure.") || name.equals("wrong") || name.equals("at")) && arguments >= 2) {
                add(found, node.getArguments(), arguments - 2, MAKERS.get(name));
            }
            return super.visitMethodInvocation(node, found);
        }

        private static void add(Set<Message> found, List<? extends ExpressionTree> arguments, int first, int exitCode) {
            String what = text(arguments.get(first));
            if (what.chars().filter(Character::isLetter).count() >= FEWEST_LETTERS) {
                found.add(new Message(what, hint(arguments.get(first + 1)), exitCode));
            }
        }

        private static String hint(ExpressionTree tree) {
            String text = text(tree);
            return text.isEmpty() ? "the message says all" : text.equals(VALUE) ? "the hint names it" : text;
        }

        /** What is known of a text before the program runs. */
        private static String text(ExpressionTree tree) {
            if (tree instanceof LiteralTree literal) {
                return String.valueOf(literal.getValue());
            }
            if (tree instanceof ParenthesizedTree inner) {
                return text(inner.getExpression());
            }
            if (tree instanceof BinaryTree sum) {
                return (text(sum.getLeftOperand()) + text(sum.getRightOperand())).replace(VALUE + VALUE, VALUE);
            }
            if (tree instanceof ConditionalExpressionTree either) {
                return Stream.of(either.getTrueExpression(), either.getFalseExpression()).map(Finder::text).filter(one -> !one.isEmpty()).distinct()
                        .collect(Collectors.joining(" / "));
            }
            if (tree instanceof MethodInvocationTree call && call.getMethodSelect().toString().equals("Suggest.hint")) {
                return "did you mean " + VALUE + "? / " + text(call.getArguments().get(2));
            }
            return VALUE;
        }
    }
}
