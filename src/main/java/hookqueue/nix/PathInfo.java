package hookqueue.nix;

import com.google.gson.stream.JsonReader;
import com.google.gson.stream.JsonToken;
import hookqueue.base.StorePath;
import java.io.IOException;
import java.io.Reader;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Set;
import java.util.function.Consumer;

/**
 * What Nix knows about one valid store path, read from {@code nix path-info --json}.
 *
 * <p>Nix before 2.19 prints an array of objects, {@code "valid": false} for a path that the store
 * lacks. Later versions print an object with the path as the key, and {@code null} for a missing
 * path ({@code src/nix/path-info.cc}). Absent members stand for false, 0 and empty.
 *
 * @param narSize bytes of its NAR
 * @param ultimate whether this machine built it; Nix trusts such a path without a signature
 * @param contentAddressed whether the path itself proves its content, so that any machine accepts
 *     it without a signature
 * @param keys names of the keys that signed it: the part of each signature before the colon
 * @param references direct dependencies, possibly including the path itself
 */
public record PathInfo(
        StorePath path,
        long narSize,
        boolean ultimate,
        boolean contentAddressed,
        Set<String> keys,
        List<StorePath> references) {
    /** Whether another machine has no reason to accept it, because it has no signature. */
    public boolean needsTrust() {
        return keys.isEmpty() && !contentAddressed;
    }

    /**
     * Reads the output of {@code nix path-info --json}, one path at a time.
     *
     * @param each receives every valid path in the order of the output; missing paths are left out
     * @throws IOException if the text is neither of the two formats, or breaks off
     */
    public static void read(Reader json, String storeDir, Consumer<PathInfo> each)
            throws IOException {
        var reader = new JsonReader(json);
        try {
            if (reader.peek() == JsonToken.BEGIN_ARRAY) {
                reader.beginArray();
                while (reader.hasNext()) {
                    one(reader, storeDir, "", each);
                }
                reader.endArray();
            } else {
                reader.beginObject();
                while (reader.hasNext()) {
                    one(reader, storeDir, reader.nextName(), each);
                }
                reader.endObject();
            }
        } catch (IllegalStateException | IllegalArgumentException e) {
            throw new IOException("not the output of nix path-info --json: " + e.getMessage(), e);
        }
    }

    private static void one(JsonReader reader, String storeDir, String key, Consumer<PathInfo> each)
            throws IOException {
        if (reader.peek() == JsonToken.NULL) {
            reader.nextNull();
            return;
        }
        String path = key;
        boolean valid = true;
        long narSize = 0;
        boolean ultimate = false;
        boolean contentAddressed = false;
        var keys = new HashSet<String>();
        var references = new ArrayList<StorePath>();
        reader.beginObject();
        while (reader.hasNext()) {
            switch (reader.nextName()) {
                case "path" -> path = reader.nextString();
                case "valid" -> valid = reader.nextBoolean();
                case "narSize" -> narSize = reader.nextLong();
                case "ultimate" -> ultimate = reader.nextBoolean();
                case "ca" -> {
                    contentAddressed = reader.peek() != JsonToken.NULL;
                    reader.skipValue();
                }
                case "signatures" ->
                        strings(reader, signature -> keys.add(signature.split(":", 2)[0]));
                case "references" ->
                        strings(
                                reader,
                                reference -> references.add(StorePath.parse(storeDir, reference)));
                default -> reader.skipValue();
            }
        }
        reader.endObject();
        if (valid) {
            each.accept(
                    new PathInfo(
                            StorePath.parse(storeDir, path),
                            narSize,
                            ultimate,
                            contentAddressed,
                            keys,
                            references));
        }
    }

    private static void strings(JsonReader reader, Consumer<String> each) throws IOException {
        reader.beginArray();
        while (reader.hasNext()) {
            each.accept(reader.nextString());
        }
        reader.endArray();
    }
}
