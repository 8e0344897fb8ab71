package lib.tool;

/** What a phase works with besides its part of the configuration: the screen, processes, the cache and the network. */
public record Tools(Console console, Shell shell, Cache cache, Download download) {
    /** What takes long to load, and is needed in the end, is loaded by another thread while this one looks at its configuration. */
    public Tools {
        Ahead.begin(() -> {
            HttpConnections.load();
            Shell.load();
            Json.line("");
            return null;
        });
    }
}
