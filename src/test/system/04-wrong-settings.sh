#!/bin/sh
# The settings are wrong; builds continue, and their paths are delivered after the correction

# shellcheck source=src/test/system/scenario.sh
. "$NPBHQ_TEST_DIR/scenario.sh"

until_ok 20 "the worker of the boot ends" ended
before=$(starts)
settings NPBHQ_UPLOAD_TO=nowhere NPBHQ_BATCH_SIZE=none
build wrong 30
printf 'hooks: %s\n' "$(hook_times)"
check "every hook gave 0" every_hook_gave_0
check "every hook took less than 5 s" at_most "$(longest_hook)" 5000
check "every path was left in the spool" equal "$(spooled)" 30
check "and is kept from the garbage collector" equal "$(roots)" 30
check "the status says what is wrong" root sh -c \
    'systemctl show -P StatusText nix-post-build-hook-queue.service | tee /dev/stderr | grep NPBHQ_UPLOAD_TO | grep NPBHQ_BATCH_SIZE'
quote "with wrong settings"
checked() { client check >"$machine/checked"; [ $? = 1 ] && cat "$machine/checked" && grep -q '^FAIL  settings: NPBHQ_BATCH_SIZE: ' "$machine/checked"; }
check "the check fails, and has each mistake on a line" checked
check "the journal has both mistakes as errors" root sh -c \
    'journalctl -b -p err -o cat -u nix-post-build-hook-queue | tee /dev/stderr | grep -q NPBHQ_BATCH_SIZE'
until_ok 30 "after a while without hooks the unit is failed" state_is failed
check "with the status for configuration mistakes" equal "$(show ExecMainStatus)" 78
quote "when it has given up"
check "it was started once for all this" equal "$(starts)" $((before + 1))
check "the socket still listens" listening

settings NPBHQ_UPLOAD_TO=ssh://cache@localhost NPBHQ_IDLE_TIMEOUT=1s
build mended 1
until_ok 40 "the next build brings all of it to the destination" delivered
check "the spool is empty" nothing_spooled
until_ok 15 "the worker ends" ended
check "no GC root is left" no_roots
