import java.io.IOException;
import java.net.URI;
import java.net.URLEncoder;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse.BodyHandlers;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.regex.Pattern;

/** The curves of a Grafana dashboard, from a Prometheus that has the samples: the same expressions, drawn without Grafana. */
final class Dashboard {
    private static final List<String> KINDS = List.of("a", "b", "c", "d", "e", "f");
    private static final int STEP = 15;
    private static final int FEW = 4;
    private static final int HEIGHT = 290;

    private Dashboard() {}

    private record Curve(String name, double[] minutes, double[] values) {}

    /**
     * @param server the address of the Prometheus
     * @param from in seconds since 1970
     * @param to likewise
     */
    static Svg draw(Json dashboard, URI server, long from, long to) throws IOException {
        var drawn = new ArrayList<Map.Entry<String, List<Curve>>>();
        for (Json panel : dashboard.get("panels").items()) {
            if (panel.get("type").text().equals("stat")) {
                continue;
            }
            var curves = new ArrayList<Curve>();
            for (Json target : panel.get("targets").items()) {
                curves.addAll(curves(target, server, from, to));
            }
            if (curves.size() > FEW) {
                curves.removeIf(curve -> most(curve) == 0); // an outcome that there was not
            }
            // A counter that the Nix at hand does not feed, like its bytes, is not shown.
            if (curves.stream().anyMatch(curve -> most(curve) > 0)) {
                drawn.add(Map.entry(title(panel), curves));
            }
        }
        var svg = new Svg(940, 30 + (drawn.size() + 1) / 2 * HEIGHT, "The dashboard's curves over a busy hour");
        double end = (to - from) / 60.0;
        for (int i = 0; i < drawn.size(); i++) {
            List<Curve> curves = drawn.get(i).getValue();
            double most = curves.stream().mapToDouble(Dashboard::most).max().orElseThrow();
            var panel = new Panel(svg, 60 + i % 2 * 460, 40 + i / 2 * HEIGHT, 390, 150, Scale.upTo(end), Scale.upTo(most * 1.05))
                    .frame(drawn.get(i).getKey(), "minutes");
            for (int c = 0; c < curves.size(); c++) {
                String kind = KINDS.get(c % KINDS.size());
                panel.curve(kind, curves.get(c).minutes(), curves.get(c).values());
                double left = panel.left() + c % 2 * 210;
                double top = panel.top() + panel.height() + 46 + c / 2 * 16;
                svg.line("line " + kind, left - 30, top - 4, left - 12, top - 4);
                svg.text("dim", left - 8, top, "start", curves.get(c).name());
            }
        }
        return svg;
    }

    private static String title(Json panel) {
        String unit = panel.get("fieldConfig").get("defaults").has("unit")
                ? panel.get("fieldConfig").get("defaults").get("unit").text()
                : "short";
        return panel.get("title").text() + (unit.equals("s") ? ", s" : "");
    }

    private static double most(Curve curve) {
        return java.util.Arrays.stream(curve.values()).max().orElse(0);
    }

    private static List<Curve> curves(Json target, URI server, long from, long to) throws IOException {
        String expression =
                target.get("expr").text().replace("$__rate_interval", "1m").replace("$instance", ".*");
        URI query = server.resolve("/api/v1/query_range?start=" + from + "&end=" + to + "&step=" + STEP + "&query="
                + URLEncoder.encode(expression, StandardCharsets.UTF_8));
        var curves = new ArrayList<Curve>();
        for (Json series : answer(query).get("data").get("result").items()) {
            double[] minutes = series.get("values").items().stream()
                    .filter(Dashboard::isNumber)
                    .mapToDouble(sample -> (sample.items().get(0).number() - from) / 60)
                    .toArray();
            double[] values = series.get("values").items().stream()
                    .filter(Dashboard::isNumber)
                    .mapToDouble(sample -> Double.parseDouble(sample.items().get(1).text()))
                    .toArray();
            curves.add(new Curve(name(target.get("legendFormat").text(), series.get("metric")), minutes, values));
        }
        return curves;
    }

    private static boolean isNumber(Json sample) {
        return !sample.items().get(1).text().equals("NaN");
    }

    /** As Grafana names it, without the machine, which there is one of, and without the folder of a lane. */
    private static String name(String format, Json labels) {
        return Pattern.compile("\\{\\{(\\w+)\\}\\}")
                .matcher(format)
                .replaceAll(label -> label.group(1).equals("instance") || !labels.has(label.group(1))
                        ? ""
                        : labels.get(label.group(1)).text().replaceAll("/\\S*/", "…/"))
                .strip();
    }

    private static Json answer(URI query) throws IOException {
        try (var client = HttpClient.newHttpClient()) {
            var answer = client.send(HttpRequest.newBuilder(query).build(), BodyHandlers.ofString());
            if (answer.statusCode() != 200) {
                throw new IOException(query + ": " + answer.body());
            }
            return Json.read(answer.body());
        } catch (InterruptedException e) {
            throw new IllegalStateException(e);
        }
    }
}
