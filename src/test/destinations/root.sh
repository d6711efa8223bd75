#!/bin/sh
# root.sh DIR SUITE: makes a root of Debian SUITE with nix-bin, once, and prints its path: DIR/nix-SUITE, which
# nixos/tests/run also makes and uses. Tests only call programs in it, so an outdated mirror is good enough. sid in particular
# cannot always be installed.
set -eu

root=$1/nix-$2
mkdir -p "$1"
exec 9>"$1/lock-$2"
flock 9
if [ ! -d "$root" ]; then
    rm -rf "$root.new"
    set -- -q --variant=apt --include=nix-bin --aptopt='Acquire::Check-Valid-Until "false"' "$2" "$root.new"
    # Retry once after a failed download.
    mmdebstrap "$@" >&2 || {
        rm -rf "$root.new"
        mmdebstrap "$@" >&2
    }
    mv "$root.new" "$root"
fi
printf '%s\n' "$root"
