#!/bin/sh
# ./dev soak [--minutes N] [--dist TREE]: one worker for N minutes (60) under steady arrivals through the real hook,
# signed and copied by real Nix to a file:// cache and handed to a program, each of which is out of order for a tenth of
# the time. Samples memory, descriptors, threads, children, database, log and queue every 5 s into
# target/soak/samples.tsv, and draws them in target/soak/soak.svg. Ends with 1 when the second half needs more than the
# first, when a path has not arrived, or when the worker does not end by itself with nothing left behind.
#
# ./dev soak judge FILE: whether the samples in a file are flat.
set -eu

ROOT=$(CDPATH='' cd -- "$(dirname -- "$0")/../.." && pwd -P)
# shellcheck source=src/dev/lib.sh
. "$ROOT/src/dev/lib.sh"
. "$ROOT/src/dev/bench-lib.sh"

usage='usage: ./dev soak [--minutes N] [--dist TREE] | judge FILE   (N: 1 to 1440)'
case ${1-} in
    judge)
        [ $# = 2 ] || die "$usage"
        compile_programs bench
        bench flat "$2"
        exit
        ;;
esac

minutes=60
dist=
while [ $# -gt 0 ]; do
    [ $# -gt 1 ] || die "$usage"
    case $1 in
        --minutes) minutes=$2 ;;
        --dist) dist=$(CDPATH='' cd -- "$2" && pwd -P) ;;
        *) die "$usage" ;;
    esac
    shift 2
done
case $minutes in '' | *[!0-9]* | ?????*) die "$usage" ;; esac
{ [ "$minutes" -ge 1 ] && [ "$minutes" -le 1440 ]; } || die "$usage"

prepare_bench
out=$ROOT/target/soak
rm -rf "$out"
mkdir -p "$out"
# The tree and the program as they are now: either may be built anew meanwhile.
cp -a "$dist" "$out/dist"
cp -a "$classes" "$out/classes"
classes=$out/classes
dist=$out/dist
status=0
bench soak "$dist" "$minutes" "$out/samples.tsv" || status=$?
[ ! -s "$out/samples.tsv" ] || draw soak "$out/samples.tsv" "$out"
exit "$status"
