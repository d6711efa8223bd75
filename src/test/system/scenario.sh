# shellcheck shell=sh
# Functions for scenarios. run calls a scenario as `sh NN-name.sh`, with its own booted and set-up machine. The scenario
# prints a line for each check. It stops at a failed check without which the rest is pointless.

: "${NPBHQ_TEST_DIR:?run by src/test/system/run}"
# shellcheck source=src/test/system/machine.sh
. "$NPBHQ_TEST_DIR/machine.sh"

machine=$NPBHQ_TEST_MACHINE
name=nix-post-build-hook-queue
state=/var/lib/$name
cache='local?root=/srv/cache'

# check "a sentence" COMMAND…
check() {
    sentence=$1
    shift
    if "$@" >"$machine/out" 2>&1; then
        printf 'ok: %s\n' "$sentence"
    else
        printf 'FAILED: %s\n' "$sentence"
        printf '  command: %s\n' "$*"
        tail -n 20 "$machine/out" | sed "s/^/  /"
        evidence
    fi
}

# until_ok SECONDS "a sentence" COMMAND…: a check that retries until SECONDS have passed.
until_ok() {
    limit=$1
    sentence=$2
    shift 2
    check "$sentence" wait_for "$limit" "$sentence" "$@"
}

not() { ! "$@"; }
equal() { [ "$1" = "$2" ] || { printf '%s is not %s\n' "$1" "$2"; return 1; }; }
at_most() { [ "$1" -le "$2" ] || { printf '%s is more than %s\n' "$1" "$2"; return 1; }; }

# Prints the state for the analysis of a failure, and the journal since the last call.
evidence() {
    root systemctl status --no-pager -n 0 "$name.service" "$name.socket" 2>&1 | sed 's/^/  | /'
    root journalctl -b --no-pager -o short-precise -u "$name" -u "$name.socket" --cursor-file=/run/shown 2>&1 |
        tail -n 60 | sed 's/^/  | /'
}

# quote "when": systemctl status as an operator sees it.
quote() {
    printf '%s\n' "--- systemctl status, $1:"
    root systemctl status --no-pager -n 0 "$name.socket" "$name.service" 2>&1 | sed 's/^/    /'
}

# The worker's line in systemctl status, in full, is at most 80 columns wide; the branch before it takes 2 of them.
fits_a_terminal() {
    root env COLUMNS=80 systemctl status --no-pager -l -n 0 "$name.service" |
        grep "[^0-9]$(show MainPID) [^ ]*java " >"$machine/line"
    cat "$machine/line"
    at_most "$(LC_ALL=C tr -dc ' -~' <"$machine/line" | wc -c)" 78 && grep -q 'java @worker serve$' "$machine/line"
}

# settings LINE…: writes the administrator's settings file; the next worker reads it.
settings() { printf '%s\n' "$@" | root tee "/etc/$name/environment" >/dev/null; }

# dropin service|socket LINE…: replaces the scenario's own drop-in.
dropin() {
    unit=$1
    shift
    root mkdir -p "/etc/systemd/system/$name.$unit.d"
    printf '%s\n' "$@" | root tee "/etc/systemd/system/$name.$unit.d/test.conf" >/dev/null
    root systemctl daemon-reload
}

# build PREFIX COUNT [JOBS]: as an ordinary user through the daemon, COUNT new paths; their names go to
# $machine/paths, one a line. Each runs the hook.
build() {
    as builder nix-build --no-out-link -j "${3:-1}" /srv/many.nix --argstr prefix "$1" --arg count "$2" \
        >"$machine/built" 2>"$machine/log" || { cat "$machine/log"; exit 1; }
    cat "$machine/built" >>"$machine/paths"
}

forget_builds() { : >"$machine/paths"; }

# Every path of $machine/paths is in the store that ssh leads to.
delivered() {
    [ -s "$machine/paths" ] || return 1
    sort -u "$machine/paths" | as cache xargs nix path-info --store "$cache" >/dev/null
}

# The same, with one good signature each.
signed() {
    [ -s "$machine/paths" ] || return 1
    # shellcheck disable=SC2016 # for the shell in the machine
    sort -u "$machine/paths" | as cache sh -c '
        key=$(cat /srv/key.pub)
        xargs nix store verify --store "$0" --no-contents --sigs-needed 1 --trusted-public-keys "$key"' "$cache"
}

client() { root $name "$@"; }
queued() { client list 2>/dev/null | cut -d ' ' -f 1 | sort -u | grep -c /nix/store; }
none_failed() { ! client failed | grep /nix/store; }
spooled() { root find $state/spool -name '*.paths' 2>/dev/null | wc -l; }
nothing_spooled() { [ "$(spooled)" -eq 0 ]; }
roots() { root find /nix/var/nix/gcroots/$name -type l | wc -l; }
no_roots() { ! root find /nix/var/nix/gcroots/$name -type l | grep .; }

systemd_version() { root systemctl --version | sed -n '1s/^systemd \([0-9]*\).*/\1/p'; }
show() { root systemctl show -P "$1" "$name.${2:-service}"; }
state_is() { [ "$(show ActiveState)" = "$1" ]; }
listening() { [ "$(show ActiveState socket)" = active ]; }
ended() { [ "$(show MainPID)" = 0 ] && ! root pgrep -u $name >/dev/null; }
# Starts of the worker since the machine booted.
starts() { root journalctl -b -o cat -u $name.service _PID=1 | grep -c '^Starting '; }

# The closed gate holds every connection to the destination, so running uploads do not end.
gate_close() { root touch /run/gate; }
gate_open() { root rm -f /run/gate; }
in_flight() { root pgrep -f 'sh /srv/serve' >/dev/null; }

destination_down() { root systemctl stop ssh.service ssh.socket 2>/dev/null; root pkill -f '^sshd' || true; }
destination_up() { root systemctl start ssh.service; }

# Hook times in milliseconds, as the wrapper /srv/hook noted them: count, median, 95 %, largest.
hook_times() {
    root cat /srv/hook-times | sort -n | awk '{ t[NR] = $1 }
        END { printf "%d hooks: median %d ms, 95 %% %d ms, longest %d ms\n", NR, t[int((NR + 1) / 2)], t[int((NR * 95 + 99) / 100)], t[NR] }'
}
longest_hook() { root sort -n /srv/hook-times | tail -n 1; }
forget_hooks() { root sh -c ': >/srv/hook-times; : >/srv/hook-status'; }
# The wrapper also notes the status.
every_hook_gave_0() { [ "$(root sort -u /srv/hook-status)" = 0 ]; }
