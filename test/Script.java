import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.concurrent.TimeUnit;
import lib.TestProject;

/** Runs the scripts of the project as a user does. */
final class Script {
    private Script() { }

    /** What a script printed and how it ended. */
    record Run(int exitCode, String out, String err) {
        @Override
        public String toString() {
            return "exit code " + exitCode + "\n--- stdout\n" + out + "--- stderr\n" + err;
        }
    }

    /** Runs {@code ./jbang WORDS...} in the project's folder to its end, at most 30 minutes. */
    static Run run(Map<String, String> environment, String... words) throws IOException, InterruptedException {
        return finish(start(environment, words));
    }

    static Run run(String... words) throws IOException, InterruptedException {
        return run(Map.of(), words);
    }

    /** A workspace with the demo's inputs, {@code folder/workspace}, to be changed as a test likes. */
    static Path demoWorkspace(Path folder) throws IOException, InterruptedException {
        Path inputs = Files.createDirectory(folder.resolve("inputs"));
        Run prepared = run("build.java", "--demo", "-C", inputs.toString(), "--until", "environment");
        assertThat(prepared.exitCode()).describedAs(prepared.toString()).isZero();
        return Files.move(inputs.resolve(".demo"), folder.resolve("workspace"));
    }

    /** A script that runs, with its output going to files. */
    record Running(Process process, Path out, Path err) { }

    static Running start(Map<String, String> environment, String... words) throws IOException {
        List<String> argv = new ArrayList<>(List.of("./jbang"));
        argv.addAll(List.of(words));
        Path out = Files.createTempFile("out", ".txt");
        Path err = Files.createTempFile("err", ".txt");
        ProcessBuilder builder = new ProcessBuilder(argv).directory(TestProject.folder().toFile()).redirectOutput(out.toFile()).redirectError(err.toFile());
        // Where a build runs is chosen by the test, not by what this machine has.
        builder.environment().put("MOS_BUILD", "host");
        builder.environment().putAll(environment);
        return new Running(builder.start(), out, err);
    }

    static Run finish(Running running) throws IOException, InterruptedException {
        if (!running.process().waitFor(30, TimeUnit.MINUTES)) {
            running.process().destroyForcibly();
            throw new AssertionError("did not end: " + Files.readString(running.err()));
        }
        Run run = new Run(running.process().exitValue(), Files.readString(running.out(), StandardCharsets.UTF_8),
                Files.readString(running.err(), StandardCharsets.UTF_8));
        Files.delete(running.out());
        Files.delete(running.err());
        return run;
    }
}
