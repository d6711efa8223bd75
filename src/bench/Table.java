import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;

/** A file of tab-separated numbers, with the names of the columns in the first line. */
record Table(List<String> columns, List<double[]> rows) {
    static Table read(Path file) throws IOException {
        List<String> lines = Files.readAllLines(file);
        List<String> columns = List.of(lines.getFirst().split("\t"));
        var rows = new ArrayList<double[]>();
        for (String line : lines.subList(1, lines.size())) {
            String[] words = line.split("\t");
            if (words.length != columns.size()) {
                throw new IOException(file + ": expected " + columns.size() + " numbers: " + line);
            }
            double[] row = new double[words.length];
            for (int i = 0; i < row.length; i++) {
                row[i] = Double.parseDouble(words[i]);
            }
            rows.add(row);
        }
        return new Table(columns, rows);
    }

    double[] column(String name) {
        int at = columns.indexOf(name);
        if (at < 0) {
            throw new IllegalArgumentException("no column " + name + " in " + columns);
        }
        return rows.stream().mapToDouble(row -> row[at]).toArray();
    }
}
