#!/bin/sh
# The worker is stopped, restarted, frozen and killed, always with work in the queue

# shellcheck source=src/test/system/scenario.sh
. "$NPBHQ_TEST_DIR/scenario.sh"

main_pid() { show MainPID; }
another_than() { now=$(main_pid); [ "$now" != 0 ] && [ "$now" != "$1" ] && state_is active; }
no_process() { ! root pgrep -u nix-post-build-hook-queue; }

gate_close
build stop 5
until_ok 20 "a copy is under way" in_flight
begin=$(date +%s)
root systemctl stop nix-post-build-hook-queue.service 2>/dev/null
check "systemctl stop takes no longer than 12 s" at_most $(($(date +%s) - begin)) 12
check "it leaves no process" no_process
check "and counts as a success" equal "$(show Result)" success
gate_open
build again 1
until_ok 30 "what was under way is delivered by the next worker" delivered
check "no path was blamed" none_failed

forget_hooks
build restart 40 &
building=$!
times=0
while [ $times -lt 5 ]; do
    root systemctl restart nix-post-build-hook-queue.service
    times=$((times + 1))
    sleep 0.3
done
wait $building
printf 'hooks during five restarts: %s\n' "$(hook_times)"
until_ok 60 "restarted five times under load, all is delivered" delivered
check "every hook gave 0" every_hook_gave_0

dropin service '[Service]' 'WatchdogSec=3s'
gate_close
root systemctl restart nix-post-build-hook-queue.service
build frozen 3
until_ok 20 "a copy is under way again" in_flight
frozen=$(main_pid)
root kill -STOP "$frozen"
until_ok 25 "systemd replaces a worker that hangs" another_than "$frozen"
check "and the journal says why" root sh -c 'journalctl -b -o cat -u nix-post-build-hook-queue | grep -i "watchdog timeout"'
gate_open
until_ok 60 "what it had at hand is delivered" delivered

# Faster than in production, where systemd would spread twenty crashes over minutes.
dropin service '[Service]' 'RestartSec=100ms' 'RestartSteps=0'
forget_hooks
build killed 100 &
building=$!
times=0
worker=0
while [ $times -lt 20 ]; do
    # The next one, once it works.
    wait_for 20 "another worker" another_than "$worker" || break
    worker=$(main_pid)
    root kill -KILL "$worker"
    times=$((times + 1))
done
check "the worker was killed twenty times" equal $times 20
wait $building
printf 'hooks during twenty kills: %s; %s spooled\n' "$(hook_times)" "$(spooled)"
check "every hook gave 0" every_hook_gave_0
check "every hook took less than 6 s" at_most "$(longest_hook)" 6000
until_ok 60 "killed twenty times under load, all is delivered" delivered
check "with signatures" signed
until_ok 20 "the worker ends" ended
check "no child is left" no_process
check "nothing is left in the spool" nothing_spooled
check "no GC root is left" no_roots
