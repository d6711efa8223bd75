package hookqueue.testkit;

import com.google.gson.Gson;
import com.google.gson.GsonBuilder;
import com.google.gson.JsonObject;
import com.google.gson.JsonParseException;
import com.google.gson.Strictness;
import com.google.gson.ToNumberPolicy;
import java.io.IOException;

/**
 * How everything here reads and writes JSON: by the letter of the standard, and whole numbers as
 * such.
 */
public final class Json {
    public static final Gson GSON =
            new GsonBuilder()
                    .setStrictness(Strictness.STRICT)
                    .setObjectToNumberStrategy(ToNumberPolicy.LONG_OR_DOUBLE)
                    .disableHtmlEscaping()
                    .create();

    private Json() {}

    /** One object. */
    public static JsonObject object(String text) throws IOException {
        return read(text, JsonObject.class);
    }

    public static <T> T read(String text, Class<T> type) throws IOException {
        try {
            T value = GSON.fromJson(text, type);
            if (value == null) {
                throw new IOException("no JSON in an empty text");
            }
            return value;
        } catch (JsonParseException e) {
            throw new IOException(
                    "not JSON as it was expected: %.200s: %s".formatted(text, e.getMessage()), e);
        }
    }
}
