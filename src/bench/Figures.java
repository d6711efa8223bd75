import com.google.gson.JsonObject;
import hookqueue.testkit.Json;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.util.ArrayList;
import java.util.List;
import java.util.stream.Collectors;

/**
 * The file of measurements.
 *
 * @param machine the machine that was measured
 * @param quick whether the runs were few
 * @param rows each a {@link Result}, with commit, time and load
 */
record Figures(JsonObject machine, boolean quick, List<JsonObject> rows) {
    static Figures read(Path file) throws IOException {
        var figures = Json.read(Files.readString(file), Figures.class);
        if (figures.machine == null || figures.rows == null) {
            throw new IOException(file + " has no machine or no rows");
        }
        return figures;
    }

    List<Result> results() {
        return rows.stream().map(row -> Json.GSON.fromJson(row, Result.class)).toList();
    }

    /** Replaces the row with the same id, or adds this one at the end. */
    Figures with(JsonObject row) {
        var all = new ArrayList<>(rows);
        String id = row.get("id").getAsString();
        for (int i = 0; i < all.size(); i++) {
            if (all.get(i).get("id").getAsString().equals(id)) {
                all.set(i, row);
                return new Figures(machine, quick, all);
            }
        }
        all.add(row);
        return new Figures(machine, quick, all);
    }

    /** Replaces the file atomically. Each row is a line, so that a diff shows which rows are new. */
    void write(Path file) throws IOException {
        Path aside = Path.of(file + ".new");
        Files.writeString(aside, "{\"machine\":%s,\n\"quick\":%s,\n\"rows\":[\n%s\n]}\n"
                .formatted(machine, quick, rows.stream().map(Json.GSON::toJson).collect(Collectors.joining(",\n"))));
        Files.move(aside, file, StandardCopyOption.REPLACE_EXISTING);
    }
}
