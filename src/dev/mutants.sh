#!/bin/sh
# ./dev mutants [CLASSES]: mutation testing with PIT of the policy, the parser and the queue's decisions, or of CLASSES
# (separated by commas, with * as wildcard). Takes half an hour. Prints the number of killed mutants and lists the
# survivors (docs/reliability.md explains them). Fails if the tests kill fewer than nine of ten. Reports:
# target/pit-reports.
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
