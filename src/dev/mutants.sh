#!/bin/sh
# ./dev mutants [CLASSES]: small changes to the policy, the parser and the queue's decisions, one at a time, by PIT; the
# tests must notice nine out of ten. CLASSES, with commas and *, for others. Takes half an hour. Prints how many were
# noticed, and those that were not; docs/reliability.md says why. The pages are in target/pit-reports.
set -eu

ROOT=$(CDPATH='' cd -- "$(dirname -- "$0")/../.." && pwd -P)
# shellcheck source=src/dev/lib.sh
. "$ROOT/src/dev/lib.sh"

need_maven
need_apt xsltproc
log=$ROOT/target/mutants.log
mkdir -p "$ROOT/target"
maven -Dfast -Pmutation test-compile pitest:mutationCoverage ${1:+"-DtargetClasses=$1"} >"$log" || {
    tail -n 20 "$log"
    die "ended with an error; see $log"
}
sed -n 's/^>> \(Generated .* mutations .*\)/\1/p' "$log"
xsltproc "$ROOT/src/dev/mutants.xsl" "$ROOT/target/pit-reports/mutations.xml"
