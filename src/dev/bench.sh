#!/bin/sh
# ./dev bench [--quick] [ROW...]: measures performance. Each figure has a reference that is measured in turn
# with it. Prints a table and writes the figures to target/bench/bench.json. --quick takes under 3 minutes and writes to
# target/bench/quick.json. With ROWs (the names in the first column of the output) it measures only these and keeps the
# file's other rows. DIST=TREE measures another tree than target/dist.
#
# ./dev bench show [FILE]: prints a file's table again. ./dev bench publish [FILE]: puts the table and charts into
# docs/performance.md.
set -eu

ROOT=$(CDPATH='' cd -- "$(dirname -- "$0")/../.." && pwd -P)
# shellcheck source=src/dev/lib.sh
. "$ROOT/src/dev/lib.sh"
. "$ROOT/src/dev/bench-lib.sh"

out=$ROOT/target/bench
case ${1-} in
    show)
        compile_programs bench
        bench show "${2-$out/bench.json}"
        exit
        ;;
    publish)
        # The figures of docs/performance.md come from this machine's last full run.
        compile_programs bench
        docs=$ROOT/docs
        mkdir -p "$docs/performance"
        cp "${2-$out/bench.json}" "$docs/performance/bench.json"
        draw_figures "$docs/performance/bench.json" "$docs/performance"
        if [ -s "$ROOT/target/soak/samples.tsv" ]; then cp "$ROOT/target/soak/samples.tsv" "$docs/performance/soak.tsv"; fi
        [ ! -s "$docs/performance/soak.tsv" ] || draw soak "$docs/performance/soak.tsv" "$docs/performance"
        bench show "$docs/performance/bench.json" | sed '/^\//d' >"$out/shown"
        awk -v shown="$out/shown" '
            /^<!-- end of figures -->/ { inside = 0 }
            !inside { print }
            /^<!-- figures:/ { inside = 1; while ((getline line <shown) > 0) print line; print "" }
        ' "$docs/performance.md" >"$out/page"
        cp "$out/page" "$docs/performance.md"
        exit
        ;;
esac

depth=full
file=$out/bench.json
if [ "${1-}" = --quick ]; then
    depth=quick
    file=$out/quick.json
    shift
fi
case ${1-} in -*) die "usage: ./dev bench [--quick] [ROW...] | show [FILE] | publish [FILE]" ;; esac
prepare_bench
commit=$(git -C "$ROOT" describe --always --dirty 2>/dev/null || echo unknown)
bench bench "$dist" "$depth" "$commit" "$file" "$@"
