package lib.apk;

import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Set;

/**
 * The order in which the chosen packages are installed: for each atom of the world, depth first, what it depends on, then itself,
 * then what installs itself beside it.
 */
final class Order {
    private final Catalog catalog;
    private final Resolver resolved;
    private final List<Change> changes = new ArrayList<>();
    private final Set<String> names = new HashSet<>();
    private final Set<Package> done = new HashSet<>();

    /** One step: {@code from} is null for a package that is new, {@code to} for one that goes; both for one that is replaced. */
    record Change(Package from, Package to) { }

    private Order(Catalog catalog, Resolver resolved) {
        this.catalog = catalog;
        this.resolved = resolved;
    }

    /** The steps that lead from the installed packages to the chosen ones. A package that stays is a step from itself to itself. */
    static List<Change> of(Catalog catalog, Resolver resolved, List<Dependency> world) {
        Order order = new Order(catalog, resolved);
        for (Dependency atom : world) {
            order.place(atom.name());
        }
        for (Package old : catalog.installed()) {
            order.remove(old);
        }
        return order.changes;
    }

    private void place(String name) {
        Package pkg = resolved.chosen(name);
        if (!names.add(name) || pkg == null || !done.add(pkg)) {
            return;
        }
        clear(name);
        clear(pkg.name());
        pkg.provides().forEach(provided -> clear(provided.name()));
        for (Dependency dependency : pkg.depends()) {
            place(dependency.name());
        }
        changes.add(new Change(installed(pkg.name()), pkg));
        companions(pkg.name());
        pkg.provides().forEach(provided -> companions(provided.name()));
    }

    /** Installed packages that carry the name and give way to another one. */
    private void clear(String name) {
        for (Catalog.Provider provider : catalog.name(name).providers()) {
            Package pkg = provider.pkg();
            if (pkg.installed() && resolved.chosen(pkg.name()) == null) {
                remove(pkg);
            }
        }
    }

    private void remove(Package pkg) {
        if (resolved.chosen(pkg.name()) == null && done.add(pkg)) {
            changes.add(new Change(pkg, null));
        }
    }

    private Package installed(String name) {
        for (Catalog.Provider provider : catalog.name(name).providers()) {
            if (provider.pkg().installed() && provider.pkg().name().equals(name)) {
                return provider.pkg();
            }
        }
        return null;
    }

    /** Names that wait for this one: once all conditions of their package are met (apk asks no more, and some have none) it is its turn. */
    private void companions(String name) {
        for (Catalog.Name waiting : catalog.name(name).installIf()) {
            Package pkg = resolved.chosen(waiting.text());
            if (pkg != null && pkg.installIf().stream().allMatch(this::inPlace)) {
                place(waiting.text());
            }
        }
    }

    private boolean inPlace(Dependency condition) {
        Package pkg = resolved.chosen(condition.name());
        return pkg == null ? condition.conflict() : done.contains(pkg);
    }
}
