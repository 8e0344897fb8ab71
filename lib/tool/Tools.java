package lib.tool;

/** What a phase works with besides its part of the configuration: the screen, processes, the cache and the network. */
public record Tools(Console console, Shell shell, Cache cache, Download download) { }
