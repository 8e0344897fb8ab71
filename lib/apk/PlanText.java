package lib.apk;

import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/**
 * A plan as text for the cache, so that a build in which nothing changed does not read indexes of ten megabytes: the world, then each
 * step with the index lines of its package.
 */
public final class PlanText {
    private static final String NONE = "-";

    private PlanText() { }

    /** The text of a plan whose packages come from {@code repositories}. */
    public static String write(Plan plan, List<Repository> repositories) {
        StringBuilder text = new StringBuilder();
        plan.world().forEach(atom -> text.append(atom).append(' '));
        text.append("\n\n");
        for (Plan.Step step : plan.steps()) {
            text.append(step.from().map(Package::checksum).orElse(NONE)).append(' ').append(step.to().map(Package::checksum).orElse(NONE));
            step.to().ifPresent(pkg -> pkg.repositories().forEach(repository -> text.append(' ').append(repositories.indexOf(repository))));
            text.append('\n').append(step.reason()).append('\n');
            step.to().ifPresent(pkg -> text.append(pkg.lines()).append('\n'));
            text.append('\n');
        }
        return text.toString();
    }

    /**
     * The plan of a text that {@link #write} made.
     *
     * @param installed the packages that the plan starts from
     */
    public static Plan read(String text, List<Package> installed, List<Repository> repositories) {
        Map<String, Package> known = new HashMap<>();
        installed.forEach(pkg -> known.put(pkg.checksum(), pkg));
        String[] parts = text.split("\n\n");
        List<Plan.Step> steps = new ArrayList<>();
        for (String part : Arrays.asList(parts).subList(1, parts.length)) {
            String[] lines = part.split("\n", 3);
            String[] words = lines[0].split(" ");
            Optional<Package> to = words[1].equals(NONE) ? Optional.empty()
                    : Optional.of(known.computeIfAbsent(words[1], any -> parsed(lines[2])));
            for (String number : Arrays.asList(words).subList(2, words.length)) {
                to.ifPresent(pkg -> pkg.addRepository(repositories.get(Integer.parseInt(number))));
            }
            steps.add(new Plan.Step(Optional.ofNullable(known.get(words[0])), to, lines[1]));
        }
        return new Plan(Dependency.list(parts[0].strip()), steps);
    }

    private static Package parsed(String lines) {
        byte[] bytes = lines.getBytes(StandardCharsets.UTF_8);
        return Package.parse(bytes, 0, bytes.length);
    }
}
