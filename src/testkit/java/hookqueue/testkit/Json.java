package hookqueue.testkit;

import com.google.gson.Gson;
import com.google.gson.GsonBuilder;
import com.google.gson.JsonObject;
import com.google.gson.JsonParseException;
import com.google.gson.Strictness;
import com.google.gson.ToNumberPolicy;
import java.io.IOException;

/** Reads and writes strict JSON, and keeps integers as integers. */
public final class Json {
    public static final Gson GSON =
            new GsonBuilder()
                    .setStrictness(Strictness.STRICT)
                    .setObjectToNumberStrategy(ToNumberPolicy.LONG_OR_DOUBLE)
                    .disableHtmlEscaping()
                    .create();

    private Json() {}

    /** Parses an object. */
    public static JsonObject object(String text) throws IOException {
        return read(text, JsonObject.class);
    }

    public static <T> T read(String text, Class<T> type) throws IOException {
        try {
            T value = GSON.fromJson(text, type);
            if (value == null) {
                throw new IOException("an empty text is not JSON");
            }
            return value;
        } catch (JsonParseException e) {
            throw new IOException(
                    "not JSON of the expected form: %.200s: %s".formatted(text, e.getMessage()), e);
        }
    }
}
