package lib.apk;

import java.net.URI;
import java.util.List;

/**
 * A repository: {@code main} of a mirror, or a line of config/repositories.
 *
 * @param name what people and the lock file call it: {@code main}, or the URL of a further repository
 * @param tag without {@code @}; empty for an untagged repository. Packages of a tagged one are seen only by atoms with the tag
 * @param places the same repository on several mirrors, in the order in which they are tried; each holds {@code ARCH/APKINDEX.tar.gz}
 * @param rank place among the repositories, from 0; of equal packages that of the lowest rank wins
 */
public record Repository(String name, String tag, List<URI> places, int rank) {
    @Override
    public boolean equals(Object other) {
        return other instanceof Repository r && r.rank == rank && r.name.equals(name);
    }

    @Override
    public int hashCode() {
        return rank;
    }

    @Override
    public String toString() {
        return name;
    }
}
