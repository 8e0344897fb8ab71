package lib.tool;

//DEPS info.picocli:picocli:4.7.7
// A script is compiled in one short run of javac, in which the optimizing compiler of its JVM costs three times what it saves. Text that is
// put together by indy would make a class each time, when the script runs.
//JAVAC_OPTIONS -J-XX:TieredStopAtLevel=1 -J-XX:+UseSerialGC -XDstringConcat=inline
// The same goes for scripts, but for their digests: those alone are optimized, which then use the processor's own instructions for SHA and take a
// fifth of the time. Half of a heap that begins larger than usual is young: what a script allocates is hardly ever collected.
//RUNTIME_OPTIONS -Dsun.jnu.encoding=UTF-8 -XX:+UseSerialGC -XX:InitialRAMPercentage=6 -XX:NewRatio=1
//RUNTIME_OPTIONS -XX:+IgnoreUnrecognizedVMOptions -XX:+UnlockDiagnosticVMOptions -XX:-C1UpdateMethodData -XX:CompileCommand=quiet
//RUNTIME_OPTIONS -XX:Tier4InvocationThreshold=1000000000 -XX:Tier4MinInvocationThreshold=1000000000 -XX:Tier4BackEdgeThreshold=1000000000
//RUNTIME_OPTIONS -XX:CompileCommand=CompileThresholdScaling,sun.security.provider.DigestBase::implCompressMultiBlock0,0.0000001

import java.util.List;
import java.util.concurrent.Callable;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.stream.Stream;
import picocli.CommandLine;
import picocli.CommandLine.Model.OptionSpec;

/** The frame around every script: parses the command line, maps failures to exit codes, ends children on Ctrl-C. */
public final class Cli {
    /** Exit code after Ctrl-C or a request to end. */
    public static final int INTERRUPTED = 130;
    /** Nanoseconds. A shorter run has loaded too few classes to keep, and is not to be made longer. */
    private static final long LONG_RUN = 5_000_000_000L;

    private Cli() { }

    /** A script: picocli command whose call returns the exit code. */
    public interface Script extends Callable<Integer> {
        /** --debug or DEBUG=1. */
        boolean debug();
    }

    /** Runs the script and ends this process with its exit code. */
    public static void main(Script script, String... args) {
        AtomicBoolean done = new AtomicBoolean();
        Runtime.getRuntime().addShutdownHook(new Thread(() -> {
            // Asked first: a script whose child was ended comes to its end as well.
            boolean finished = done.get();
            Shell.endAll();
            if (!finished) {
                Console.stderr(false).say("interrupted");
                Runtime.getRuntime().halt(INTERRUPTED);
            }
        }));
        long start = System.nanoTime();
        int code = run(script, args);
        done.set(true);
        if (code == 0 && System.nanoTime() - start > LONG_RUN) {
            ClassArchive.keep(Console.stderr(script.debug()));
        }
        ClassArchive.end();
        System.exit(code);
    }

    /** Runs the script and returns its exit code; for tests. */
    public static int run(Script script, String... args) {
        CommandLine command = new CommandLine(script)
                .setCaseInsensitiveEnumValuesAllowed(true)
                .setUsageHelpAutoWidth(true)
                .setExecutionExceptionHandler((e, line, parsed) -> report(script, e))
                .setParameterExceptionHandler((e, arguments) -> misused(e));
        return command.execute(args);
    }

    private static int report(Script script, Exception e) {
        Console.stderr(script.debug()).failure(e);
        return e instanceof Failure f ? f.exitCode() : Failure.BUILD;
    }

    private static int misused(CommandLine.ParameterException e) {
        if (e.getCause() instanceof Failure f) {
            Console.stderr(false).failure(f);
            return f.exitCode();
        }
        CommandLine line = e.getCommandLine();
        String hint = "see " + line.getCommandName() + " --help";
        if (e instanceof CommandLine.UnmatchedArgumentException unmatched) {
            List<String> names = Stream.concat(line.getCommandSpec().options().stream().map(OptionSpec::longestName),
                    line.getSubcommands().keySet().stream()).toList();
            hint = Suggest.closest(unmatched.getUnmatched().get(0), names).map(name -> "did you mean " + name + "?").orElse(hint);
        }
        Console.stderr(false).failure(Failure.usage(e.getMessage(), hint));
        return Failure.USAGE;
    }
}
