package lib;

import com.fasterxml.jackson.databind.JsonNode;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.Map;
import lib.tool.Json;
import lib.tool.Trees;

/**
 * dist/report.html: one build for people. Its time line of phases and steps, the treemap of its sizes, its packages and components, and
 * the time line of its last boot, from the JSON files beside it.
 */
public final class BuildPage {
    /** What {@code runit.java --check} found out about the image in dist/. */
    private static final String BOOT = "boot.json";

    private static final String STYLE = """
            h2 { font-size: 1.08rem; margin: 2rem 0 .5rem; }
            .bar { display: grid; grid-template-columns: minmax(12rem, 22rem) 1fr 5rem; grid-template-areas: "name track figure"; gap: .15rem .8rem;
              align-items: center; font-size: .88rem; padding: .07rem 0; }
            .bar span { grid-area: name; overflow: hidden; text-overflow: ellipsis; white-space: nowrap; color: var(--soft); padding-left: 1.1rem; }
            .bar b { grid-area: figure; text-align: right; font-weight: 400; font-variant-numeric: tabular-nums; }
            .track { grid-area: track; position: relative; height: .95rem; background: var(--band); border-radius: .2rem; overflow: hidden; }
            .track i { position: absolute; top: 0; bottom: 0; min-width: 3px; border-radius: .2rem; background: #8fb3e8; }
            .phase span { font-weight: 600; color: var(--ink); padding-left: 0; }
            .phase i { background: #4a7fd0; }
            #boot .step i { background: #86c99a; }
            table { margin-top: .4rem; }
            @media (max-width: 600px) { .bar { grid-template-columns: 1fr 4.5rem; grid-template-areas: "name figure" "track track"; } .track { height: .6rem; } }
            """;

    private static final String BODY = """
            <h1 id="title"></h1>
            <p id="facts"></p>
            <h2>Build</h2>
            <div id="build"></div>
            <section id="booted" hidden><h2>Boot</h2><p id="machine"></p><div id="boot"></div></section>
            <h2>Size</h2>
            <nav id="legend"></nav>
            <div id="map"></div>
            <h2>Components</h2>
            <table><thead><tr><th>Component</th><th>Version</th><th class="wide">Identity</th><th class="wide">Place</th><th class="n">Packed</th></tr></thead>
            <tbody id="components"></tbody></table>
            <h2>Packages</h2>
            <table><thead><tr><th>Package</th><th>Version</th><th class="n">Packed</th><th class="n wide">Unpacked</th></tr></thead>
            <tbody id="packages"></tbody></table>
            """;

    private static final String SCRIPT = """
            const seconds = value => value.toFixed(value < 10 ? 2 : 1) + ' s';
            const at = id => document.getElementById(id);
            function bar(into, text, className, start, length, all, figure = seconds(length)) {
              const row = make('div', into, undefined, 'bar ' + className);
              make('span', row, text).title = text;
              Object.assign(make('i', make('div', row, undefined, 'track')).style, {left: Math.min(99.5, 100 * start / all) + '%', width: 100 * length / all + '%'});
              make('b', row, figure);
            }
            const {build, sizes, boot} = data, image = build.files['vmlinuz.efi'];
            at('title').textContent = 'MyceliumOS ' + build.version + ': ' + size(image.bytes);
            const begin = Math.min(...build.spans.map(span => span.start)), end = Math.max(...build.spans.map(span => span.start + span.seconds));
            at('facts').textContent = 'Built in ' + seconds(end - begin) + '; Alpine ' + build.alpine.release + ' for ' + build.alpine.arch + ', Linux ' + build.kernel.release
              + '; ' + (build.made.length ? build.made.length + ' things were made, ' + build.cached + ' came from the cache' : 'all came from the cache')
              + '; sha256 ' + image.sha256.slice(0, 16) + '.';
            for (const phase of build.spans.filter(span => !span.step)) {
              bar(at('build'), phase.phase, 'phase', phase.start - begin, phase.seconds, end - begin);
              for (const step of build.spans.filter(span => span.step && span.phase === phase.phase))
                bar(at('build'), step.step, 'step', step.start - begin, step.seconds, end - begin);
            }
            if (boot) {
              at('booted').hidden = false;
              const run = boot.runs[boot.runs.length - 1], phases = Object.entries(run.phases);
              at('machine').textContent = 'Machine ' + boot.machine + ': ' + (boot.result === 'met' ? 'contract met' : boot.result) + ' after ' + seconds(run.seconds)
                + (boot.runs.length > 1 ? '; median of ' + boot.runs.length + ' boots ' + seconds(boot.median) : '');
              let start = 0;
              for (const [name, length] of phases) {
                bar(at('boot'), name, 'phase', start, length, run.seconds);
                start += length;
              }
              for (const event of run.events.filter(event => !(event.name in run.phases)))
                bar(at('boot'), event.name, 'step', event.seconds, 0, run.seconds, seconds(event.seconds));
            }
            treemap(sizes);
            const named = (group, name) => sizes.items.find(item => item.group === group && item.name === name);
            for (const component of build.components) {
              const row = make('tr', at('components')), part = named('components', component.name);
              make('td', row, component.name);
              make('td', row, component.version);
              make('td', row, component.identity.replace('sha256:', '').slice(0, 12), 'wide');
              make('td', row, component.path, 'wide');
              make('td', row, part ? size(part.bytes) : '', 'n');
            }
            for (const item of sizes.items.filter(item => item.group === 'packages')) {
              const row = make('tr', at('packages'));
              make('td', row, item.name);
              make('td', row, item.version);
              make('td', row, size(item.bytes), 'n');
              make('td', row, size(item.unpacked), 'n wide');
            }
            """;

    private BuildPage() { }

    /** Writes the page anew for the build that {@code dist} holds. */
    public static void write(Path dist) {
        JsonNode build = Json.read(dist.resolve("build.json"));
        Map<String, Object> data = new LinkedHashMap<>();
        data.put("build", build);
        data.put("sizes", Json.read(dist.resolve(SizeReport.FILE)));
        Path boot = dist.resolve(BOOT);
        if (Files.exists(boot) && image(Json.read(boot)).equals(image(build))) {
            data.put("boot", Json.read(boot).get("report"));
        }
        HtmlPage page = new HtmlPage("MyceliumOS " + build.path("version").asText(), BODY, STYLE, SCRIPT);
        Trees.replace(dist.resolve("report.html"), page.with(data));
    }

    /** Keeps what a boot of the image in {@code dist} showed, and shows it in the page; a folder without a whole build is left as it is. */
    public static void booted(Path dist, BootReport report) {
        if (!Files.isWritable(dist) || !Files.exists(dist.resolve("build.json")) || !Files.exists(dist.resolve(SizeReport.FILE))) {
            return;
        }
        JsonNode build = Json.read(dist.resolve("build.json"));
        Trees.replace(dist.resolve(BOOT), Json.pretty(Map.of("files", build.get("files"), "report", report)));
        write(dist);
    }

    private static String image(JsonNode json) {
        return json.path("files").path("vmlinuz.efi").path("sha256").asText();
    }
}
