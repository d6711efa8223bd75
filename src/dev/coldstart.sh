#!/bin/sh
# ./dev coldstart [--counts]: shows where the time goes from the connection that starts the worker to the acknowledgement
# and to the first child process. (./dev bench cold measures the total.) Runs target/dist as systemd would, with a fake
# `nix`. --counts prints only figures that do not depend on the machine's load: the number of classes from outside the
# start-up archive, and of opened jars.
set -eu

ROOT=$(CDPATH='' cd -- "$(dirname -- "$0")/../.." && pwd -P)
# shellcheck source=src/dev/lib.sh
. "$ROOT/src/dev/lib.sh"

case "$#,${1-}" in 0, | 1,--counts) counts=${1-} ;; *) die "usage: ./dev coldstart [--counts]" ;; esac

JAVA_HOME=$(find_jdk) || exit 1
export JAVA_HOME
need_apt systemd socat strace
[ -d "$ROOT/target/dist" ] || "$ROOT/dev" build
program=${DIST:-$ROOT/target/dist}/bin/nix-post-build-hook-queue

scratch=$(mktemp -d)
worker=
journal=
end() {
    for child in $worker $journal; do kill "$child" 2>/dev/null || true; done
    rm -rf "$scratch"
}
trap end EXIT
trap 'exit 1' HUP INT TERM

mkdir "$scratch/store" "$scratch/roots"
for name in nix nix-store; do ln -s "$ROOT/src/testkit/sh/fake-nix" "$scratch/$name"; done
: >"$scratch/key"
path=$scratch/store/00000000000000000000000000000000-cold
: >"$path"

# As under systemd, standard error is the journal; this one gets the entries with fields.
socat -u "UNIX-RECV:$scratch/journal" /dev/null &
journal=$!
: >"$scratch/log"
stream=$(stat -c %d:%i "$scratch/log")

# begin OPTIONS [WRAPPER...]: opens a socket whose first connection starts the worker, with these JVM options.
begin() {
    options=$1
    shift
    rm -f "$scratch/socket"
    listen "$scratch/socket" "$scratch/log" \
        -E PATH -E JAVA_HOME -E HOME="$scratch" -E NPBHQ_JAVA_OPTIONS="$options -Dhookqueue.journal=$scratch/journal" \
        -E JOURNAL_STREAM="$stream" \
        -E NPBHQ_UPLOAD_TO="file://$scratch/cache" -E NPBHQ_SIGNING_PRIVATE_KEY_PATH="$scratch/key" \
        -E NPBHQ_STATE_DIR="$scratch/state" -E NPBHQ_GCROOTS_DIR="$scratch/roots" \
        -E NPBHQ_STORE_DIR="$scratch/store" -E NPBHQ_NIX="$scratch/nix" -E NPBHQ_IDLE_TIMEOUT=1s \
        "$@" "$program" serve
}

fail() {
    cat "$scratch/log" >&2
    die "$*"
}

# ask: sends a path. The first connection starts the worker.
ask() {
    printf '%s\n' "$path" | socat -t60 - "UNIX-CONNECT:$scratch/socket" >"$scratch/reply" || true
    grep -q '^ok queued 1$' "$scratch/reply" || fail "not queued: $(cat "$scratch/reply")"
}

finish() {
    wait "$worker" || fail "the worker ended with status $?"
    worker=
}

timeline() {
    begin '' strace -D -f --seccomp-bpf -ttt -s 200 -o "$scratch/trace" \
        -e trace=execve,openat,accept4,fsync,fdatasync,symlink,symlinkat,write
    ask
    finish
    awk '
        NR == 1 { zero = $2 }
        function at(name) { if (!(name in seen)) { seen[name] = 1; printf "%6.0f ms  %s\n", ($2 - zero) * 1000, name } }
        !/ENOENT/ {
            if (/execve\(.*\/java"/) at("the launcher has found java")
            if (/openat\(.*startup-.*\.aot"/) at("the JVM opens the start-up archive")
            if (/openat\(.*libnio\.so"/) at("the JVM is up, the class Main begins")
            if (/\/proc\/net\/unix"/) at("settings are read, logging is set up; adopting the socket")
            if (/openat\(.*libjunixsocket-native\.so"/) at("native code for sockets is loaded (one thread)")
            if (/openat\(.*libsqlitejdbc\.so"/) at("native code for the database is loaded (another thread)")
            if (/queue\.sqlite"/) at("the database is opened")
            if (/accept4.* = [0-9]+$/) at("the connection is accepted")
            if (/symlink/) at("committed and synced; the root is made")
            if (/write\(.*"ok queued 1/) at("acknowledged")
            if (/execve\("[^"]*\/nix"/) at("the first child process")
        }' "$scratch/trace"
}

# A first run creates the database and fills the page cache, as in normal operation.
begin ''
ask
finish

begin "-Xlog:class+load=info:file=$scratch/classes" strace -D -f --seccomp-bpf -o "$scratch/trace" -e trace=openat
ask
finish
grep -c 'source: ' "$scratch/classes" >"$scratch/all"
grep 'source: ' "$scratch/classes" | grep -v 'source: shared objects file' >"$scratch/others" || true
opened=$(grep -v ENOENT "$scratch/trace" | grep -c '\.jar"') || true
if [ -n "$counts" ]; then
    sed 's/^\[[^]]*\]*\[[^]]*\]\[[^]]*\] *//; s/^\[[^]]*\]//' "$scratch/others"
    printf 'classes %d outside %d jars %d\n' "$(cat "$scratch/all")" "$(wc -l <"$scratch/others")" "$opened"
    exit 0
fi

say "one run, watched with strace, which makes it slower"
timeline
say "classes"
printf '%d loaded in the worker'"'"'s life, %d of them not from the start-up archive; %d jars opened\n' \
    "$(cat "$scratch/all")" "$(wc -l <"$scratch/others")" "$opened"
