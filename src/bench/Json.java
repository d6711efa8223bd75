import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.stream.Collectors;

/** JSON: a value of Map, List, String, Number, Boolean or null, and what it reads and writes as. */
record Json(Object value) {

    static Json read(String text) {
        var reader = new Reader(text);
        Object value = reader.value();
        reader.blanks();
        if (reader.at != text.length()) {
            throw reader.wrong("the end");
        }
        return new Json(value);
    }

    /** A member of an object; an error when it has none of that name. */
    Json get(String name) {
        if (!has(name)) {
            throw new IllegalArgumentException("no " + name + " in " + this);
        }
        return new Json(((Map<?, ?>) value).get(name));
    }

    boolean has(String name) {
        return value instanceof Map<?, ?> map && map.containsKey(name);
    }

    List<Json> items() {
        return ((List<?>) value).stream().map(Json::new).toList();
    }

    String text() {
        return (String) value;
    }

    double number() {
        return ((Number) value).doubleValue();
    }

    long whole() {
        return ((Number) value).longValue();
    }

    boolean truth() {
        return (Boolean) value;
    }

    @Override
    public String toString() {
        return write(value, "");
    }

    /** Short things in one line, others indented. */
    private static String write(Object value, String indent) {
        String more = indent + "  ";
        return switch (value) {
            case Map<?, ?> map -> lines(
                    map.entrySet().stream()
                            .map(e -> quoted((String) e.getKey()) + ": " + write(e.getValue(), more))
                            .toList(),
                    "{", "}", indent);
            case List<?> list -> lines(list.stream().map(v -> write(v, more)).toList(), "[", "]", indent);
            case String text -> quoted(text);
            case Double d when d == Math.rint(d) && Math.abs(d) < 1e15 -> Long.toString(d.longValue());
            case Double d -> Double.toString(Math.round(d * 1e6) / 1e6);
            case null -> "null";
            default -> value.toString();
        };
    }

    private static String lines(List<String> parts, String open, String close, String indent) {
        if (parts.stream().mapToInt(part -> part.length() + 2).sum() < 100
                && parts.stream().noneMatch(part -> part.contains("\n"))) {
            return open + String.join(", ", parts) + close;
        }
        String separator = "\n" + indent + "  ";
        return parts.stream().collect(Collectors.joining("," + separator, open + separator, "\n" + indent + close));
    }

    private static String quoted(String text) {
        var out = new StringBuilder("\"");
        for (char c : text.toCharArray()) {
            switch (c) {
                case '"', '\\' -> out.append('\\').append(c);
                default -> {
                    if (c < ' ') {
                        out.append("\\u%04x".formatted((int) c));
                    } else {
                        out.append(c);
                    }
                }
            }
        }
        return out.append('"').toString();
    }

    private static final class Reader {
        private final String text;
        private int at;

        Reader(String text) {
            this.text = text;
        }

        Object value() {
            blanks();
            if (at == text.length()) {
                throw wrong("a value");
            }
            return switch (text.charAt(at)) {
                case '{' -> object();
                case '[' -> list();
                case '"' -> string();
                default -> word();
            };
        }

        private Map<String, Object> object() {
            var map = new LinkedHashMap<String, Object>();
            at++;
            while (!took('}')) {
                blanks();
                String name = string();
                need(':');
                map.put(name, value());
                if (!took(',') && !nextIs('}')) {
                    throw wrong(", or }");
                }
            }
            return map;
        }

        private List<Object> list() {
            var list = new ArrayList<Object>();
            at++;
            while (!took(']')) {
                list.add(value());
                if (!took(',') && !nextIs(']')) {
                    throw wrong(", or ]");
                }
            }
            return list;
        }

        private String string() {
            if (at == text.length() || text.charAt(at) != '"') {
                throw wrong("a string");
            }
            var out = new StringBuilder();
            for (at++; at < text.length(); at++) {
                char c = text.charAt(at);
                if (c == '"') {
                    at++;
                    return out.toString();
                }
                if (c != '\\') {
                    out.append(c);
                    continue;
                }
                c = text.charAt(++at);
                switch (c) {
                    case 'n' -> out.append('\n');
                    case 't' -> out.append('\t');
                    case 'r' -> out.append('\r');
                    case 'b' -> out.append('\b');
                    case 'f' -> out.append('\f');
                    case 'u' -> {
                        out.append((char) Integer.parseInt(text.substring(at + 1, at + 5), 16));
                        at += 4;
                    }
                    default -> out.append(c);
                }
            }
            throw wrong("the end of the string");
        }

        private Object word() {
            int from = at;
            while (at < text.length() && "+-.".indexOf(text.charAt(at)) + 1
                    + (Character.isLetterOrDigit(text.charAt(at)) ? 1 : 0) > 0) {
                at++;
            }
            String word = text.substring(from, at);
            return switch (word) {
                case "true" -> true;
                case "false" -> false;
                case "null" -> null;
                default -> {
                    try {
                        yield Double.valueOf(word);
                    } catch (NumberFormatException e) {
                        at = from;
                        throw wrong("a value");
                    }
                }
            };
        }

        void blanks() {
            while (at < text.length() && Character.isWhitespace(text.charAt(at))) {
                at++;
            }
        }

        private boolean nextIs(char c) {
            blanks();
            return at < text.length() && text.charAt(at) == c;
        }

        private boolean took(char c) {
            boolean there = nextIs(c);
            at += there ? 1 : 0;
            return there;
        }

        private void need(char c) {
            if (!took(c)) {
                throw wrong("" + c);
            }
        }

        IllegalArgumentException wrong(String wanted) {
            return new IllegalArgumentException("JSON: expected %s at %d, not: %.40s"
                    .formatted(wanted, at, Objects.toString(text.substring(Math.min(at, text.length())))));
        }
    }
}
