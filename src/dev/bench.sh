#!/bin/sh
# ./dev bench [--quick] [--dist TREE] [ROW...]: how fast this is, each figure beside that of a reference measured in the
# same minutes, in turn with it. Prints a table and leaves the figures in target/bench/bench.json, those of --quick
# (under 3 minutes) in target/bench/quick.json. With ROWs, the names that it prints first, only these are measured anew.
#
# ./dev bench show [FILE]: the table of a file again. ./dev bench charts [FILE [DIR]]: charts from it, in target/bench or DIR.
set -eu

ROOT=$(CDPATH='' cd -- "$(dirname -- "$0")/../.." && pwd -P)
# shellcheck source=src/dev/lib.sh
. "$ROOT/src/dev/lib.sh"
. "$ROOT/src/dev/bench-lib.sh"

out=$ROOT/target/bench
case ${1-} in
    show)
        compile_bench
        bench show "${2-$out/bench.json}"
        exit
        ;;
    charts)
        compile_bench
        bench charts "${2-$out/bench.json}" "${3-$out}"
        exit
        ;;
esac

depth=full
file=$out/bench.json
dist=
while [ $# -gt 0 ]; do
    case $1 in
        --quick)
            depth=quick
            file=$out/quick.json
            ;;
        --dist)
            [ $# -gt 1 ] || die "--dist needs a tree"
            dist=$(CDPATH='' cd -- "$2" && pwd -P)
            shift
            ;;
        -*) die "usage: ./dev bench [--quick] [--dist TREE] [ROW...] | show [FILE] | charts [FILE [DIR]]" ;;
        *) break ;;
    esac
    shift
done
prepare_bench
commit=$(git -C "$ROOT" describe --always --dirty 2>/dev/null || echo unknown)
bench bench "$dist" "$depth" "$commit" "$file" "$@"
