#!/bin/sh
# ./dev soak [--minutes N]: runs one worker for N minutes (60). Paths arrive steadily through the real hook.
# Real Nix signs them and copies them to a file:// cache; a second destination is a program. Each destination is down for
# a tenth of the time. Samples memory, descriptors, threads, children, database, log and queue every 5 s into
# target/soak/samples.tsv, and draws target/soak/soak.svg. Exit status 1 if the second half needs more resources than the
# first, if a path has not arrived, or if the worker does not exit by itself and clean up.
#
# ./dev soak judge FILE: checks that a file's samples do not grow.
set -eu

ROOT=$(CDPATH='' cd -- "$(dirname -- "$0")/../.." && pwd -P)
# shellcheck source=src/dev/lib.sh
. "$ROOT/src/dev/lib.sh"
. "$ROOT/src/dev/bench-lib.sh"

usage='usage: ./dev soak [--minutes N] | judge FILE   (N: 1 to 1440)'
case $#,${1-} in
    0,) minutes=60 ;;
    2,--minutes) minutes=$2 ;;
    2,judge)
        compile_programs bench
        bench flat "$2"
        exit
        ;;
    *) die "$usage" ;;
esac
case $minutes in '' | *[!0-9]* | ?????*) die "$usage" ;; esac
{ [ "$minutes" -ge 1 ] && [ "$minutes" -le 1440 ]; } || die "$usage"

prepare_bench
out=$ROOT/target/soak
rm -rf "$out"
mkdir -p "$out"
# Copy the tree and the classes: a build may replace them meanwhile.
cp -a "$dist" "$out/dist"
cp -a "$classes" "$out/classes"
classes=$out/classes
dist=$out/dist
status=0
bench soak "$dist" "$minutes" "$out/samples.tsv" || status=$?
[ ! -s "$out/samples.tsv" ] || draw soak "$out/samples.tsv" "$out"
exit "$status"
