#!/bin/sh
# The programs of ./dev bench and ./dev soak: that they compile, compute and judge as they should, that figures are drawn, that the worker
# can still be measured by them, and that what docs/performance.md shows is what its files of figures say.
. "$(dirname -- "$0")/lib.sh"

ROOT=$(CDPATH='' cd -- "$here/../../.." && pwd -P)
# shellcheck source=src/dev/lib.sh
. "$ROOT/src/dev/lib.sh"
# shellcheck source=src/dev/bench-lib.sh
. "$ROOT/src/dev/bench-lib.sh"
figures=$ROOT/docs/performance

test_that "the programs compile without a warning"
must compile_programs bench

# Two ratios, one that meets its goal and one that does not, and a plain figure.
row() { printf '{"id":"%s","what":"%s","unit":"%s","ours":[%s],"reference":[%s],"against":"%s","goal":%s,"details":{},"load_before":1.5}' "$@"; }
cat >figures.json <<END
{"machine":{"cores":2,"cpu":"a","memory":"b","kernel":"c","system":"d","file_system":"e","jdk":"f","nix":"g","socat":"h"},
"quick":true,"rows":[
$(row good 'a <good> one' ms 9,10,13 10,8,12 other '{"most":true,"limit":1.3}'),
$(row bad 'a bad one' ms 3,2,400 1,1,1 other '{"most":true,"limit":1.3}'),
$(row rate 'a rate' paths/s 1000,30000,20001 '' '' '{"most":false,"limit":20000}')]}
END

test_that "a table has medians, their spread and ratio, and says which goals are met"
must bench show figures.json >table
must grep -qE '^\| a <good> one +\| 10 \(9–13\) ms +\| 10 \(8–12\) ms: other +\| 1\.00 \(0\.90–1\.25\) +\| ≤ 1\.3 +\| met +\|$' table
must grep -qE '^\| a bad one +\| 3 \(2–400\) ms .*\| 3\.00 \(2\.00–400\.00\) +\| ≤ 1\.3 +\| NOT MET +\|$' table
must grep -qE '^\| a rate +\| 20,001 \(1,000–30,000\) paths/s +\| +\| +\| ≥ 20,000 +\| met +\|$' table

test_that "a file that is not JSON is refused"
head -n 3 figures.json >half.json
must not bench show half.json 2>errors
must has_part errors "not JSON"

# samples GROWTH: an hour of them.
samples() {
    printf 'seconds\trss_kb\tpss_kb\tdescriptors\tthreads\tdatabase\twal\tchildren\tqueued\tfailed\tarrived\troots\tcpu_seconds\tcache_down\tprogram_down\n'
    awk -v growth="$1" 'BEGIN { for (t = 0; t < 3600; t += 5)
        printf "%d\t%d\t50000\t%d\t20\t%d\t4000000\t%d\t1\t0\t%d\t3\t9\t%d\t0\n", t, 70000 + growth * t, 17 + t % 3, 4096 + t * 60, t % 2, t / 3, t % 600 < 60 }'
}
test_that "a soak whose memory stays is flat, and one whose memory grows by 5 MB in half an hour is not"
samples 0 >flat.tsv
samples 3 >growing.tsv
must bench flat flat.tsv >judged
must not bench flat growing.tsv >judged
must has_part judged "rss_kb"

if [ -x "$ROOT/target/dist/bin/nix-post-build-hook-queue" ] && command -v nix >/dev/null; then
    test_that "a real worker is measured: it leaves no process behind, and its memory is a number"
    must bench bench "$ROOT/target/dist" quick test real.json left-behind >measured 2>&1
    must has_part measured "processes left after the idle time"
    must has_part real.json '"verdict":"met"'
else
    echo "left out, for want of target/dist or Nix: measuring a real worker"
fi

# drawn_from CHART: what its last line says.
drawn_from() { sed -n '$s/^<!-- drawn from \(.*\) -->$/\1/p' "$1"; }
test_that "the table and the charts of docs/performance.md are those of its files of figures"
must bench show "$figures/bench.json" >table
grep '^|' table >rows
must at_least "$(wc -l <rows)" 10
while IFS= read -r line; do must has "$ROOT/docs/performance.md" "$line"; done <rows
must draw_figures "$figures/bench.json" drawn
must draw soak "$figures/soak.tsv" drawn
for chart in growth parallel soak; do
    must equal "$(drawn_from "drawn/$chart.svg" | wc -c)" 65
    must equal "$(drawn_from "$figures/$chart.svg")" "$(drawn_from "drawn/$chart.svg")"
done

test_that "a chart shows what was measured: a curve where there are figures, and none where there are none"
must grep -q 'growth_plot_1' drawn/growth.svg
must draw_figures figures.json empty
must not [ -e empty/growth.svg ]

finish
