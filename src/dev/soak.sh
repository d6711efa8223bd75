#!/bin/sh
# ./dev soak [--minutes N] [--rate R]: one worker for N minutes (60), with R new paths a second (1) through the real
# hook, signed and copied by real Nix to a file:// cache that is out of order for 2 minutes in every 10. Samples the
# worker every 10 s into target/soak/samples.csv, and compares the last quarter of the time with the second: memory,
# descriptors and threads must not have grown. Everything must have arrived in the
# end, and the worker must exit idle. Ends with "N passed, N failed".
set -eu

ROOT=$(CDPATH='' cd -- "$(dirname -- "$0")/../.." && pwd -P)
# shellcheck source=src/dev/lib.sh
. "$ROOT/src/dev/lib.sh"

usage='usage: ./dev soak [--minutes N] [--rate R]   (N: 1 to 1440, R: 1 to 50 paths a second)'
minutes=60
rate=1
while [ $# -gt 0 ]; do
    case $1 in
        --minutes) minutes=${2-} ;;
        --rate) rate=${2-} ;;
        *) die "$usage" ;;
    esac
    shift 2 || die "$usage"
done
in_range() {
    case $1 in '' | *[!0-9]* | ?????*) return 1 ;; esac
    [ "$1" -ge "$2" ] && [ "$1" -le "$3" ]
}
in_range "$minutes" 1 1440 || die "$usage"
in_range "$rate" 1 50 || die "$usage"

need_apt nix-bin socat systemd procps
dist_is_fresh || "$ROOT/dev" build
JAVA_HOME=$(find_jdk) || exit 1
export JAVA_HOME

out=$ROOT/target/soak
mkdir -p "$out"
samples=$out/samples.csv
# A socket's path has room for 107 bytes.
scratch=$(mktemp -d /tmp/npbhq-soak.XXXXXX)
worker=
arrivals=
end() {
    status=$?
    trap - EXIT
    [ -z "$arrivals" ] || kill "$arrivals" 2>/dev/null || true
    if [ -n "$worker" ] && kill "$worker" 2>/dev/null; then wait "$worker" || true; fi
    [ "$status" = 0 ] || cp "$scratch/worker.log" "$out/worker.log" 2>/dev/null || true
    chmod -R u+w "$scratch"
    rm -rf "$scratch"
    exit "$status"
}
trap end EXIT
trap 'exit 130' INT
trap 'exit 143' HUP TERM

# The tree as it is now: it may be built anew meanwhile.
cp -a "$ROOT/target/dist" "$scratch/dist"
PATH=$scratch/dist/bin:$PATH

# A Nix of its own: nothing of this machine's store, settings or daemon takes part.
for name in $(env | sed -n 's/^\(NIX_[A-Z_]*\|NPBHQ_[A-Z_]*\)=.*/\1/p'); do unset "$name"; done
export HOME="$scratch/home" XDG_CACHE_HOME="$scratch/home/cache" XDG_CONFIG_HOME="$scratch/home/config"
export NIX_STORE_DIR="$scratch/store" NIX_STATE_DIR="$scratch/state" NIX_LOG_DIR="$scratch/log" NIX_CONF_DIR="$scratch/conf"
mkdir -p "$HOME" "$NIX_STORE_DIR" "$NIX_STATE_DIR" "$NIX_CONF_DIR" "$scratch/queue" "$scratch/cache"
printf '%s\n' 'build-users-group =' 'sandbox = false' 'substituters =' 'experimental-features = nix-command' \
    >"$NIX_CONF_DIR/nix.conf"
nix-store --generate-binary-cache-key soak-1 "$scratch/key" "$scratch/key.pub"
export NPBHQ_SOCKET="$scratch/queue.sock" NPBHQ_STATE_DIR="$scratch/queue" NPBHQ_HOOK_TIMEOUT=5s
export NPBHQ_GCROOTS_DIR="$NIX_STATE_DIR/gcroots/nix-post-build-hook-queue" NPBHQ_STORE_DIR="$NIX_STORE_DIR"
export NPBHQ_UPLOAD_TO="file://$scratch/cache" NPBHQ_SIGNING_PRIVATE_KEY_PATH="$scratch/key" NPBHQ_IDLE_TIMEOUT=30s
mkdir -p "$NPBHQ_GCROOTS_DIR"

set --
for name in $(env | sed -n 's/^\(NIX_[A-Z_]*\|NPBHQ_[A-Z_]*\|XDG_[A-Z_]*\|HOME\|PATH\|JAVA_HOME\)=.*/\1/p'); do
    set -- "$@" -E "$name"
done
systemd-socket-activate -l "$NPBHQ_SOCKET" "$@" nix-post-build-hook-queue serve >"$scratch/worker.log" 2>&1 &
worker=$!
tries=0
until [ -S "$NPBHQ_SOCKET" ]; do
    tries=$((tries + 1))
    [ "$tries" -lt 250 ] || die "no socket"
    sleep 0.04
done

# What the destination is out of order with: a file where its directory was.
cache_gone() { mv "$scratch/cache" "$scratch/cache.away" && : >"$scratch/cache"; }
cache_back() { rm "$scratch/cache" && mv "$scratch/cache.away" "$scratch/cache"; }

# As a builder: one path after the other, and its hook. What a hook says is a failure.
arrive() {
    n=0
    finish=$(($(date +%s) + minutes * 60))
    pause=$(awk -v r="$rate" 'BEGIN { print 1 / r }')
    while [ "$(date +%s)" -lt "$finish" ]; do
        n=$((n + 1))
        echo "soak $n" >"$scratch/soak-$n"
        path=$(nix-store --add "$scratch/soak-$n")
        rm "$scratch/soak-$n"
        echo "$path" >>"$scratch/paths"
        OUT_PATHS=$path post-build-hook >>"$scratch/hooks" 2>&1 || echo "status $?" >>"$scratch/hooks"
        sleep "$pause"
    done
}
: >"$scratch/hooks"
arrive &
arrivals=$!

size() { stat -c %s "$1" 2>/dev/null || echo 0; }
# The delivered and the waiting paths of the last lane, out of the worker's metrics.
metric() { awk -v name="nix_post_build_hook_queue_$1{" 'index($0, name) == 1 && /file:/ { print $2; exit }' "$scratch/metrics"; }
sample() {
    nix-post-build-hook-queue metrics >"$scratch/metrics" 2>/dev/null || return 0
    awk -v seconds="$1" -v down="$2" -v fds="$(find "/proc/$worker/fd" -mindepth 1 2>/dev/null | wc -l)" \
        -v children="$(pgrep -c -P "$worker" || true)" -v db="$(size "$NPBHQ_STATE_DIR/queue.sqlite")" \
        -v wal="$(size "$NPBHQ_STATE_DIR/queue.sqlite-wal")" -v delivered="$(metric delivered_paths_total)" \
        -v queued="$(metric queued_paths)" -v deferred="$(metric deferred_paths)" '
        /^VmRSS:/ { rss = $2 } /^Threads:/ { threads = $2 }
        END { print seconds "," down "," rss "," threads "," fds "," children "," db "," wal "," queued + deferred "," delivered }
    ' "/proc/$worker/status" >>"$samples"
}

say "soaking for $minutes min at $rate a second; samples go to $samples"
echo 'seconds,down,rss_kib,threads,descriptors,children,database_bytes,wal_bytes,waiting,delivered' >"$samples"
begin=$(date +%s)
down=0
while kill -0 "$arrivals" 2>/dev/null; do
    sleep 10
    now=$(($(date +%s) - begin))
    # Out of order from minute 6 to 8 of every 10; in shorter runs in the middle fifth.
    if [ "$minutes" -ge 10 ]; then want=$((now % 600 >= 360 && now % 600 < 480)); else want=$((now * 5 / (minutes * 60) == 2)); fi
    if [ "$want" != "$down" ]; then
        if [ "$want" = 1 ]; then cache_gone; else cache_back; fi
        down=$want
    fi
    sample "$now" "$down"
done
wait "$arrivals" || true
arrivals=
[ "$down" = 0 ] || cache_back
nix-post-build-hook-queue retry >/dev/null

passed=0
failed=0
check() {
    what=$1
    shift
    if "$@"; then
        passed=$((passed + 1))
        echo "ok: $what"
    else
        failed=$((failed + 1))
        echo "FAILED: $what"
    fi
}

# The worst of the last quarter may be as much above the worst of the second as is said: percent, and an absolute
# amount for what is small.
grown_little() {
    awk -F, -v c="$1" -v percent="$2" -v more="$3" -v whole="$((minutes * 60))" '
        NR > 1 && $1 >= whole / 4 && $1 < whole / 2 && $c + 0 > early { early = $c + 0 }
        NR > 1 && $1 >= whole * 3 / 4 && $c + 0 > late { late = $c + 0 }
        END { printf "    second quarter at most %d, last quarter at most %d\n", early, late; exit !(early > 0 && late <= early * (1 + percent / 100) + more) }
    ' "$samples"
}

# SQLite takes a log over into the database when it has reached 4 MiB.
below() { awk -F, -v c="$1" -v most="$2" 'NR > 1 && $c + 0 >= most { exit 1 }' "$samples"; }
all_there() {
    nix-post-build-hook-queue wait timeout=120s || return 1
    missing=0
    while IFS= read -r path; do
        hash=${path##*/}
        [ -e "$scratch/cache/${hash%%-*}.narinfo" ] || missing=$((missing + 1))
    done <"$scratch/paths"
    echo "    $(wc -l <"$scratch/paths") paths, $missing missing"
    [ "$missing" = 0 ]
}
silent() { [ ! -s "$scratch/hooks" ] || { head -n 5 "$scratch/hooks"; return 1; }; }
one_worker() { [ "$(grep -c 'ended:' "$scratch/worker.log")" = 0 ]; }
idle_exit() {
    tries=0
    while kill -0 "$worker" 2>/dev/null; do
        tries=$((tries + 1))
        [ "$tries" -lt 90 ] || return 1
        sleep 1
    done
    status=0
    wait "$worker" || status=$?
    worker=
    [ "$status" = 0 ]
}
no_roots() { [ -z "$(find "$NPBHQ_GCROOTS_DIR" -mindepth 1)" ]; }

check "every path arrived" all_there
check "no hook had anything to say" silent
check "it was one worker all the time" one_worker
check "memory is flat (KiB)" grown_little 3 5 2048
check "threads are flat" grown_little 4 0 2
check "descriptors are flat" grown_little 5 0 3
check "the write-ahead log stays below 8 MiB" below 8 8388608
check "it exits when it is idle" idle_exit
check "no GC root is left" no_roots
echo "$passed passed, $failed failed"
[ "$failed" = 0 ]
