#!/bin/sh
# The rights of other users of the machine

# shellcheck source=src/test/system/scenario.sh
. "$NPBHQ_TEST_DIR/scenario.sh"

settings NPBHQ_UPLOAD_TO=ssh://cache@localhost NPBHQ_IDLE_TIMEOUT=1h
root systemctl restart $name.service
gate_close
build held 1
path=$(cat "$machine/paths")
socket=/run/nix-post-build-hook-queue.sock
refused() { ! as "$@" </dev/null; }

check "another user cannot connect" refused mallory socat -u OPEN:/dev/null UNIX-CONNECT:$socket
check "nor by the command, which says so" refused mallory nix-post-build-hook-queue status
check "nor list the state directory" refused mallory ls $state
check "nor the spool" refused mallory ls $state/spool
check "nor the cache" refused mallory ls /var/cache/$name
check "nor read the signing key where the administrator put it" refused mallory cat /etc/credstore/$name.signing-key
check "nor where the worker has it" refused mallory cat /run/credentials/$name.service/$name.signing-key
check "nor the worker's environment" refused mallory cat "/proc/$(show MainPID)/environ"
check "nor the administrator's settings, which may have passwords" refused mallory cat /etc/$name/environment
check "nor put anything among the GC roots" refused mallory ln -s /nix/store/x /nix/var/nix/gcroots/$name/x
check "the key is on no command line" not root sh -c 'cat /proc/[0-9]*/cmdline | tr "\0" "\n" | grep "test-1[:]"'
check "nor in a core dump: core dumps are disabled" root grep 'Max core file size  *0  *0' "/proc/$(show MainPID)/limits"
check "nor in a core dump that is piped to a program: it contains no memory" root grep -qx 00000000 "/proc/$(show MainPID)/coredump_filter"
check "nor in the journal" not root sh -c 'journalctl -b | grep "test-1:"'

# The mode from an older version or an editor: systemd-tmpfiles corrects it at every boot.
root sh -c "chmod 644 /etc/$name/environment; systemd-tmpfiles --create $name.conf"
check "world-readable settings are private after the next boot" refused mallory cat /etc/$name/environment

# The drop-in of the manual page.
dropin socket '[Socket]' 'SocketGroup=queue-users' 'SocketMode=0660'
root systemctl stop $name.service $name.socket 2>/dev/null
root systemctl start $name.socket $name.service
check "a member of the socket's group can read the status" as member nix-post-build-hook-queue status
check "and queue" as member nix-post-build-hook-queue "$path"
check "but not drop" refused member nix-post-build-hook-queue drop "$path"
told() { as member nix-post-build-hook-queue drop "$path" 2>&1 </dev/null | grep 'for root'; }
check "and is told why" told
check "nor pause" refused member nix-post-build-hook-queue pause
check "nor retry" refused member nix-post-build-hook-queue retry
check "nor have destinations checked" refused member nix-post-build-hook-queue check
check "a user outside the group still cannot" refused mallory nix-post-build-hook-queue status
gate_open
until_ok 30 "the path is delivered, since nobody dropped it" delivered

# The keys may as well be stored encrypted.
root sh -eu <<'E2'
for key in signing-key ssh-key; do
    mkdir -p -m 700 /etc/credstore.encrypted
    systemd-creds encrypt --with-key=host --name=nix-post-build-hook-queue.$key \
        /etc/credstore/nix-post-build-hook-queue.$key /etc/credstore.encrypted/nix-post-build-hook-queue.$key
    rm /etc/credstore/nix-post-build-hook-queue.$key
done
E2
root systemctl restart $name.service
build encrypted 1
until_ok 30 "encrypted credentials do as well" delivered
check "and sign" signed
