#!/bin/sh
# The machine dies with paths queued and in flight; the next boot delivers them without a command
#
# The test kills process 1, and with it all processes of the machine, between two instructions. It does not show the loss
# of unsynced data in a power failure: the overlay keeps all writes.

# shellcheck source=src/test/system/scenario.sh
. "$NPBHQ_TEST_DIR/scenario.sh"

gate_close
build flying 3
until_ok 20 "a copy is under way" in_flight
build waiting 20
check "every path is queued before its build ends" equal "$(queued)" 23
quote "before the cut"

machine_cut
machine_boot || exit 1
quote "after the boot"
until_ok 30 "all is delivered without anybody's doing" delivered
check "with signatures" signed
until_ok 10 "no GC root is left" no_roots
until_ok 15 "the worker ends" ended
check "the database was intact" not root sh -c 'ls /var/lib/nix-post-build-hook-queue | grep -E "damaged|corrupt|aside"'
