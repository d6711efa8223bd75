#!/bin/sh
# switch.sh mend | hand-over CLIENT: restarts changed units of the queue. switch-to-configuration never restarts a socket,
# and would restart a worker in the middle of an upload (the module disables that). The unit
# nix-post-build-hook-queue-switch.service runs this as root, at boot and whenever the queue's units have changed.
#
#   mend        Restarts the socket unit if the kernel's socket differs from the unit: another path, group or mode, or a
#               datagram socket of the original program under the same name. Exits at once.
#   hand-over   Sends "reload" to a worker that was started with older units: it restarts when its running uploads are
#               done. Does not wait for that. If the worker does not run, the next one uses the new units anyway.
#
# Needs systemctl, socat, stat and timeout, and CLIENT, the program nix-post-build-hook-queue.
set -eu

name=nix-post-build-hook-queue

show() { systemctl show -P "$1" "$name.$2"; }

# listens PATH: whether a stream socket listens there. /proc/net/unix is not reliable: a reader misses entries while sockets
# open and close.
listens() {
    status=0
    timeout 5 socat -u OPEN:/dev/null "UNIX-CONNECT:$1" 2>/dev/null || status=$?
    # A timeout (124) also means that a socket listens.
    [ "$status" != 1 ]
}

# trouble: prints the differences between the socket and its unit; nothing if there are none.
trouble() {
    mode=$(show SocketMode socket)
    owner="$(show SocketUser socket):$(show SocketGroup socket)"
    show Listen socket | while read -r path kind; do
        case $path in /*) ;; *) continue ;; esac
        if [ "$kind" != "(Stream)" ]; then
            echo "$path is not a stream socket in the unit: $kind"
        elif ! listens "$path"; then
            echo "nothing listens at $path"
        else
            is=$(stat -c %a "$path")
            [ "$is" = "${mode#0}" ] || echo "$path has mode $is instead of $mode"
            case $owner in :) owner=root:root ;; *:) owner=${owner}root ;; :*) owner=root$owner ;; esac
            is=$(stat -c %U:%G "$path")
            [ "$is" = "$owner" ] || echo "$path belongs to $is instead of $owner"
        fi
    done
}

mend() {
    # switch-to-configuration starts a stopped or failed socket like every unit.
    [ "$(show ActiveState socket)" = active ] || return 0
    why=$(trouble)
    [ -n "$why" ] || return 0
    echo "$why: restarting $name.socket" | tr '\n' ' '
    echo
    # The worker, or the original program, still uses the old socket.
    [ "$(show MainPID service)" = 0 ] || systemctl stop "$name.service"
    # Several switches in a row must not hit the start limit.
    systemctl reset-failed "$name.socket" 2>/dev/null || true
    systemctl restart "$name.socket"
    why=$(trouble)
    [ -z "$why" ] || {
        echo "after a restart of $name.socket: $why" >&2
        exit 1
    }
    # --no-block: the service starts only after this script has exited.
    systemctl start --no-block "$name.service"
}

# is_outdated: whether the running worker was started before systemd loaded the current units.
is_outdated() {
    [ "$(show MainPID service)" != 0 ] && [ "$(show ExecMainStartTimestampMonotonic service)" -lt "$read_at" ]
}

hand_over() {
    client=$1
    read_at=$(systemctl show -P UnitsLoadTimestampMonotonic)
    if ! is_outdated; then
        echo "the worker runs with the current units, or does not run"
    elif answer=$("$client" reload 2>&1); then
        echo "the worker restarts by itself: $answer"
    else
        # It does not know the word, or does not answer, and then it runs no upload.
        echo "the worker does not restart by itself, so it is restarted: $answer"
        systemctl restart "$name.service"
    fi
}

case ${1-} in
    mend) mend ;;
    hand-over) hand_over "$2" ;;
    *) echo "usage: switch.sh mend | hand-over CLIENT" >&2; exit 64 ;;
esac
