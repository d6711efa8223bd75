package hookqueue.check;

import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;

/**
 * What is of interest here of {@code NIX_SSHOPTS}, which Nix splits at blanks.
 *
 * @param identityFiles the private keys, after {@code -i} or {@code IdentityFile=}
 * @param knownHosts the file of host keys; ssh's own default if the options name none
 * @param port after {@code -p} or {@code Port=}; empty if the options name none
 */
record SshOptions(List<Path> identityFiles, String knownHosts, String port) {
    private static final String DEFAULT = "~/.ssh/known_hosts";

    static SshOptions parse(String text) {
        var files = new ArrayList<Path>();
        String hosts = DEFAULT;
        String port = "";
        String before = "";
        for (String word : text.strip().split("\\s+")) {
            String option =
                    before.equals("-o") ? word : word.startsWith("-o") ? word.substring(2) : "";
            if (before.equals("-i")) {
                files.add(Path.of(word));
            } else if (before.equals("-p")) {
                port = word;
            } else if (is(option, "IdentityFile=")) {
                files.add(Path.of(value(option)));
            } else if (is(option, "UserKnownHostsFile=")) {
                hosts = value(option);
            } else if (is(option, "Port=")) {
                port = value(option);
            }
            before = word;
        }
        return new SshOptions(List.copyOf(files), hosts, port);
    }

    private static boolean is(String option, String name) {
        return option.regionMatches(true, 0, name, 0, name.length());
    }

    private static String value(String option) {
        return option.substring(option.indexOf('=') + 1);
    }
}
