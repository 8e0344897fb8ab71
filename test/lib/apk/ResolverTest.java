package lib.apk;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import com.fasterxml.jackson.databind.JsonNode;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Random;
import lib.TestProject;
import lib.tool.Console;
import lib.tool.Failure;
import lib.tool.Json;
import lib.tool.Shell;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Against what the real apk chose: recorded worlds on the real indexes, made-up cases, and random worlds put to the real apk now. */
class ResolverTest {
    private static final List<String> REPOSITORIES = List.of("main", "community");
    /** Of the recorded worlds, how many there are for one that is put to the real apk on the miniroot; all of them take minutes. */
    private static final int EACH = Integer.getInteger("oracle.each", 24);

    @TempDir
    Path scratch;

    private static Catalog real(List<Package> installed) {
        Catalog catalog = new Catalog();
        catalog.addInstalled(installed);
        for (String name : REPOSITORIES) {
            Path index = TestProject.shared("alpine-mirror/v3.19/" + name + "/x86_64/APKINDEX.tar.gz");
            catalog.addIndex(new Repository(name, "", List.of(), REPOSITORIES.indexOf(name)), Stanzas.read(text(index), index.toString()));
        }
        return catalog;
    }

    /** The stanzas of an index, signature aside. */
    private static byte[] text(Path index) {
        try (var in = new java.util.zip.GZIPInputStream(Files.newInputStream(index))) {
            TarReader tar = new TarReader(in);
            for (var entry = tar.next(); entry.isPresent(); entry = tar.next()) {
                if (entry.get().name().equals("APKINDEX")) {
                    return tar.content(1 << 30);
                }
            }
            throw new IllegalStateException("no APKINDEX in " + index);
        } catch (IOException e) {
            throw new IllegalStateException(e);
        }
    }

    private static List<String> texts(JsonNode list) {
        List<String> texts = new ArrayList<>();
        list.forEach(item -> texts.add(item.asText()));
        return texts;
    }

    private static List<Dependency> atoms(List<String> texts) {
        return texts.stream().map(Dependency::parse).toList();
    }

    /** What is done, in order: {@code name=version}, {@code -name} for a package that goes. Fails as {@link Plan#of} does. */
    private static List<String> changes(Catalog catalog, List<Dependency> world) {
        return Plan.of(catalog, world, atom -> "").steps().stream().filter(step -> !step.from().equals(step.to()))
                .map(step -> step.to().map(pkg -> pkg.name() + "=" + pkg.version()).orElseGet(() -> "-" + step.from().orElseThrow().name())).toList();
    }

    @Test
    void chooses_what_apk_chose_for_every_recorded_world_in_the_same_order() throws IOException {
        Catalog catalog = real(List.of());
        for (String line : Files.readAllLines(TestProject.shared("apk-oracle/worlds-3.19.jsonl"))) {
            JsonNode one = Json.parse(line, "worlds");
            List<Dependency> world = atoms(texts(one.get("world")));
            if (one.get("rc").asInt() == 0) {
                assertThat(changes(catalog, world)).as(one.get("world").toString()).isEqualTo(texts(one.get("install")))
                        .containsAll(catalog.certain(world).stream().map(pkg -> pkg.name() + "=" + pkg.version()).toList());
            } else {
                assertThatThrownBy(() -> changes(catalog, world)).as(one.get("world").toString()).isInstanceOf(Failure.class);
            }
        }
    }

    @Test
    void chooses_what_apk_chose_in_made_up_cases() throws IOException {
        for (String line : Files.readAllLines(TestProject.shared("apk-oracle/synthetic-solver.jsonl"))) {
            JsonNode one = Json.parse(line, "cases");
            Catalog catalog = new Catalog();
            int rank = 0;
            for (JsonNode repository : one.get("repos")) {
                catalog.addIndex(new Repository("r" + rank, repository.get("tag").asText().replace("@", ""), List.of(), rank++),
                        Stanzas.read(repository.get("index").asText().getBytes(StandardCharsets.UTF_8), "case"));
            }
            List<String> asked = new ArrayList<>(texts(one.get("world_file")));
            asked.addAll(texts(one.get("add")));
            if (one.get("rc").asInt() == 0) {
                assertThat(changes(catalog, atoms(asked))).as(one.get("label").asText()).isEqualTo(texts(one.get("install")));
            } else {
                Resolver[] resolver = new Resolver[1];
                try {
                    resolver[0] = new Resolver(catalog, World.sorted(atoms(asked))).resolve();
                } catch (IllegalArgumentException e) {
                    continue;
                }
                assertThat(resolver[0].problems()).as(one.get("label").asText()).isNotEmpty();
            }
        }
    }

    /** Some of the recorded worlds, and random ones from a seed, so that a difference can be looked at again; other seeds were tried by the hundred. */
    @Test
    void chooses_what_apk_chooses_on_top_of_the_miniroot() throws IOException {
        Shell shell = new Shell(Console.plain(System.err));
        Oracle oracle = Oracle.unpackedInto(scratch.resolve("apk"), shell);
        Path mirror = TestProject.shared("alpine-mirror/v3.19");
        Installation installation = Installation.open(oracle.folder());
        Catalog catalog = real(installation.packages());
        List<String> names = catalog.installable();
        Random random = new Random(7);
        int solved = 0;
        List<List<String>> worlds = new ArrayList<>();
        List<String> recorded = Files.readAllLines(TestProject.shared("apk-oracle/worlds-3.19.jsonl"));
        for (int i = 0; i < recorded.size(); i += EACH) {
            worlds.add(texts(Json.parse(recorded.get(i), "worlds").get("world")));
        }
        for (int i = 0; i < 8; i++) {
            List<String> world = new ArrayList<>();
            worlds.add(world);
            for (int n = random.nextInt(6) + 1; n > 0; n--) {
                world.add(names.get(random.nextInt(names.size())));
            }
        }
        for (List<String> world : worlds) {
            List<String> argv = new ArrayList<>(List.of("add", "--simulate"));
            argv.addAll(world);
            Shell.Result result = oracle.apk(oracle.folder(), REPOSITORIES.stream().map(name -> mirror.resolve(name).toString()).toList(),
                    oracle.folder().resolve("etc/apk/keys"), argv.toArray(String[]::new));
            List<String> expected = result.text().lines().filter(line -> line.startsWith("("))
                    .map(line -> line.replaceFirst("^\\(\\d+/\\d+\\) Purging (\\S+) .*", "-$1")
                            .replaceFirst("^\\(\\d+/\\d+\\) \\S+ (\\S+) (?:as \\S+ )?\\((?:.* -> )?(.*)\\)$", "$1=$2")).toList();
            if (result.exitCode() == 0) {
                assertThat(changes(catalog, installation.worldWith(atoms(world)))).as(world.toString()).isEqualTo(expected);
                solved++;
            }
        }
        assertThat(solved).isGreaterThan(worlds.size() / 2);
    }

    private static Catalog catalog(String... stanzas) {
        Catalog catalog = new Catalog();
        StringBuilder text = new StringBuilder();
        for (String stanza : stanzas) {
            text.append("C:Q1").append(Integer.toHexString(stanza.hashCode())).append("\nP:").append(stanza.replace('|', '\n')).append("\n\n");
        }
        catalog.addIndex(new Repository("test", "", List.of(), 0), Stanzas.read(text.toString().getBytes(StandardCharsets.UTF_8), "test"));
        return catalog;
    }

    private static Failure failure(Catalog catalog, String... atoms) {
        List<Dependency> world = atoms(List.of(atoms));
        try {
            Plan.of(catalog, world, atom -> "packages.list:" + (world.indexOf(atom) + 1));
            throw new AssertionError("it was solved");
        } catch (Failure e) {
            return e;
        }
    }

    @Test
    void names_the_line_and_the_nearest_name_for_an_unknown_package() {
        Failure failure = failure(catalog("busybox|V:1-r0", "openssh|V:1-r0"), "busybox", "opensh");
        assertThat(failure.what()).contains("packages.list:2: asks for opensh").contains("there is no opensh");
        assertThat(failure.hint()).isEqualTo("did you mean openssh?");
        assertThat(failure.exitCode()).isEqualTo(Failure.USAGE);
    }

    @Test
    void explains_the_shortest_chain_to_what_is_missing() {
        Failure failure = failure(catalog("a|V:1-r0|D:b", "b|V:1-r0|D:c d", "c|V:1-r0|D:e", "e|V:1-r0|D:gone>5", "d|V:1-r0|D:gone>2", "gone|V:1-r0"), "a");
        assertThat(failure.what()).contains("packages.list:1: asks for a").contains("a-1-r0 needs b").contains("b-1-r0 needs d")
                .contains("d-1-r0 needs gone>2").contains("of gone there is only 1-r0").doesNotContain("gone>5");
    }

    @Test
    void explains_lines_that_contradict_each_other() {
        assertThat(failure(catalog("eudev|V:3-r0|D:scripts", "scripts|V:1-r0"), "eudev", "!scripts").what())
                .contains("packages.list:1: asks for eudev").contains("scripts-1-r0 would do").contains("packages.list:2: asks for !scripts");
        assertThat(failure(catalog("a|V:1-r0|D:lib<2", "b|V:1-r0|D:lib>=2", "lib|V:1-r0", "lib|V:2-r0"), "a", "b").what())
                .contains("packages.list:1: asks for a -> lib<2").contains("packages.list:2: asks for b -> lib>=2");
    }

    @Test
    void a_virtual_name_without_a_choice_says_who_could_be_it() {
        Failure failure = failure(catalog("x|V:1-r0|p:virt", "y|V:1-r0|p:virt", "app|V:1-r0|D:virt"), "app");
        assertThat(failure.what()).contains("several could be virt: x, y");
        assertThat(failure.hint()).contains("packages.list");
    }

    @Test
    void knows_what_comes_in_any_case_before_anything_is_chosen() {
        Catalog catalog = catalog("app|V:1-r0|D:lib so:z cmd:sh other>1-r0", "lib|V:1-r0|D:two", "lib|V:2-r0|D:two", "z|V:1-r0|p:so:z=1|D:deep !lib>5", "deep|V:1-r0",
                "ash|V:1-r0|p:cmd:sh", "dash|V:1-r0|p:cmd:sh", "other|V:2-r0", "other|V:1-r0", "two|V:1-r0", "unasked|V:1-r0");
        assertThat(catalog.certain(atoms(List.of("app", "!ash", "gone")))).extracting(Package::toString)
                .containsExactly("app-1-r0", "z-1-r0", "other-2-r0", "deep-1-r0");
    }

    @Test
    void takes_an_older_version_where_apk_gives_up() {
        assertThat(changes(catalog("foo|V:2-r0|D:gone", "foo|V:1-r0"), atoms(List.of("foo")))).containsExactly("foo=1-r0");
    }
}
