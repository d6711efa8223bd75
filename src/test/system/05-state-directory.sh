#!/bin/sh
# The state directory is full, read-only, or has a wrong owner; the hook's message is correct, and the queue recovers

# shellcheck source=src/test/system/scenario.sh
. "$NPBHQ_TEST_DIR/scenario.sh"

# The hooks of the last build reported exactly $1 paths as not queued, and that is true.
said_not_queued() { equal "$(grep -c 'NOT queued' "$machine/log")" "$1"; }
fill() { root sh -c "cat /dev/zero >$state/filler" 2>/dev/null; [ "$(root df --output=avail $state | tail -n 1)" -eq 0 ]; }

# Queue the path with the command in the hook's message.
by_hand() { root xargs /usr/local/bin/nix-post-build-hook-queue <"$machine/paths" >/dev/null; }
delivered_by_hand() { by_hand && wait_for 10 "delivery" delivered; }

until_ok 20 "the worker of the boot ends" ended
owner=$(root stat -c %u:%g $state)
root mount -t tmpfs -o "size=1M,mode=700,uid=${owner%:*},gid=${owner#*:}" tmpfs $state
root install -d -m 700 -o "${owner%:*}" -g "${owner#*:}" $state/spool
check "the state directory has no room left" fill
build full 3
check "full: every hook gave 0" every_hook_gave_0
check "full: every hook took less than 6 s" at_most "$(longest_hook)" 6000
check "full: the build log says for each that it is NOT queued" said_not_queued 3
check "full: and nothing is in the spool" nothing_spooled
quote "with the state directory full"
root rm $state/filler
build room 3
check "as soon as there is room, paths are queued again" said_not_queued 0
lost=$(head -n 3 "$machine/paths")
tail -n 3 "$machine/paths" >"$machine/paths.new" && mv "$machine/paths.new" "$machine/paths"
until_ok 60 "room: what was taken is delivered without anybody's doing" delivered
printf '%s\n' "$lost" >"$machine/paths"
until_ok 30 "what was not queued can be queued by hand as the hook said" by_hand
until_ok 30 "and is delivered" delivered

forget_hooks
forget_builds
# Linux refuses while a file in it is open for writing.
until_ok 15 "the worker ends" ended
root mount -o remount,ro $state
build readonly 3
check "read-only: every hook gave 0" every_hook_gave_0
check "read-only: every hook took less than 6 s" at_most "$(longest_hook)" 6000
check "read-only: the build log says for each that it is NOT queued" said_not_queued 3
quote "with the state directory read-only"
root mount -o remount,rw $state
# During builds: one every second, so that the refusing worker always has requests.
keep_building() {
    again=$((again + 1))
    build "writable$again" 1
    sleep 1
    ! grep -q 'not queued\|NOT queued\|spool' "$machine/log"
}
again=0
until_ok 60 "writable again: while builds go on, paths are taken again" keep_building
until_ok 60 "and all, also what was not queued, is delivered" delivered_by_hand

root systemctl stop nix-post-build-hook-queue.service
root chown -R mallory:mallory $state
root chmod 700 $state
forget_hooks
forget_builds
build foreign 3
check "somebody else's: every hook gave 0" every_hook_gave_0
until_ok 60 "systemd gives the directory back to the service, and all is delivered" delivered
check "the directory is the service's own again" equal "$(root stat -c %U $state)" nix-post-build-hook-queue
until_ok 15 "the worker ends" ended
check "no GC root is left" no_roots
