package lib;

import java.util.Arrays;
import java.util.List;
import java.util.Locale;
import java.util.Optional;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import lib.tool.Failure;
import lib.tool.HttpFiles;
import lib.tool.Suggest;

/** One thing that is broken around a guest. */
enum BootScenario {
    /** The network card has no carrier, from before the kernel starts. */
    NO_LINK("the card has no link"),
    /** Nobody answers the guest's DHCP for {@link #SILENCE} after its first question. */
    SLOW_DHCP("DHCP asked for nothing"),
    /** Questions to name servers are lost; the guest is told to fetch from a host by name. */
    NO_DNS("no name server was asked"),
    /** The server that programs are fetched from is overloaded. */
    S3_503("nothing was fetched"),
    /** The same server ends each answer in its middle. */
    S3_CUT("nothing was fetched"),
    /** The root file system is full before process 1 starts. */
    FULL_DISK("the root file system was not filled"),
    /** Of two network cards, the first has a link and sends to nobody. */
    DEAD_CARD("the dead card was not used");

    /** How long the DHCP server keeps silent. */
    static final double SILENCE = 15;
    /** What the guest fetches from in {@link #NO_DNS}; such a name never exists (RFC 6761). */
    private static final String NAME = "runtime.invalid";
    private static final int DNS = 53;
    private static final int DHCP_SERVER = 67;
    /** What the guest says when nothing more fits into its root file system. */
    static final String FULL = "chaos: / is full";
    /** First process of {@link #FULL_DISK}: fills the root file system, then becomes the image's own init. */
    static final String FILLER = """
            #!/bin/sh
            dd if=/dev/zero of=/chaos.full bs=64k 2>/dev/null || :
            dd if=/dev/zero of=/chaos.rest bs=1 2>/dev/null || :
            echo x 2>/dev/null >/chaos.one || :
            if [ -s /chaos.one ]; then echo "chaos: / is not full"; else echo "%s"; fi
            exec /sbin/init
            """.formatted(FULL);

    /** Why a boot proves nothing: it did not meet what was broken. */
    final String unmet;

    BootScenario(String unmet) {
        this.unmet = unmet;
    }

    /** As on the command line and in chaos.expect. */
    String word() {
        return name().toLowerCase(Locale.ROOT).replace('_', '-');
    }

    /** Those that are named, {@code all} being all; in their own order. */
    static List<BootScenario> named(List<String> words) {
        List<String> known = Arrays.stream(values()).map(BootScenario::word).toList();
        words.stream().filter(word -> !word.equals("all") && !known.contains(word)).findFirst().ifPresent(word -> {
            throw Failure.usage("there is no chaos named " + word, Suggest.hint(word, known, "one of: all " + String.join(" ", known)));
        });
        return Stream.of(values()).filter(one -> words.contains("all") || words.contains(one.word())).toList();
    }

    /** The guest's cards; frames of the first one go through a wire where {@code wire} is there. */
    List<String> cards(String mac, Optional<BootWire> wire) {
        Stream<String> first = this == DEAD_CARD
                ? Stream.of("-netdev", "hubport,id=net0,hubid=7", "-device", Qemu.card(mac))
                : Stream.of("-netdev", "user,id=net0,ipv6=off", "-device", Qemu.card(mac) + ",id=card0");
        Stream<String> second = this == DEAD_CARD
                ? Stream.of("-netdev", "user,id=net1,ipv6=off", "-device", "virtio-net-pci,netdev=net1,romfile=,mac=" + mac.substring(0, mac.length() - 2) + "fe")
                : Stream.of();
        return Stream.of(first, second, wire.stream().flatMap(one -> one.argv().stream())).flatMap(all -> all).toList();
    }

    /** What happens to frames that the guest sends from its first card; empty: they are not looked at. */
    Optional<BootWire.Rule> rule() {
        return switch (this) {
            case SLOW_DHCP -> Optional.of((frame, seconds) -> !frame.to(DHCP_SERVER) ? BootWire.Fate.PASSED : seconds < SILENCE ? BootWire.Fate.LOST : BootWire.Fate.PASSED);
            case NO_DNS -> Optional.of((frame, seconds) -> frame.to(DNS) ? BootWire.Fate.LOST : BootWire.Fate.PASSED);
            case DEAD_CARD -> Optional.of((frame, seconds) -> BootWire.Fate.LOST);
            default -> Optional.empty();
        };
    }

    /** What the server that programs are fetched from says. */
    Optional<HttpFiles.Answer> served(String path) {
        return switch (this) {
            case S3_503 -> Optional.of(HttpFiles.Answer.of(503, "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<Error><Code>SlowDown</Code>"
                    + "<Message>Please reduce your request rate.</Message></Error>\n"));
            case S3_CUT -> Optional.of(HttpFiles.Answer.of(200, "{\"files\": [" + " ".repeat(8192) + "]}\n").cut());
            default -> Optional.empty();
        };
    }

    /** Words for the kernel's command line; the image's own server is never asked. */
    String words(int port) {
        return " mos.runtime=http://" + (this == NO_DNS ? NAME : BootMatrix.HOST) + ":" + port + "/chaos mos.channel=chaos" + (this == FULL_DISK ? " rdinit=/chaos-init" : "");
    }

    static String list() {
        return Stream.of(values()).map(BootScenario::word).collect(Collectors.joining(" "));
    }
}
