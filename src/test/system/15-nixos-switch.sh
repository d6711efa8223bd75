#!/bin/sh
# NixOS: a switch from the original, to another socket, and to another version, during builds
#
# nixos/tests/switch-to-configuration plays NixOS' own.

# shellcheck source=src/test/system/scenario.sh
. "$NPBHQ_TEST_DIR/scenario.sh"

units=/etc/systemd/system
socket=/run/$name.sock

# render OPTION...: the module's units, on this side, with these lines in its configuration.
render() {
    sh "$NPBHQ_TEST_SOURCE/nixos/tests/render" "$machine/units" /usr/local "({
        enable = true;
        uploadTo = \"ssh://cache@localhost\";
        signingPrivateKeyPath = \"/etc/credstore/nix-post-build-hook-queue.signing-key\";
        sshPrivateKeyPath = \"/etc/credstore/nix-post-build-hook-queue.ssh-key\";
        idleTimeout = \"2s\";
        $*
    })"
}

# switch OPTION...: to that configuration.
switch() {
    render "$@" || return 1
    root mkdir -p /srv/next/bin /srv/next/units
    for unit in $name.socket $name.service $name-switch.service; do
        root tee "/srv/next/units/$unit" <"$machine/units/$unit" >/dev/null
    done
    root cp /src/nixos/tests/switch-to-configuration /srv/next/bin/
    root sh /srv/next/bin/switch-to-configuration
}

answers() { root env NPBHQ_SOCKET="$1" /usr/local/bin/$name status >/dev/null; }
# With the journal of the module's own unit.
evidence() { root journalctl -b --no-pager -o short-precise -n 25 -u "$name" -u "$name.socket" -u "$name-switch" | sed 's/^/  | /'; }
main_pid() { show MainPID; }
# Of the worker that runs.
has_variable() { root sh -c "tr '\\0' '\\n' <'/proc/$(main_pid)/environ'" | grep -qx "$1"; }
copies() { root pgrep -f 'sh /srv/serve' | sort | tr '\n' ' '; }
journal_says() { root journalctl -b -o cat -u $name-switch.service | grep -q "$1"; }

root install -D -m 644 /src/nixos/switch.sh /usr/local/lib/$name/switch.sh
until_ok 20 "the worker of the boot ends" ended

# --- from the original: a datagram socket, and a program that reads it and never ends
root systemctl stop $name.socket $name.service 2>/dev/null
root tee $units/$name.socket >/dev/null <<E2
[Socket]
ListenDatagram=$socket
[Install]
WantedBy=sockets.target
E2
root tee $units/$name.service >/dev/null <<'E2'
[Service]
ExecStart=/bin/sh -c 'exec cat <&3 >/srv/original'
DynamicUser=yes
ReadWritePaths=/srv
E2
root install -m 666 /dev/null /srv/original
root systemctl daemon-reload
root systemctl start $name.socket
root sh -c "echo /nix/store/original | socat -u - UNIX-SENDTO:$socket"
until_ok 10 "the original takes datagrams" root grep -q original /srv/original
original=$(main_pid)

build during 40 &
building=$!
check "the switch to the module's units succeeds" switch ""
check "the original is gone" not root test -e "/proc/$original"
check "the socket is a stream socket that answers" answers $socket
check "the journal says why it was restarted" journal_says 'nothing listens at.*restarting'
wait $building
until_ok 60 "what was built meanwhile is delivered" delivered
check "every hook gave 0" every_hook_gave_0
check "no hook took longer than 6 s" at_most "$(longest_hook)" 6000
quote "after the switch from the original"

before=$(root stat -c %i $socket)
check "another switch succeeds" switch 'logLevel = "debug";'
check "and keeps the socket" equal "$before" "$(root stat -c %i $socket)"

# --- another socket
forget_builds
build socket 20 &
building=$!
check "a switch to another socketPath succeeds" switch 'socketPath = "/run/uploads.sock";'
check "the new path answers" answers /run/uploads.sock
check "the old one does not" not answers $socket
check "a switch to another socketGroup succeeds" switch 'socketGroup = "queue-users";'
check "the group may connect" equal "$(root stat -c %G:%a $socket)" queue-users:660
check "and is answered" as member nix-post-build-hook-queue status
wait $building
until_ok 60 "what was built meanwhile is delivered" delivered
check "every hook gave 0" every_hook_gave_0
# The administrator has closed the socket: a switch without need does not open it.
root systemctl stop $name.service $name.socket 2>/dev/null
mend() { root /bin/sh /usr/local/lib/$name/switch.sh mend; }
check "a deliberately stopped socket is not restarted" mend
check "and stays closed" not listening
root systemctl reset-failed $name.socket # so many switches in so few seconds are more than it starts

# --- another version
forget_builds
check "a switch back opens it" switch ''
gate_close
build large 1
until_ok 20 "a copy is under way" in_flight
old=$(main_pid)
flying=$(copies)
for level in debug info warn; do
    check "a switch in the middle of the upload does not wait for it" switch "logLevel = \"$level\";"
    check "the worker keeps running" equal "$(main_pid)" "$old"
    check "and its upload" equal "$(copies)" "$flying"
done
again_and_again() { for _ in 1 2 3 4 5 6 7 8; do root systemctl restart $name-switch.service || return 1; done; }
check "no number of switches in a few seconds is too many" again_and_again
until_ok 10 "it asked the worker to restart by itself" journal_says 'restarts by itself: restart due: waits for 1 running copy'
gate_open
until_ok 30 "the upload arrives" delivered
replaced() { [ "$(main_pid)" != "$old" ]; }
until_ok 20 "then the worker is replaced, or has ended" replaced
build newer 1
until_ok 30 "and the next path is delivered" delivered
check "no path was blamed" none_failed

# --- while a destination is down, no upload runs, so the worker is replaced at once
destination_down
build down 4
down() { client status | grep -q 'down since'; }
until_ok 40 "the destination is taken to be down" down
old=$(main_pid)
check "a switch succeeds" switch 'logLevel = "debug";'
runs_with() { replaced && has_variable "$1"; }
until_ok 20 "the worker is replaced at once, with its new settings" runs_with NPBHQ_LOG_LEVEL=debug
destination_up
check "a retry is taken" client retry
until_ok 60 "all is delivered" delivered

# --- continuous uploads: the worker is replaced in between
# Each copy takes longer than the interval between two queries.
root sh -c "sed -i '1i sleep 0.7' /srv/serve"
root sh -c "echo NPBHQ_BATCH_SIZE=1 >>/etc/$name/environment"
root systemctl restart $name.service
build steady 30
until_ok 20 "a copy is under way" in_flight
old=$(main_pid)
check "a switch succeeds" switch 'logLevel = "warn";'
until_ok 40 "the worker is replaced in the middle of its work" runs_with NPBHQ_LOG_LEVEL=warn
until_ok 90 "all is delivered" delivered
check "no path was blamed" none_failed
