package lib;

/** dist/size.html: the ledger as a treemap and a table. */
final class SizePage {
    private static final String BODY = """
            <h1 id="title"></h1>
            <p id="facts"></p>
            <nav id="legend"></nav>
            <div id="map"></div>
            <table><thead><tr><th>What</th><th class="wide">Group</th><th class="n">Packed</th><th class="n">Share</th><th class="n wide">Unpacked</th></tr></thead>
            <tbody id="rows"></tbody></table>
            """;

    private static final String SCRIPT = """
            document.getElementById('title').textContent = data.image + ': ' + size(data.bytes);
            document.getElementById('facts').textContent = data.bytes.toLocaleString('en') + ' bytes, of which the packed initramfs has ' + size(data.initramfs)
              + ' (' + size(data.unpacked) + ' unpacked). Choose a field to see its files.';
            for (const item of data.items) {
              const row = make('tr', document.getElementById('rows')), name = make('td', row);
              make('i', name).style.background = colours[item.group];
              name.append(item.name + ' ' + item.version);
              make('td', row, item.group, 'wide');
              make('td', row, size(item.bytes), 'n');
              make('td', row, share(item.bytes, data.bytes), 'n');
              make('td', row, item.unpacked ? size(item.unpacked) : '', 'n wide');
            }
            treemap(data);
            """;

    private SizePage() { }

    static String of(SizeReport report) {
        return new HtmlPage("Size of " + report.image(), BODY, "", SCRIPT).with(report);
    }
}
