#!/bin/sh
# ./dev torture [--seed N] [--minutes M] [--scripts K] [--slow]: runs random fault scripts against the real
# worker and hook, and checks the promises against a model; see src/torture. Without --minutes and --scripts it runs for 2
# minutes; --seed alone repeats that seed's script. With --slow the fake nix calls real Nix for each copy that it lets
# through. Exit status 1 at the first broken promise, with its seed. Last line: "N passed, N failed".
#
# ./dev torture --breaches [NAME...]: checks that it detects broken promises; see breaches.sh.
set -eu

ROOT=$(CDPATH='' cd -- "$(dirname -- "$0")/../.." && pwd -P)
# shellcheck source=src/dev/lib.sh
. "$ROOT/src/dev/lib.sh"
# shellcheck source=src/dev/bench-lib.sh
. "$ROOT/src/dev/bench-lib.sh"

if [ "${1-}" = --breaches ]; then
    shift
    exec sh "$ROOT/src/dev/breaches.sh" "$@"
fi

usage='usage: ./dev torture [--seed N] [--minutes M] [--scripts K] [--slow] | --breaches [NAME...]'
seed=
seconds=
scripts=
nix=
while [ $# -gt 0 ]; do
    if [ "$1" = --slow ]; then
        nix=yes
        shift
        continue
    fi
    [ $# -gt 1 ] || die "$usage"
    case $2 in '' | *[!0-9]* | ?????????*) die "$usage" ;; esac
    case $1 in
        --seed) seed=$2 ;;
        --minutes) seconds=$((60 * $2)) ;;
        --scripts) scripts=$2 ;;
        *) die "$usage" ;;
    esac
    shift 2
done
if [ -z "$seconds$scripts" ]; then
    if [ -n "$seed" ]; then scripts=1; else seconds=120; fi
fi
[ -n "$seed" ] || seed=$(($(date +%s) % 10000000 * 10))

need_apt nix-bin socat systemd mount util-linux gcc libc6-dev
compile_programs torture
faults=${classes%/*}/faults.so
gcc -shared -fPIC -O2 -Wall -Werror -o "$faults" "$ROOT/src/torture/faults.c" -ldl
say "scripts from seed $seed on"
program -Dfaults="$faults" -Dtestkit="$ROOT/src/testkit" -Dnix="${nix:+$(command -v nix)}" Torture "$dist" "$seed" "${seconds:-0}" "${scripts:-0}"
