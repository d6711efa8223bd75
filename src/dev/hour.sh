#!/bin/sh
# ./dev hour [--minutes N]: a build machine's busy hour (or N minutes) with a real worker, Nix, node_exporter and
# Prometheus, and the curves of docs/grafana's dashboard over it as docs/pictures/hour.svg: the same expressions, drawn by
# a program of ours since there is no Grafana to be had as a Debian package. docs/operating.md shows it.
set -eu

ROOT=$(CDPATH='' cd -- "$(dirname -- "$0")/../.." && pwd -P)
# shellcheck source=src/dev/lib.sh
. "$ROOT/src/dev/lib.sh"
. "$ROOT/src/dev/bench-lib.sh"

usage='usage: ./dev hour [--minutes N]   (N: 4 to 1440)'
minutes=60
case $# in
    0) ;;
    2) [ "$1" = --minutes ] || die "$usage"; minutes=$2 ;;
    *) die "$usage" ;;
esac
case $minutes in '' | *[!0-9]* | ?????*) die "$usage" ;; esac
{ [ "$minutes" -ge 4 ] && [ "$minutes" -le 1440 ]; } || die "$usage"

prepare_bench
scratch=$(mktemp -d /tmp/npbhq-hour.XXXXXX)
exporter=
prometheus=
end() {
    status=$?
    trap - EXIT
    for process in $exporter $prometheus; do if kill "$process" 2>/dev/null; then wait "$process" 2>/dev/null || true; fi; done
    rm -rf "$scratch"
    exit "$status"
}
trap end EXIT
trap 'exit 130' HUP INT TERM

node_exporter=$(debian_program "$scratch/debian" prometheus-node-exporter prometheus-node-exporter)
server=$(debian_program "$scratch/debian" prometheus prometheus)
# The tree and the program as they are now: either may be built anew meanwhile.
cp -a "$dist" "$scratch/dist"
cp -a "$classes" "$scratch/classes"
classes=$scratch/classes
mkdir "$scratch/textfile"

"$node_exporter" --collector.disable-defaults --collector.textfile --collector.textfile.directory="$scratch/textfile" \
    --web.listen-address=127.0.0.1:0 --log.level=info >"$scratch/exporter.log" 2>&1 &
exporter=$!
address=
while [ -z "$address" ]; do
    kill -0 "$exporter" || die "node_exporter does not run: $(cat "$scratch/exporter.log")"
    sleep 0.1
    address=$(sed -n 's/.*address=\(127\.0\.0\.1:[1-9][0-9]*\).*/\1/p' "$scratch/exporter.log" | tail -n 1)
done

cat >"$scratch/prometheus.yml" <<E2
global: { scrape_interval: 5s }
scrape_configs: [ { job_name: builder, static_configs: [ { targets: ['$address'] } ] } ]
E2
port=$((20000 + $$ % 10000))
"$server" --config.file="$scratch/prometheus.yml" --storage.tsdb.path="$scratch/tsdb" \
    --web.listen-address="127.0.0.1:$port" >"$scratch/prometheus.log" 2>&1 &
prometheus=$!

say "$minutes minutes of a busy build machine"
from=$(date +%s)
bench hour "$scratch/dist" "$minutes" "$scratch/textfile/nix-post-build-hook-queue.prom"
kill -0 "$prometheus" || die "prometheus has ended: $(tail -n 3 "$scratch/prometheus.log")"
bench dashboard "$ROOT/docs/grafana/nix-post-build-hook-queue.json" "http://127.0.0.1:$port" "$from" \
    "$((from + minutes * 60))" "$ROOT/docs/pictures"
say "docs/pictures/hour.svg"
