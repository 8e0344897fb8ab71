///usr/bin/env jbang "$0" "$@" ; exit $?
//JAVA 17+
//MAIN Tests
//SOURCES *.java
//SOURCES lib/**.java
//SOURCES demo/**.java
//SOURCES test/**.java
//JAVAC_OPTIONS -Xlint:all,-auxiliaryclass,-classfile -Werror
//DEPS org.junit.jupiter:junit-jupiter:5.11.4
//DEPS org.junit.platform:junit-platform-launcher:1.11.4
//DEPS org.assertj:assertj-core:3.26.3

import static org.junit.platform.engine.discovery.DiscoverySelectors.selectClasspathRoots;

import java.io.PrintStream;
import java.net.URISyntaxException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.EnumSet;
import java.util.HashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.logging.Level;
import java.util.logging.Logger;
import lib.Environment;
import lib.Program;
import lib.tool.Cache;
import lib.tool.Cli;
import lib.tool.Console;
import lib.tool.Download;
import lib.tool.Failure;
import lib.tool.Shell;
import lib.tool.Suggest;
import lib.tool.Tools;
import org.junit.platform.engine.FilterResult;
import org.junit.platform.engine.TestExecutionResult;
import org.junit.platform.engine.support.descriptor.ClassSource;
import org.junit.platform.engine.support.descriptor.MethodSource;
import org.junit.platform.launcher.LauncherDiscoveryRequest;
import org.junit.platform.launcher.PostDiscoveryFilter;
import org.junit.platform.launcher.TagFilter;
import org.junit.platform.launcher.TestExecutionListener;
import org.junit.platform.launcher.TestIdentifier;
import org.junit.platform.launcher.TestPlan;
import org.junit.platform.launcher.core.LauncherDiscoveryRequestBuilder;
import org.junit.platform.launcher.core.LauncherFactory;
import picocli.CommandLine.Command;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;

/** Compiles every script and library file with all warnings as errors (see the directives above), then runs what is in test/. */
@Command(name = "test.java", sortOptions = false,
        description = {"Compiles everything with all warnings as errors and runs the tests.",
            "Ends with the line \"N passed, N failed, N skipped\"."},
        exitCodeListHeading = "Exit codes:%n",
        exitCodeList = {"0:every test passed or was skipped", "1:a test failed, or none ran", "2:wrong command line", "130:interrupted"},
        footer = {"", "Examples:", "  ./jbang test.java", "  ./jbang test.java --fast", "  ./jbang test.java VersionTest lib.tool ShellTest.ends_a_command"})
final class Tests implements Cli.Script {
    @Parameters(paramLabel = "NAME", description = "only tests whose name (package.Class.method) contains one of these words")
    List<String> names = new ArrayList<>();

    @Option(names = "--fast", description = "leave out the tests tagged \"slow\": kernel builds and boots")
    boolean fast;

    @Option(names = "--list", description = "print the names of the tests and run none")
    boolean list;

    @Option(names = "--debug", description = "whole stack traces, those of the test framework included")
    boolean debug;

    @Option(names = {"-h", "--help"}, usageHelp = true, description = "show this text")
    boolean help;

    public static void main(String... args) {
        Cli.main(new Tests(), args);
    }

    @Override
    public boolean debug() {
        return debug;
    }

    @Override
    public Integer call() {
        Logger jqwik = Logger.getLogger("net.jqwik");
        jqwik.setLevel(Level.WARNING);
        var launcher = LauncherFactory.create();
        TestPlan plan = launcher.discover(request(names));
        if (!plan.containsTests()) {
            throw nothing(launcher.discover(request(List.of())));
        }
        if (list) {
            methods(plan).stream().map(Tests::name).forEach(System.out::println);
            return 0;
        }
        prepare();
        Report report = new Report(System.out, debug);
        launcher.execute(plan, report);
        return report.end() ? 0 : Failure.BUILD;
    }

    /** Installs the programs that tests run, where this user may; tests whose program stays missing are skipped. */
    private void prepare() {
        Console console = Console.stderr(debug);
        Cache cache = new Cache(Cache.defaultFolder(System.getenv()), line -> { });
        Tools tools = new Tools(console, new Shell(console), cache, new Download(console, cache, true));
        Set<Program> wanted = EnumSet.copyOf(Program.FOR_TESTS);
        wanted.addAll(Program.FOR_KERNEL);
        wanted.addAll(Program.FOR_RUST);
        new Environment(tools, System.getProperty("os.arch").replace("amd64", "x86_64") + "-unknown-linux-gnu").obtain(wanted)
                .forEach(one -> console.say(one.program().title() + " is " + one.trouble() + ": tests that need it are skipped"));
    }

    private LauncherDiscoveryRequest request(List<String> wanted) {
        LauncherDiscoveryRequestBuilder request = LauncherDiscoveryRequestBuilder.request()
                .selectors(selectClasspathRoots(Set.of(jar())))
                .configurationParameter("jqwik.database", "")
                .configurationParameter("jqwik.reporting.onlyfailures", "true")
                .configurationParameter("junit.jupiter.testclass.order.default", "org.junit.jupiter.api.ClassOrderer$ClassName");
        if (fast) {
            request.filters(TagFilter.excludeTags("slow"));
        }
        if (!wanted.isEmpty()) {
            request.filters((PostDiscoveryFilter) one -> FilterResult.includedIf(one.getSource().filter(MethodSource.class::isInstance)
                    .map(source -> name((MethodSource) source)).filter(name -> wanted.stream().anyMatch(name::contains)).isPresent()));
        }
        return request.build();
    }

    /** The jar that JBang made of this script: every compiled class is in it. */
    private static Path jar() {
        try {
            return Path.of(Tests.class.getProtectionDomain().getCodeSource().getLocation().toURI());
        } catch (URISyntaxException e) {
            throw new IllegalStateException(e);
        }
    }

    private Failure nothing(TestPlan all) {
        List<String> classes = methods(all).stream().map(MethodSource::getClassName).map(name -> name.substring(name.lastIndexOf('.') + 1)).distinct().toList();
        return names.isEmpty() ? new Failure("there are no tests in test/", "")
                : Failure.usage("no test matches " + String.join(" ", names), Suggest.hint(names.get(0), classes, "--list prints the names"));
    }

    private static List<MethodSource> methods(TestPlan plan) {
        List<MethodSource> methods = new ArrayList<>();
        plan.getRoots().forEach(root -> plan.getDescendants(root).forEach(one ->
                one.getSource().filter(MethodSource.class::isInstance).ifPresent(source -> methods.add((MethodSource) source))));
        return methods;
    }

    private static String name(MethodSource source) {
        return source.getClassName() + "." + source.getMethodName();
    }

    /** Prints a line a test class, each skip with its reason and each failure with its stack trace as soon as they happen. */
    private static final class Report implements TestExecutionListener {
        /** Seconds from which on a test gets a line of its own. */
        private static final double LONG = 5;

        private final PrintStream out;
        private final boolean debug;
        private final Map<String, Long> starts = new HashMap<>();
        private final List<String> failures = new ArrayList<>();
        private TestPlan plan;
        private int passed;
        private int skipped;
        private int passedHere;

        private Report(PrintStream out, boolean debug) {
            this.out = out;
            this.debug = debug;
        }

        @Override
        public void testPlanExecutionStarted(TestPlan started) {
            plan = started;
        }

        @Override
        public void executionStarted(TestIdentifier one) {
            starts.put(one.getUniqueId(), System.nanoTime());
            if (isClass(one)) {
                passedHere = passed;
            }
        }

        @Override
        public void executionSkipped(TestIdentifier one, String reason) {
            skip(one, reason);
        }

        @Override
        public void executionFinished(TestIdentifier one, TestExecutionResult result) {
            switch (result.getStatus()) {
                case SUCCESSFUL -> pass(one);
                case ABORTED -> skip(one, result.getThrowable().map(Throwable::getMessage).orElse(""));
                case FAILED -> fail(one, result.getThrowable());
            }
            if (isClass(one)) {
                out.printf(Locale.ROOT, "%-48s %4d passed %8.1f s%n", className(one), passed - passedHere, seconds(one));
            }
        }

        private void pass(TestIdentifier one) {
            passed += one.isTest() ? 1 : 0;
            if (one.isTest() && seconds(one) > LONG) {
                out.printf(Locale.ROOT, "  passed  %s (%.1f s)%n", label(one), seconds(one));
            }
        }

        /** A class that is left out leaves out all of its tests. */
        private void skip(TestIdentifier one, String reason) {
            skipped += one.isTest() ? 1 : (int) plan.getDescendants(one).stream().filter(TestIdentifier::isTest).count();
            out.println("  skipped " + label(one) + ": " + reason.replaceFirst("^Assumption failed: ", ""));
        }

        private void fail(TestIdentifier one, Optional<Throwable> cause) {
            failures.add(label(one));
            out.printf(Locale.ROOT, "  FAILED  %s (%.1f s)%n", label(one), seconds(one));
            cause.ifPresent(e -> {
                if (!debug) {
                    shorten(e);
                }
                java.io.StringWriter trace = new java.io.StringWriter();
                e.printStackTrace(new java.io.PrintWriter(trace));
                out.println(trace.toString().indent(6).stripTrailing());
            });
        }

        /** Cuts the framework's own frames off the end of a stack trace. */
        private static void shorten(Throwable e) {
            List<StackTraceElement> frames = new ArrayList<>(List.of(e.getStackTrace()));
            int first = 0;
            while (first < frames.size() && !frames.get(first).getClassName().startsWith("org.junit.platform")
                    && !frames.get(first).getClassName().startsWith("jdk.internal.reflect")) {
                first++;
            }
            e.setStackTrace(frames.subList(0, first).toArray(StackTraceElement[]::new));
        }

        /** Prints the failures once more and the counts; whether all went well. */
        private boolean end() {
            failures.forEach(name -> out.println("FAILED " + name));
            out.println(passed + " passed, " + failures.size() + " failed, " + skipped + " skipped");
            return failures.isEmpty() && passed > 0;
        }

        private double seconds(TestIdentifier one) {
            return (System.nanoTime() - starts.getOrDefault(one.getUniqueId(), System.nanoTime())) / 1e9;
        }

        private static boolean isClass(TestIdentifier one) {
            return one.isContainer() && one.getSource().filter(ClassSource.class::isInstance).isPresent();
        }

        private static String className(TestIdentifier one) {
            return one.getSource().map(source -> ((ClassSource) source).getClassName()).orElse(one.getDisplayName());
        }

        private static String label(TestIdentifier one) {
            return one.getSource().filter(MethodSource.class::isInstance).map(source -> name((MethodSource) source))
                    .map(name -> one.getDisplayName().startsWith(name.substring(name.lastIndexOf('.') + 1)) ? name : name + " " + one.getDisplayName())
                    .orElseGet(() -> isClass(one) ? className(one) : one.getDisplayName());
        }
    }
}
