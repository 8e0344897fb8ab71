package lib.apk;

import lib.apk.Choices.Candidate;
import lib.apk.Choices.Option;

/** Which of two options for a name apk prefers; the first difference decides. */
final class Preference {
    private Preference() { }

    /** Positive when {@code a} is better than {@code b}, zero when the one that comes first is to be taken. */
    static int compare(Option a, Option b) {
        Candidate x = a.candidate();
        Candidate y = b.candidate();
        int order = fitness(x, y);
        if (order != 0) {
            return order;
        }
        if (a.version() != null && b.version() != null) {
            order = Version.compare(a.version(), b.version());
        }
        if (order == 0 && x.pkg.name().equals(y.pkg.name())) {
            order = Version.compare(x.pkg.version(), y.pkg.version());
        }
        if (order == 0) {
            order = Integer.compare(x.pkg.priority(), y.pkg.priority());
        }
        return order != 0 ? order : Integer.compare(rank(y.pkg), rank(x.pkg));
    }

    private static int fitness(Candidate x, Candidate y) {
        int order = Boolean.compare(x.usable, y.usable);
        if (order == 0) {
            order = Boolean.compare(x.grouped, y.grouped);
        }
        if (order == 0) {
            order = Integer.compare(y.conflicts, x.conflicts);
        }
        if (order == 0) {
            order = Boolean.compare(x.tagAllowed(), y.tagAllowed());
        }
        if (order == 0) {
            order = Boolean.compare(x.tagPreferred(), y.tagPreferred());
        }
        return order != 0 ? order : Boolean.compare(x.pkg.preferred(), y.pkg.preferred());
    }

    private static int rank(Package pkg) {
        return pkg.repositories().isEmpty() ? Integer.MAX_VALUE : pkg.repositories().get(0).rank();
    }
}
