#!/bin/sh
# ./dev demo: shows the main job live in a scratch folder, with its own Nix store, a file:// cache, a fresh key, and the
# queue under systemd-socket-activate. It builds with the hook, follows the upload, and verifies the cache with real Nix.
# It ends by itself and leaves nothing behind. Exit status 1 if a check fails.
set -eu

ROOT=$(CDPATH='' cd -- "$(dirname -- "$0")/../.." && pwd -P)
# shellcheck source=src/dev/lib.sh
. "$ROOT/src/dev/lib.sh"

# The Nix package sets this: it is a finished tree with its own Java.
dist=${NPBHQ_DEMO_DIST-}
if [ -z "$dist" ]; then
    need_apt nix-bin socat systemd
    dist_is_fresh || "$ROOT/dev" build
    dist=$ROOT/target/dist
    JAVA_HOME=$(find_jdk) || exit 1
    export JAVA_HOME
fi

# A socket path has at most 107 bytes.
temp=${TMPDIR:-/tmp}
[ "${#temp}" -lt 60 ] || temp=/tmp
scratch=$(mktemp -d "$temp/npbhq-demo.XXXXXX")
worker=
end() {
    status=$?
    trap - EXIT
    if [ -n "$worker" ] && kill "$worker" 2>/dev/null; then
        wait "$worker" || true
    fi
    if [ "$status" != 0 ] && [ -s "$scratch/worker.log" ]; then
        say "the demo has failed; the worker said:" >&2
        cat "$scratch/worker.log" >&2
    fi
    # Nix makes its outputs read-only.
    chmod -R u+w "$scratch"
    rm -rf "$scratch"
    exit "$status"
}
trap end EXIT
trap 'exit 130' INT
trap 'exit 143' HUP TERM

# show COMMAND...: prints the command and runs it.
show() {
    printf '\n$ %s\n' "$*"
    "$@"
}

must() {
    what=$1
    shift
    "$@" || die "the demo has failed: $what"
    printf 'ok: %s\n' "$what"
}

# Isolate Nix from this machine's store, settings and daemon.
for name in $(env | sed -n 's/^\(NIX_[A-Z_]*\|NPBHQ_[A-Z_]*\)=.*/\1/p'); do unset "$name"; done
export HOME="$scratch/home" XDG_CACHE_HOME="$scratch/home/cache" XDG_CONFIG_HOME="$scratch/home/config"
export NIX_STORE_DIR="$scratch/store" NIX_STATE_DIR="$scratch/state" NIX_LOG_DIR="$scratch/log" NIX_CONF_DIR="$scratch/conf"
mkdir -p "$HOME" "$NIX_STORE_DIR" "$NIX_STATE_DIR" "$NIX_CONF_DIR" "$scratch/queue" "$scratch/cache"
cat >"$NIX_CONF_DIR/nix.conf" <<EOF
build-users-group =
sandbox = false
substituters =
experimental-features = nix-command
post-build-hook = $dist/bin/post-build-hook
EOF
nix-store --generate-binary-cache-key demo-1 "$scratch/key" "$scratch/key.pub"
nix-store --generate-binary-cache-key demo-1 "$scratch/other" "$scratch/other.pub"

export NPBHQ_SOCKET="$scratch/queue.sock" NPBHQ_STATE_DIR="$scratch/queue"
export NPBHQ_GCROOTS_DIR="$NIX_STATE_DIR/gcroots/nix-post-build-hook-queue" NPBHQ_STORE_DIR="$NIX_STORE_DIR"
export NPBHQ_UPLOAD_TO="file://$scratch/cache" NPBHQ_SIGNING_PRIVATE_KEY_PATH="$scratch/key" NPBHQ_IDLE_TIMEOUT=5s
mkdir -p "$NPBHQ_GCROOTS_DIR"
PATH=$dist/bin:$PATH

say "the queue waits, as it does under systemd: a socket, and no worker"
# systemd-socket-activate passes on only the variables that -E names.
set --
for name in $(env | sed -n 's/^\(NIX_[A-Z_]*\|NPBHQ_[A-Z_]*\|XDG_[A-Z_]*\|HOME\|PATH\|JAVA_HOME\)=.*/\1/p'); do
    set -- "$@" -E "$name"
done
listen "$NPBHQ_SOCKET" "$scratch/worker.log" "$@" nix-post-build-hook-queue serve
runs() {
    tr '\0' ' ' <"/proc/$worker/cmdline"
}
show ls -l "$NPBHQ_SOCKET"
is_worker() {
    case $(runs) in
        *java*serve*) return 0 ;;
        *) return 1 ;;
    esac
}
no_worker_yet() {
    ! is_worker
}
must "process $worker only listens: $(runs | cut -c 1-60)..." no_worker_yet

say "a build of seven derivations; the hook queues their outputs"
seed="$(date +%s).$$"
# shellcheck disable=SC2046 # store paths
nix-store --query --outputs $(nix-instantiate "$ROOT/src/dev/demo.nix" --argstr seed "$seed" 2>/dev/null) >"$scratch/built"
built() {
    show nix-build --no-out-link "$ROOT/src/dev/demo.nix" --argstr seed "$seed" 2>&1
    echo "status: $?"
}
built | tee "$scratch/build.log"
must "nix-build succeeded" grep -qx "status: 0" "$scratch/build.log"
# Nix prefixes the hook's output with "post-build-hook: ".
silent() {
    ! grep "^post-build-hook: " "$scratch/build.log"
}
must "the hooks printed no warning" silent
must "process $worker has become the worker" is_worker

say "the queue delivers"
show nix-post-build-hook-queue status
show nix-post-build-hook-queue watch
show nix-post-build-hook-queue wait timeout=2min
show nix-post-build-hook-queue status

say "the cache has the paths"
eight_paths() {
    [ "$(wc -l <"$scratch/built")" = 8 ]
}
must "eight paths were built: one derivation has two outputs" eight_paths
all_signed() {
    while IFS= read -r path; do
        name=${path#"$NIX_STORE_DIR"/}
        signature=$(grep '^Sig: demo-1:' "$scratch/cache/${name%%-*}.narinfo") || return 1
        printf '  %-10s %s\n' "${name#*-}" "$signature"
    done <"$scratch/built"
}
must "all of them are in the cache, signed" all_signed
verified() {
    # shellcheck disable=SC2046 # store paths
    nix store verify --store "file://$scratch/cache" --sigs-needed 1 --trusted-public-keys "$(cat "$1")" \
        $(cat "$scratch/built")
}
must "Nix verifies contents and signatures" verified "$scratch/key.pub"
not_by_another_key() {
    ! verified "$scratch/other.pub" >/dev/null 2>&1
}
must "Nix rejects the signatures if it trusts another key" not_by_another_key
no_roots() {
    [ -z "$(ls "$NPBHQ_GCROOTS_DIR")" ]
}
must "the GC roots are removed" no_roots

say "the idle worker exits after $NPBHQ_IDLE_TIMEOUT"
tries=0
while kill -0 "$worker" 2>/dev/null; do
    tries=$((tries + 1))
    [ "$tries" -lt 300 ] || die "the demo has failed: the worker is still there"
    sleep 0.1
done
ended_well() {
    wait "$worker"
}
must "process $worker has ended with status 0" ended_well
worker=
show cat "$scratch/worker.log"

say "the demo worked; removing $scratch"
