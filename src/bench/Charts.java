import java.io.IOException;
import java.io.StringReader;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import java.util.Locale;
import javax.xml.parsers.DocumentBuilderFactory;
import javax.xml.parsers.ParserConfigurationException;
import org.xml.sax.InputSource;
import org.xml.sax.SAXException;

/** Draws what the files of measurements hold. The same file gives the same pictures, byte for byte. */
final class Charts {
    private Charts() {}

    static void ofBench(Json file, Path folder) throws IOException {
        List<Result> rows = file.get("rows").items().stream().map(Result::of).toList();
        write(folder, "ratios", ratios(rows.stream().filter(Result::isRatio).toList()));
        for (Result row : rows) {
            switch (row.id()) {
                case "growth" -> write(folder, "growth", growth(new Json(row.details()).get("rows").items()));
                case "hook-parallel" -> write(folder, "parallel", parallel(new Json(row.details()).get("rows").items()));
                case "arrivals" -> write(folder, "arrivals", arrivals(row));
                default -> {}
            }
        }
    }

    static void write(Path folder, String name, Svg svg) throws IOException {
        Files.createDirectories(folder);
        Files.writeString(folder.resolve(name + ".svg"), wellFormed(svg.toString()));
    }

    /** The same text; an error when a reader of XML would not take it. */
    private static String wellFormed(String text) throws IOException {
        try {
            DocumentBuilderFactory.newDefaultInstance().newDocumentBuilder().parse(new InputSource(new StringReader(text)));
            return text;
        } catch (ParserConfigurationException | SAXException e) {
            throw new IOException(e);
        }
    }

    /** A line for each: the medians' ratio, and the goal. */
    static Svg ratios(List<Result> rows) {
        int height = 70 + rows.size() * 46;
        var svg = new Svg(860, height, "Ratios to the reference");
        double most = 1.5;
        for (Result row : rows) {
            most = Math.max(most, row.value() * 1.15);
            most = row.goal() == null ? most : Math.max(most, row.goal().limit() * 1.1);
        }
        var panel = new Panel(svg, 60, 34, 780, height - 74, Scale.upTo(most), new Scale(0, rows.size(), false));
        svg.text("title", 20, 20, "start", "Times as long as the reference (dot), and the goal (bar)");
        for (double tick : panel.x().ticks()) {
            svg.line("grid", panel.atX(tick), panel.top(), panel.atX(tick), panel.top() + panel.height());
            svg.text("dim", panel.atX(tick), panel.top() + panel.height() + 18, "middle", Scale.name(tick));
        }
        for (int i = 0; i < rows.size(); i++) {
            Result row = rows.get(i);
            double y = panel.top() + i * panel.height() / rows.size() + 30;
            svg.text("", 66, y - 12, "start", row.what());
            svg.line("line a", panel.atX(0), y, panel.atX(row.value()), y);
            svg.dot("a", panel.atX(row.value()), y);
            if (row.goal() != null) {
                svg.line("goal", panel.atX(row.goal().limit()), y - 9, panel.atX(row.goal().limit()), y + 9);
            }
            svg.text("", 836, y - 12, "end", String.format(Locale.ROOT, "%.2f", row.value()));
        }
        return svg;
    }

    /** Six figures against the length of the queue. */
    static Svg growth(List<Json> rows) {
        var svg = new Svg(860, 480, "What a longer queue costs");
        String[][] figures = {
            {"enqueue_per_s", "paths in, a second"},
            {"drain_per_s", "paths out (no-op), a second"},
            {"start_ms", "start to first answer, ms"},
            {"hook_ms", "hook, ms"},
            {"rss_mb", "resident memory, MB"},
            {"database_bytes", "database, bytes"},
        };
        double[] x = numbers(rows, "paths");
        for (int i = 0; i < figures.length; i++) {
            double[] y = numbers(rows, figures[i][0]);
            double least = Arrays.stream(y).min().orElseThrow();
            double most = Arrays.stream(y).max().orElseThrow();
            Scale scale = most > 20 * least ? Scale.powers(least, most) : Scale.upTo(most * 1.1);
            var panel = new Panel(svg, 60 + i % 3 * 280, 40 + i / 3 * 230, 210, 140, Scale.powers(x[0], x[x.length - 1]), scale)
                    .frame(figures[i][1], "paths queued");
            panel.curve("a", x, y);
            panel.dots("a", x, y);
        }
        return svg;
    }

    static Svg parallel(List<Json> rows) {
        var svg = new Svg(640, 330, "Hooks at once");
        double[] x = numbers(rows, "hooks");
        double[] ours = numbers(rows, "all_ms");
        double[] bare = numbers(rows, "socat_all_ms");
        double most = Math.max(Arrays.stream(ours).max().orElseThrow(), Arrays.stream(bare).max().orElseThrow());
        var panel = new Panel(svg, 60, 40, 560, 230, Scale.upTo(x[x.length - 1]), Scale.upTo(most * 1.1))
                .frame("Until the last of so many at once is done, ms", "at once");
        panel.curve("a", x, ours);
        panel.dots("a", x, ours);
        panel.curve("b", x, bare);
        panel.legend("hooks", "bare socat to a trivial server");
        return svg;
    }

    /** Which part of the paths is there after so many milliseconds. */
    static Svg arrivals(Result row) {
        var svg = new Svg(640, 330, "How long a path takes that arrives while a batch runs");
        double most = Math.max(Stats.percentile(100, row.ours()), Stats.percentile(100, row.reference()));
        var panel = new Panel(svg, 60, 40, 560, 230, Scale.upTo(most), Scale.upTo(100))
                .frame("Paths that are at the destination, %", "ms after the build");
        distribution(panel, "a", row.ours());
        distribution(panel, "b", row.reference());
        svg.line("line a", 380, 220, 404, 220);
        svg.text("", 410, 224, "start", "through the queue");
        svg.line("line b", 380, 238, 404, 238);
        svg.text("", 410, 242, "start", "signed and copied by hand at once");
        return svg;
    }

    private static void distribution(Panel panel, String kind, List<Double> values) {
        double[] sorted = Stats.array(values);
        Arrays.sort(sorted);
        double[] part = new double[sorted.length];
        for (int i = 0; i < part.length; i++) {
            part[i] = 100.0 * (i + 1) / part.length;
        }
        panel.curve(kind, sorted, part);
    }

    /** Six columns over time, the outages shaded. */
    static Svg soak(Table table) {
        var svg = new Svg(860, 480, "A worker under steady arrivals, with outages of its destinations");
        double[] minutes = Arrays.stream(table.column("seconds")).map(s -> s / 60).toArray();
        String[][] figures = {
            {"rss_kb", "resident memory, MB", "1024"},
            {"descriptors", "descriptors", "1"},
            {"threads", "threads", "1"},
            {"database", "database, kB (dashed: its log)", "1024"},
            {"children", "child processes", "1"},
            {"queued", "paths queued, over all lanes", "1"},
        };
        double end = minutes[minutes.length - 1];
        for (int i = 0; i < figures.length; i++) {
            double unit = Double.parseDouble(figures[i][2]);
            double[] y = Arrays.stream(table.column(figures[i][0])).map(v -> v / unit).toArray();
            double[] log = Arrays.stream(table.column("wal")).map(v -> v / 1024).toArray();
            double most = Arrays.stream(y).max().orElseThrow();
            if (i == 3) {
                most = Math.max(most, Arrays.stream(log).max().orElseThrow());
            }
            var panel = new Panel(svg, 60 + i % 3 * 280, 40 + i / 3 * 230, 210, 140, Scale.upTo(end), Scale.upTo(most * 1.1))
                    .frame(figures[i][1], "minutes; shaded: outages");
            for (String down : List.of("cache_down", "program_down")) {
                double[] there = table.column(down);
                for (int t = 0; t + 1 < there.length; t++) {
                    if (there[t] > 0) {
                        svg.rectangle("shade", panel.atX(minutes[t]), panel.top(),
                                panel.atX(minutes[t + 1]) - panel.atX(minutes[t]), panel.height());
                    }
                }
            }
            panel.curve("a", minutes, y);
            if (i == 3) {
                panel.curve("b", minutes, log);
            }
        }
        return svg;
    }

    private static double[] numbers(List<Json> rows, String name) {
        return rows.stream().mapToDouble(row -> row.get(name).number()).toArray();
    }
}
