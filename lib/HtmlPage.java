package lib;

import lib.tool.Json;

/**
 * A page for people that is one file: style, script and data are inside, and nothing is loaded from anywhere. Light or dark as the
 * reader's system is; readable from the width of a telephone on.
 *
 * @param title plain text
 * @param body HTML of our own; what comes from a build is put in by the script, as text
 * @param style more rules
 * @param script runs with {@code data} (what was given), {@code make}, {@code size}, {@code share} and {@code treemap} at hand
 */
record HtmlPage(String title, String body, String style, String script) {
    /** The policy keeps even a browser with extensions of the page's data from asking a network for anything. */
    private static final String PAGE = """
            <!doctype html>
            <html lang="en">
            <head>
            <meta charset="utf-8">
            <meta name="viewport" content="width=device-width, initial-scale=1">
            <meta http-equiv="Content-Security-Policy" content="default-src 'none'; style-src 'unsafe-inline'; script-src 'unsafe-inline'">
            <title>@TITLE@</title>
            <style>
            :root { color-scheme: light dark; --ink: #1d2330; --soft: #5d6678; --line: #d8dde6; --paper: #ffffff; --band: #f3f5f9; }
            @media (prefers-color-scheme: dark) { :root { --ink: #e6eaf2; --soft: #9aa4b8; --line: #323a4a; --paper: #12161f; --band: #1b212d; } }
            * { box-sizing: border-box; }
            body { margin: 0; padding: 1.2rem clamp(.8rem, 3vw, 2.5rem) 3rem; font: 15px/1.45 system-ui, sans-serif; color: var(--ink); background: var(--paper); }
            h1 { font-size: 1.35rem; margin: 0 0 .2rem; }
            p { margin: 0 0 .8rem; color: var(--soft); }
            nav { display: flex; flex-wrap: wrap; gap: .3rem .9rem; align-items: center; margin: 0 0 .6rem; min-height: 2rem; }
            nav span { display: inline-flex; gap: .4rem; align-items: center; font-size: .88rem; white-space: nowrap; }
            nav i { width: .85rem; height: .85rem; border-radius: .2rem; }
            button { font: inherit; color: inherit; background: var(--band); border: 1px solid var(--line); border-radius: .4rem; padding: .2rem .7rem; cursor: pointer; }
            #map { position: relative; width: 100%; height: min(64vh, 620px); min-height: 320px; }
            #map button { position: absolute; overflow: hidden; border: 1px solid var(--paper); border-radius: 3px; padding: 3px 5px; text-align: left;
              color: #10141c; font-size: .8rem; line-height: 1.25; overflow-wrap: anywhere; }
            #map button:hover, #map button:focus-visible { outline: 2px solid var(--ink); outline-offset: -2px; z-index: 1; }
            #map b { display: block; font-weight: 600; }
            table { border-collapse: collapse; width: 100%; margin-top: 1.4rem; font-variant-numeric: tabular-nums; }
            th, td { text-align: left; padding: .32rem .6rem; border-bottom: 1px solid var(--line); }
            th { position: sticky; top: 0; background: var(--paper); font-size: .82rem; color: var(--soft); }
            td.n, th.n { text-align: right; white-space: nowrap; }
            tbody tr:nth-child(even) { background: var(--band); }
            td i { display: inline-block; width: .7rem; height: .7rem; border-radius: .2rem; margin-right: .5rem; }
            td { overflow-wrap: anywhere; }
            @media (max-width: 600px) { .wide { display: none; } th, td { padding: .3rem .35rem; } body { font-size: 14px; } #map { height: 70vh; } }
            @STYLE@</style>
            </head>
            <body>
            @BODY@<noscript><p>This page needs JavaScript; the JSON files beside it say the same.</p></noscript>
            <script id="data" type="application/json">@DATA@</script>
            <script>
            'use strict';
            const data = JSON.parse(document.getElementById('data').textContent);
            const colours = {kernel: '#8fb3e8', packages: '#f2b36b', components: '#86c99a', modules: '#c6a5e3', firmware: '#ee9a9a', configuration: '#d8cf7a'};
            const make = (name, parent, text, className) => {
              const element = document.createElement(name);
              if (text !== undefined) element.textContent = text;
              if (className) element.className = className;
              parent.append(element);
              return element;
            };
            const size = bytes => bytes >= 1048576 ? (bytes / 1048576).toFixed(2) + ' MiB' : bytes >= 1024 ? (bytes / 1024).toFixed(1) + ' KiB' : bytes + ' B';
            const share = (bytes, all) => (100 * bytes / Math.max(1, all)).toFixed(1) + ' %';

            // Squarified treemap (Bruls, Huizing, van Wijk 2000): rows along the shorter side while their worst aspect ratio gets better.
            function layout(items, x, y, width, height, place) {
              let rest = items.filter(item => item.bytes > 0), left = rest.reduce((sum, item) => sum + item.bytes, 0);
              while (rest.length && width > 0 && height > 0) {
                const short = Math.min(width, height), scale = width * height / left;
                let count = 0, sum = 0, best = Infinity;
                for (let next = 0; next < rest.length; next++) {
                  const area = (sum + rest[next].bytes) * scale, thick = area / short;
                  const worst = Math.max(thick * thick / (rest[next].bytes * scale), rest[0].bytes * scale / (thick * thick));
                  if (worst > best) break;
                  best = worst; sum += rest[next].bytes; count = next + 1;
                }
                const thick = sum * scale / short;
                let along = 0;
                for (const item of rest.slice(0, count)) {
                  const length = item.bytes / sum * short;
                  if (width >= height) place(item, x, y + along, thick, length); else place(item, x + along, y, length, thick);
                  along += length;
                }
                if (width >= height) { x += thick; width -= thick; } else { y += thick; height -= thick; }
                rest = rest.slice(count); left -= sum;
              }
            }
            // The treemap of a size ledger in #map with its legend in #legend; a field opens its files.
            function treemap(ledger) {
              const map = document.getElementById('map'), legend = document.getElementById('legend');
              let inside = null;
              function tile(item, group, x, y, width, height) {
                if (width < 1 || height < 1) return;
                const button = make('button', map);
                Object.assign(button.style, {left: x + 'px', top: y + 'px', width: width + 'px', height: height + 'px', background: colours[group]});
                button.title = button.ariaLabel = item.name + ': ' + size(item.bytes) + ', ' + share(item.bytes, ledger.bytes);
                if (width > 46 && height > 20) {
                  make('b', button, item.name);
                  if (height > 38) button.append(size(item.bytes));
                } else {
                  button.style.padding = '0';
                }
                if (item.files && item.files.length) button.onclick = () => { inside = item; draw(); };
              }
              function draw() {
                map.replaceChildren();
                legend.replaceChildren();
                const width = map.clientWidth, height = map.clientHeight;
                if (inside) {
                  make('button', legend, 'Back to the whole image').onclick = () => { inside = null; draw(); };
                  make('span', legend, inside.name + ' ' + inside.version + ': ' + size(inside.bytes) + ' in ' + inside.files.length + ' files');
                  const files = inside.files.map(file => ({name: '/' + file.path, bytes: file.bytes})).sort((a, b) => b.bytes - a.bytes);
                  layout(files, 0, 0, width, height, (item, x, y, w, h) => tile(item, inside.group, x, y, w, h));
                  return;
                }
                const groups = Object.keys(colours).map(name => ({name, items: ledger.items.filter(item => item.group === name)}))
                  .map(group => ({...group, bytes: group.items.reduce((sum, item) => sum + item.bytes, 0)})).filter(group => group.bytes > 0);
                groups.sort((a, b) => b.bytes - a.bytes);
                for (const group of groups) {
                  const entry = make('span', legend);
                  make('i', entry).style.background = colours[group.name];
                  entry.append(group.name + ' ' + size(group.bytes));
                }
                layout(groups, 0, 0, width, height, (group, x, y, w, h) => layout(group.items, x, y, w - 2, h - 2,
                  (item, left, top, across, down) => tile(item, group.name, left, top, across, down)));
              }
              new ResizeObserver(draw).observe(map);
            }
            @SCRIPT@</script>
            </body>
            </html>
            """;

    /** The page with {@code data} as JSON; text in it cannot end the element that holds it. */
    String with(Object data) {
        return PAGE.replace("@STYLE@", style).replace("@BODY@", body).replace("@SCRIPT@", script)
                .replace("@TITLE@", title.replace("&", "&amp;").replace("<", "&lt;")).replace("@DATA@", Json.line(data).replace("<", "\\u003c"));
    }
}
