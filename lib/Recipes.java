package lib;

import java.util.List;

/** Names that sources.conf uses -> how such a component is built. */
final class Recipes {
    private Recipes() { }

    static List<String> names() {
        return List.of("build_my_init");
    }
}
