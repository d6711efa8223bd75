import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Set;

/**
 * A {@code nix} that does as it is told, and a program for {@code exec:}: a shell script, quick to start, which writes a
 * line for each path that it has delivered. As Nix with a binary cache, it does not ask a destination about what it has
 * delivered there before, unless it is told to. A path is valid when its file is in the store, and a destination refuses
 * for ever what carries its name: {@code …-refused-by-DESTINATION-…}.
 */
final class FakeNix {
    static final List<String> LANES = List.of("near", "far", "program");

    /** How a destination is just now. */
    enum Mode {
        UP,
        SLOW,
        DOWN,
        /** Takes the first half of a batch, and ends with an error. */
        HALF,
        /** Takes the first half, and dies. */
        CRASH,
        /** Takes nothing, says nothing and does not end; ignores SIGTERM. */
        HANG;

        /** Whether a path that it gets alone is not taken. */
        boolean fails() {
            return this != UP && this != SLOW;
        }
    }

    private static final String SCRIPT =
            """
            #!/bin/sh
            T=%s
            REAL=%s
            lane=program verb=copy paths= refresh= json=
            case $0 in *program) ;; *) verb= lane=none ;; esac
            for word; do
                case $word in
                    copy | sign | path-info) verb=$word ;;
                    --refresh) refresh=yes ;;
                    --json) json=yes ;;
                    file://*) lane=${word##*/} ;;
                    "$T"/store/*) paths="$paths $word" ;;
                esac
            done
            for path in $paths; do
                [ -e "$path" ] || { [ "$lane" = program ] && continue; echo "error: path '$path' is not valid" >&2; exit 1; }
            done
            case $verb in
                path-info)
                    [ -z "$REAL" ] || exec "$REAL" "$@"
                    [ -n "$json" ] || { printf '%%s\\n' $paths; exit 0; }
                    answer=
                    for path in $paths; do answer=$answer${answer:+,}'{"path":"'$path'","ultimate":true}'; done
                    echo "[$answer]"
                    exit 0
                    ;;
                sign) [ -z "$REAL" ] || "$REAL" "$@" || exit 1; for path in $paths; do printf 'sign %%s\\n' "$path"; done >>"$T/delivered"; exit 0 ;;
            esac
            read -r mode <"$T/mode-$lane"
            set -- $paths
            # What a destination has, Nix remembers, and does not ask it again.
            if [ -z "$refresh" ] && [ "$lane" != program ]; then
                for path; do
                    shift
                    grep -qxF "$lane $path" "$T/delivered" || set -- "$@" "$path"
                done
                [ $# -gt 0 ] || exit 0
            fi
            most=$#
            case $mode in
                UP) ;;
                SLOW) sleep 0.3 ;;
                DOWN) echo "error: cannot connect to $lane" >&2; exit 1 ;;
                HALF | CRASH) most=$((most / 2)) ;;
                HANG) trap '' TERM; sleep 600 & wait; sleep 600; exit 1 ;;
            esac
            done=0
            for path; do
                [ "$done" -lt "$most" ] || break
                case $path in *-refused-by-"$lane"-*) echo "error: $lane refuses '$path'" >&2; exit 1 ;; esac
                [ -z "$REAL" ] || [ "$lane" = program ] || "$REAL" copy --to "file://$T/$lane" "$path" || exit 1
                printf '%%s %%s\\n' "$lane" "$path" >>"$T/delivered"
                done=$((done + 1))
            done
            case $mode in
                HALF) echo "error: connection reset by $lane" >&2; exit 1 ;;
                CRASH) kill -9 $$ ;;
            esac
            exit 0
            """;

    private static final String SIGNED = "sign ";

    /** The real Nix, which then does what this one lets through; empty for none. */
    static final String REAL = System.getProperty("nix", "");

    private final World world;

    FakeNix(World world) throws IOException {
        this.world = world;
        Path nix = world.script("nix", SCRIPT.formatted(world.dir, REAL));
        world.script("program", SCRIPT.formatted(world.dir, REAL));
        world.script("nix-store", "#!/bin/sh\nexit 1\n");
        Files.createFile(world.dir.resolve("delivered"));
        for (String lane : LANES) {
            set(lane, Mode.UP);
        }
        world.set("NPBHQ_NIX", nix)
                .set("NPBHQ_UPLOAD_TO", destinations(""));
    }

    /** All but one. */
    String destinations(String without) {
        return String.join(" ", LANES.stream().filter(lane -> !lane.equals(without)).map(this::destination).toList());
    }

    String destination(String lane) {
        return lane.equals("program") ? "exec:" + world.dir.resolve("program") : "file://" + world.dir.resolve(lane);
    }

    void set(String lane, Mode mode) throws IOException {
        // Never a moment without one.
        Path aside = Files.writeString(world.dir.resolve("mode-aside"), mode + "\n");
        Files.move(aside, world.dir.resolve("mode-" + lane), StandardCopyOption.ATOMIC_MOVE);
    }

    /** Those of the delivered that the real Nix has not put where they should be. */
    List<String> missing() throws IOException {
        return delivered().stream()
                .filter(line -> line.startsWith("near ") || line.startsWith("far "))
                .filter(line -> {
                    String[] words = line.split(" ");
                    String hash = Path.of(words[1]).getFileName().toString().substring(0, 32);
                    return !REAL.isEmpty() && !Files.exists(world.dir.resolve(words[0]).resolve(hash + ".narinfo"));
                })
                .toList();
    }

    /** What was delivered, as "LANE PATH". */
    Set<String> delivered() throws IOException {
        var all = new HashSet<String>();
        for (String line : Files.readAllLines(world.dir.resolve("delivered"))) {
            if (!line.startsWith(SIGNED)) {
                all.add(line);
            }
        }
        return all;
    }

    /** How often something was. */
    long deliveries() throws IOException {
        try (var lines = Files.lines(world.dir.resolve("delivered"))) {
            return lines.filter(line -> !line.startsWith(SIGNED)).count();
        }
    }

    /** What was delivered before it was signed, as "LANE PATH". */
    List<String> unsigned() throws IOException {
        var signed = new HashSet<String>();
        var wrong = new ArrayList<String>();
        for (String line : Files.readAllLines(world.dir.resolve("delivered"))) {
            if (line.startsWith(SIGNED)) {
                signed.add(line.substring(SIGNED.length()));
            } else if (!signed.contains(line.substring(line.indexOf(' ') + 1))) {
                wrong.add(line);
            }
        }
        return wrong;
    }
}
