import java.util.ArrayList;
import java.util.List;

/** The file of measurements as a table, for terminals and for documents: Markdown is both. */
final class Report {
    private Report() {}

    static String table(Json file) {
        var rows = new ArrayList<List<String>>();
        rows.add(List.of("what", "here", "reference", "ratio", "goal", ""));
        for (Json json : file.get("rows").items()) {
            Result row = Result.of(json);
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

    static String machine(Json file) {
        Json m = file.get("machine");
        double least = Double.MAX_VALUE;
        double most = 0;
        for (Json row : file.get("rows").items()) {
            least = Math.min(least, row.get("load_before").number());
            most = Math.max(most, row.get("load_before").number());
        }
        return "%s: %d cores of %s, %s of memory, %s, Linux %s; JDK %s, %s, %s; load average before the rows %s to %s. %s."
                .formatted(
                        m.get("system").text(), m.get("cores").whole(), m.get("cpu").text(), m.get("memory").text(),
                        m.get("file_system").text(), m.get("kernel").text(), m.get("jdk").text(), m.get("nix").text(),
                        m.get("socat").text(), Result.number(least), Result.number(most),
                        file.get("quick").truth() ? "A quick look, of few runs" : "Medians, with the least and the greatest");
    }

    /** Columns of one width, so that it can be read as it is. */
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
