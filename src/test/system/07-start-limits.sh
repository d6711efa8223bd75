#!/bin/sh
# A worker that starts and exits for every build hits no start limit; if a start limit is hit anyway, no path is lost

# shellcheck source=src/test/system/scenario.sh
. "$NPBHQ_TEST_DIR/scenario.sh"

hit() { root journalctl -b -o cat -u $name.service -u $name.socket | grep -E 'start-limit-hit|trigger-limit-hit'; }

settings NPBHQ_UPLOAD_TO=ssh://cache@localhost NPBHQ_IDLE_TIMEOUT=0s
root systemctl restart $name.service
until_ok 20 "the worker ends at once with the shortest idle time" ended
before=$(starts)
times=0
while [ $times -lt 50 ]; do
    build "tiny$times" 1
    wait_for 20 "the worker to end" ended
    times=$((times + 1))
done
printf '%s starts of the worker for 50 builds; hooks: %s; %s spooled\n' "$(($(starts) - before))" "$(hook_times)" "$(spooled)"
check "each was started for its own" equal "$(($(starts) - before))" 50
check "every hook gave 0" every_hook_gave_0
check "no limit was hit" not hit
check "the socket listens" listening
until_ok 60 "all 50 are delivered" delivered
until_ok 15 "the worker ends" ended

dropin service '[Unit]' 'StartLimitIntervalSec=1h' 'StartLimitBurst=2'
forget_hooks
times=0
while listening && [ $times -lt 10 ]; do
    build "limited$times" 1
    wait_for 20 "the worker to end" ended
    times=$((times + 1))
done
check "a start limit, forced, closes the socket" equal "$(show Result socket)" service-start-limit-hit
# The build that hit the limit may have spooled already.
before=$(spooled)
build refused 5
check "the hooks spool" equal "$(spooled)" $((before + 5))
check "at once: all took less than 3 s" at_most "$(longest_hook)" 3000
check "every hook gave 0" every_hook_gave_0
quote "after the start limit"
root rm "/etc/systemd/system/$name.service.d/test.conf"
root systemctl daemon-reload
root systemctl reset-failed $name.service $name.socket
root systemctl start $name.socket $name.service
until_ok 60 "the next start takes the spool in and delivers it" delivered
check "the spool is empty" nothing_spooled
