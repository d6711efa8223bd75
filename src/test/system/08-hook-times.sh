#!/bin/sh
# The delay of 200 builds by their hooks, with a running worker and without
#
# Runs alone: it measures.

# shellcheck source=src/test/system/scenario.sh
. "$NPBHQ_TEST_DIR/scenario.sh"

settings NPBHQ_UPLOAD_TO=ssh://cache@localhost NPBHQ_IDLE_TIMEOUT=1h
times=0
while [ $times -lt 20 ]; do
    root systemctl stop $name.service 2>/dev/null
    build "cold$times" 1
    times=$((times + 1))
done
printf 'cold, the worker has to be started: %s\n' "$(hook_times)"
check "cold: every hook took less than 5 s" at_most "$(longest_hook)" 5000
check "cold: every hook handed its path over itself" nothing_spooled

forget_hooks
build warm 180
printf 'warm, the worker runs: %s\n' "$(hook_times)"
check "warm: every hook took less than 2 s" at_most "$(longest_hook)" 2000
check "warm: every hook handed its path over itself" nothing_spooled
check "every hook gave 0" every_hook_gave_0
until_ok 60 "all 200 are delivered" delivered
