package lib;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.stream.IntStream;
import lib.FaultyProxy.Fault;
import lib.tool.Failure;
import lib.tool.Json;
import lib.tool.Tools;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class ChannelsTest {
    @TempDir
    Path folder;

    private final S3Server server = S3Server.shared();
    private String bucket;
    private Tools tools;
    private Store store;
    private Channels channels;

    @BeforeEach
    void bucket() {
        bucket = server.bucket();
        tools = TestTools.in(folder, new ByteArrayOutputStream(), false);
        store = server.store(server.endpoint(), bucket);
        channels = new Channels(store, tools);
    }

    @Test
    void an_image_goes_from_canary_to_production_and_back() throws IOException {
        String a = publish(1);
        String b = publish(2);
        channels.point("kernel", "canary", a, false);
        channels.promote("kernel", a, "canary", "production", false);
        channels.point("kernel", "canary", b, false);

        assertThat(channels.promote("kernel", b, "canary", "production", false)).isEqualTo(new Channels.Change("production", Optional.of(a), b));
        assertThat(get("channels/production.ipxe").text()).startsWith("#!ipxe\n").contains("\nkernel ../" + b + "\nboot\n");
        assertThat(get("channels/production.json").header("Cache-Control")).contains("no-store");
        assertThat(Json.parse(get("channels/production.json").text(), "").path("kernel").asText()).isEqualTo(b);

        assertThat(channels.rollback("kernel", "production", false)).isEqualTo(new Channels.Change("production", Optional.of(b), a));
        assertThat(get("channels/production.ipxe").text()).contains("kernel ../" + a);
        assertThat(channels.list("kernel")).filteredOn(one -> one.name().equals(a)).singleElement().satisfies(one -> assertThat(one.channels()).containsExactly("production"));
        assertThatThrownBy(() -> channels.rollback("kernel", "production", false)).isInstanceOf(Failure.class).hasMessageContaining("never named another image");
    }

    @Test
    void only_what_a_channel_runs_is_promoted_and_only_what_is_published_is_named() throws IOException {
        String a = publish(1);
        String b = publish(2);
        channels.point("kernel", "canary", a, false);

        assertThatThrownBy(() -> channels.promote("kernel", b, "canary", "production", false)).isInstanceOf(Failure.class).hasMessageContaining("canary does not name " + b);
        assertThatThrownBy(() -> channels.promote("kernel", a, "canery", "production", false)).isInstanceOf(Failure.class)
                .satisfies(e -> assertThat(((Failure) e).hint()).isEqualTo("did you mean canary?"));
        assertThatThrownBy(() -> channels.point("kernel", "canary", a.replace("-0000001", "-0000009"), false)).isInstanceOf(Failure.class)
                .hasMessageContaining("is not published");
        assertThatThrownBy(() -> channels.point("kernel", "../canary", a, false)).isInstanceOf(Failure.class);
    }

    @Test
    void dry_runs_change_nothing() throws IOException {
        String a = publish(1);
        String b = publish(2);
        channels.point("kernel", "canary", a, false);
        channels.point("kernel", "canary", b, false);
        try (FaultyProxy proxy = new FaultyProxy(server.port(), (request, before) -> Fault.NONE)) {
            Store seen = server.store(proxy.endpoint(), bucket);
            Channels dry = new Channels(seen, tools);
            assertThat(dry.promote("kernel", b, "canary", "production", true).to()).isEqualTo(b);
            assertThat(dry.rollback("kernel", "canary", true).to()).isEqualTo(a);
            assertThat(dry.point("kernel", "new", a, true).from()).isEmpty();
            assertThat(new Retention(seen, tools).prune("kernel", 1, true).removed()).isEmpty();
            assertThat(proxy.log()).isNotEmpty().noneMatch(FaultyProxy.Request::write);
        }
    }

    @Test
    void an_answer_that_is_lost_does_not_roll_back_twice() throws IOException {
        for (int i = 1; i <= 3; i++) {
            channels.point("kernel", "production", publish(i), false);
        }
        try (FaultyProxy proxy = new FaultyProxy(server.port(), (request, before) -> request.method().equals("PUT") && before == 0 ? Fault.LOST : Fault.NONE)) {
            new Channels(server.store(proxy.endpoint(), bucket), tools).rollback("kernel", "production", false);
        }
        assertThat(get("channels/production.ipxe").text()).contains(name(2));
    }

    @Test
    void a_change_that_was_interrupted_is_finished_and_not_done_again() throws IOException {
        for (int i = 1; i <= 3; i++) {
            channels.point("kernel", "production", publish(i), false);
        }
        String script = get("channels/production.ipxe").text();
        channels.rollback("kernel", "production", false);
        Curl.put(url("channels/production.ipxe"), script);

        assertThat(channels.rollback("kernel", "production", false).to()).isEqualTo(name(2));
        assertThat(get("channels/production.ipxe").text()).contains(name(2));
        assertThat(channels.rollback("kernel", "production", false).to()).isEqualTo(name(1));
    }

    @Test
    void pruning_keeps_the_newest_and_what_a_channel_names_or_would_name_after_a_rollback() throws IOException {
        List<String> names = IntStream.rangeClosed(1, 6).mapToObj(this::publish).toList();
        channels.point("kernel", "production", names.get(0), false);
        channels.point("kernel", "production", names.get(1), false);

        Retention.Pruned pruned = new Retention(store, tools).prune("kernel", 2, false);

        List<String> left = channels.list("kernel").stream().map(Channels.Listed::name).toList();
        assertThat(left).contains(names.get(0), names.get(1)).hasSize(6 - pruned.removed().size());
        assertThat(pruned.removed()).isNotEmpty().doesNotContain(names.get(0), names.get(1));
        pruned.removed().forEach(name -> {
            assertThat(get(name).status()).isEqualTo(404);
            assertThat(get(name + ".json").status()).isEqualTo(404);
            assertThat(get(name + ".removing").status()).isEqualTo(404);
        });
        left.forEach(name -> assertThat(get(name).status()).isEqualTo(200));
    }

    /** The promotion happens while the prune has already decided what goes. */
    @Test
    void an_image_that_is_promoted_while_it_is_pruned_either_stays_or_is_not_promoted() throws IOException {
        List<String> names = IntStream.rangeClosed(1, 3).mapToObj(this::publish).toList();
        String oldest = channels.list("kernel").get(2).name();
        AtomicBoolean done = new AtomicBoolean();
        Failure[] refused = {null};
        try (FaultyProxy proxy = new FaultyProxy(server.port(), (request, before) -> {
            if (request.method().equals("PUT") && request.target().endsWith(oldest + ".removing") && done.compareAndSet(false, true)) {
                try {
                    channels.point("kernel", "production", oldest, false);
                } catch (Failure e) {
                    refused[0] = e;
                }
            }
            return Fault.NONE;
        })) {
            new Retention(server.store(proxy.endpoint(), bucket), tools).prune("kernel", 2, false);
        }
        assertThat(done).isTrue();
        assertThat(refused[0]).isNull();
        assertThat(get(oldest).status()).isEqualTo(200);
        assertThat(channels.list("kernel")).extracting(Channels.Listed::name).containsExactlyInAnyOrderElementsOf(names);
    }

    @Test
    void a_prune_that_was_killed_is_finished_by_the_next() throws IOException {
        List<String> names = IntStream.rangeClosed(1, 3).mapToObj(this::publish).toList();
        Curl.put(url(names.get(2) + ".removing"), "");

        assertThatThrownBy(() -> channels.point("kernel", "canary", names.get(2), false)).isInstanceOf(Failure.class).hasMessageContaining("is being removed");
        assertThatThrownBy(() -> publish(3)).isInstanceOf(Failure.class).hasMessageContaining("is being removed");
        assertThat(new Retention(store, tools).prune("kernel", 9, false).removed()).containsExactly(names.get(2));
        assertThat(get(names.get(2)).status()).isEqualTo(404);
        assertThat(channels.list("kernel")).extracting(Channels.Listed::name).containsExactlyInAnyOrder(names.get(0), names.get(1));
    }

    /** The promotion happens between a first look at the channels and the mark. */
    @Test
    void an_image_that_is_promoted_while_it_is_replaced_stays_as_it_was() throws IOException {
        String a = publish(1);
        AtomicBoolean done = new AtomicBoolean();
        Files.writeString(folder.resolve(a), "other bytes");
        try (FaultyProxy proxy = new FaultyProxy(server.port(), (request, before) -> {
            if (request.method().equals("PUT") && request.target().endsWith(".removing") && done.compareAndSet(false, true)) {
                channels.point("kernel", "production", a, false);
            }
            return Fault.NONE;
        })) {
            Upload upload = new Upload(server.store(proxy.endpoint(), bucket), tools);
            assertThatThrownBy(() -> upload.publish(folder.resolve(a), "kernel", new Upload.Mode(true, false))).isInstanceOf(Failure.class)
                    .hasMessageContaining("is named by production");
        }
        assertThat(done).isTrue();
        assertThat(get(a).text()).isEqualTo("image 1");
        assertThat(get(a + ".removing").status()).isEqualTo(404);
    }

    @Test
    void an_image_that_a_channel_names_cannot_be_replaced() throws IOException {
        String a = publish(1);
        channels.point("kernel", "production", a, false);
        Files.writeString(folder.resolve(a), "other bytes");

        assertThatThrownBy(() -> new Upload(store, tools).publish(folder.resolve(a), "kernel", new Upload.Mode(true, false))).isInstanceOf(Failure.class)
                .hasMessageContaining("is named by production");
    }

    private static String name(int number) {
        return "vmlinuz-6.1.0-test-000000" + number + ".efi";
    }

    private String publish(int number) {
        try {
            Files.writeString(folder.resolve(name(number)), "image " + number);
        } catch (IOException e) {
            throw new java.io.UncheckedIOException(e);
        }
        return new Upload(store, tools).publish(folder.resolve(name(number)), "kernel", Upload.Mode.NORMAL).name();
    }

    private String url(String name) {
        return server.endpoint() + "/" + bucket + "/mos/images/kernel/" + name;
    }

    private Curl.Answer get(String name) {
        return Curl.get(url(name));
    }
}
