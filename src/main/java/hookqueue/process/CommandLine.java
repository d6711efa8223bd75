package hookqueue.process;

import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.regex.Pattern;

/** A child's command line as an operator can repeat it in a shell. */
public final class CommandLine {
    private static final int LONGEST = 4_000;
    private static final int LONGEST_VALUE = 500;
    private static final Pattern PLAIN = Pattern.compile("[A-Za-z0-9@%+=:,./_-]+");

    private CommandLine() {}

    /**
     * Quotes a command for a POSIX shell.
     *
     * @param inherited the worker's environment, of which Nix's own variables are shown
     * @param added variables that the child got in addition; very long ones are left out
     * @param command the program and its arguments; those beyond 4,000 characters are only counted,
     *     in a comment at the end
     */
    public static String shown(
            Map<String, String> inherited, Map<String, String> added, List<String> command) {
        var variables = new TreeMap<String, String>();
        inherited.forEach((name, value) -> {
            if (name.startsWith("NIX_")) {
                // lines of nix.conf, which may contain access-tokens
                variables.put(name, name.equals("NIX_CONFIG") ? "***" : value);
            }
        });
        variables.putAll(added);
        var line = new StringBuilder("env");
        variables.forEach((name, value) -> {
            if (value.length() <= LONGEST_VALUE) {
                line.append(' ').append(name).append('=').append(quoted(value));
            }
        });
        int shown = 0;
        for (String word : command) {
            if (line.length() > LONGEST) {
                return line + " # and " + (command.size() - shown) + " more arguments";
            }
            line.append(' ').append(quoted(word));
            shown++;
        }
        return line.toString();
    }

    private static String quoted(String word) {
        return PLAIN.matcher(word).matches() ? word : "'" + word.replace("'", "'\\''") + "'";
    }
}
