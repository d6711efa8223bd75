#!/bin/sh
# systemctl reload puts new settings in force and loses no running copy; wrong settings change nothing

# shellcheck source=src/test/system/scenario.sh
. "$NPBHQ_TEST_DIR/scenario.sh"

reload() { root systemctl reload $name.service; }
pid_is_not() { now=$(show MainPID) && [ "$now" != 0 ] && [ "$now" != "$1" ]; }
runs_with() { root sh -c "tr '\\0' '\\n' <'/proc/$(show MainPID)/environ'" | grep -qx "$1"; }
status_says() { client status >"$machine/said" 2>&1 && cat "$machine/said" && grep -qF "$1" "$machine/said"; }
exited_with_failure() { root journalctl -b -o cat -u $name.service | grep -E "Failed with result|code=exited, status=75"; }
copies() { root pgrep -f 'sh /srv/serve' | sort | tr '\n' ' '; }

until_ok 20 "the worker of the boot ends" ended
check "a reload of a worker that does not run is refused by systemd: the next one reads the settings anyway" not reload

gate_close
build before 1
until_ok 20 "a copy is under way" in_flight
old=$(show MainPID)
flying=$(copies)
root cat /etc/$name/environment >"$machine/settings"

settings "$(cat "$machine/settings")" NPBHQ_PARALLEL=0
until_ok 10 "status says that the settings were edited" status_says "restart due: /etc/$name/environment was edited"
check "and names the command" status_says "systemctl reload $name"
check "wrong settings are refused" not reload
check "with the mistake in the journal" root sh -c \
    "journalctl -b -o cat -u $name.service | grep -F 'NPBHQ_PARALLEL: not a whole number from 1 to 16: 0'"
check "the worker goes on" equal "$(show MainPID)" "$old"

settings "$(cat "$machine/settings")" NPBHQ_PARALLEL=3
check "a reload with good ones does not wait for the copy" reload
check "the worker goes on" equal "$(show MainPID)" "$old"
check "and its copy" equal "$(copies)" "$flying"
check "the unit is active" state_is active
check "nothing went wrong in the client" not root sh -c "journalctl -b -o cat -u $name.service | grep -i 'i/o error'"
check "status says what the restart waits for" status_says "restart due: waits for 1 running copy"
quote "while a restart is due"
client wait timeout=90s >"$machine/waited" 2>&1 &
waiting=$!
forget_hooks
build during 5
check "every hook gave 0" every_hook_gave_0
check "the new paths wait in the queue" equal "$(copies)" "$flying"
gate_open
until_ok 30 "another worker runs" pid_is_not "$old"
until_ok 10 "with the new settings" runs_with NPBHQ_PARALLEL=3
until_ok 60 "everything is delivered" delivered
check "a client that waited asks again, and is told" wait $waiting
copied_once() { [ "$(root journalctl -b -o cat -u $name.service | grep -c 'delivered .*before')" -eq 1 ]; }
check "the running copy was not sent again" copied_once
check "nothing was interrupted" not root sh -c "journalctl -b -o cat -u $name.service | grep 'interrupted, still queued'"
check "no path was blamed" none_failed
check "systemd saw no failure" not exited_with_failure
check "the socket listens" listening
until_ok 60 "the worker ends when it is idle" ended

# More often than any start limit would allow.
times=0
while [ $times -lt 8 ]; do
    root systemctl start $name.service
    check "reload number $times" reload
    times=$((times + 1))
done
build after 2
until_ok 60 "the queue still works" delivered
check "the socket listens" listening
