# shellcheck shell=sh
# Functions for scenarios that follow the documentation literally: run a page's commands, and boot more machines.
#
# All machines of a scenario share a private network, and every host name of a page is the loopback.

# shellcheck disable=SC2154 # machine, pid, nspawn, name: see machine.sh and scenario.sh

# block PAGE HEADING START: the first block of commands or lines (indented, or between fences) after the line that
# begins with START, in the section under HEADING. Fails when there is none.
block() {
    awk -v heading="$2" -v start="$3" '
        !within { within = $0 ~ /^#+ / && substr($0, index($0, " ") + 1) == heading; next }
        /^#+ / && !fenced && !indented { exit }
        !after { after = index($0, start) == 1; next }
        fenced && /^```/ { exit }
        fenced { print; next }
        /^```/ { fenced = 1; next }
        /^    / { indented = 1; print substr($0, 5); next }
        indented && NF { exit }
        END { exit !(fenced || indented) }' "$NPBHQ_TEST_SOURCE/$1"
}

# fill_in NAME VALUE…: replaces each placeholder.
fill_in() {
    script=$(cat)
    while [ $# -gt 0 ]; do
        script=$(printf '%s\n' "$script" | FROM=$1 TO=$2 awk '{
            out = ""
            while (at = index($0, ENVIRON["FROM"])) {
                out = out substr($0, 1, at - 1) ENVIRON["TO"]
                $0 = substr($0, at + length(ENVIRON["FROM"]))
            }
            print out $0
        }')
        shift 2
    done
    printf '%s\n' "$script"
}

commands=0
# follow WHOM COMMANDS: has a shell run them in the machine, as WHOM, until one fails, and counts them. Its output is in
# $machine/followed; a line that ends with a backslash continues.
follow() {
    printf '%s\n' "$2" >"$machine/commands"
    commands=$((commands + $(grep -c '[^\\]$' "$machine/commands")))
    sed 's/^/    $ /' "$machine/commands"
    case $1 in
        root) root sh -euc 'cd; . /dev/stdin' <"$machine/commands" >"$machine/followed" 2>&1 ;;
        *) as "$1" sh -euc 'cd; . /dev/stdin' <"$machine/commands" >"$machine/followed" 2>&1 ;;
    esac
    status=$?
    sed 's/^/      /' "$machine/followed"
    return "$status"
}

# follows "a sentence" WHOM COMMANDS: a check; the scenario ends if it fails.
follows() {
    sentence=$1
    shift
    if follow "$@"; then printf 'ok: %s\n' "$sentence"; else
        printf 'FAILED: %s\n' "$sentence"
        evidence
        exit 1
    fi
}

# another NAME [ROOT]: another machine of this scenario, on the same bare root or another, mounted; "$machine", pid and nspawn
# are its from now on, until `back`.
another() {
    first="$machine $pid $nspawn"
    machine=$machine-$1
    mkdir -p "$machine"
    others="$machine ${others-}"
    machine_mount "${2:-$NPBHQ_TEST_ROOT}"
    hosts
}
hosts() { printf '127.0.0.1 localhost nix-cache.example.com s3.example.com\n' >"$machine/root/etc/hosts"; }
# enter NAME: makes such a machine the current one again.
enter() {
    first="$machine $pid $nspawn"
    machine=$machine-$1
    read -r pid nspawn <"$machine/pid"
}
back() {
    # shellcheck disable=SC2086 # three words
    set -- $first
    machine=$1
    pid=$2
    nspawn=$3
}

# second_root COMMAND…: in a fresh Debian root that is not booted, as its root, on the scenario's network.
second_root() {
    systemd-nspawn -q -D "$machine-second/root" --register=no --keep-unit --machine="npbhq-second-$$" \
        "$NPBHQ_TEST_NETWORK" --pipe -- "$@" </dev/null
}

# in_network COMMAND…: a program of this machine, on the scenario's network; it ends with the scenario.
in_network() {
    nsenter --net="${NPBHQ_TEST_NETWORK#*=}" -- "$@" &
    servers="$! ${servers-}"
}

leave() {
    for server in ${servers-}; do
        kill "$server" 2>/dev/null
        wait "$server"
    done
    for machine in ${others-}; do
        if [ -e "$machine/pid" ]; then
            read -r pid nspawn <"$machine/pid"
            machine_cut
            rm "$machine/pid"
        fi
        machine_unmount
        rm -rf "$machine"
    done
}
trap leave EXIT
trap 'exit 130' INT TERM

# an_ordinary_user: creates a user in the machine who may build.
an_ordinary_user() {
    root useradd -m -G nix-users builder
    # In the container Nix's sandbox cannot make namespaces, and there is no cache.
    root sh -c 'printf "sandbox = false\nsubstituters =\n" >>/etc/nix/nix.conf; systemctl restart nix-daemon.service'
}
