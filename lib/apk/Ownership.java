package lib.apk;

import lib.tool.Failure;

/** Who keeps a file that two packages have. */
final class Ownership {
    private Ownership() { }

    /**
     * Whether {@code newcomer} gets the file that {@code owner} has: packages of one origin take from each other, otherwise one has to
     * declare that it replaces the other; with both doing so the higher replaces_priority counts. Nothing of that is a Failure.
     */
    static boolean takesOver(InstalledPackage newcomer, InstalledPackage owner, String path) {
        if (newcomer.pkg().name().equals(owner.pkg().name())) {
            return true;
        }
        boolean takes = replaces(newcomer, owner);
        boolean keeps = replaces(owner, newcomer);
        if (takes && keeps) {
            return newcomer.replacesPriority() >= owner.replacesPriority();
        }
        if (takes || keeps) {
            return takes;
        }
        if (!newcomer.pkg().origin().isEmpty() && newcomer.pkg().origin().equals(owner.pkg().origin())) {
            return true;
        }
        throw new Failure("packages " + owner.pkg() + " and " + newcomer.pkg() + " both have the file " + path,
                "take one of them out of packages.list, or exclude it there with !" + newcomer.pkg().name());
    }

    private static boolean replaces(InstalledPackage one, InstalledPackage other) {
        return one.replaces().stream().anyMatch(atom -> atom.name().equals(other.pkg().name()) && atom.satisfiedBy(other.pkg().version(), other.pkg()));
    }
}
