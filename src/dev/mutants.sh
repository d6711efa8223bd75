#!/bin/sh
# ./dev mutants [CLASSES]: small changes to the policy, the parser and the queue's decisions, one at a time, by PIT; the
# tests must notice nine of ten. CLASSES, with commas and *, for others. Takes half an hour. Prints how many were
# noticed, and those that were not (docs/reliability.md says why); fails below nine of ten. Pages: target/pit-reports.
set -eu

ROOT=$(CDPATH='' cd -- "$(dirname -- "$0")/../.." && pwd -P)
# shellcheck source=src/dev/lib.sh
. "$ROOT/src/dev/lib.sh"

need_maven
log=$ROOT/target/mutants.log
mkdir -p "$ROOT/target"
ended=0
maven -Dfast -Pmutation test-compile pitest:mutationCoverage ${1:+"-DtargetClasses=$1"} >"$log" || ended=$?
sed -n 's/^>> \(Generated .* mutations .*\)/\1/p' "$log"
# file,class,mutator,method,line,result,test
awk -F, '$6 != "KILLED" && $6 != "TIMED_OUT" && NF > 5 {
    sub(/.*\./, "", $3); printf "%-12s %s:%s %s %s\n", $6, $1, $5, $4, $3
}' "$ROOT/target/pit-reports/mutations.csv"
[ "$ended" = 0 ] || die "$(grep -a 'ERROR' "$log" | head -n 3)"
