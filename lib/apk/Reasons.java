package lib.apk;

import java.util.ArrayList;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.stream.Collectors;

/** Why each package of a plan is in it. */
final class Reasons {
    private Reasons() { }

    /** The reason of each package: a line of the world, else the first package that needs it, else what it installs itself beside. */
    static Map<Package, String> of(List<Dependency> world, List<Order.Change> changes, Plan.Origin origin) {
        List<Package> packages = changes.stream().map(Order.Change::to).filter(pkg -> pkg != null).toList();
        Map<String, List<Package>> carriers = carriers(packages);
        Map<Package, String> reasons = new LinkedHashMap<>();
        for (Dependency atom : world) {
            note(reasons, carriers, atom, origin.of(atom).isEmpty() ? "the base system asks for " + atom : origin.of(atom) + " asks for " + atom);
        }
        for (Package pkg : packages) {
            for (Dependency dependency : pkg.depends()) {
                note(reasons, carriers, dependency, pkg.name() + " needs " + dependency);
            }
        }
        for (Package pkg : packages) {
            reasons.computeIfAbsent(pkg, any -> pkg.installIf().isEmpty() ? "it was there"
                    : "it installs itself beside " + pkg.installIf().stream().map(Dependency::name).collect(Collectors.joining(" and ")));
        }
        return reasons;
    }

    private static Map<String, List<Package>> carriers(List<Package> packages) {
        Map<String, List<Package>> carriers = new HashMap<>();
        for (Package pkg : packages) {
            carriers.computeIfAbsent(pkg.name(), any -> new ArrayList<>(1)).add(pkg);
            pkg.provides().forEach(provided -> carriers.computeIfAbsent(provided.name(), any -> new ArrayList<>(1)).add(pkg));
        }
        return carriers;
    }

    private static void note(Map<Package, String> reasons, Map<String, List<Package>> carriers, Dependency dependency, String reason) {
        if (!dependency.conflict()) {
            carriers.getOrDefault(dependency.name(), List.of()).forEach(pkg -> reasons.putIfAbsent(pkg, reason));
        }
    }
}
