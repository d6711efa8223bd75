#!/bin/sh
# ./dev pictures: redraws docs/pictures/{watch,status}.svg from the current program: the real worker, client and `watch` in
# a terminal (tmux). Only `nix` is fake: a slow script with the output of Nix 2.26. It copies nothing, and fails for the
# second destination.
set -eu

ROOT=$(CDPATH='' cd -- "$(dirname -- "$0")/../.." && pwd -P)
# shellcheck source=src/dev/lib.sh
. "$ROOT/src/dev/lib.sh"

need_apt socat systemd tmux
dist_is_fresh || "$ROOT/dev" build
JAVA_HOME=$(find_jdk) || exit 1
export JAVA_HOME
PATH=$ROOT/target/dist/bin:$PATH
out=$ROOT/docs/pictures
scratch=$(mktemp -d /tmp/npbhq-pictures.XXXXXX)
worker=
tm() { tmux -L "npbhq-pictures-$$" -f /dev/null "$@"; }
end() {
    status=$?
    trap - EXIT
    tm kill-server 2>/dev/null || true
    if [ -n "$worker" ] && kill "$worker" 2>/dev/null; then wait "$worker" || true; fi
    rm -rf "$scratch"
    exit "$status"
}
trap end EXIT
trap 'exit 130' HUP INT TERM

for program in nix nix-store; do ln -s "$ROOT/src/testkit/sh/fake-nix" "$scratch/$program"; done
echo PACED >"$scratch/mode-cache.example.org"
echo DOWN >"$scratch/mode-other-cache"
echo 'error: unable to upload: Could not connect' >"$scratch/says-other-cache"
mkdir "$scratch/store" "$scratch/roots" "$scratch/state"
paths=
for name in bash-5.3 coreutils-9.7 glibc-2.41 hello-2.12.2 linux-6.18 nginx-1.29.3 openssl-3.6.0 postgresql-18.1 rustc-1.91.0 systemd-258.2 zlib-1.3.1; do
    path=$scratch/store/$(printf '%s' "$name" | sha1sum | cut -c 1-32 | tr e x)-$name
    : >"$path"
    paths="$paths $path"
done
export NPBHQ_SOCKET="$scratch/socket"
: >"$scratch/key"
listen "$NPBHQ_SOCKET" "$scratch/log" -E PATH -E JAVA_HOME -E HOME="$scratch" \
    -E NPBHQ_UPLOAD_TO="ssh://nix-ssh@cache.example.org s3://other-cache" -E NPBHQ_SIGNING_PRIVATE_KEY_PATH="$scratch/key" \
    -E NPBHQ_NIX="$scratch/nix" -E NPBHQ_STATE_DIR="$scratch/state" -E NPBHQ_GCROOTS_DIR="$scratch/roots" \
    -E NPBHQ_STORE_DIR="$scratch/store" -E NPBHQ_IDLE_TIMEOUT=5s \
    nix-post-build-hook-queue serve

# Pause, so that all paths go into one batch.
nix-post-build-hook-queue pause >/dev/null
# shellcheck disable=SC2086 # words
nix-post-build-hook-queue queue $paths
mkdir -p "$out"
# picture NAME: saves the terminal's screen.
picture() { tm capture-pane -p -e | awk -v title="$1" -f "$ROOT/src/dev/terminal-to-svg.awk" >"$scratch/svg"; mv "$scratch/svg" "$out/$1.svg"; }
seen() {
    tries=0
    until tm capture-pane -p | grep -q -e "$1"; do
        tries=$((tries + 1))
        [ "$tries" -lt 300 ] || { tm capture-pane -p >&2; die "not seen: $1"; }
        sleep 0.1
    done
}
tm new-session -d -x 126 -y 24 "PS1='# ' sh"
tm send-keys "clear; nix-post-build-hook-queue watch" Enter
seen paused
nix-post-build-hook-queue resume >/dev/null
seen 'cache.example.org.* [56][0-9]%'
picture watch
tm send-keys C-c
tm send-keys "clear; nix-post-build-hook-queue status" Enter
seen 'see why'
picture status
say "made docs/pictures/watch.svg and status.svg"
