import java.util.ArrayList;
import java.util.List;
import java.util.function.Function;

/** The measurements as a Markdown table, for terminals and documents. */
final class Report {
    private Report() {}

    static String table(Figures figures) {
        var rows = new ArrayList<List<String>>();
        rows.add(List.of("what", "here", "reference", "ratio", "goal", ""));
        for (Result row : figures.results()) {
            rows.add(List.of(
                    row.what(),
                    Result.spread(row.ours()) + " " + row.unit(),
                    row.isRatio() ? Result.spread(row.reference()) + " " + row.unit() + ": " + row.against() : "",
                    row.isRatio() ? row.valueText() : "",
                    row.goal() == null ? "" : row.goal().toString(),
                    row.verdict()));
        }
        return markdown(rows);
    }

    static String machine(Figures figures) {
        var loads = figures.rows().stream().mapToDouble(row -> row.get("load_before").getAsDouble()).summaryStatistics();
        Function<String, String> of = name -> figures.machine().get(name).getAsString();
        return "%s: %s cores of %s, %s of memory, %s, Linux %s; JDK %s, %s, %s; load average before the rows %s to %s. %s."
                .formatted(
                        of.apply("system"), of.apply("cores"), of.apply("cpu"), of.apply("memory"), of.apply("file_system"),
                        of.apply("kernel"), of.apply("jdk"), of.apply("nix"), of.apply("socat"),
                        Result.number(loads.getMin()), Result.number(loads.getMax()),
                        figures.quick() ? "A quick run" : "Medians, with minimum and maximum");
    }

    /** A Markdown table with aligned columns. */
    static String markdown(List<List<String>> rows) {
        int columns = rows.getFirst().size();
        int[] width = new int[columns];
        for (var row : rows) {
            for (int i = 0; i < columns; i++) {
                width[i] = Math.max(width[i], row.get(i).length());
            }
        }
        var out = new StringBuilder();
        for (int r = 0; r < rows.size(); r++) {
            for (int i = 0; i < columns; i++) {
                out.append("| ").append(rows.get(r).get(i)).repeat(' ', width[i] - rows.get(r).get(i).length() + 1);
            }
            out.append("|\n");
            if (r == 0) {
                for (int w : width) {
                    out.append("| ").repeat('-', w).append(' ');
                }
                out.append("|\n");
            }
        }
        return out.toString();
    }
}
