package hookqueue.delivery;

import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/**
 * How Nix calls ssh for a destination ({@code src/libstore/ssh.cc}), as far as a shared connection
 * needs it. Pure.
 *
 * @param options of {@code NIX_SSHOPTS}
 * @param target as ssh takes it
 */
record SshCommand(List<String> options, String target) {
    private static final Pattern URL =
            Pattern.compile(
                    "ssh(?:-ng)?://([^/?:\\[\\]@]+@)?([^/?:\\[\\]@-][^/?:\\[\\]@]*)(?:/[^?]*)?(?:\\?(.*))?");
    private static final Pattern KEY = Pattern.compile("ssh-key=([^&%]+)");

    /** Parameters that change what ssh is asked for. */
    private static final Pattern OTHERS =
            Pattern.compile("(?:^|&)(?:compress|base64-ssh-public-host-key|max-connections)=");

    /**
     * Options with quotes need a shell's rules, which differ between versions of Nix. An operator
     * who shares connections keeps his own way.
     */
    private static final Pattern UNCERTAIN =
            Pattern.compile(
                    "(?s).*(['\"\\\\]|(?i:control(master|path|persist))|(^|\\s)-[SMOWN]).*");

    /**
     * The command for a destination.
     *
     * @param options the worker's {@code NIX_SSHOPTS}, empty if there are none
     * @return empty for a destination without ssh, and if the command is not certain
     */
    static Optional<SshCommand> of(String url, String options) {
        Matcher matcher = URL.matcher(url);
        if (!matcher.matches() || UNCERTAIN.matcher(options).matches()) {
            return Optional.empty();
        }
        String user = matcher.group(1) == null ? "" : matcher.group(1);
        String parameters = matcher.group(3) == null ? "" : matcher.group(3);
        Matcher key = KEY.matcher(parameters);
        if (OTHERS.matcher(parameters).find()
                || user.startsWith("-")
                || (parameters.contains("ssh-key=") && !key.find())) {
            return Optional.empty();
        }
        var words = new ArrayList<String>();
        if (parameters.contains("ssh-key=")) {
            words.addAll(List.of("-i", key.group(1)));
        }
        if (!options.isBlank()) {
            words.addAll(List.of(options.strip().split("\\s+")));
        }
        return Optional.of(new SshCommand(List.copyOf(words), user + matcher.group(2)));
    }

    /**
     * The command of a master, which serves others until it is ended, and prints {@code ready} once
     * they may connect.
     */
    List<String> master(Path socket, String ready) {
        var command = new ArrayList<>(List.of("ssh", "-v", "-x", "-a", "-N", "-M"));
        // Of an option that is given twice, ssh takes the first.
        command.addAll(List.of("-o", "ControlPath=" + socket, "-o", "ControlPersist=no"));
        command.addAll(List.of("-o", "BatchMode=yes", "-o", "PermitLocalCommand=yes"));
        command.addAll(List.of("-o", "LocalCommand=echo " + ready));
        command.addAll(options);
        command.addAll(List.of("-o", "ConnectTimeout=15"));
        command.addAll(List.of("-o", "ServerAliveInterval=15", "-o", "ServerAliveCountMax=2"));
        command.addAll(List.of("--", target));
        return List.copyOf(command);
    }

    /** {@code NIX_SSHOPTS} of a child that uses a master. */
    static String through(Path socket, String options) {
        String shared = "-o ControlMaster=no -o ControlPath=" + socket;
        return options.isBlank() ? shared : options.strip() + " " + shared;
    }
}
