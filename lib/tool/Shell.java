package lib.tool;

//DEPS org.zeroturnaround:zt-exec:1.12
//DEPS org.slf4j:slf4j-nop:2.0.16

import java.io.ByteArrayOutputStream;
import java.io.File;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Deque;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import java.util.function.Consumer;
import java.util.function.Predicate;
import java.util.regex.Pattern;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import org.zeroturnaround.exec.InvalidExitValueException;
import org.zeroturnaround.exec.ProcessExecutor;
import org.zeroturnaround.exec.listener.ProcessListener;
import org.zeroturnaround.exec.stream.LogOutputStream;

/**
 * The only place that starts processes. Commands are argument lists, never text for a shell to parse.
 *
 * <p>Output goes to the console's log; a command that fails becomes a {@link Failure} with the pasteable command, its exit
 * code, its last 20 lines and the log. Every process still running when this one ends is ended too.
 */
public final class Shell {
    private static final int TAIL = 20;
    private static final Pattern PLAIN = Pattern.compile("[A-Za-z0-9_@%+=:,./-]+");
    private static final Set<Process> RUNNING = ConcurrentHashMap.newKeySet();

    /** Variables that only this program itself reads: no compiler, build script or machine gets to see them. */
    private static final Set<String> SECRETS = Set.of("S3_ACCESS_KEY", "S3_SECRET_KEY", "SIGNING_KEY");

    private final Console console;

    public Shell(Console console) {
        this.console = console;
    }

    Console console() {
        return console;
    }

    /** A command: argument list, folder, additions to the environment, text for its standard input, listener for its lines. */
    public record Command(List<String> argv, Optional<Path> directory, Map<String, String> environment, boolean emptyEnvironment,
            Optional<byte[]> input, Predicate<String> listener, Optional<Integer> timeoutSeconds) {

        public static Command of(List<String> argv) {
            return new Command(List.copyOf(argv), Optional.empty(), Map.of(), false, Optional.empty(), line -> false, Optional.empty());
        }

        public static Command of(String... argv) {
            return of(List.of(argv));
        }

        /** Another argument list with the same surroundings. */
        Command with(List<String> other) {
            return new Command(List.copyOf(other), directory, environment, emptyEnvironment, input, listener, timeoutSeconds);
        }

        public Command in(Path folder) {
            return new Command(argv, Optional.of(folder), environment, emptyEnvironment, input, listener, timeoutSeconds);
        }

        public Command with(String variable, String value) {
            Map<String, String> more = new LinkedHashMap<>(environment);
            more.put(variable, value);
            return new Command(argv, directory, more, emptyEnvironment, input, listener, timeoutSeconds);
        }

        public Command with(Map<String, String> variables) {
            Command command = this;
            for (Map.Entry<String, String> variable : variables.entrySet()) {
                command = command.with(variable.getKey(), variable.getValue());
            }
            return command;
        }

        /** Nothing of this process's environment is handed on. */
        public Command withOnly(Map<String, String> variables) {
            return new Command(argv, directory, variables, true, input, listener, timeoutSeconds);
        }

        public Command input(byte[] bytes) {
            return new Command(argv, directory, environment, emptyEnvironment, Optional.of(bytes), listener, timeoutSeconds);
        }

        /** Called for each line that the command prints (on either stream), from another thread. */
        public Command onLine(Consumer<String> listener) {
            return taking(line -> {
                listener.accept(line);
                return false;
            });
        }

        /** The same; lines for which the listener returns true are for it alone and get into neither log nor failure. */
        Command taking(Predicate<String> listener) {
            return new Command(argv, directory, environment, emptyEnvironment, input, listener, timeoutSeconds);
        }

        /** After this time the command and its children are ended and it counts as failed. */
        public Command timeout(int seconds) {
            return new Command(argv, directory, environment, emptyEnvironment, input, listener, Optional.of(seconds));
        }

        /** The command as a person would type it. */
        public String pasteable() {
            String cd = directory.map(d -> "cd " + quote(d.toString()) + " && ").orElse("");
            String env = environment.entrySet().stream().map(e -> e.getKey() + "=" + quote(e.getValue()) + " ").collect(Collectors.joining());
            return cd + env + argv.stream().map(Shell::quote).collect(Collectors.joining(" "));
        }
    }

    /** Exit code, standard output and the last lines of both streams. */
    public record Result(int exitCode, byte[] stdout, List<String> tail) {
        /** Standard output as UTF-8 without trailing white space. */
        public String text() {
            return new String(stdout, StandardCharsets.UTF_8).stripTrailing();
        }

        /** The last lines as they stand below a message. */
        public String lastWords() {
            return tail.stream().map("\n    "::concat).collect(Collectors.joining());
        }
    }

    /** Runs the command to its end; a non-zero exit code is a Failure with {@code hint}. */
    public Result run(Command command, String hint) {
        Result result = attempt(command);
        if (result.exitCode() != 0) {
            throw failed(command, result, hint);
        }
        return result;
    }

    public Result run(Command command) {
        return run(command, "");
    }

    public Result run(String... argv) {
        return run(Command.of(argv));
    }

    /** Standard output of a command that must succeed, without trailing white space. */
    public String output(String... argv) {
        return run(Command.of(argv)).text();
    }

    /** The failure that stands for a command that ended with a non-zero exit code. */
    public static Failure failed(Command command, Result result, String hint) {
        return new Failure(command.argv().get(0) + " ended with exit code " + result.exitCode()
                + "\n  command: " + command.pasteable() + result.lastWords(), hint);
    }

    /** Runs the command to its end whatever its exit code. Only a program that cannot be started is a Failure. */
    public Result attempt(Command command) {
        ByteArrayOutputStream stdout = new ByteArrayOutputStream();
        Deque<String> tail = new ArrayDeque<>();
        Consumer<String> line = text -> {
            if (command.listener().test(text)) {
                return;
            }
            synchronized (tail) {
                tail.addLast(text);
                if (tail.size() > TAIL) {
                    tail.removeFirst();
                }
            }
            console.output(text);
        };
        console.log("$ " + command.pasteable());
        ProcessExecutor executor = new ProcessExecutor().command(command.argv())
                .directory(command.directory().map(Path::toFile).orElse(null))
                .redirectOutput(lines(line)).redirectOutputAlsoTo(stdout)
                .redirectError(lines(line))
                .addListener(new Ending()).stopper(Shell::end);
        if (command.emptyEnvironment()) {
            executor.addListener(new OnlyThese(command.environment()));
        } else {
            SECRETS.forEach(name -> executor.environment(name, null));
            executor.environment(command.environment());
        }
        command.input().ifPresent(bytes -> executor.redirectInput(new java.io.ByteArrayInputStream(bytes)));
        command.timeoutSeconds().ifPresent(seconds -> executor.timeout(seconds, TimeUnit.SECONDS));
        try {
            int code = executor.execute().getExitValue();
            return new Result(code, stdout.toByteArray(), List.copyOf(tail));
        } catch (InvalidExitValueException e) {
            return new Result(e.getExitValue(), stdout.toByteArray(), List.copyOf(tail));
        } catch (TimeoutException e) {
            throw new Failure(command.argv().get(0) + " did not end within " + command.timeoutSeconds().orElse(0) + " s\n  command: "
                    + command.pasteable(), "", e);
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw new Failure("interrupted while running " + command.argv().get(0), "", e);
        } catch (IOException e) {
            throw cannotStart(command, e);
        }
    }

    /** Loads what starts processes. */
    static void load() {
        new ProcessExecutor();
    }

    /** Runs the command on this process's own terminal (standard streams inherited) and returns its exit code. */
    public int interactive(Command command) {
        try {
            Process process = builder(command).inheritIO().start();
            RUNNING.add(process);
            try {
                return process.waitFor();
            } finally {
                RUNNING.remove(process);
            }
        } catch (IOException e) {
            throw cannotStart(command, e);
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw new Failure("interrupted while running " + command.argv().get(0), "", e);
        }
    }

    /** Starts the command with pipes for its streams (stderr joined to stdout) and does not wait. Ended with this process. */
    public Process start(Command command) {
        return open(command, streams -> streams.redirectErrorStream(true));
    }

    /**
     * Starts the command and does not wait; {@code streams} says where its standard streams go (pipes unless told otherwise).
     * Ended with this process.
     */
    public Process open(Command command, Consumer<ProcessBuilder> streams) {
        Process process = release(command, streams);
        RUNNING.add(process);
        process.onExit().thenAccept(RUNNING::remove);
        return process;
    }

    /** The same for a command that outlives this process. */
    public Process release(Command command, Consumer<ProcessBuilder> streams) {
        console.log("$ " + command.pasteable());
        ProcessBuilder builder = builder(command);
        builder.environment().keySet().removeAll(SECRETS);
        streams.accept(builder);
        try {
            return builder.start();
        } catch (IOException e) {
            throw cannotStart(command, e);
        }
    }

    private static ProcessBuilder builder(Command command) {
        ProcessBuilder builder = new ProcessBuilder(command.argv());
        command.directory().map(Path::toFile).ifPresent(builder::directory);
        if (command.emptyEnvironment()) {
            builder.environment().clear();
        }
        builder.environment().putAll(command.environment());
        return builder;
    }

    private static Failure cannotStart(Command command, IOException e) {
        String program = command.argv().get(0);
        return which(program).isEmpty()
                ? Failure.machine("the program " + program + " is not installed", "build.java --check-deps shows how to install it")
                : new Failure("cannot start " + command.pasteable() + ": " + e.getMessage(), "", e);
    }

    /** Ends a process and all its descendants: first politely, after two seconds for good. */
    public static void end(Process process) {
        List<ProcessHandle> all = new ArrayList<>(process.descendants().toList());
        all.add(process.toHandle());
        all.forEach(ProcessHandle::destroy);
        long deadline = System.nanoTime() + TimeUnit.SECONDS.toNanos(2);
        for (ProcessHandle one : all) {
            try {
                one.onExit().get(Math.max(1, deadline - System.nanoTime()), TimeUnit.NANOSECONDS);
            } catch (InterruptedException | java.util.concurrent.ExecutionException | TimeoutException e) {
                one.destroyForcibly();
            }
        }
    }

    /** Ends every process that this class started and that still runs; called when the program is interrupted. */
    static void endAll() {
        RUNNING.forEach(Shell::end);
    }

    /**
     * Ends, for good, processes that an earlier run of this program left behind when it was killed: those that inherited
     * {@code variable=value} in their environment and see the same root folder; in a container or chroot the same path is
     * another folder, and who works there is no orphan. Found through /proc; elsewhere nothing happens.
     */
    public static void endOrphans(String variable, String value) {
        endOrphans(variable, value, Duration.ZERO);
    }

    /** @param patience how long they may take to end by themselves */
    public static void endOrphans(String variable, String value, Duration patience) {
        byte[] entry = (variable + "=" + value).getBytes(StandardCharsets.UTF_8);
        List<ProcessHandle> orphans = ProcessHandle.allProcesses()
                .filter(process -> process.pid() != ProcessHandle.current().pid() && inherited(process.pid(), entry)).toList();
        long end = System.nanoTime() + patience.toNanos();
        orphans.forEach(process -> process.onExit().completeOnTimeout(process, Math.max(0, end - System.nanoTime()), TimeUnit.NANOSECONDS).join());
        orphans.stream().filter(ProcessHandle::isAlive).forEach(process -> {
            process.destroyForcibly();
            process.onExit().completeOnTimeout(process, 5, TimeUnit.SECONDS).join();
        });
    }

    private static boolean inherited(long pid, byte[] entry) {
        Path root = Path.of("/proc", Long.toString(pid), "root");
        try {
            if (!Files.isSameFile(root, Path.of("/"))) {
                return false;
            }
            String all = "\0" + new String(Files.readAllBytes(Path.of("/proc", Long.toString(pid), "environ")), StandardCharsets.ISO_8859_1) + "\0";
            return all.contains("\0" + new String(entry, StandardCharsets.ISO_8859_1) + "\0");
        } catch (IOException e) {
            return false;
        }
    }

    /** Where the program is found on PATH (or itself, when it is a path to a program). */
    public static Optional<Path> which(String program) {
        Stream<Path> places = program.contains("/") ? Stream.of(Path.of(program))
                : Stream.concat(Stream.of(System.getenv().getOrDefault("PATH", "").split(File.pathSeparator)), Stream.of("/usr/sbin", "/sbin"))
                        .filter(folder -> !folder.isEmpty()).map(folder -> Path.of(folder, program));
        return places.filter(file -> Files.isRegularFile(file) && Files.isExecutable(file)).findFirst();
    }

    static String quote(String word) {
        return PLAIN.matcher(word).matches() ? word : "'" + word.replace("'", "'\\''") + "'";
    }

    private static LogOutputStream lines(Consumer<String> listener) {
        return new LogOutputStream() {
            @Override
            protected void processLine(String line) {
                listener.accept(line);
            }
        };
    }

    private static final class Ending extends ProcessListener {
        @Override
        public void afterStart(Process process, ProcessExecutor executor) {
            RUNNING.add(process);
        }

        @Override
        public void afterStop(Process process) {
            RUNNING.remove(process);
        }
    }

    private static final class OnlyThese extends ProcessListener {
        private final Map<String, String> variables;

        private OnlyThese(Map<String, String> variables) {
            this.variables = variables;
        }

        @Override
        public void beforeStart(ProcessExecutor executor) {
            System.getenv().keySet().forEach(name -> executor.environment(name, null));
            variables.forEach(executor::environment);
        }
    }
}
