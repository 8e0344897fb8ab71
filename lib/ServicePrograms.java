package lib;

import java.util.List;
import java.util.Optional;
import java.util.Set;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Stream;

/** Looks for what services run in the finished root tree: a program that is not there is found by the build, not by the node. */
record ServicePrograms(Services services, RootTree root) {
    /** The path that my_init gives to services. */
    private static final List<String> PATH = List.of("usr/sbin", "usr/bin", "sbin", "bin");
    /** Where runtime-fetch puts programs while the node runs; they cannot be in the image. */
    private static final String FETCHED = "/var/cache/bin/";
    private static final String FETCHER = "runtime-fetch";
    private static final Set<String> SHELLS = Set.of("sh", "/bin/sh", "ash", "/bin/ash");
    private static final Set<String> BUILT_IN = Set.of("if", "for", "while", "until", "case", "exec", "cd", "export", "set", "test", "[", "echo", "printf", "command",
            "ulimit", "umask", "trap", "true", "false", ".", "{", "(", "!", "read", "wait", "eval");
    private static final Pattern FIRST = Pattern.compile("\\s*(?:[A-Za-z_]\\w*=\\S*\\s+)*(?:exec\\s+)?([A-Za-z0-9_./-]+)(?=\\s|;|$)");

    /** A program or script that is missing is a Failure with the service's file and line. */
    void require() {
        for (Service service : services.services().values()) {
            require(service, "exec", service.exec());
            service.test().ifPresent(words -> require(service, "test", words));
        }
    }

    private void require(Service service, String key, List<String> words) {
        program(service, key, words.get(0));
        if (SHELLS.contains(words.get(0)) && words.size() > 1) {
            if (words.get(1).equals("-c") && words.size() > 2) {
                firstOf(words.get(2)).ifPresent(name -> program(service, key, name));
            } else if (!words.get(1).startsWith("-")) {
                program(service, key, words.get(1).contains("/") ? words.get(1) : "/" + words.get(1));
            }
        }
    }

    /** The program that a shell's text begins with, where that can be told. */
    private static Optional<String> firstOf(String script) {
        Matcher m = FIRST.matcher(script);
        return m.lookingAt() && !BUILT_IN.contains(m.group(1)) ? Optional.of(m.group(1)) : Optional.empty();
    }

    private void program(Service service, String key, String name) {
        if (name.startsWith(FETCHED) && services.before(service).contains(FETCHER)) {
            return;
        }
        boolean there = name.contains("/") ? root.isFile(name) : Stream.of(PATH.toArray(String[]::new)).anyMatch(folder -> root.isFile(folder + "/" + name));
        if (!there) {
            throw service.wrong(key, "the image has no " + name, name.startsWith(FETCHED) ? "a service that needs a fetched program comes after " + FETCHER
                    : "add its package to packages.list or its component to sources.conf, or remove the service");
        }
    }
}
