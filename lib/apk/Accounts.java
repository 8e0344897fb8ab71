package lib.apk;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.util.HashMap;
import java.util.Map;

/** Users and groups of the tree: the names in packages become the numbers that etc/passwd and etc/group give them at that moment. */
final class Accounts {
    private final Map<String, Integer> users;
    private final Map<String, Integer> groups;

    private Accounts(Map<String, Integer> users, Map<String, Integer> groups) {
        this.users = users;
        this.groups = groups;
    }

    static Accounts of(Tree tree) throws IOException {
        return new Accounts(numbers(tree, "etc/passwd"), numbers(tree, "etc/group"));
    }

    private static Map<String, Integer> numbers(Tree tree, String file) throws IOException {
        Map<String, Integer> numbers = new HashMap<>();
        for (String line : new String(tree.bytes(file).orElse(new byte[0]), StandardCharsets.UTF_8).split("\n")) {
            String[] words = line.split(":");
            if (words.length > 2 && !words[2].isEmpty() && words[2].length() < 10 && words[2].chars().allMatch(Character::isDigit)) {
                numbers.putIfAbsent(words[0], Integer.parseInt(words[2]));
            }
        }
        return numbers;
    }

    /** The user's number; for an unknown or empty name the number that the package gives. */
    int uid(TarReader.Entry entry) {
        return users.getOrDefault(entry.user(), entry.uid());
    }

    /** The group's number; for an unknown or empty name the number that the package gives. */
    int gid(TarReader.Entry entry) {
        return groups.getOrDefault(entry.group(), entry.gid());
    }
}
