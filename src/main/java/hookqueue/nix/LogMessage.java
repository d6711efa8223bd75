package hookqueue.nix;

import com.google.gson.stream.JsonReader;
import com.google.gson.stream.JsonToken;
import java.io.IOException;
import java.io.StringReader;
import java.util.Arrays;
import org.jspecify.annotations.Nullable;

/**
 * The relevant parts of one line of Nix's {@code --log-format internal-json}. Pure.
 *
 * <p>Nix 2.34 writes twenty such lines for each small path that it copies, and needs the processors
 * itself meanwhile. So lines in the form in which Nix writes them are cut up by hand, which takes a
 * third of the time, and a JSON parser reads the others.
 *
 * @param action {@code start}, {@code stop}, {@code result} or {@code msg}
 * @param level of a {@code msg}
 * @param text of an activity or a message, empty if there is none
 * @param fields of a {@code result}: the numbers, texts as 0
 */
@SuppressWarnings("ArrayRecordComponent") // never compared, and there are thousands a second
record LogMessage(String action, long id, int type, int level, String text, long[] fields) {
    static final String PREFIX = "@nix ";

    private static final String STOP = "{\"action\":\"stop\",\"id\":";
    private static final String RESULT = "{\"action\":\"result\",\"fields\":[";
    private static final String START = "{\"action\":\"start\",";
    private static final String ID = "\"id\":";
    private static final String TYPE = "\"type\":";
    private static final String TEXT = "\"text\":\"";

    private static final int MOST_FIELDS = 16;
    private static final long[] NONE = {};

    /** Reads a line; null if it is not of the format. */
    static @Nullable LogMessage read(String line) {
        if (!line.startsWith(PREFIX)) {
            return null;
        }
        LogMessage usual = usual(line);
        return usual == null ? parsed(line) : usual;
    }

    /** Reads any line of the format; null if it is damaged. */
    static @Nullable LogMessage parsed(String line) {
        try (var json = new JsonReader(new StringReader(line.substring(PREFIX.length())))) {
            return read(json);
        } catch (IOException | IllegalStateException | NumberFormatException e) {
            return null; // the line is damaged, or was cut
        }
    }

    /**
     * Reads a line in the form in which Nix writes it: no blanks, the keys in alphabetical order;
     * and without escapes in a text. Null for any other line.
     */
    static @Nullable LogMessage usual(String line) {
        int start = PREFIX.length();
        int end = line.length() - 1;
        if (line.charAt(end) != '}') {
            return null;
        }
        try {
            if (line.startsWith(RESULT, start)) {
                return result(line, start + RESULT.length(), end);
            }
            if (line.startsWith(STOP, start)) {
                long id = Long.parseLong(line, start + STOP.length(), end, 10);
                return new LogMessage("stop", id, 0, 0, "", NONE);
            }
            boolean plain = line.startsWith(START, start) && line.indexOf('\\') < 0;
            return plain ? start(line, end) : null;
        } catch (NumberFormatException | IndexOutOfBoundsException e) {
            return null;
        }
    }

    /** Such as {@code 4112,4112,0,0],"id":7,"type":105}. */
    private static @Nullable LogMessage result(String line, int from, int end) {
        int close = line.indexOf(']', from);
        int id = close + ",".length() + 1;
        int type = line.lastIndexOf(',') + 1;
        if (!line.startsWith(ID, id) || !line.startsWith(TYPE, type)) {
            return null;
        }
        String[] numbers = line.substring(from, close).split(",", -1);
        var fields = new long[Math.min(numbers.length, MOST_FIELDS)];
        for (int i = 0; i < fields.length; i++) {
            fields[i] = Long.parseLong(numbers[i]);
        }
        long idNumber = Long.parseLong(line, id + ID.length(), type - 1, 10);
        int typeNumber = Integer.parseInt(line, type + TYPE.length(), end, 10);
        return new LogMessage("result", idNumber, typeNumber, 0, "", fields);
    }

    private static @Nullable LogMessage start(String line, int end) {
        int id = line.indexOf(ID);
        int type = line.lastIndexOf(TYPE);
        int text = line.lastIndexOf(TEXT);
        if (id < 0 || type < 0 || text < 0) {
            return null;
        }
        int begin = text + TEXT.length();
        String words = line.substring(begin, line.indexOf('"', begin));
        long idNumber = Long.parseLong(line, id + ID.length(), line.indexOf(',', id), 10);
        int typeNumber = Integer.parseInt(line, type + TYPE.length(), end, 10);
        return new LogMessage("start", idNumber, typeNumber, 0, words, NONE);
    }

    private static LogMessage read(JsonReader json) throws IOException {
        String action = "";
        long id = 0;
        int type = 0;
        int level = 0;
        String text = "";
        long[] fields = NONE;
        json.beginObject();
        while (json.hasNext()) {
            switch (json.nextName()) {
                case "action" -> action = json.nextString();
                case "id" -> id = json.nextLong();
                case "type" -> type = json.nextInt();
                case "level" -> level = json.nextInt();
                case "msg", "text" -> text = json.nextString();
                case "fields" -> fields = fields(json);
                default -> json.skipValue();
            }
        }
        json.endObject();
        return new LogMessage(action, id, type, level, text, fields);
    }

    private static long[] fields(JsonReader json) throws IOException {
        var fields = new long[MOST_FIELDS];
        int count = 0;
        json.beginArray();
        while (json.hasNext()) {
            long field = 0;
            if (json.peek() == JsonToken.NUMBER) {
                field = json.nextLong();
            } else {
                json.skipValue();
            }
            if (count < MOST_FIELDS) {
                fields[count++] = field;
            }
        }
        json.endArray();
        return Arrays.copyOf(fields, count);
    }
}
