#!/bin/sh
# The destination is down during 300 builds
#
# That is longer than systemd's start limit looks back (10 s), with the shortest sensible idle time.

# shellcheck source=src/test/system/scenario.sh
. "$NPBHQ_TEST_DIR/scenario.sh"

settings NPBHQ_UPLOAD_TO=ssh://cache@localhost NPBHQ_IDLE_TIMEOUT=1s
destination_down
began=$(date +%s)
build outage 300 2
while [ $(($(date +%s) - began)) -lt 15 ]; do sleep 0.2; done
printf 'down for %s s; hooks: %s\n' "$(($(date +%s) - began))" "$(hook_times)"
check "every hook gave 0" every_hook_gave_0
check "every hook took less than 5 s" at_most "$(longest_hook)" 5000
check "all 300 are queued" equal "$(queued)" 300
check "neither unit has failed" not root systemctl -q is-failed nix-post-build-hook-queue.service nix-post-build-hook-queue.socket
check "the status says that the destination is down" root sh -c \
    'systemctl show -P StatusText nix-post-build-hook-queue.service | tee /dev/stderr | grep "down since"'
quote "with the destination down"

destination_up
until_ok 90 "all is delivered once it is up again" delivered
until_ok 15 "the worker ends" ended
check "no GC root is left" no_roots
check "no path has failed" none_failed
